"""What was freed for a job is kept for it, and no promise moves for that."""

from copy import deepcopy
from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.facts.queue import SLOWDOWN
from scheduler.facts.record import Claim
from scheduler.facts.state import CLAIM_MS, State
from scheduler.model.job import (
    EndCause,
    Job,
    JobState,
    NodeShare,
    PlannedStart,
    Priority,
    ReasonCode,
)
from scheduler.model.plan import Answers, Eviction
from scheduler.placing.placement import Fit, FreeCards
from scheduler.planning.planner import plan
from scheduler.planning.victims import SOON_MS
from scheduler.timing.backfill import PoolRoom, Release, Reservation
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
from tests.preemptive import (
    LIMIT_MS,
    MIN_RUN_MS,
    NODE,
    NOW_MS,
    PATIENCE_MS,
    POOL,
    SAVES,
    SECOND,
    TURNS,
    a_pool_of,
    gone,
    low,
    normal,
    run,
    stop,
    wants,
)
from tests.unit.scheduler.timing.test_backfill import Running, at


def a_claim() -> State:
    """`old` is being stopped for `new`; 2 cards beside it are free."""
    state = a_pool_of()
    run(state, low("old", 6), 6)
    submit(state, wants())
    (eviction,) = plan(state, NOW_MS).evictions
    stop(state, eviction)
    return state


def test_nobody_more_is_stopped_while_somebody_is() -> None:
    state = a_claim()

    result = plan(state, NOW_MS + 1)

    assert result.evictions == ()
    assert result.verdicts["new"].reasons[0].code is ReasonCode.MAKING_ROOM


def test_what_is_free_beside_it_is_kept_as_well() -> None:
    state = a_claim()
    submit(state, a_job("small", device_count=1, limit_ms=1, submitted_at_ms=NOW_MS))

    assert plan(state, NOW_MS + 1).grants == ()


@pytest.mark.parametrize(
    ("after_ms", "first"), [(10_000 + CLAIM_MS - 1, "new"), (10_000 + CLAIM_MS, "urgent")]
)
def test_who_it_was_freed_for_is_first_for_a_while(after_ms: int, first: str) -> None:
    state = a_claim()
    submit(state, replace(wants("urgent"), priority=Priority.HIGH))
    gone(state, "old.1", NOW_MS + 5)

    result = plan(state, NOW_MS + after_ms)

    assert [grant.job_id for grant in result.grants] == [first]


def test_a_claim_ends_with_the_lease_and_with_the_job() -> None:
    state = a_claim()
    gone(state, "old.1", NOW_MS + 5)
    happen(state, a_lease("new", a_placement(POOL, 8), at_ms=NOW_MS + 5))
    assert state.claims == {}

    state = a_claim()
    happen(state, ev.CancelRequested(at_ms=NOW_MS, job_id="new", by="u"))
    assert state.claims == {}


def test_the_state_that_a_checkpoint_keeps_knows_claims_and_stops() -> None:
    state = a_claim()

    again = State.restored(state.snapshot())

    assert again.claims == state.claims == {"new": Claim(NOW_MS + 10_000 + CLAIM_MS, (NODE,))}
    assert again.agenda.stopping == state.agenda.stopping
    assert plan(again, NOW_MS + 1) == plan(state, NOW_MS + 1)


def test_who_was_stopped_waits_again_and_keeps_what_it_has_had() -> None:
    state = a_claim()

    gone(state, "old.1", NOW_MS + 5)

    record = state.jobs["old"]
    assert "old" in state.queue
    assert record.served_card_ms == 6 * (NOW_MS + 5)
    assert list(state.queue.lanes) == [("steel", "default", 0), ("steel", "default", 3)]


def test_a_fault_gives_nothing_to_keep() -> None:
    state = a_pool_of()
    run(state, replace(low("old"), retry_count=1), 8)

    fault = EndCause.NODE
    happen(state, ev.Ended(at_ms=NOW_MS, attempt_id="old.1", cause=fault, exit_code=None))

    assert state.jobs["old"].served_card_ms == 0


def test_what_somebody_cancelled_comes_free_for_who_is_first() -> None:
    state = a_pool_of()
    run(state, a_job("old", device_count=8, limit_ms=LIMIT_MS), 8)
    happen(
        state,
        ev.CancelRequested(at_ms=5, job_id="old", by="u"),
        ev.StopDecided(at_ms=NOW_MS, attempt_id="old.1", cause=EndCause.CANCELLED, grace_ms=700),
    )
    submit(state, wants())

    verdict = plan(state, NOW_MS).verdicts["new"]

    assert verdict.start == PlannedStart(NOW_MS + 700, POOL, is_promised=True)


def test_what_takes_long_to_stop_is_no_room_yet() -> None:
    state = a_pool_of()
    run(state, a_job("old", device_count=8, limit_ms=LIMIT_MS), 8)
    decided = ev.StopDecided(
        at_ms=NOW_MS, attempt_id="old.1", cause=EndCause.CANCELLED, grace_ms=300_001
    )
    happen(state, decided)
    submit(state, wants())

    verdict = plan(state, NOW_MS).verdicts["new"]

    assert verdict.reasons[0].code is ReasonCode.DEVICES_BUSY
    assert verdict.start == PlannedStart(NOW_MS + 300_001, POOL, is_promised=True)


# Promises stay.


def test_a_promise_is_not_moved_by_who_makes_room_behind_it() -> None:
    """`head` waits for 16 cards until both have ended; nothing longer gets n1 before."""
    state = a_pool_of(nodes=2)
    run(state, replace(low("old"), limit_ms=2 * HOUR_MS), 8)
    run(state, a_job("other", device_count=8, limit_ms=2 * HOUR_MS), 0, 8)
    long_ago_ms = NOW_MS - SLOWDOWN * LIMIT_MS  # so that they are due before `brief`
    head = replace(wants("head", 16), submitted_at_ms=long_ago_ms)
    longer = replace(wants("long"), submitted_at_ms=long_ago_ms + 1)
    submit(state, head, longer, replace(wants("brief"), limit_ms=HOUR_MS // 2))

    result = plan(state, NOW_MS)

    assert result.verdicts["head"].start == PlannedStart(2 * HOUR_MS, POOL, is_promised=True)
    assert result.evictions == (Eviction("old.1", "brief", (NODE,)),)


def test_a_claim_does_not_end_a_plan_for_starts_alone() -> None:
    """`urgent` may take from `peer`, from which `new` with its older claim may not."""
    state = a_pool_of(nodes=2)
    run(state, replace(normal("peer"), device_count=1), 1, at_ms=NOW_MS - MIN_RUN_MS)
    run(state, a_job("other", device_count=7, limit_ms=LIMIT_MS), 7)
    run(state, low("old"), 0, 8)
    submit(state, wants(), wants("urgent", 1, Priority.HIGH))
    stop(state, Eviction("old.1", "new", (SECOND,)))
    state.queue.discard("new")
    state.jobs["new"].served_card_ms = MIN_RUN_MS
    state.queue.add(state.jobs["new"])

    result = plan(state, NOW_MS, TURNS, Answers.GRANTS)

    assert result.evictions == (Eviction("peer.1", "urgent", (NODE,)),)


def on(node_id: str, cards: int) -> tuple[NodeShare, ...]:
    return (NodeShare(node_id=node_id, card_count=cards),)


def a_promise() -> PoolRoom:
    """Of n1 2 cards are free and 6 stop; all is promised from 100 on, when n2 ends."""
    free = FreeCards(8, {"n1": 2, "n2": 0, "n3": 2}.items())
    stopping = [Release(at(10), "stops", on("n1", 6)), Release(at(10), "stops, too", on("n3", 6))]
    room = PoolRoom(free, Running(Release(at(100), "runs", on("n2", 8))), stopping)
    nodes, spare = (*on("n1", 8), *on("n2", 8)), {"n1": 0, "n2": 0}
    room.reserve(Reservation("head", 100, 100, 100, nodes, spare, is_firm=True))
    return room


def test_what_is_claimed_is_free_for_nobody_beside_a_promise_either() -> None:
    room = a_promise()

    room.claim(on("n1", 8), "new", at(90))

    assert room.find(Fit(1, 2), at(90)) == on("n3", 2)
    assert room.find_soon(Fit(1, 8), at(90)) == on("n3", 8)
    assert room.find_soon(Fit(1, 8), at(101)) == on("n3", 8)
    room.claim(on("n3", 8), "newer", at(90))
    assert room.find(Fit(1, 1), at(90)) is None
    assert room.find_soon(Fit(1, 1), at(90)) is None


def test_what_short_work_takes_now_is_gone_for_long_work_as_well() -> None:
    room = a_promise()

    room.take(replace(a_placement(POOL, 1), shares=on("n3", 2)), "short", at(90))

    assert room.find(Fit(1, 1), at(101)) is None
    assert room.find_soon(Fit(1, 6), at(101)) == on("n3", 6)
    assert room.find_soon(Fit(1, 7), at(101)) is None


def test_who_waits_behind_a_claim_counts_with_its_end_and_not_with_the_limit_of_who_left() -> None:
    state = a_pool_of()
    run(state, low("old"), 8)
    submit(
        state,
        *(replace(wants(job_id), limit_ms=HOUR_MS) for job_id in ("a", "b", "c")),
    )

    verdicts = plan(state, NOW_MS).verdicts

    starts = {job_id: verdicts[job_id].start for job_id in ("a", "b", "c")}
    late_ms = NOW_MS + SOON_MS
    assert starts["a"] == PlannedStart(NOW_MS + 10_000, POOL, is_promised=True)
    assert starts["b"] == PlannedStart(late_ms + HOUR_MS, POOL, is_promised=True)
    assert starts["c"] == PlannedStart(late_ms + 2 * HOUR_MS, POOL)


@pytest.mark.parametrize(
    ("cause", "state_then"),
    [
        (EndCause.PREEMPTED, JobState.QUEUED),
        (EndCause.NODE, JobState.QUEUED),
        (EndCause.USER_ERROR, JobState.FAILED),
        (EndCause.FINISHED, JobState.SUCCEEDED),
    ],
)
def test_who_is_told_to_go_comes_back_whatever_the_park_breaks(
    cause: EndCause, state_then: JobState
) -> None:
    state = a_claim()

    happen(state, ev.Ended(at_ms=NOW_MS + 5, attempt_id="old.1", cause=cause, exit_code=None))

    assert state.state_of("old") is state_then


# Where others are ahead.


def plain(job_id: str, cards: int, limit_ms: int = LIMIT_MS) -> Job:
    """Work that nobody stops."""
    return a_job(job_id, device_count=cards, limit_ms=limit_ms)


def test_elsewhere_a_claimant_waits_for_its_turn() -> None:
    """`head` is promised n1, of which 4 cards are free; for `later` room is made on n2."""
    state = a_pool_of(nodes=2)
    run(state, plain("x", 4, 2 * HOUR_MS), 4)
    run(state, plain("y", 4), 0, 4)
    run(state, low("old", 4), 0, 4)
    head = replace(wants("head"), submitted_at_ms=NOW_MS - 2 * PATIENCE_MS)
    submit(state, head, wants("later", 4))
    (eviction,) = plan(state, NOW_MS).evictions
    assert eviction == Eviction("old.1", "later", (SECOND,))
    stop(state, eviction)

    result = plan(state, NOW_MS + 1)

    assert result.grants == ()
    assert result.verdicts["head"].start == PlannedStart(2 * HOUR_MS, POOL, is_promised=True)
    assert result.verdicts["later"].reasons[0].code is ReasonCode.MAKING_ROOM


def test_a_claim_lasts_until_after_the_last_grace() -> None:
    state = a_pool_of()
    run(state, low("slow", 4, replace(SAVES, grace_ms=300_000)), 4)
    run(state, low("fast", 4), 4)
    submit(state, wants())
    for eviction in plan(state, NOW_MS).evictions:
        stop(state, eviction, grace_ms=300_000 if eviction.attempt_id == "slow.1" else 10_000)

    assert state.claims["new"].until_ms == NOW_MS + 300_000 + CLAIM_MS


def test_who_has_a_claim_stops_nobody_else_meanwhile() -> None:
    """`young` has run long enough only after `old` has been told to stop."""
    state = a_state(park=a_park(a_pool(POOL, 1, 8), a_pool("north-npu", 1, 8)))
    young_ms = NOW_MS - MIN_RUN_MS + 5
    for job, pool_id, at_ms in ((low("young"), POOL, young_ms), (low("old"), "north-npu", 0)):
        submit(state, job)
        lease = a_lease(job.id, a_placement(pool_id, 8), at_ms=at_ms)
        happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))
    submit(state, wants())
    (eviction,) = plan(state, NOW_MS).evictions
    assert eviction.attempt_id == "old.1"
    stop(state, eviction)

    assert plan(state, NOW_MS + 9).evictions == ()
    happen(state, ev.NodesChanged(at_ms=NOW_MS + 9, centre_id="north", online_node_ids=()))
    assert plan(state, NOW_MS + 9).evictions == (), "not even where it was for nothing"
    assert plan(state, NOW_MS + 10_000 + CLAIM_MS).evictions, "but in the end"


def test_no_room_is_made_that_a_job_ahead_would_pay_for_by_its_quota() -> None:
    """`big` gets its quota when `x` ends; `small` would start late, after a grace."""
    steel = a_tenant("steel", max_cards=16)
    state = a_state(steel, a_tenant("fish"), park=a_park(a_pool(POOL, 2, 8)))
    run(state, plain("x", 8, 2 * HOUR_MS), 8)
    theirs = replace(low("theirs", 8, replace(SAVES, grace_ms=290_000)), tenant_id="fish")
    run(state, theirs, 0, 8)
    big = replace(wants("big", 16), submitted_at_ms=NOW_MS - HOUR_MS * 30)
    for limit_ms, count in ((HOUR_MS, 0), (HOUR_MS - SOON_MS, 1)):
        small = replace(wants(f"small-{count}", 4), limit_ms=limit_ms)
        submit(state, *([big] if count == 0 else []), small)
        evictions = plan(state, NOW_MS).evictions
        assert [one.job_id for one in evictions] == [small.id] * count


def test_nobody_is_stopped_where_room_comes_free_anyway_in_another_pool() -> None:
    state = a_state(park=a_park(a_pool(POOL, 1, 8), a_pool("north-npu", 1, 8)))
    for job, pool_id in ((low("old"), POOL), (plain("ends", 8), "north-npu")):
        submit(state, job)
        lease = a_lease(job.id, a_placement(pool_id, 8))
        happen(state, lease, ev.Started(at_ms=0, attempt_id=lease.attempt_id))
    cancelled = EndCause.CANCELLED
    happen(state, ev.StopDecided(at_ms=NOW_MS, attempt_id="ends.1", cause=cancelled, grace_ms=9))
    submit(state, wants())

    result = plan(state, NOW_MS)

    assert result.evictions == ()
    assert result.verdicts["new"].start == PlannedStart(NOW_MS + 9, "north-npu", is_promised=True)


def test_what_should_have_gone_long_ago_is_no_room() -> None:
    """`new` waits for the limit of `old` again, and what is brief may use what is free."""
    state = a_claim()
    brief = a_job("brief", device_count=1, limit_ms=1, submitted_at_ms=NOW_MS)
    submit(state, replace(brief, priority=Priority.LOW))

    (grant,) = plan(state, NOW_MS + 10_000 + CLAIM_MS).grants

    assert grant.job_id == "brief"


def test_the_order_of_the_stops_does_not_decide_where_a_claim_is() -> None:
    """A state that was read back has them in another order."""
    state = a_pool_of(nodes=2)
    run(state, low("a", 4), 4)
    run(state, low("b", 4), 0, 4)
    for job_id in ("b", "a"):
        stop(state, Eviction(f"{job_id}.1", "nobody", ()))
    submit(state, wants("a-whole"), wants("half", 4))
    again = State.restored(deepcopy(state.snapshot()))

    assert list(again.agenda.stopping) != list(state.agenda.stopping)
    assert plan(again, NOW_MS) == plan(state, NOW_MS)


def test_a_gang_that_clears_two_nodes_is_enough() -> None:
    state = a_pool_of(nodes=3)
    run(state, low("gang", 16), 8, 8)
    run(state, low("cheap", 8, SAVES), 0, 0, 8)
    submit(state, wants(cards=16))

    assert {eviction.attempt_id for eviction in plan(state, NOW_MS).evictions} == {"gang.1"}
