"""Why a start that was told slides, worked by hand."""

from dataclasses import replace

import pytest

from scheduler.asking.ranking import ranking
from scheduler.asking.slips import Overstayed, Slip, ToldFirst
from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.policy import DEFAULT, EASY, Policy
from tests.builders import HOUR_MS, a_park, a_pool, a_state, a_tenant, submit
from tests.preemptive import LIMIT_MS, POOL, normal, run, wants

TOLD = ToldFirst(at_ms=HOUR_MS // 2, start_ms=HOUR_MS, pool_id=POOL)
"""Half an hour after those began of whom an hour is foretold."""


def brief(job_id: str, cards: int = 8) -> Job:
    """Its like have run for an hour."""
    return replace(normal(job_id, cards, checkpoint=None), name="brief")


def crowd(*jobs: Job) -> State:
    """They hold a node each since 0, and steel waits for all of a pool of four."""
    others = a_pool("west-npu", 1, 8)
    state = a_state(a_tenant("steel"), a_tenant("fish"), park=a_park(a_pool(POOL, 4, 8), others))
    for tenant_id in ("steel", "fish"):
        past = replace(brief("past"), tenant_id=tenant_id)
        state.history.begin(past, f"{tenant_id}.1", 0)
        state.history.end(f"{tenant_id}.1", HOUR_MS)
    for number, job in enumerate(jobs):
        run(state, job, *[0] * number, job.device_count)
    submit(state, wants("waits", 32))
    return state


def of(
    state: State, now_ms: int, told: ToldFirst = TOLD, policy: Policy = DEFAULT
) -> Overstayed | None:
    return slip_of(state, now_ms, told, policy).overstayed


def slip_of(state: State, now_ms: int, told: ToldFirst = TOLD, policy: Policy = DEFAULT) -> Slip:
    found = ranking(state, now_ms, "waits", policy, told)
    assert found is not None
    assert found.slip is not None
    return found.slip


@pytest.mark.parametrize(
    ("start_ms", "is_missed"),
    [(None, True), (HOUR_MS, False), (HOUR_MS + 112_499, False), (HOUR_MS + 112_500, True)],
)
def test_a_start_is_missed_by_a_sixteenth_of_what_was_to_be_waited(
    start_ms: int | None, is_missed: bool
) -> None:
    assert TOLD.is_missed(start_ms) is is_missed


@pytest.mark.parametrize(("late_ms", "is_missed"), [(59_999, False), (60_000, True)])
def test_a_start_that_was_near_is_missed_by_a_minute(late_ms: int, is_missed: bool) -> None:
    told = ToldFirst(at_ms=0, start_ms=1_000, pool_id=POOL)

    assert told.is_missed(1_000 + late_ms) is is_missed


def test_runs_that_were_to_be_over_by_then_are_counted() -> None:
    state = crowd(brief("a"), replace(brief("b", 4), tenant_id="fish"))

    found = of(state, HOUR_MS + 7)

    assert found == Overstayed(count=2, mine=1, cards=12, over_ms=7, until_ms=8 * HOUR_MS)


def test_nobody_overstays_before_the_forecast_is_over() -> None:
    state = crowd(brief("a"))

    assert of(state, HOUR_MS - 2) is None
    assert of(state, HOUR_MS) is not None


def test_who_was_not_to_be_over_by_then_keeps_nobody() -> None:
    state = crowd(brief("a"))

    assert of(state, HOUR_MS + 7, replace(TOLD, start_ms=HOUR_MS - 1)) is None
    assert of(state, HOUR_MS + 7, TOLD) is not None


def test_who_is_over_before_it_all_the_same_keeps_nobody() -> None:
    """It had overstayed when it was told, and is over by then; or its limit ends it by then."""
    state = crowd(brief("a"))

    assert of(state, HOUR_MS + 7, replace(TOLD, start_ms=8 * HOUR_MS)) is None
    state = crowd(replace(brief("a"), limit_ms=2 * HOUR_MS))
    assert of(state, HOUR_MS + 7, replace(TOLD, start_ms=2 * HOUR_MS)) is None


def test_what_had_overstayed_when_it_was_told_is_measured_from_there() -> None:
    told = ToldFirst(at_ms=HOUR_MS + 1, start_ms=8 * HOUR_MS, pool_id=POOL)
    state = crowd(brief("a"))

    found = of(state, 8 * HOUR_MS + 5, told)

    assert found == Overstayed(count=1, mine=1, cards=8, over_ms=5, until_ms=LIMIT_MS)


def test_other_pools_and_who_came_after_are_left_out() -> None:
    state = crowd(brief("a"))

    assert of(state, HOUR_MS + 7, replace(TOLD, pool_id="west-npu")) is None
    assert of(state, HOUR_MS + 7, replace(TOLD, at_ms=-1)) is None


def test_where_nothing_is_forecast_nothing_overstays_it() -> None:
    assert of(crowd(brief("a")), HOUR_MS + 7, policy=EASY) is None
    assert of(crowd(replace(brief("a"), user="new")), HOUR_MS + 7) is None
