"""Arrays: so many tasks at once, who is next, how the whole ends, and who follows it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.invariants import check
from scheduler.facts.state import FINAL_STATES_MAX, State
from scheduler.model.job import EndCause, Job, JobState
from scheduler.planning.planner import plan
from scheduler.storage.codec import decode_snapshot, encode_snapshot
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_placement,
    a_state,
    an_array,
    happen,
    refused,
    submit,
)
from tests.hand import Hand, a_hand, ended, runs, say, state_of

CARD = a_placement("east-npu", 1)


def small(count: int, at_most: int | None = None, after_ids: tuple[str, ...] = ()) -> list[Job]:
    """Tasks of one card each."""
    return an_array(count, at_most, device_count=1, after_ids=after_ids)


def cancel(*job_ids: str) -> Iterator[ev.CancelRequested]:
    for job_id in job_ids:
        yield ev.CancelRequested(at_ms=5, job_id=job_id, by="u")


def lease(state: State, job_id: str, number: int = 1) -> None:
    happen(state, a_lease(job_id, CARD, number=number))


def end(state: State, job_id: str, cause: EndCause = EndCause.FINISHED, number: int = 1) -> None:
    over = ev.Ended(at_ms=10, attempt_id=f"{job_id}.{number}", cause=cause, exit_code=0)
    happen(state, ev.Started(at_ms=0, attempt_id=f"{job_id}.{number}"), over)


def run(state: State, job_id: str, cause: EndCause = EndCause.FINISHED) -> None:
    lease(state, job_id)
    end(state, job_id, cause)


def release_ripe(state: State) -> list[str]:
    """As the loop does: whose time has come comes to the queue, or never runs."""
    told = []
    while (record := state.held.ripe()) is not None:
        job_id = record.job.id
        if record.broken_by:
            gone = ev.DependencyFailed(at_ms=20, job_id=job_id, after_id=record.broken_by)
            happen(state, gone)
            told.append(f"{job_id} gone")
        else:
            happen(state, ev.Released(at_ms=20, job_id=job_id))
            told.append(job_id)
    return told


def held(state: State) -> list[str]:
    return [job_id for job_id, one in state.jobs.items() if one.state is JobState.HELD]


# So many at once.


def test_no_more_than_so_many_come_to_the_queue() -> None:
    state = a_state()

    submit(state, *small(5, at_most=2))

    assert list(state.queue) == ["t0", "t1"]
    assert held(state) == ["t2", "t3", "t4"]
    assert [grant.job_id for grant in plan(state, 0).grants] == ["t0", "t1"]
    assert state.held.ripe() is None


def test_an_array_without_a_limit_is_in_the_queue_as_a_whole() -> None:
    state = a_state()

    submit(state, *small(5))

    assert list(state.queue) == ["t0", "t1", "t2", "t3", "t4"]


def test_where_one_ends_however_it_did_the_least_index_is_next() -> None:
    state = a_state()
    submit(state, *small(12, at_most=2))
    run(state, "t1")
    assert release_ripe(state) == ["t2"]
    run(state, "t2", EndCause.USER_ERROR)
    assert release_ripe(state) == ["t3"]

    happen(state, *cancel("t0", "t4", "t3"))

    assert release_ripe(state) == ["t5", "t6"], "and who was cancelled meanwhile is not"


def test_the_index_decides_and_not_the_id() -> None:
    state = a_state()
    jobs = small(12, at_most=1)
    submit(state, jobs[11], *jobs[2:11])
    run(state, "t11")

    assert release_ripe(state) == ["t2"], "t10 is less as a text"


def test_one_that_goes_back_to_the_queue_keeps_its_place() -> None:
    state = a_state()
    submit(state, *small(3, at_most=1))
    lease(state, "t0")

    end(state, "t0", EndCause.PREEMPTED)

    assert list(state.queue) == ["t0"]
    assert release_ripe(state) == []
    lease(state, "t0", number=2)
    end(state, "t0", number=2)
    assert release_ripe(state) == ["t1"]


def test_nobody_comes_to_the_queue_beyond_the_limit() -> None:
    state = a_state()
    submit(state, *small(3, at_most=2))

    reason = refused(state, ev.Released(at_ms=1, job_id="t2"))

    assert "does not wait for its turn" in reason


def test_one_array_waits_for_itself_alone() -> None:
    state = a_state()
    submit(state, *small(4, at_most=1))
    others = [replace(job, id=f"u{job.id}") for job in small(4, at_most=1)]
    submit(state, *(replace(one, array=replace(one.array, id="a2")) for one in others if one.array))
    submit(state, a_job("other", device_count=1))
    assert list(state.queue) == ["t0", "ut0", "other"]

    happen(state, *cancel("ut0", "t0"))

    assert release_ripe(state) == ["t1", "ut1"]


def test_what_waits_for_its_turn_keeps_no_card_from_others() -> None:
    """The task that runs has one card of 16; the next would want all that is left."""
    state = a_state()
    big = [replace(job, device_count=16, node_count=2) for job in an_array(9, at_most=1)]
    submit(state, replace(big[0], device_count=1, node_count=None), *big[1:])
    lease(state, "t0")
    submit(state, *(a_job(f"x{number}", device_count=1, submitted_at_ms=9) for number in range(15)))

    granted = [grant.job_id for grant in plan(state, 10).grants]

    assert granted == sorted(f"x{number}" for number in range(15))


def test_who_waits_for_its_turn_grows_no_older() -> None:
    state = a_state()
    submit(state, *small(2, at_most=1))
    run(state, "t0")

    happen(state, ev.Released(at_ms=90 * HOUR_MS, job_id="t1"))

    assert state.jobs["t1"].waiting_since_ms == 90 * HOUR_MS
    assert state.jobs["t1"].starving_from_ms > 90 * HOUR_MS


# Restored.


@pytest.mark.parametrize("is_failed", [False, True])
def test_a_restored_state_knows_who_is_next(is_failed: bool) -> None:
    state = a_state()
    submit(state, *small(6, at_most=2))
    run(state, "t1", EndCause.USER_ERROR if is_failed else EndCause.FINISHED)
    submit(state, a_job("last", after_any_ids=("a1",)))

    again = State.restored(decode_snapshot(encode_snapshot(state.snapshot())))

    assert again.snapshot() == state.snapshot()
    assert again.held.arrays.failed_id("a1") == ("t1" if is_failed else "")
    for one in (state, again):
        assert release_ripe(one) == ["t2"]
    assert again.snapshot() == state.snapshot()


def test_a_checkpoint_from_before_arrays_is_read() -> None:
    state = a_state()
    submit(state, a_job())
    snapshot = state.snapshot()
    body = encode_snapshot(snapshot).replace(b'"array_failures":{},', b"")
    body = body.replace(b',"array":null', b"")
    assert b"array" not in body

    assert decode_snapshot(body) == snapshot


# Who follows it.


def test_an_array_is_followed_as_a_whole() -> None:
    state = a_state()
    submit(state, *small(3, at_most=2), a_job("last", after_ids=("a1",)))
    for job_id in ("t1", "t0"):
        run(state, job_id)
        release_ripe(state)
    assert held(state) == ["last"]
    assert state.held.ripe() is None

    run(state, "t2")

    assert state.state_of("a1") is JobState.SUCCEEDED
    assert release_ripe(state) == ["last"]
    assert list(state.queue) == ["last"]


def test_one_task_that_fails_decides_for_those_who_follow_by_after() -> None:
    state = a_state()
    submit(state, *small(3))
    submit(state, a_job("ok", after_ids=("a1",)), a_job("any", after_any_ids=("a1",)))

    run(state, "t1", EndCause.USER_ERROR)

    assert release_ripe(state) == ["ok gone"]
    run(state, "t0")
    assert release_ripe(state) == []
    run(state, "t2")
    assert release_ripe(state) == ["any"]
    assert state.state_of("a1") is JobState.FAILED


def test_who_comes_later_is_told_of_the_failure_at_once() -> None:
    state = a_state()
    submit(state, *small(3))
    happen(state, *cancel("t1", "t2"))

    reason = refused(state, ev.Submitted(at_ms=6, job=a_job("ok", after_ids=("a1",))))

    assert reason == "job t1 of array a1, which it is to follow, did not succeed"
    submit(state, a_job("any", after_any_ids=("a1",)))
    assert held(state) == ["any"]
    happen(state, *cancel("t0"))
    assert release_ripe(state) == ["any"]
    reason = refused(state, ev.Submitted(at_ms=6, job=a_job("ok", after_ids=("a1",))))
    assert reason == "job a1, which it is to follow, did not succeed: it has failed"


def test_an_array_follows_others_and_then_keeps_its_limit() -> None:
    state = a_state()
    submit(state, a_job("first", device_count=1), *small(4, at_most=2, after_ids=("first",)))
    assert held(state) == ["t0", "t1", "t2", "t3"]

    run(state, "first")

    assert release_ripe(state) == ["t0", "t1"]
    assert held(state) == ["t2", "t3"]


def test_where_what_it_follows_fails_none_of_it_runs() -> None:
    state = a_state()
    submit(state, a_job("first", device_count=1), *small(3, at_most=1, after_ids=("first",)))

    happen(state, *cancel("first"))

    assert release_ripe(state) == ["t0 gone", "t1 gone", "t2 gone"]
    assert state.state_of("a1") is JobState.FAILED


def test_tasks_that_come_when_all_before_have_ended_go_on_with_the_same_array() -> None:
    """The leader takes only so many requests at once."""
    state = a_state()
    jobs = small(3)
    submit(state, jobs[0])
    happen(state, *cancel("t0"))
    assert state.state_of("a1") is JobState.FAILED

    submit(state, *jobs[1:])

    assert "a1" not in state.final_states
    run(state, "t1")
    run(state, "t2")
    assert state.state_of("a1") is JobState.FAILED


def test_no_more_ends_are_kept_than_may_be() -> None:
    state = a_state()
    submit(state, *small(1))
    for number in range(FINAL_STATES_MAX):
        state.final_states[f"f{number}"] = JobState.FAILED

    run(state, "t0")

    assert len(state.final_states) == FINAL_STATES_MAX
    assert state.state_of("a1") is JobState.SUCCEEDED


# In the loop.


def test_the_next_starts_in_the_cycle_in_which_one_ends() -> None:
    hand: Hand = a_hand()
    for job in small(3, at_most=1):
        hand.ask(ev.Submitted(at_ms=1_000, job=replace(job, centre_ids=("east",))))
    hand.step(1_000)
    say(hand, 2_000, runs("t0.1", 2_000))
    assert [state_of(hand, f"t{n}") for n in range(3)] == [
        JobState.RUNNING,
        JobState.HELD,
        JobState.HELD,
    ]

    say(hand, 3_000, ended("t0.1", 2_000, 3_000))

    assert (state_of(hand, "t1"), state_of(hand, "t2")) == (JobState.LEASED, JobState.HELD)


# Whatever happens.


@given(
    at_most=st.integers(1, 4),
    steps=st.lists(st.tuples(st.integers(0, 7), st.sampled_from("clefpr")), max_size=60),
)
def test_whatever_happens_the_limit_holds_and_nobody_is_forgotten(
    at_most: int, steps: list[tuple[int, str]]
) -> None:
    state = a_state()
    submit(state, *small(8, at_most))
    for number, what in steps:
        _do(state, f"t{number}", what)
        check(state)
        out = [one for one in state.jobs.values() if one.state is not JobState.HELD]
        assert len(out) <= at_most
        release_ripe(state)
        waiting = len(held(state))
        assert len(state.jobs) - waiting == min(at_most, len(state.jobs))


def _do(state: State, job_id: str, what: str) -> None:
    """What fits happens; the rest is refused."""
    record = state.jobs.get(job_id)
    number = record.attempt_count if record else 0
    match what:
        case "c":
            state.apply(next(cancel(job_id)))
        case "l":
            state.apply(a_lease(job_id, CARD, number=number + 1))
        case "r":
            again = State.restored(decode_snapshot(encode_snapshot(state.snapshot())))
            assert again.snapshot() == state.snapshot()
            check(again)
        case _:
            causes = {"e": EndCause.FINISHED, "f": EndCause.USER_ERROR, "p": EndCause.PREEMPTED}
            over = ev.Ended(
                at_ms=10, attempt_id=f"{job_id}.{number}", cause=causes[what], exit_code=0
            )
            state.apply(over)
