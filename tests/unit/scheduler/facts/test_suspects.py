"""Nodes on which nothing can be started: who comes next is not lost to them."""

from dataclasses import replace

import pytest

from cluster.driver import AttemptEnd, AttemptPhase, AttemptReport
from scheduler.facts import events as ev
from scheduler.facts.drains import Drains
from scheduler.facts.opening import by_launches
from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.facts.suspects import FIRST_MS, LONGEST_MS, Suspects
from scheduler.model.job import EndCause, Job, JobState, Priority
from scheduler.planning.planner import plan
from scheduler.storage.codec import decode_snapshot, encode_snapshot
from tests.builders import (
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    an_array,
    happen,
)
from tests.hand import Hand, runs, state_of
from tests.hand import submit as ask

POOL = "east-npu"
BAD, GOOD = "east-npu-n001", "east-npu-n002"
PARK = a_park(a_pool(POOL, 2, 8))
T0 = 1_000


def refused(attempt_id: str, node_id: str | None = BAD) -> AttemptReport:
    return AttemptReport(
        attempt_id=attempt_id,
        phase=AttemptPhase.ENDED,
        end=AttemptEnd.REFUSED,
        detail="member 0: no space left",
        node_id=node_id,
    )


def a_hand() -> Hand:
    """Two nodes of eight cards, of which the first is the first to be given."""
    hand = Hand(park=PARK)
    hand.all_say(T0)
    hand.step(T0)
    return hand


def place(hand: Hand, job_id: str) -> str:
    """Where its attempt is."""
    attempt = hand.controller.state.jobs[job_id].attempt
    assert attempt is not None, f"{job_id} waits"
    (share,) = attempt.placement.shares
    return share.node_id


def fail(hand: Hand, job_id: str, now_ms: int, report: AttemptReport | None = None) -> None:
    """The job comes, cannot be started, and is given up."""
    ask(hand, a_job(job_id, submitted_at_ms=now_ms), now_ms)
    hand.say("east", now_ms + 1, report or refused(f"{job_id}.1"))
    hand.step(now_ms + 1)
    hand.ask(ev.CancelRequested(at_ms=now_ms + 2, job_id=job_id, by="u"))
    hand.say("east", now_ms + 2)
    hand.step(now_ms + 2)
    assert state_of(hand, job_id) is JobState.CANCELLED


def kept_out(hand: Hand) -> list[tuple[bool, int | None]]:
    told = [one for one in hand.log.events if isinstance(one, ev.NodesDrained)]
    assert all(one.node_ids == (BAD,) for one in told)
    return [(one.is_drained, one.until_ms) for one in told if one.by == "launches"]


def test_after_two_jobs_in_a_row_that_could_not_start_the_next_goes_elsewhere() -> None:
    hand = a_hand()
    fail(hand, "j1", 2_000)
    ask(hand, a_job("j2", submitted_at_ms=3_000), 3_000)
    assert place(hand, "j2") == BAD, "one job may be at fault itself"
    hand.say("east", 3_001, refused("j2.1"))
    hand.step(3_001)

    ask(hand, a_job("j3", submitted_at_ms=3_002), 3_002)

    assert kept_out(hand) == [(True, 3_001 + FIRST_MS)]
    assert place(hand, "j3") == GOOD


def test_it_is_tried_again_and_then_kept_out_for_twice_as_long() -> None:
    hand = a_hand()
    fail(hand, "j1", 2_000)
    fail(hand, "j2", 3_000)
    until_ms = 3_001 + FIRST_MS
    hand.all_say(until_ms)
    hand.step(until_ms)
    assert kept_out(hand)[-1] == (False, None)

    fail(hand, "j3", until_ms + 10)
    fail(hand, "j4", until_ms + 20)

    assert kept_out(hand)[-1] == (True, until_ms + 21 + 2 * FIRST_MS)


def test_it_is_never_kept_out_for_longer_than_a_day() -> None:
    suspects = Suspects()
    for number in range(40):
        suspects.note_failure(BAD, f"a{number}")
        suspects.note_failure(BAD, f"b{number}")
        ((node_id, until_ms),) = suspects.bad(0)
        suspects.keep_out(node_id, until_ms)
        assert until_ms <= LONGEST_MS
        suspects.keep_out(node_id, None)


def test_one_job_that_fails_again_and_again_does_not_suffice() -> None:
    hand = a_hand()
    ask(hand, a_job("j1"), 2_000)
    for number in range(1, 4):
        now_ms = number * 60_000
        hand.say("east", now_ms, refused(f"j1.{number}"))
        hand.step(now_ms)
        hand.say("east", now_ms + 50_000)
        hand.step(now_ms + 50_000)

    assert hand.controller.state.jobs["j1"].launch_failure_count == 3
    assert kept_out(hand) == []


@pytest.mark.parametrize(
    "alike",
    [[replace(a_job(one), archive="a" * 64) for one in ("j1", "j2")], an_array(2)],
    ids=["one archive", "one array"],
)
def test_what_may_be_broken_alike_counts_as_one(alike: list[Job]) -> None:
    suspects = Drains()
    for job in alike:
        attempt = Attempt.leased(a_lease(job.id, a_placement(POOL, 8)), "standard")
        ended = ev.Ended(
            at_ms=5, attempt_id=attempt.id, cause=EndCause.BROKER, exit_code=None, node_id=BAD
        )
        suspects.note(job, attempt, ended)

    assert list(suspects.suspects.bad(6)) == []
    assert len(suspects.suspects.by_node[BAD].job_ids) == 1


@pytest.mark.parametrize(("node_count", "most"), [(8, 2), (3, 1)])
def test_no_more_than_a_quarter_of_a_pool_is_kept_out_at_a_time(node_count: int, most: int) -> None:
    park = a_park(a_pool(POOL, node_count, 8))
    state = a_state(park=park)
    for node_id in park.node_ids(POOL):
        state.drains.suspects.note_failure(node_id, "a")
        state.drains.suspects.note_failure(node_id, "b")

    at_once = list(by_launches(state, 5))
    happen(state, *at_once)
    later = list(by_launches(state, 6))

    assert [one.node_ids for one in at_once] == [(one,) for one in park.node_ids(POOL)[:most]]
    assert later == []
    again = list(by_launches(state, 5 + FIRST_MS))
    assert [one.is_drained for one in again] == [False], "who is out has to come back first"


def test_a_resume_that_is_refused_changes_nothing() -> None:
    state = a_state(park=PARK)
    state.drains.suspects.note_failure(BAD, "a")

    refusal = state.apply(ev.NodesDrained(at_ms=6, node_ids=(BAD,), is_drained=False))

    assert refusal == "these nodes are in that state already"
    assert state.drains.suspects.by_node[BAD].job_ids == ["a"]


def test_where_something_started_in_between_it_was_not_the_node() -> None:
    hand = a_hand()
    fail(hand, "j1", 2_000)
    ask(hand, a_job("j2", submitted_at_ms=3_000), 3_000)
    hand.say("east", 3_001, runs("j2.1", 3_001))
    hand.step(3_001)
    assert place(hand, "j2") == BAD

    state = hand.controller.state
    assert state.drains.suspects.by_node == {}


def test_where_something_starts_after_all_it_is_offered_again_at_once_and_as_if_new() -> None:
    hand = a_hand()
    for job_id in ("a", "b", "c"):
        ask(hand, a_job(job_id, device_count=2, submitted_at_ms=2_000), 2_000)
    failed = refused("a.1"), refused("b.1")
    hand.say("east", 3_000, *failed)
    hand.step(3_000)
    ask(hand, a_job("whole", device_count=16, node_count=2, submitted_at_ms=3_001), 3_001)

    hand.say("east", 4_000, *failed, runs("c.1", 3_900))
    hand.step(4_000)

    assert kept_out(hand) == [(True, 3_000 + FIRST_MS), (False, None)]
    assert BAD in hand.controller.state.drains.open({BAD})
    suspect = hand.controller.state.drains.suspects.by_node[BAD]
    assert (suspect.count, suspect.job_ids, suspect.until_ms) == (0, [], None)
    ask(hand, a_job("d", device_count=6, submitted_at_ms=4_001, priority=Priority.HIGH), 4_001)
    assert place(hand, "d") == BAD


@pytest.mark.parametrize(
    "report",
    [
        refused("j.1", node_id=None),
        replace(refused("j.1"), end=AttemptEnd.CENTRE),
        replace(refused("j.1"), started_at_ms=2_000),
        replace(refused("j.1"), end=AttemptEnd.EXITED, exit_code=1),
    ],
    ids=["no node is named", "the centre failed", "it had started", "the user's command failed"],
)
def test_what_does_not_speak_against_a_node(report: AttemptReport) -> None:
    hand = a_hand()
    ask(hand, a_job("j"), 2_000)
    hand.say("east", 3_000, report)
    hand.step(3_000)

    assert hand.controller.state.drains.suspects.by_node == {}


def test_an_operator_takes_it_back_at_once() -> None:
    hand = a_hand()
    fail(hand, "j1", 2_000)
    fail(hand, "j2", 3_000)
    hand.ask(ev.NodesDrained(at_ms=4_000, node_ids=(BAD,), is_drained=False))
    hand.all_say(4_000)
    hand.step(4_000)

    ask(hand, a_job("j3", submitted_at_ms=4_001), 4_001)

    assert place(hand, "j3") == BAD
    assert hand.controller.state.drains.suspects.by_node == {}


def test_the_next_leader_knows_it() -> None:
    hand = a_hand()
    fail(hand, "j1", 2_000)
    fail(hand, "j2", 3_000)
    fail(hand, "j3", 4_000, refused("j3.1", GOOD))
    before = hand.controller.state

    again = State.restored(decode_snapshot(encode_snapshot(before.snapshot())))

    assert again.drains.suspects.by_node == before.drains.suspects.by_node
    assert again.drains.suspects.out_ids == {BAD}
    ask(hand, a_job("j4", device_count=16, node_count=2, submitted_at_ms=5_000), 5_000)
    assert plan(again, 5_000).grants == ()
