"""Pools that a centre offers at some hours alone: who starts there, who is gone by the close."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.prices.rating import PriceBook
from cluster.hours import HINT, hours_of
from cluster.inventory import Park
from scheduler.asking.loads import loads
from scheduler.asking.ranking import ranking
from scheduler.facts import events as ev
from scheduler.facts.opening import by_hours
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, Job, JobState, Reason, ReasonCode
from scheduler.model.offered import LEAST_MS, MARGIN_MS
from scheduler.model.plan import Grant, Plan
from scheduler.model.policy import DEFAULT
from scheduler.model.tree import Tree
from scheduler.placing.placement import impossible
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.storage.codec import (
    decode_snapshot,
    decode_value,
    encode_snapshot,
    encode_value,
)
from tests.builders import (
    HOUR_MS,
    PARK_PRICES,
    TENANT,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    happen,
    ms,
    submit,
)
from tests.hand import Hand, runs
from tests.hand import submit as ask

POOL = "east-npu"
DAYTIME = hours_of(["daily 08:00-20:00"])
"""The moment 0 is 08:00 of a Thursday in the park."""
CLOSES_MS, OPENS_MS = 12 * HOUR_MS, 24 * HOUR_MS
PARK = a_park(replace(a_pool(POOL, 2, 8), hours=DAYTIME))
SAVES_ITSELF = Checkpoint(dir="out", signal="SIGTERM", grace_ms=60_000)


# What hours say.


@pytest.mark.parametrize(
    ("texts", "at", "closes", "opens"),
    [
        (["mon-fri 20:00-08:00"], "2026-11-26T21:00:00", "2026-11-27T08:00:00", None),
        (["mon-fri 20:00-08:00"], "2026-11-26T08:00:00", None, "2026-11-26T20:00:00"),
        (["mon-fri 20:00-08:00"], "2026-11-28T08:00:00", None, "2026-11-30T20:00:00"),
        (["sun 20:00-08:00"], "2026-11-30T07:59:00", "2026-11-30T08:00:00", None),
        (
            ["fri 20:00-24:00", "sat,sun 00:00-24:00"],
            "2026-11-27T20:00:00",
            "2026-11-30T00:00:00",
            None,
        ),
        (["fri-mon 00:00-24:00"], "2026-11-26T23:00:00", None, "2026-11-27T00:00:00"),
        (
            ["daily 00:00-06:00", "daily 18:00-24:00"],
            "2026-11-26T23:00:00",
            "2026-11-27T06:00:00",
            None,
        ),
    ],
)
def test_hours_of_the_week_in_the_parks_time(
    texts: list[str], at: str, closes: str | None, opens: str | None
) -> None:
    hours, at_ms = hours_of(texts), ms(f"{at}+08:00")

    assert hours.closes_ms(at_ms) == (closes and ms(f"{closes}+08:00"))
    assert hours.opens_ms(at_ms) == (ms(f"{opens}+08:00") if opens else at_ms)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nights", "'nights' are no hours"),
        ("mon 8:00-20:00", "are no hours"),
        ("mon 25:00-26:00", "from no time of the day"),
        ("mon 24:00-08:00", "from no time of the day"),
        ("mon 20:00-24:30", "from no time of the day"),
        ("mon 08:00-08:00", "from no time of the day"),
        ("mon,xyz 08:00-20:00", "'xyz' are no days"),
        ("mon-xyz 08:00-20:00", "'mon-xyz' are no days"),
    ],
)
def test_what_are_no_hours_is_refused_with_how_to_write_them(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        hours_of([text])
    assert HINT in str(error.value)


def test_all_of_the_week_are_no_hours() -> None:
    with pytest.raises(ValueError, match="leave them out"):
        hours_of(["daily 08:00-20:00", "daily 20:00-08:00"])


def test_the_next_opening_is_the_first_that_is_long_enough() -> None:
    hours = hours_of(["mon-fri 20:00-22:00", "sat 00:00-24:00"])
    thursday, saturday = ms("2026-11-26T21:30:00+08:00"), ms("2026-11-28T00:00:00+08:00")

    assert hours.opens_ms(thursday, HOUR_MS // 2) == thursday
    assert hours.opens_ms(thursday, HOUR_MS) == ms("2026-11-27T20:00:00+08:00")
    assert hours.opens_ms(thursday, 3 * HOUR_MS) == saturday
    assert hours.opens_ms(thursday, 25 * HOUR_MS) is None


def test_a_park_is_written_down_with_its_hours_and_read_without() -> None:
    assert decode_value(Park, encode_value(PARK)) == PARK
    before = json.dumps(encode_value(a_park(a_pool(POOL, 2, 8)))).replace(', "hours": null', "")
    assert "hours" not in before
    assert decode_value(Park, json.loads(before)) == a_park(a_pool(POOL, 2, 8))


# Who starts.


def at(now_ms: int, *jobs: Job, park: Park = PARK) -> tuple[State, Plan]:
    """What is planned for these that wait at that moment, as the controller has it."""
    state = a_state(park=park)
    by_hour(state, now_ms)
    submit(state, *jobs)
    return state, plan(state, now_ms)


def by_hour(state: State, now_ms: int) -> None:
    happen(state, *by_hours(state, now_ms))


def reason(found: Plan, job_id: str = "j1") -> Reason:
    (told,) = found.verdicts[job_id].reasons
    return told


def test_who_could_not_be_over_by_the_close_waits_for_the_next_opening() -> None:
    long = a_job(limit_ms=2 * HOUR_MS)
    late_ms = CLOSES_MS - 2 * HOUR_MS - long.grace_ms - MARGIN_MS

    assert at(late_ms, long)[1].grants
    _, found = at(late_ms + 1, long)

    assert found.grants == ()
    told = reason(found)
    assert (told.code, told.where, told.unit) == (ReasonCode.OUTSIDE_HOURS, POOL, "ms")
    assert (told.need, told.gap, told.until_ms) == (CLOSES_MS - late_ms, 1, OPENS_MS)
    assert told.detail == "daily 08:00-20:00"
    start = found.verdicts["j1"].start
    assert start is not None
    assert (start.at_ms, start.is_promised) == (OPENS_MS, False)


def test_who_finds_the_next_hours_taken_starts_in_those_after_them() -> None:
    jobs = [
        a_job(f"j{day}", device_count=16, node_count=2, limit_ms=7 * HOUR_MS) for day in range(3)
    ]
    _, found = at(CLOSES_MS, *jobs)

    starts = [found.verdicts[job.id].start for job in jobs]
    assert [one and one.at_ms for one in starts] == [OPENS_MS * (day + 1) for day in range(3)]


def test_a_shorter_one_passes_it() -> None:
    now_ms = CLOSES_MS - HOUR_MS
    _, found = at(now_ms, a_job("j1", limit_ms=2 * HOUR_MS), a_job("j2", limit_ms=HOUR_MS // 2))

    assert [grant.job_id for grant in found.grants] == ["j2"]


def test_outside_the_hours_nothing_starts_and_the_cards_are_in_maintenance() -> None:
    state, found = at(CLOSES_MS, a_job())

    assert found.grants == ()
    assert (reason(found).free, reason(found).until_ms) == (0, OPENS_MS)
    (load,) = loads(state)
    assert (load.maintenance_cards, load.schedulable_cards) == (16, 0)
    by_hour(state, OPENS_MS)
    assert [grant.job_id for grant in plan(state, OPENS_MS).grants] == ["j1"]


def test_it_goes_where_it_may_run_now() -> None:
    park = a_park(replace(a_pool(POOL, 2, 8), hours=DAYTIME), a_pool("north-npu", 1, 8))

    _, found = at(CLOSES_MS - 1, a_job(), park=park)

    assert [grant.placement.pool_id for grant in found.grants] == ["north-npu"]


def test_what_an_operator_has_drained_stays_so_when_the_pool_opens() -> None:
    state, _ = at(CLOSES_MS, a_job(device_count=16, node_count=2))
    happen(state, ev.NodesDrained(at_ms=CLOSES_MS, node_ids=(f"{POOL}-n001",)))
    by_hour(state, OPENS_MS)

    assert reason(plan(state, OPENS_MS)).code is ReasonCode.NODES_DOWN
    assert state.drains.node_ids == {f"{POOL}-n001"}


def test_it_is_known_after_a_checkpoint_which_pools_are_closed() -> None:
    state, _ = at(CLOSES_MS)

    again = State.restored(decode_snapshot(encode_snapshot(state.snapshot())))

    assert again.drains.closed_ids == state.drains.closed_ids == {*PARK.node_ids(POOL)}


def test_a_pool_that_has_hours_no_more_is_open() -> None:
    state, _ = at(CLOSES_MS, a_job())
    happen(state, ev.ParkDeclared(at_ms=CLOSES_MS, park=a_park(a_pool(POOL, 2, 8))))
    by_hour(state, CLOSES_MS)

    assert plan(state, CLOSES_MS).grants


def test_what_else_is_in_the_way_is_told_as_well() -> None:
    state, _ = at(CLOSES_MS - 2 * HOUR_MS, a_job("j1", device_count=16, node_count=2))
    happen(state, a_lease("j1", a_placement(POOL, 8, 8), at_ms=CLOSES_MS - 2 * HOUR_MS))
    submit(state, a_job("j2", limit_ms=4 * HOUR_MS))

    found = ranking(state, CLOSES_MS - HOUR_MS, "j2")

    assert found is not None
    (use,) = found.pools
    assert [one.code for one in use.reasons] == [
        ReasonCode.OUTSIDE_HOURS,
        ReasonCode.DEVICES_BUSY,
    ]


def test_nothing_is_kept_for_who_could_not_be_gone_by_the_close() -> None:
    """Its cards come free too late: who comes behind it need not wait for that."""
    state, _ = at(0, a_job("j0", limit_ms=8 * HOUR_MS, device_count=8))
    happen(state, a_lease("j0", a_placement(POOL, 8), at_ms=0))
    gang = a_job("j1", device_count=16, node_count=2, limit_ms=6 * HOUR_MS)
    submit(state, gang, a_job("j2", limit_ms=10 * HOUR_MS))

    found = plan(state, HOUR_MS)

    assert [grant.job_id for grant in found.grants] == ["j2"]
    start = found.verdicts["j1"].start
    assert start is not None
    assert (start.at_ms, start.is_promised) == (OPENS_MS, False)


def test_who_fits_into_no_hours_is_refused() -> None:
    def why_never(limit_ms: int, checkpoint: Checkpoint | None = None) -> tuple[Reason, ...]:
        job = a_job(limit_ms=limit_ms, checkpoint=checkpoint)
        tree = Tree({TENANT.id: TENANT})
        return impossible(job, PARK, tree, PriceBook((PARK_PRICES,)), 0)

    (told,) = why_never(12 * HOUR_MS)

    assert (told.code, told.free) == (ReasonCode.OUTSIDE_HOURS, 12 * HOUR_MS)
    assert why_never(11 * HOUR_MS) == ()
    assert why_never(48 * HOUR_MS, SAVES_ITSELF) == ()


# The verifier counts for itself.


@pytest.mark.parametrize(
    ("now_ms", "checkpoint", "said"),
    [
        (CLOSES_MS, None, "not offered at this hour"),
        (CLOSES_MS - HOUR_MS + 1, None, "for longer than the pool is offered"),
        (CLOSES_MS - HOUR_MS, None, ""),
        (CLOSES_MS - HOUR_MS + 1, SAVES_ITSELF, ""),
    ],
)
def test_a_plan_that_starts_somebody_outside_the_hours_breaks_a_rule(
    now_ms: int, checkpoint: Checkpoint | None, said: str
) -> None:
    state = a_state(park=PARK)
    job = a_job(limit_ms=HOUR_MS, checkpoint=checkpoint)
    submit(state, job)
    grant = Grant(job_id="j1", placement=a_placement(POOL, 8), hold_micros=8 * job.longest_ms)

    _, flaws = verified(state, Plan(grants=(grant,), verdicts={}), now_ms, DEFAULT)

    assert [said in flaw for flaw in flaws] == ([True] if said else [])


@given(
    st.integers(0, 48).map(lambda half_hours: half_hours * HOUR_MS // 2),
    st.lists(
        st.tuples(
            st.integers(1, 26),
            st.sampled_from([None, SAVES_ITSELF]),
            st.sampled_from([1, 4, 8, 16]),
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_whoever_starts_is_over_or_can_save_itself_by_the_close(
    now_ms: int, asked: list[tuple[int, Checkpoint | None, int]]
) -> None:
    jobs = [
        a_job(f"j{number}", limit_ms=halves * HOUR_MS // 2, checkpoint=saves, device_count=cards)
        for number, (halves, saves, cards) in enumerate(asked)
    ]
    state, found = at(now_ms, *jobs)

    assert verified(state, found, now_ms, DEFAULT)[1] == ()
    closes_ms = DAYTIME.closes_ms(now_ms)
    for grant in found.grants:
        job = state.jobs[grant.job_id].job
        assert closes_ms is not None
        own_ms = LEAST_MS if job.checkpoint else job.longest_ms
        assert now_ms + own_ms + MARGIN_MS <= closes_ms
    for verdict in found.verdicts.values():
        start = verdict.start
        assert start is None or DAYTIME.closes_ms(start.at_ms) is not None


# By the clock.


def a_day(*jobs: Job) -> Hand:
    """These run in the pool since a moment after it opened."""
    hand = Hand(park=PARK)
    hand.all_say(1_000)
    hand.step(1_000)
    for job in jobs:
        ask(hand, job)
    hand.say("east", 2_000, *(runs(f"{job.id}.1", 2_000) for job in jobs))
    hand.step(2_000)
    return hand


def stops(hand: Hand) -> list[ev.StopDecided]:
    return [event for event in hand.log.events if isinstance(event, ev.StopDecided)]


def test_who_can_save_itself_is_told_to_before_the_close_and_goes_on_afterwards() -> None:
    saving = a_job("j1", limit_ms=30 * HOUR_MS, checkpoint=SAVES_ITSELF)
    over_in_time = a_job("j3", limit_ms=CLOSES_MS - 90_000, checkpoint=SAVES_ITSELF, device_count=1)
    hand = a_day(saving, a_job("j2", device_count=4, limit_ms=11 * HOUR_MS), over_in_time)
    last_ms = CLOSES_MS - SAVES_ITSELF.grace_ms - MARGIN_MS // 2

    hand.all_say(last_ms - 1)
    hand.step(last_ms - 1)
    assert [one.attempt_id for one in stops(hand)] == ["j2.1"], "its limit is over"
    hand.all_say(last_ms)
    hand.step(last_ms)

    *_, stop = (one for one in stops(hand) if one.attempt_id != "j2.1")
    assert len(stops(hand)) == 2, "the third is over by its limit"
    assert (stop.attempt_id, stop.cause, stop.grace_ms) == ("j1.1", EndCause.PREEMPTED, 60_000)
    hand.say("east", CLOSES_MS - 1)
    hand.step(CLOSES_MS - 1)
    assert hand.controller.state.state_of("j1") is JobState.QUEUED
    hand.all_say(CLOSES_MS)
    hand.step(CLOSES_MS)
    hand.all_say(OPENS_MS)
    hand.step(OPENS_MS)
    assert hand.controller.state.jobs["j1"].attempt is not None


def test_a_pool_closes_and_opens_in_the_log_once() -> None:
    hand = a_day()

    for now_ms in (CLOSES_MS - 1, CLOSES_MS, CLOSES_MS + 1, OPENS_MS, OPENS_MS + 1):
        hand.all_say(now_ms)
        hand.step(now_ms)

    told = [one for one in hand.log.events if isinstance(one, ev.NodesDrained)]
    assert [(one.at_ms, one.is_drained, one.by) for one in told] == [
        (CLOSES_MS, True, "hours"),
        (OPENS_MS, False, "hours"),
    ]
