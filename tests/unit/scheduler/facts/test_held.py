"""Jobs that follow others: held, released, or given up."""

import pytest

from scheduler.facts import events as ev
from scheduler.facts.held import Held
from scheduler.facts.queue import SLOWDOWN, due_key
from scheduler.facts.record import JobRecord
from scheduler.facts.state import FINAL_STATES_MAX, State
from scheduler.model.job import EndCause, Job, JobState
from scheduler.planning.planner import plan
from scheduler.storage.codec import decode_snapshot, encode_snapshot
from tests.builders import HOUR_MS, a_job, a_lease, a_placement, a_state, happen, refused, submit
from tests.hand import Hand, a_hand, ended, here, runs, say, state_of

NODE = a_placement("east-npu", 8)


def submitted(job: Job) -> ev.Submitted:
    return ev.Submitted(at_ms=0, job=job)


def cancel(job_id: str) -> ev.CancelRequested:
    return ev.CancelRequested(at_ms=5, job_id=job_id, by="u")


def succeed(state: State, job_id: str, at_ms: int = 10) -> None:
    happen(state, a_lease(job_id, NODE), ev.Started(at_ms=0, attempt_id=f"{job_id}.1"))
    end = ev.Ended(at_ms=at_ms, attempt_id=f"{job_id}.1", cause=EndCause.FINISHED, exit_code=0)
    happen(state, end)


def ripe(state: State) -> tuple[str, str] | None:
    record = state.held.ripe()
    return None if record is None else (record.job.id, record.broken_by)


# In the state.


def test_who_follows_is_held_and_in_no_plan() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b", after_ids=("a",)))

    assert state.jobs["b"].state is JobState.HELD
    assert list(state.queue) == ["a"]
    assert [grant.job_id for grant in plan(state, 0).grants] == ["a"]
    assert ripe(state) is None


def test_once_the_other_has_succeeded_it_comes_to_the_queue() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b", after_ids=("a",)))
    succeed(state, "a")
    assert ripe(state) == ("b", "")

    happen(state, ev.Released(at_ms=20, job_id="b"))

    assert state.jobs["b"].state is JobState.QUEUED
    assert list(state.queue) == ["b"]
    assert ripe(state) is None


@pytest.mark.parametrize("is_any", [False, True])
def test_where_the_other_fails_only_who_follows_anyhow_runs(is_any: bool) -> None:
    state = a_state()
    submit(state, a_job("a"))
    submit(state, a_job("b", after_any_ids=("a",)) if is_any else a_job("b", after_ids=("a",)))
    happen(state, cancel("a"))

    assert ripe(state) == ("b", "" if is_any else "a")
    if is_any:
        happen(state, ev.Released(at_ms=6, job_id="b"))
        assert "b" in state.queue
    else:
        assert "does not wait" in refused(
            state, ev.DependencyFailed(at_ms=6, job_id="b", after_id="c")
        )
        happen(state, ev.DependencyFailed(at_ms=6, job_id="b", after_id="a"))
        assert state.state_of("b") is JobState.CANCELLED
        assert ripe(state) is None


def test_all_must_have_ended_and_one_that_fails_decides_at_once() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b"), a_job("c", after_ids=("a",), after_any_ids=("b",)))
    happen(state, cancel("b"))
    assert ripe(state) is None
    assert state.jobs["c"].awaited_ids == ["a"]

    happen(state, cancel("a"))

    assert ripe(state) == ("c", "a")


def test_one_that_fails_decides_while_others_still_run() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b"), a_job("c", after_ids=("a", "b")))
    happen(state, cancel("b"))

    assert ripe(state) == ("c", "b")
    happen(state, cancel("a"))
    assert ripe(state) == ("c", "b"), "the first is what is told"
    happen(state, ev.DependencyFailed(at_ms=6, job_id="c", after_id="b"))


def test_nothing_comes_to_the_queue_before_its_time() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b", after_ids=("a",)))
    early = ev.Released(at_ms=1, job_id="b")
    assert "does not wait for its turn" in refused(state, early)
    assert "does not wait for its turn" in refused(state, ev.Released(at_ms=1, job_id="a"))
    assert "does not wait for its turn" in refused(state, ev.Released(at_ms=1, job_id="x"))
    given_up = ev.DependencyFailed(at_ms=1, job_id="b", after_id="a")
    assert "does not wait" in refused(state, given_up)


def test_a_held_job_is_cancelled_and_so_are_those_that_follow_it() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b", after_ids=("a",)), a_job("c", after_ids=("b",)))

    happen(state, cancel("b"))

    assert state.state_of("b") is JobState.CANCELLED
    assert ripe(state) == ("c", "b")


def test_who_is_cancelled_when_its_time_has_come_is_no_longer_ripe() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b", after_ids=("a",)), a_job("c", after_ids=("a",)))
    succeed(state, "a")

    happen(state, cancel("b"))

    assert ripe(state) == ("c", "")


def test_what_has_ended_is_looked_up() -> None:
    state = a_state()
    submit(state, a_job("good"), a_job("bad"))
    succeed(state, "good")
    happen(state, cancel("bad"))

    submit(state, a_job("x", after_ids=("good",), after_any_ids=("bad",)))
    assert "x" in state.queue
    never = a_job("y", after_ids=("bad",))
    assert "did not succeed: it has cancelled" in refused(state, submitted(never))
    unknown = a_job("z", after_any_ids=("nobody",))
    assert "there is no job nobody" in refused(state, submitted(unknown))
    assert "there is no job z" in refused(state, submitted(a_job("z", after_ids=("z",))))


def test_what_it_was_held_makes_it_no_older() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b", after_ids=("a",)))
    succeed(state, "a")
    happen(state, ev.Released(at_ms=HOUR_MS, job_id="b"))

    record = state.jobs["b"]
    assert record.waiting_since_ms == record.queued_at_ms == HOUR_MS
    assert due_key(record)[1] == HOUR_MS + SLOWDOWN * record.reckoned_ms
    assert record.starving_from_ms > HOUR_MS + 24 * HOUR_MS - 1


def test_how_long_it_runs_is_expected_when_it_is_released() -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b", after_ids=("a",)))
    before_ms = state.jobs["b"].expected_ms
    succeed(state, "a", at_ms=60_000)

    happen(state, ev.Released(at_ms=60_000, job_id="b"))

    assert (before_ms, state.jobs["b"].expected_ms) == (HOUR_MS, 60_000)


@pytest.mark.parametrize("is_over", [False, True])
def test_a_restored_state_knows_who_is_held(is_over: bool) -> None:
    state = a_state()
    submit(state, a_job("a"), a_job("b", after_ids=("a",)), a_job("c", after_ids=("b",)))
    if is_over:
        happen(state, cancel("a"))
        for number in range(FINAL_STATES_MAX):
            state.final_states[f"f{number}"] = JobState.FAILED
        del state.final_states["a"]

    again = State.restored(decode_snapshot(encode_snapshot(state.snapshot())))

    assert again.snapshot() == state.snapshot()
    assert ripe(again) == ripe(state) == (("b", "a") if is_over else None)
    again.held.check()


def test_of_several_the_least_id_comes_first_however_they_became_ripe() -> None:
    held = Held()
    for job_id, after_id in (("z", "a"), ("y", "b")):
        held.add(
            JobRecord(
                job=a_job(job_id, after_ids=(after_id,)),
                state=JobState.HELD,
                awaited_ids=[after_id],
            )
        )
    held.note_end("a", JobState.SUCCEEDED)
    held.note_end("b", JobState.SUCCEEDED)

    first = held.ripe()

    assert first is not None
    assert first.job.id == "y"
    assert list(held) == ["z", "y"]


# In the loop.


def a_chain() -> Hand:
    """`j1` runs; `j2` follows it, `j3` follows `j2`."""
    hand = a_hand()
    for job in (here(), *(_after(f"j{n}", f"j{n - 1}") for n in (2, 3))):
        hand.ask(ev.Submitted(at_ms=1_000, job=job))
    hand.step(1_000)
    say(hand, 2_000, runs("j1.1", 2_000))
    return hand


def _after(job_id: str, other_id: str) -> Job:
    return a_job(job_id, centre_ids=("east",), after_ids=(other_id,), submitted_at_ms=1_000)


def test_a_chain_runs_one_after_the_other() -> None:
    hand = a_chain()
    assert (state_of(hand, "j2"), state_of(hand, "j3")) == (JobState.HELD, JobState.HELD)

    say(hand, 3_000, ended("j1.1", 2_000, 3_000))

    assert (state_of(hand, "j2"), state_of(hand, "j3")) == (JobState.LEASED, JobState.HELD)
    assert hand.controller.state.jobs["j2"].released_at_ms == 3_000


def test_what_fails_takes_the_rest_of_the_chain_with_it_in_the_same_cycle() -> None:
    hand = a_chain()
    hand.ask(ev.CancelRequested(at_ms=2_500, job_id="j2", by="u"))

    cycle = hand.step(2_500)

    assert state_of(hand, "j3") is JobState.CANCELLED
    assert cycle.states == {"j2": JobState.CANCELLED, "j3": JobState.CANCELLED}
    failed = [event for event in cycle.events if isinstance(event, ev.DependencyFailed)]
    assert [(event.job_id, event.after_id) for event in failed] == [("j3", "j2")]
