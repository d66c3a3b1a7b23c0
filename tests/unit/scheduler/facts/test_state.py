"""What each kind of event changes, and what it is refused for; a refused one changes nothing."""

from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.facts.record import FIRST_BACKOFF_MS, MAX_LAUNCH_FAILURES
from scheduler.facts.state import State
from scheduler.model.job import EndCause, JobState
from tests.builders import (
    PARK,
    TENANT,
    a_job,
    a_lease,
    a_placement,
    a_state,
    happen,
    refused,
    submit,
)

NODE = a_placement("east-npu", 8)
RICH = 10**12
CANCEL = ev.CancelRequested(at_ms=0, job_id="j1", by="u")


def a_started(hold_micros: int = 0, retry_count: int = 0) -> State:
    """`j1` runs from moment 10 on a whole node, as its attempt `j1.1`."""
    state = a_leased(hold_micros, retry_count)
    happen(state, ev.Started(at_ms=10, attempt_id="j1.1"))
    return state


def a_leased(hold_micros: int = 0, retry_count: int = 0) -> State:
    state = a_state()
    submit(state, a_job(retry_count=retry_count))
    happen(state, a_lease("j1", NODE, hold_micros=hold_micros))
    return state


def ended(cause: EndCause, at_ms: int = 1_000, number: int = 1) -> ev.Ended:
    return ev.Ended(at_ms=at_ms, attempt_id=f"j1.{number}", cause=cause, exit_code=None)


def metered(from_ms: int, to_ms: int, charge_micros: int) -> ev.Metered:
    return ev.Metered(
        at_ms=to_ms,
        attempt_id="j1.1",
        from_ms=from_ms,
        to_ms=to_ms,
        price_micros=1,
        charge_micros=charge_micros,
    )


def money(state: State) -> tuple[int, int]:
    """What steel has spent or set aside of its riches, and what of it is held."""
    funds = state.funds["steel"]
    return RICH - funds.available_micros, funds.held_micros


# The queue.


def test_a_submitted_job_waits() -> None:
    state = a_state()

    submit(state, a_job())

    assert list(state.queue) == ["j1"]
    assert state.state_of("j1") is JobState.QUEUED


def test_a_job_is_submitted_once_for_ever() -> None:
    state = a_state()
    submit(state, a_job())

    assert "known already" in refused(state, ev.Submitted(at_ms=1, job=a_job()))
    happen(state, CANCEL)
    assert "known already" in refused(state, ev.Submitted(at_ms=2, job=a_job()))


def test_a_job_of_nobody_is_refused() -> None:
    nobody = ev.Submitted(at_ms=0, job=a_job(tenant_id="nobody"))

    assert refused(a_state(), nobody) == "there is no tenant nobody"


def test_a_cancelled_job_that_waits_is_over_at_once() -> None:
    state = a_state()
    submit(state, a_job())

    happen(state, CANCEL)

    assert state.final_states == {"j1": JobState.CANCELLED}
    assert not state.queue


def test_only_the_last_jobs_to_end_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.facts.state.FINAL_STATES_MAX", 2)
    state = a_state()

    for name in ("j1", "j2", "j3"):
        submit(state, a_job(name))
        happen(state, ev.CancelRequested(at_ms=0, job_id=name, by="u"))

    assert list(state.final_states) == ["j2", "j3"]


def test_a_cancelled_job_that_runs_goes_on_until_it_ended() -> None:
    state = a_started()

    happen(state, CANCEL)

    assert state.state_of("j1") is JobState.RUNNING
    assert "already" in refused(state, CANCEL)


def test_what_is_over_or_unknown_cannot_be_cancelled() -> None:
    state = a_started()
    happen(state, ended(EndCause.FINISHED))

    assert "over or was never here" in refused(state, CANCEL)
    assert "over or was never here" in refused(a_state(), CANCEL)


# A lease, and what it takes.


def test_a_lease_takes_cards_quota_power_and_money() -> None:
    state = a_leased(hold_micros=500)

    assert state.free_cards["east-npu-n001"] == 0
    assert state.held_cards == {"steel": 8}
    assert state.holdings.allocated_tflops == {"east": 8 * 313, "north": 0}
    assert state.shares["steel"].rate == 8 * 313
    assert money(state) == (500, 500)
    assert state.state_of("j1") is JobState.LEASED
    assert "j1" not in state.queue


def test_only_what_waits_is_leased() -> None:
    again = a_lease("j1", a_placement("east-npu", 0, 8), number=2)

    assert refused(a_leased(), again) == "job j1 does not wait"


def test_a_lease_needs_every_card_of_every_node_free() -> None:
    state = a_leased()
    submit(state, a_job("j2", device_count=9))

    for cards in ((8, 1), (1, 8)):
        asked = a_lease("j2", a_placement("east-npu", *cards))
        assert "are not free" in refused(state, asked)


def test_a_lease_needs_its_whole_hold_covered() -> None:
    state = a_state()
    submit(state, a_job())

    assert "cannot cover" in refused(state, a_lease("j1", NODE, hold_micros=RICH + 1))
    happen(state, a_lease("j1", NODE, hold_micros=RICH))


# An attempt's way.


def test_an_attempt_is_taken_started_and_stopped_each_once() -> None:
    state = a_leased()
    launching = ev.Launching(at_ms=1, attempt_id="j1.1")
    started = ev.Started(at_ms=2, attempt_id="j1.1")
    stop = ev.StopDecided(at_ms=3, attempt_id="j1.1", cause=EndCause.LIMIT, grace_ms=7)

    steps: list[tuple[ev.Event, JobState]] = [
        (launching, JobState.STARTING),
        (started, JobState.RUNNING),
        (stop, JobState.STOPPING),
    ]
    for event, then in steps:
        happen(state, event)
        assert state.state_of("j1") is then
        refused(state, event)

    attempt = state.live["j1.1"]
    assert (attempt.started_at_ms, attempt.metered_to_ms) == (2, 2)
    assert (attempt.stop_cause, attempt.stop_at_ms, attempt.stop_grace_ms) == (
        EndCause.LIMIT,
        3,
        7,
    )


def test_what_was_told_to_stop_never_looks_as_if_it_ran() -> None:
    state = a_leased()
    happen(state, ev.StopDecided(at_ms=1, attempt_id="j1.1", cause=EndCause.LIMIT, grace_ms=0))

    happen(state, ev.Launching(at_ms=2, attempt_id="j1.1"))
    happen(state, ev.Started(at_ms=3, attempt_id="j1.1"))

    assert state.state_of("j1") is JobState.STOPPING


def test_an_attempt_that_runs_is_not_being_launched() -> None:
    assert "not waiting" in refused(a_started(), ev.Launching(at_ms=11, attempt_id="j1.1"))


def test_nothing_starts_before_it_was_leased() -> None:
    state = a_state()
    submit(state, a_job())
    happen(state, a_lease("j1", NODE, at_ms=100))

    assert "before it was leased" in refused(state, ev.Started(at_ms=99, attempt_id="j1.1"))
    happen(state, ev.Started(at_ms=100, attempt_id="j1.1"))


def test_an_attempt_that_is_over_is_spoken_of_no_more() -> None:
    state = a_started()
    happen(state, ended(EndCause.FINISHED))

    for event in (
        ev.Launching(at_ms=2_000, attempt_id="j1.1"),
        ev.Started(at_ms=2_000, attempt_id="j1.1"),
        ev.StopDecided(at_ms=2_000, attempt_id="j1.1", cause=EndCause.LIMIT, grace_ms=0),
        metered(10, 2_000, 1),
        ended(EndCause.FINISHED),
    ):
        refused(state, event)


# The meter.


def test_usage_goes_on_where_it_stood_and_is_paid_out_of_the_hold() -> None:
    state = a_started(hold_micros=100)

    happen(state, metered(10, 20, 60))

    assert money(state) == (100, 40)
    assert state.live["j1.1"].metered_to_ms == 20
    happen(state, metered(20, 30, 60))
    assert money(state) == (120, 0), "what the hold no longer covers comes out of the balance"
    assert state.live["j1.1"].charged_micros == 120


@pytest.mark.parametrize("begin_and_end", [(9, 20), (11, 20), (10, 10), (10, 9)], ids=str)
def test_usage_has_no_gap_no_overlap_and_no_empty_slice(begin_and_end: tuple[int, int]) -> None:
    assert "no usage to count" in refused(a_started(), metered(*begin_and_end, 0))


def test_what_has_not_started_has_no_usage() -> None:
    refused(a_leased(), metered(0, 10, 1))


# The end.


def test_an_end_gives_back_cards_quota_power_and_the_rest_of_the_hold() -> None:
    state = a_started(hold_micros=100)
    happen(state, metered(10, 20, 60))

    happen(state, ended(EndCause.FINISHED))

    assert state.free_cards["east-npu-n001"] == 8
    assert state.held_cards == {"steel": 0}
    assert state.holdings.allocated_tflops == {"east": 0, "north": 0}
    assert state.shares["steel"].rate == 0
    assert money(state) == (60, 0)


@pytest.mark.parametrize("cause", list(EndCause))
def test_only_the_parks_own_fault_gives_back_what_was_charged(cause: EndCause) -> None:
    state = a_started(hold_micros=100)
    happen(state, metered(10, 20, 60))

    happen(state, ended(cause))

    is_fault = cause in {EndCause.NODE, EndCause.CENTRE, EndCause.BROKER}
    assert money(state) == (0 if is_fault else 60, 0)


@pytest.mark.parametrize(
    ("cause", "then"),
    [
        (EndCause.FINISHED, JobState.SUCCEEDED),
        (EndCause.USER_ERROR, JobState.FAILED),
        (EndCause.LIMIT, JobState.FAILED),
        (EndCause.PREEMPTED, JobState.QUEUED),
        (EndCause.NODE, JobState.QUEUED),
        (EndCause.CENTRE, JobState.QUEUED),
        (EndCause.BROKER, JobState.QUEUED),
    ],
)
def test_an_end_is_final_unless_the_park_was_at_fault(cause: EndCause, then: JobState) -> None:
    state = a_started(retry_count=1)

    happen(state, ended(cause))

    assert state.state_of("j1") is then


@pytest.mark.parametrize("cause", list(EndCause))
def test_a_cancel_wins_against_every_retry_and_every_result(cause: EndCause) -> None:
    state = a_started(retry_count=1)
    happen(state, CANCEL)

    happen(state, ended(cause))

    assert state.final_states == {"j1": JobState.CANCELLED}


def test_a_job_is_tried_again_after_faults_as_often_as_it_asked() -> None:
    state = a_started(retry_count=1)
    happen(state, ended(EndCause.NODE, 20))

    happen(state, a_lease("j1", NODE, at_ms=20, number=2))
    happen(state, ev.Started(at_ms=30, attempt_id="j1.2"), ended(EndCause.NODE, 40, number=2))

    assert state.final_states == {"j1": JobState.FAILED}


def test_preemption_costs_no_retry() -> None:
    state = a_started(retry_count=0)

    for number in range(1, 4):
        happen(state, ended(EndCause.PREEMPTED, 20, number))
        happen(state, a_lease("j1", NODE, at_ms=20, number=number + 1))
        happen(state, ev.Started(at_ms=20, attempt_id=f"j1.{number + 1}"))

    assert state.state_of("j1") is JobState.RUNNING


def test_after_each_failed_launch_a_job_waits_twice_as_long_and_then_fails() -> None:
    state = a_leased(retry_count=0)
    waits = []

    for number in range(1, MAX_LAUNCH_FAILURES):
        happen(state, ended(EndCause.BROKER, 1_000, number))
        waits.append(state.jobs["j1"].not_before_ms - 1_000)
        happen(state, a_lease("j1", NODE, at_ms=1_000, number=number + 1))
    happen(state, ended(EndCause.BROKER, 1_000, MAX_LAUNCH_FAILURES))

    assert waits == [FIRST_BACKOFF_MS << step for step in range(4)]
    assert state.final_states == {"j1": JobState.FAILED}


def test_a_job_that_ran_and_lost_its_node_may_go_on_at_once() -> None:
    state = a_started(retry_count=1)

    happen(state, ended(EndCause.NODE, 1_000))

    assert state.jobs["j1"].not_before_ms == 1_000


# What the machines say.


def test_a_centre_speaks_of_its_own_nodes_only() -> None:
    state = a_state()
    here = ("east-npu-n001", "north-npu-n001", "nowhere")

    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=here))

    north = {"north-npu-n001", "north-dcu-n001", "north-dcu-n002"}
    assert state.online_node_ids == {"east-npu-n001"} | north
    refused(state, ev.NodesChanged(at_ms=2, centre_id="east", online_node_ids=here))


def test_a_centre_is_heard_of_or_not() -> None:
    state = a_state()
    silent = ev.CentreLinkChanged(at_ms=1, centre_id="east", is_heard=False)

    happen(state, silent)

    assert state.heard_centre_ids == {"north"}
    refused(state, silent)
    happen(state, replace(silent, is_heard=True))
    assert state.heard_centre_ids == {"east", "north"}


def test_a_state_knows_every_tenant_and_the_park() -> None:
    state = a_state()

    assert state.park == PARK
    assert state.tenants == {"steel": TENANT}
    with pytest.raises(KeyError):
        state.state_of("never")
