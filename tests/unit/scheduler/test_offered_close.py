"""Pools with hours: what is not begun for a close that comes before, and what one is told late."""

from dataclasses import replace

import pytest

from cluster.hours import hours_of
from scheduler.facts import events as ev
from scheduler.facts.opening import by_hours
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, Job, JobState, Priority, ReasonCode, Variant
from scheduler.model.offered import LEAST_MS, MARGIN_MS, needed_ms
from scheduler.model.plan import Answers, Eviction, Plan
from scheduler.model.policy import DEFAULT
from scheduler.planning.growth import RESTART_MS
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)
from tests.hand import Hand, runs
from tests.hand import submit as ask

POOL = "east-npu"
DAYTIME = hours_of(["daily 08:00-20:00"])
"""The moment 0 is 08:00 of a Thursday in the park."""
CLOSES_MS = 12 * HOUR_MS
PARK = a_park(replace(a_pool(POOL, 2, 8), hours=DAYTIME))
ONE_NODE = a_park(replace(a_pool(POOL, 1, 8), hours=DAYTIME))
SAVES_ITSELF = Checkpoint(dir="out", signal="SIGTERM", grace_ms=60_000)
QUICK = replace(SAVES_ITSELF, grace_ms=10_000)


# The broker was away.


def test_who_was_not_told_before_the_close_is_told_once_the_broker_is_back() -> None:
    hand = Hand(park=PARK)
    hand.all_say(1_000)
    hand.step(1_000)
    ask(hand, a_job(limit_ms=72 * HOUR_MS, checkpoint=SAVES_ITSELF))
    hand.say("east", 2_000, runs("j1.1", 2_000))
    hand.step(2_000)

    hand.take_over(CLOSES_MS + HOUR_MS)
    for now_ms in (CLOSES_MS + HOUR_MS, CLOSES_MS + HOUR_MS + 1_000):
        hand.all_say(now_ms)
        hand.step(now_ms)

    (stop,) = [one for one in hand.log.events if isinstance(one, ev.StopDecided)]
    assert (stop.attempt_id, stop.cause, stop.grace_ms) == ("j1.1", EndCause.PREEMPTED, 60_000)
    assert hand.controller.state.state_of("j1") is JobState.STOPPING


def test_what_began_outside_the_present_hours_goes_on_and_so_does_who_cannot_save_itself() -> None:
    state = a_state(park=a_park(a_pool(POOL, 2, 8)))
    submit(state, a_job("j1", limit_ms=72 * HOUR_MS, checkpoint=SAVES_ITSELF, device_count=1))
    submit(state, a_job("j2", limit_ms=72 * HOUR_MS, device_count=1))
    submit(state, a_job("j3", limit_ms=72 * HOUR_MS, checkpoint=SAVES_ITSELF, device_count=1))
    now_ms = CLOSES_MS + 2 * HOUR_MS
    happen(state, a_lease("j2", a_placement(POOL, 1)), a_lease("j3", a_placement(POOL, 1)))
    happen(state, a_lease("j1", a_placement(POOL, 1), at_ms=CLOSES_MS + HOUR_MS))
    happen(state, ev.ParkDeclared(at_ms=now_ms, park=PARK))

    told = [one for one in by_hours(state, now_ms) if isinstance(one, ev.StopDecided)]

    assert [one.attempt_id for one in told] == ["j3.1"]


# Nobody is stopped for who could not start any more.


NEW = a_job("new", device_count=8, limit_ms=HOUR_MS, submitted_at_ms=CLOSES_MS - 2 * HOUR_MS)
LAST_MS = CLOSES_MS - NEW.limit_ms - NEW.grace_ms - MARGIN_MS
"""The last moment at which it may start."""


def one_node_held() -> State:
    """By work that has 5 minutes to save itself, from the opening on; `NEW` wants it."""
    state = a_state(a_tenant("steel", max_cards=64), park=ONE_NODE)
    saves = replace(SAVES_ITSELF, grace_ms=300_000)
    victim = a_job("victim", device_count=8, limit_ms=11 * HOUR_MS, checkpoint=saves)
    submit(state, replace(victim, priority=Priority.LOW), NEW)
    happen(state, a_lease("victim", a_placement(POOL, 8)))
    happen(state, ev.Started(at_ms=0, attempt_id="victim.1"))
    return state


@pytest.mark.parametrize(("late_ms", "is_stopped"), [(-300_000, True), (-299_999, False)])
def test_somebody_is_stopped_only_if_gone_in_time_for_who_comes_after(
    late_ms: int, is_stopped: bool
) -> None:
    state, now_ms = one_node_held(), LAST_MS + late_ms

    found = plan(state, now_ms)

    assert bool(found.evictions) is is_stopped
    assert verified(state, found, now_ms, DEFAULT)[1] == ()


def test_what_was_borrowed_is_gone_in_five_minutes_however_long_a_grace_it_asked_for() -> None:
    """And who owns the cards is then in time."""
    owner = a_tenant("steel", nominal_cards=(("npu", 8),))
    state, now_ms = a_state(owner, a_tenant("fish"), park=ONE_NODE), LAST_MS - 300_000
    long = replace(SAVES_ITSELF, grace_ms=HOUR_MS)
    old = a_job("old", tenant_id="fish", limit_ms=11 * HOUR_MS, checkpoint=long)
    submit(state, old, NEW)
    happen(state, a_lease("old", a_placement(POOL, 8)), ev.Started(at_ms=0, attempt_id="old.1"))

    found = plan(state, now_ms)

    assert found.evictions == (Eviction("old.1", "new", (f"{POOL}-n001",)),)
    assert verified(state, found, now_ms, DEFAULT)[1] == ()


@pytest.mark.parametrize(("late_ms", "is_kept"), [(0, True), (1, False)])
def test_what_comes_free_is_kept_only_for_who_may_start_then(late_ms: int, is_kept: bool) -> None:
    state, now_ms = one_node_held(), LAST_MS - 300_000 + late_ms
    stop = ev.StopDecided(
        at_ms=now_ms, attempt_id="victim.1", cause=EndCause.PREEMPTED, grace_ms=300_000
    )
    happen(state, stop)

    assert is_promised(plan(state, now_ms)) is is_kept


@pytest.mark.parametrize(("late_ms", "is_kept"), [(0, True), (1, False)])
def test_a_claim_holds_only_for_who_may_start_then(late_ms: int, is_kept: bool) -> None:
    state, now_ms = one_node_held(), LAST_MS - 300_000 + late_ms
    stop = ev.StopDecided(
        at_ms=now_ms,
        attempt_id="victim.1",
        cause=EndCause.PREEMPTED,
        grace_ms=300_000,
        for_job_id="new",
        for_node_ids=(f"{POOL}-n001",),
    )
    happen(state, stop)

    assert is_promised(plan(state, now_ms)) is is_kept


def is_promised(found: Plan) -> bool:
    start = found.verdicts["new"].start
    return start is not None and start.is_promised


@pytest.mark.parametrize(("late_ms", "said"), [(0, []), (1, ["is not offered for as long"])])
def test_a_plan_that_stops_somebody_in_vain_breaks_a_rule(late_ms: int, said: list[str]) -> None:
    state, now_ms = one_node_held(), CLOSES_MS - NEW.limit_ms - 300_000 + late_ms
    eviction = Eviction("victim.1", "new", (f"{POOL}-n001",))

    _, flaws = verified(state, Plan(grants=(), verdicts={}, evictions=(eviction,)), now_ms, DEFAULT)

    assert len(flaws) == len(said)
    assert all(map(str.__contains__, flaws, said))


# Nobody grows just before the close.


def one_that_runs_small() -> State:
    state = a_state(a_tenant("steel", max_cards=64), park=PARK)
    small = a_job("j", device_count=16, min_device_count=4, limit_ms=40 * HOUR_MS)
    submit(state, replace(small, checkpoint=SAVES_ITSELF))
    began_ms = CLOSES_MS - 2 * HOUR_MS
    happen(state, a_lease("j", a_placement(POOL, 4), at_ms=began_ms))
    happen(state, ev.Started(at_ms=began_ms, attempt_id="j.1"))
    return state


@pytest.mark.parametrize(("late_ms", "is_grown"), [(0, True), (1, False)])
def test_who_runs_small_grows_only_if_it_may_start_again(late_ms: int, is_grown: bool) -> None:
    needs_ms = LEAST_MS + SAVES_ITSELF.grace_ms + MARGIN_MS
    now_ms = CLOSES_MS - needs_ms - SAVES_ITSELF.grace_ms - RESTART_MS + late_ms

    found = plan(one_that_runs_small(), now_ms)

    assert [one.attempt_id for one in found.evictions] == (["j.1"] if is_grown else [])


@pytest.mark.parametrize(("now_ms", "flaw_count"), [(-1, 0), (0, 1)])
def test_a_plan_that_grows_somebody_into_the_close_breaks_a_rule(
    now_ms: int, flaw_count: int
) -> None:
    eviction = Eviction("j.1", "j", (f"{POOL}-n001", f"{POOL}-n002"))
    found = Plan(grants=(), verdicts={}, evictions=(eviction,))
    gone_ms = CLOSES_MS - SAVES_ITSELF.grace_ms

    assert len(verified(one_that_runs_small(), found, gone_ms + now_ms, DEFAULT)[1]) == flaw_count


# A brief plan looks at nobody whom the close keeps out, and finds whoever it does not.


def briefly(*jobs: Job, late_ms: int = 0) -> tuple[list[str], list[str]]:
    """Who starts 2 hours before the close, and who was looked at in vain."""
    state = a_state(a_tenant("steel", max_cards=64), park=PARK)
    submit(state, *jobs)
    found = plan(state, CLOSES_MS - 2 * HOUR_MS + late_ms, DEFAULT, Answers.GRANTS)
    return [grant.job_id for grant in found.grants], [*found.verdicts]


def long(*forms: Variant) -> list[Job]:
    jobs = [a_job(f"j{one}", device_count=8, limit_ms=5 * HOUR_MS) for one in range(5)]
    return [replace(job, variants=forms) for job in jobs]


def test_nobody_is_looked_at_in_a_pool_whose_hours_are_nearly_over() -> None:
    assert briefly(*long()) == ([], [])
    less = Variant(device_kind_ids=("npu",), device_count=4, limit_ms=4 * HOUR_MS)
    assert briefly(*long(less)) == ([], [])


@pytest.mark.parametrize(
    "other",
    [
        a_job("zz", device_count=8, limit_ms=HOUR_MS),
        a_job("zz", device_count=8, limit_ms=5 * HOUR_MS - 10_000, checkpoint=QUICK),
    ],
)
def test_whoever_is_gone_by_the_close_is_reached_behind_those_who_are_not(other: Job) -> None:
    assert briefly(*long(), other)[0] == ["zz"]


def test_those_who_need_more_of_the_hours_only_by_their_grace_are_not_alike() -> None:
    graces = (1_200_000, 60_000)
    slow, quick = (
        a_job(
            f"j{grace_ms}",
            device_count=8,
            limit_ms=5 * HOUR_MS - grace_ms,
            checkpoint=replace(SAVES_ITSELF, grace_ms=grace_ms),
        )
        for grace_ms in graces
    )
    assert slow.longest_ms == quick.longest_ms

    late_ms = 2 * HOUR_MS - needed_ms(quick)
    assert briefly(slow, quick, late_ms=late_ms)[0] == ["j60000"]


# What one was told is told only to who needs as much of the hours.


def test_who_needs_more_of_the_hours_is_told_so_behind_those_who_do_not() -> None:
    state = a_state(park=ONE_NODE)
    submit(state, a_job("run", device_count=8, limit_ms=11 * HOUR_MS))
    happen(state, a_lease("run", a_placement(POOL, 8)))
    happen(state, ev.Started(at_ms=0, attempt_id="run.1"))
    short = [a_job(f"j{one}", device_count=8, limit_ms=HOUR_MS) for one in range(3)]
    submit(state, *short, a_job("long", device_count=8, limit_ms=8 * HOUR_MS))

    found = plan(state, 10 * HOUR_MS + HOUR_MS // 2)

    codes = {job_id: verdict.reasons[0].code for job_id, verdict in found.verdicts.items()}
    busy = {job.id: ReasonCode.DEVICES_BUSY for job in short}
    assert codes == busy | {"long": ReasonCode.OUTSIDE_HOURS}
