"""What the state's records say of themselves."""

from dataclasses import replace

import pytest

from scheduler.facts.funds import Funds
from scheduler.facts.record import Attempt, JobRecord
from scheduler.model.job import JobState, NodeShare, Placement, Priority, Reason, ReasonCode
from tests.builders import a_job, a_lease, a_placement, a_state, happen, submit


def an_attempt() -> Attempt:
    state = a_state()
    submit(state, a_job())
    happen(state, a_lease("j1", a_placement("east-npu", 8)))
    return state.live["j1.1"]


def test_an_attempt_is_seen_once_its_centre_has_said_so() -> None:
    attempt = an_attempt()

    assert not attempt.is_seen
    assert replace(attempt, is_launching=True).is_seen
    assert replace(attempt, started_at_ms=0).is_seen, "a start says so, too, at whatever moment"


@pytest.mark.parametrize("state", list(JobState))
def test_a_job_is_over_in_three_states(state: JobState) -> None:
    final = {"succeeded", "failed", "cancelled"}

    assert JobRecord(job=a_job(), state=state).is_final == (state in final)


def test_what_is_held_is_not_available() -> None:
    funds = Funds(available_micros=100)

    funds.hold(30)

    assert (funds.available_micros, funds.held_micros) == (70, 30)


def test_a_charge_takes_from_the_hold_what_it_covers_and_the_rest_from_what_is_available() -> None:
    funds = Funds(available_micros=70, held_micros=30)

    funds.post(20, from_hold_micros=20)
    assert (funds.available_micros, funds.held_micros) == (70, 10)
    funds.post(25, from_hold_micros=10)
    assert (funds.available_micros, funds.held_micros) == (55, 0)


def test_a_placement_has_the_cards_of_all_its_nodes() -> None:
    shares = (NodeShare(node_id="a", card_count=8), NodeShare(node_id="b", card_count=3))

    placement = Placement(centre_id="c", pool_id="p", device_kind_id="k", shares=shares)

    assert placement.card_count == 11


def test_classes_rank_from_low_to_high() -> None:
    assert [priority.rank for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH)] == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize(("need", "free", "gap"), [(8, 3, 5), (8, 8, 0), (8, 9, 0)])
def test_a_gap_is_what_is_missing_and_never_negative(need: int, free: int, gap: int) -> None:
    assert Reason(code=ReasonCode.DEVICES_BUSY, where="p", need=need, free=free).gap == gap
