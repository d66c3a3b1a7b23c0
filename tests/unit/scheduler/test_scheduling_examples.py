"""Examples of docs/scheduling.md that no other test works: the page and the code say the same."""

from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.forecast.ends import left_ms
from scheduler.forecast.history import History
from scheduler.model.fairshare import COMMITTED_MS, Share, change_rate, had
from scheduler.model.job import ReasonCode
from scheduler.model.levels import level
from scheduler.placing.placement import Fit, FreeCards
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    TENANT,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    happen,
    promised_ms,
    submit,
)

MINUTE_MS = 60_000
NODE = a_park(a_pool("east-npu", 1, 8))


def test_one_plan_grants_one_job_and_promises_the_other() -> None:
    state = a_state(park=NODE)
    submit(state, a_job("runs", device_count=4, limit_ms=2 * HOUR_MS))
    happen(state, a_lease("runs", a_placement("east-npu", 4)))
    happen(state, ev.Started(at_ms=0, attempt_id="runs.1"))
    submit(state, a_job("a", device_count=8))
    submit(state, a_job("b", device_count=2, limit_ms=HOUR_MS, submitted_at_ms=1))

    result = plan(state, 1)

    assert [grant.job_id for grant in result.grants] == ["b"]
    (reason,) = result.verdicts["a"].reasons
    assert reason.code is ReasonCode.DEVICES_BUSY
    assert promised_ms(result.verdicts["a"]) == 2 * HOUR_MS


def test_who_had_less_is_next_until_it_is_granted_more() -> None:
    now_ms, petaflops = HOUR_MS, 1_000
    steel, fish = Share(used=2 * petaflops * HOUR_MS, at_ms=now_ms), Share(at_ms=now_ms)
    change_rate(fish, petaflops, now_ms)

    assert had(fish, now_ms) == petaflops * HOUR_MS < had(steel, now_ms)
    assert had(fish, now_ms) + 2 * petaflops * COMMITTED_MS > had(steel, now_ms)


def test_of_three_runs_and_one_that_still_runs_the_longer_median_is_expected() -> None:
    job, history, now_ms = a_job(limit_ms=100 * HOUR_MS), History(), 10 * HOUR_MS
    for number, minutes in enumerate((5, 7, 60)):
        history.begin(job, f"{number}.1", number)
        history.end(f"{number}.1", minutes * MINUTE_MS)
    history.begin(job, "runs.1", now_ms - 10 * MINUTE_MS)

    assert history.expected_ms(job, now_ms) == 60 * MINUTE_MS


@pytest.mark.parametrize(("had_minutes", "ends_hour"), [(30, 1), (70, 8), (450, 8), (500, 64)])
def test_what_overstays_its_forecast_is_given_eight_times_as_long(
    had_minutes: int, ends_hour: int
) -> None:
    had_ms = had_minutes * MINUTE_MS

    assert had_ms + left_ms(HOUR_MS, had_ms) == ends_hour * HOUR_MS


@pytest.mark.parametrize(("minutes", "expected"), [(30, 2), (44, 2), (45, 3), (270, 4)])
def test_eight_cards_come_to_level_three_after_three_quarters_of_an_hour(
    minutes: int, expected: int
) -> None:
    assert level(8 * minutes * MINUTE_MS) == expected


@pytest.mark.parametrize(
    ("cards", "nodes"), [(2, ["three"]), (4, ["five"]), (8, ["eight"]), (16, None)]
)
def test_the_fullest_node_with_room_is_taken(cards: int, nodes: list[str] | None) -> None:
    free = FreeCards(8, {"eight": 8, "five": 5, "three": 3}.items())

    found = free.find(Fit(-(-cards // 8), min(cards, 8)))

    assert (found and [share.node_id for share in found]) == nodes
    assert free.total == 16


def test_of_a_kept_quota_others_take_what_is_spare_then() -> None:
    state = a_state(replace(TENANT, max_cards=16), park=a_park(a_pool("east-npu", 4, 8)))
    submit(state, a_job("runs", device_count=12, node_count=2, limit_ms=14 * HOUR_MS))
    happen(state, a_lease("runs", a_placement("east-npu", 6, 6)))
    submit(state, a_job("a", device_count=8))
    submit(state, a_job("b", device_count=4, limit_ms=18 * HOUR_MS, submitted_at_ms=1))
    submit(state, a_job("c", device_count=6, limit_ms=18 * HOUR_MS, submitted_at_ms=2))

    result = plan(state, 2)

    assert [grant.job_id for grant in result.grants] == ["b"]
    assert result.verdicts["a"].reasons[0].code is ReasonCode.TENANT_QUOTA
