"""A gang is promised a later start than is likely, and whoever passes it leaves it that."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cluster.hours import hours_of
from cluster.inventory import Pool
from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Priority, ReasonCode
from scheduler.model.plan import Answers, Promise
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.storage.rows import Owners
from scheduler.timing.ahead import Opening
from scheduler.timing.backfill import LEEWAY_LEAST_MS, leeway_ms
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    happen,
    promised_ms,
    refused,
    submit,
)
from tests.hand import a_hand, here, runs

POOL = "east-npu"
DAY_MS = 24 * HOUR_MS
LIKELY_MS = 2 * HOUR_MS
BY_MS = LIKELY_MS + (1 << 22)
"""Both nodes are likely to be free in two hours, and 2^22 ms are the highest bit of that."""
NOW_MS = 5


def opening(run_count: int, *, sure_ms: int = 10 * DAY_MS) -> Opening:
    return Opening(LIKELY_MS, LIKELY_MS, (), {}, run_count, sure_ms)


@pytest.mark.parametrize(("run_count", "times"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (8, 2)])
def test_it_is_as_far_again_as_often_as_those_who_run_can_be_halved(
    run_count: int, times: int
) -> None:
    assert leeway_ms(opening(run_count), 8 * HOUR_MS) == times * (1 << 24)


def test_it_is_the_same_until_half_of_the_way_is_gone() -> None:
    two = opening(2)

    assert [leeway_ms(two, (1 << 24) + more) for more in (-1, 0, 1, 1 << 23)] == [
        1 << 23,
        *[1 << 24] * 3,
    ]
    assert leeway_ms(two, 1) == leeway_ms(two, LEEWAY_LEAST_MS) == 1 << 15


def test_it_ends_when_all_have_come_to_their_limits() -> None:
    assert leeway_ms(opening(2, sure_ms=LIKELY_MS + 7), LIKELY_MS) == 7
    assert leeway_ms(opening(2, sure_ms=LIKELY_MS - 7), LIKELY_MS) == 0


# In a plan.


def of(user: str, job_id: str, cards: int, submitted_at_ms: int = NOW_MS) -> Job:
    limit_ms = 10 * DAY_MS
    job = a_job(job_id, device_count=cards, limit_ms=limit_ms, submitted_at_ms=submitted_at_ms)
    return replace(job, user=user)


def learn(state: State, user: str, run_ms: int) -> None:
    state.history.begin(of(user, user, 1), user, 0)
    state.history.end(user, run_ms)


def two_run(*waiting: Job, limit_ms: int = 10 * DAY_MS, beside: Sequence[Pool] = ()) -> State:
    """Each of two nodes is likely to be free in two hours, and 2 cards of the second are now."""
    state = a_state(park=a_park(a_pool(POOL, 2, 8), *beside))
    for user, hours in (("slow", 2), ("middling", 3), ("long", 20)):
        learn(state, user, hours * HOUR_MS)
    for number, cards in enumerate([(8,), (0, 6)]):
        job = replace(of("slow", f"r{number}", sum(cards), 0), limit_ms=limit_ms)
        run(state, job, *cards)
    submit(state, *waiting)
    return state


def run(state: State, job: Job, *cards: int, at_ms: int = 0) -> None:
    submit(state, job)
    lease = a_lease(job.id, a_placement(POOL, *cards), at_ms=at_ms)
    happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))


GANG, NEXT = of("slow", "gang", 16), NOW_MS + 1


def promised(state: State, now_ms: int = NOW_MS) -> int | None:
    return promised_ms(plan(state, now_ms).verdicts["gang"])


def promise(by_ms: int, likely_ms: int = LIKELY_MS, pool_id: str = POOL) -> Promise:
    return Promise(by_ms=by_ms, pool_id=pool_id, likely_ms=likely_ms)


def kept(state: State, by_ms: int = BY_MS, at_ms: int = NOW_MS) -> None:
    tenant_id = state.jobs["gang"].job.tenant_id
    one = promise(by_ms)
    happen(state, ev.StartPromised(at_ms=at_ms, tenant_id=tenant_id, job_id="gang", promise=one))


@pytest.mark.parametrize(("user", "passes"), [("middling", True), ("long", False)])
def test_who_is_over_by_then_passes(user: str, passes: bool) -> None:
    """`middling` would run for an hour longer than is likely until the gang has its nodes."""
    state = two_run(GANG, of(user, "next", 2, NEXT))

    found = plan(state, NEXT)

    assert [grant.job_id for grant in found.grants] == ["next"] * passes
    assert promised_ms(found.verdicts["gang"]) == BY_MS
    assert [*found.promised] == ["gang"] * passes


def on_one_node(state: State) -> State:
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=(f"{POOL}-n002",)))
    return state


def test_who_waits_for_one_to_end_has_none() -> None:
    state = on_one_node(two_run(of("slow", "gang", 8), of("middling", "next", 2, NEXT)))

    found = plan(state, NEXT)

    assert promised_ms(found.verdicts["gang"]) == LIKELY_MS
    assert (found.grants, found.promised) == ((), {})


def test_who_waits_on_one_node_for_two_to_end_has_it_as_well() -> None:
    state = two_run(of("slow", "gang", 8))
    run(state, of("slow", "r2", 1, 0), 0, 1)

    assert promised(on_one_node(state)) == BY_MS


def test_what_ends_later_is_not_waited_for() -> None:
    state = two_run(of("slow", "gang", 6))
    run(state, of("long", "r2", 2, 0), 0, 2)

    assert promised(on_one_node(state)) == LIKELY_MS


def test_what_was_promised_without_it_stays_as_well() -> None:
    """Else who passes would be one more who has to end, and the promise later for it."""
    lower = replace(of("brief", "next", 1, NEXT), priority=Priority.LOW)
    state = on_one_node(two_run(of("slow", "gang", 8), lower))
    learn(state, "brief", HOUR_MS)

    found = plan(state, NEXT)

    assert [grant.job_id for grant in found.grants] == ["next"]
    assert found.promised == {"gang": promise(LIKELY_MS)}


def test_nothing_is_promised_for_after_it_is_sure() -> None:
    limit_ms = LIKELY_MS + HOUR_MS
    state = two_run(GANG, of("slow", "next", 2, NEXT), limit_ms=limit_ms)

    assert promised(state) == limit_ms


def test_what_is_offered_no_longer_then_is_promised_for_as_soon_as_is_likely() -> None:
    """Until six hours after midnight, and one of them is short for who needs three."""
    job = replace(GANG, limit_ms=3 * HOUR_MS)
    state = two_run(job)
    assert state.park is not None
    hours = hours_of(["daily 08:00-14:00"])
    pools = [replace(state.park.pools[0], hours=hours)]
    state.park = replace(state.park, centres=(replace(state.park.centres[0], pools=tuple(pools)),))

    assert promised(state) == LIKELY_MS


def test_what_was_promised_to_whom_others_passed_stays() -> None:
    """Else it would be told later, as who has passed is waited for as well."""
    state = two_run(GANG, of("middling", "more", 1, NEXT))
    kept(state)
    run(state, of("middling", "next", 1, NEXT), 0, 1, at_ms=NEXT)

    found = plan(state, NEXT)

    assert [grant.job_id for grant in found.grants] == ["more"]
    assert promised_ms(found.verdicts["gang"]) == BY_MS
    assert found.promised == {}


def test_it_stays_where_all_is_likely_to_be_free_sooner() -> None:
    state = two_run(GANG)
    kept(state)
    happen(state, ended("r0.1", HOUR_MS))

    assert promised(state, HOUR_MS) == BY_MS


def test_where_it_cannot_be_kept_another_is_made() -> None:
    """Both have overstayed: they are counted on for eight times as long, to 16 h."""
    state = two_run(GANG, of("middling", "next", 2, NEXT))
    kept(state, LIKELY_MS + 1)
    now_ms = LIKELY_MS + 2

    found = plan(state, now_ms)

    by_ms = 8 * LIKELY_MS + (1 << 25)
    assert promised_ms(found.verdicts["gang"]) == by_ms
    assert found.promised == {"gang": promise(by_ms, 8 * LIKELY_MS)}


def test_once_it_is_firm_it_goes_by_limits() -> None:
    state = two_run(GANG, of("middling", "next", 2, NEXT + 1))
    kept(state)
    policy = replace(DEFAULT, firm_after_ms=1, sure_after_ms=2)
    state.jobs["next"].job = replace(state.jobs["next"].job, limit_ms=HOUR_MS)

    found = plan(state, NOW_MS + 2, policy)

    assert [grant.job_id for grant in found.grants] == ["next"]
    assert promised_ms(found.verdicts["gang"]) == LIKELY_MS
    assert found.promised == {}


def ended(attempt_id: str, at_ms: int) -> ev.Ended:
    return ev.Ended(at_ms=at_ms, attempt_id=attempt_id, cause=EndCause.FINISHED, exit_code=0)


def test_of_two_pools_it_keeps_to_that_which_is_free_first() -> None:
    """By what is promised the first is as good, though it is free later."""
    far, near = "east-dcu", "east-npu"
    state = a_state(park=a_park(a_pool(far, 2, 8), a_pool(near, 2, 8)))
    for user, hours in (("slow", 2), ("slower", 3)):
        learn(state, user, hours * HOUR_MS)
    for user, pool_id in (("slower", far), ("slow", near)):
        job = of(user, pool_id, 16, 0)
        submit(state, job)
        lease = a_lease(job.id, a_placement(pool_id, 8, 8), at_ms=0)
        happen(state, lease, ev.Started(at_ms=0, attempt_id=lease.attempt_id))
    submit(state, replace(GANG, device_kind_ids=("dcu", "npu")))
    kept(state)

    start = plan(state, NOW_MS).verdicts["gang"].start

    assert start is not None
    assert (start.pool_id, start.at_ms) == (near, BY_MS)


def test_whom_others_pass_keeps_to_its_pool() -> None:
    """They move when it is likely to be free: the other would be first, and another waits there."""
    far = "north-npu"
    state = two_run(beside=[a_pool(far, 2, 8)])
    learn(state, "slower", LIKELY_MS + HOUR_MS // 2)
    job = of("slower", "far", 16, 0)
    submit(state, job)
    lease = a_lease(job.id, a_placement(far, 8, 8), at_ms=0)
    happen(state, lease, ev.Started(at_ms=0, attempt_id=lease.attempt_id))
    submit(state, GANG, replace(GANG, id="other", submitted_at_ms=NEXT))
    submit(state, of("middling", "next", 2, NEXT))
    before = plan(state, NEXT)
    happen(state, *state.queue.promises(before.promised, NEXT))
    happen(state, a_lease("next", a_placement(POOL, 0, 2), at_ms=NEXT))
    happen(state, ev.Started(at_ms=NEXT, attempt_id="next.1"))

    after = plan(state, NEXT)

    assert [grant.job_id for grant in before.grants] == ["next"]
    assert before.promised["gang"] == promise(BY_MS)
    for job_id, pool_id in (("gang", POOL), ("other", far)):
        start = after.verdicts[job_id].start
        assert start == before.verdicts[job_id].start
        assert start is not None
        assert start.pool_id == pool_id


def low_runs(*waiting: Job) -> State:
    """As `two_run`, but that what holds all of the second node may be stopped."""
    state = a_state(park=a_park(a_pool(POOL, 2, 8)))
    for user, run_ms in (("slow", LIKELY_MS), ("brief", HOUR_MS // 2)):
        learn(state, user, run_ms)
    run(state, of("slow", "r0", 8, 0), 8)
    run(state, replace(of("slow", "r1", 8, 0), priority=Priority.LOW), 0, 8)
    submit(state, *waiting)
    return state


def test_for_whom_others_are_stopped_passes() -> None:
    first = replace(GANG, priority=Priority.HIGH)
    found = plan(low_runs(first, of("brief", "next", 2, NEXT)), HOUR_MS)

    assert [one.attempt_id for one in found.evictions] == ["r1.1"]
    assert [*found.promised] == ["gang"]


def test_who_but_claims_what_stops_passes_nobody_yet() -> None:
    """A plan that looks only for who starts now does not come to it."""
    urgent = replace(of("brief", "urgent", 2, NEXT), priority=Priority.HIGH)
    first = replace(GANG, priority=Priority.HIGH)
    state = low_runs(urgent, first, of("brief", "next", 2, NEXT))

    whole, short = (plan(state, HOUR_MS, answers=answers) for answers in Answers)

    assert [one.attempt_id for one in whole.evictions] == ["r1.1"]
    assert [one.code for one in whole.verdicts["next"].reasons] == [ReasonCode.MAKING_ROOM]
    assert whole.promised == short.promised == {}


def test_what_others_left_it_is_not_told_of_the_job_as_it_is_not() -> None:
    state = two_run(GANG)
    kept(state, BY_MS + 1)

    for cards, start_ms in ((16, BY_MS + 1), (8, LIKELY_MS)):
        first, *_ = what_if(state, NOW_MS, replace(GANG, device_count=cards))
        assert first.start_ms == start_ms


# What is known of it.


def test_it_is_of_one_wait() -> None:
    state = two_run(GANG)
    kept(state)
    happen(state, ended("r0.1", NEXT), ended("r1.1", NEXT))

    happen(state, a_lease("gang", a_placement(POOL, 8, 8), at_ms=NEXT))

    assert state.jobs["gang"].promised is None


def test_nobody_is_promised_a_start_who_does_not_wait() -> None:
    state = two_run()
    event = ev.StartPromised(at_ms=1, tenant_id="steel", job_id="r0", promise=promise(2))

    assert refused(state, event) == "job r0 does not wait"


def test_a_checkpoint_has_it() -> None:
    state = two_run(GANG)
    kept(state)

    assert State.restored(state.snapshot()).jobs["gang"].promised == promise(BY_MS)


def test_a_job_that_takes_its_quote_is_promised_what_that_was() -> None:
    state = two_run()
    happen(state, ev.QuoteKept(at_ms=NOW_MS, until_ms=HOUR_MS, job=GANG))
    kept(state)

    submit(state, GANG)

    assert state.jobs["gang"].promised == promise(BY_MS)


def test_it_is_its_tenants_event() -> None:
    event = ev.StartPromised(at_ms=1, tenant_id="steel", job_id="gang", promise=promise(2))

    assert Owners({}).tenant_of(event) == "steel"


def test_the_leader_writes_it_down_before_anybody_passes() -> None:
    hand = a_hand()
    state = hand.controller.state
    for user, hours in (("slow", 2), ("middling", 3)):
        learn(state, user, hours * HOUR_MS)
    for job_id in ("one", "two"):
        hand.ask(ev.Submitted(at_ms=1_000, job=replace(here(job_id, 4), user="slow")))
    hand.step(1_000)
    hand.say("east", 2_000, runs("one.1", 1_000), runs("two.1", 1_000))
    for user, job_id, cards in (("slow", "gang", 16), ("middling", "next", 8)):
        job = replace(here(job_id, cards), user=user, submitted_at_ms=1_500)
        hand.ask(ev.Submitted(at_ms=1_500, job=job))

    cycle = hand.step(2_000)

    likely_ms = 1_000 + 2 * HOUR_MS
    by_then = promise(likely_ms + (1 << 22), likely_ms)
    told = ev.StartPromised(at_ms=2_000, tenant_id="steel", job_id="gang", promise=by_then)
    news = [event for event in cycle.events if isinstance(event, (ev.StartPromised, ev.Leased))]
    assert news[0] == told
    assert [one.job_id for one in news] == ["gang", "next"]
