"""Each invariant finds what it is there for: a state that is bent is told so."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.facts.invariants import check
from scheduler.facts.state import State
from scheduler.model.job import JobState
from tests.builders import PARK, a_job, a_lease, a_placement, a_state, an_array, happen, submit

NODE = "east-npu-n001"


def a_busy_state() -> State:
    """`runs` holds a node and money, `waits` waits, `over` has ended."""
    state = a_state()
    submit(state, a_job("runs"), a_job("waits"), a_job("over"))
    happen(state, a_lease("runs", a_placement("east-npu", 8), hold_micros=100))
    happen(state, ev.CancelRequested(at_ms=1, job_id="over", by="u"))
    return state


def take_a_card(state: State) -> None:
    state.free_cards[NODE] += 1


def forget_a_quota(state: State) -> None:
    state.held_cards["steel"] -= 1


def forget_power(state: State) -> None:
    state.holdings.allocated_tflops["east"] += 1


def forget_cards_of_a_pool(state: State) -> None:
    state.holdings.cards_by_pool["east-npu"] -= 1


def bend_a_share(state: State) -> None:
    state.shares["steel"].rate -= 1


def overfill_a_node(state: State) -> None:
    attempt = state.live["runs.1"]
    attempt.placement = a_placement("east-npu", 9)


def overfill_a_centre(state: State) -> None:
    east, *others = PARK.centres
    state.park = replace(PARK, centres=(replace(east, stated_tflops=8 * 313 - 1), *others))


def overfill_the_park(state: State) -> None:
    state.park = replace(PARK, stated_tflops=8 * 313 - 1)


def lose_the_park(state: State) -> None:
    state.park = None


def keep_what_is_over(state: State) -> None:
    state.jobs["runs"].state = JobState.FAILED


def end_twice(state: State) -> None:
    state.final_states["waits"] = JobState.FAILED


def run_without_an_attempt(state: State) -> None:
    state.jobs["waits"].state = JobState.RUNNING


def lose_a_place(state: State) -> None:
    state.queue.discard("waits")


def wait_though_cancelled(state: State) -> None:
    state.jobs["waits"].is_cancelled = True


def lose_an_attempt(state: State) -> None:
    del state.live["runs.1"]


def overdraw_a_hold(state: State) -> None:
    state.live["runs.1"].hold_left_micros = -1


def bend_a_hold(state: State) -> None:
    state.funds["steel"].held_micros -= 1


def bend_a_lane(state: State) -> None:
    state.queue.lanes["steel", "default", 0].clear()


def let_too_many_out(state: State) -> None:
    submit(state, *an_array(2, at_most=1))
    record = state.jobs["t1"]
    state.held.release(record)
    record.state = JobState.QUEUED
    state.queue.add(record)


def count_one_out_that_is_not(state: State) -> None:
    submit(state, *an_array(2, at_most=1))
    state.held.arrays.release(state.jobs["t1"].job)


def bend_the_agenda(state: State) -> None:
    del state.agenda.unsettled["runs.1"]


def bend_a_foretold_end(state: State) -> None:
    state.agenda.likely("east-npu", 0).clear()


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (take_a_card, f"free of {NODE}"),
        (forget_a_quota, "cards of steel"),
        (forget_power, "TFLOPS of east"),
        (forget_cards_of_a_pool, "cards of pools drifted"),
        (bend_a_share, "fair share of steel"),
        (overfill_a_node, f"node {NODE} is overfull"),
        (overfill_a_centre, "centre east is overfull"),
        (overfill_the_park, "the park is overfull"),
        (lose_the_park, "something runs in no park"),
        (keep_what_is_over, "runs is over and still kept"),
        (end_twice, "waits ended twice"),
        (run_without_an_attempt, "waits running"),
        (lose_a_place, "waits is in no place"),
        (wait_though_cancelled, "waits waits, cancelled"),
        (lose_an_attempt, "live attempts"),
        (overdraw_a_hold, "runs.1 overdrew its hold"),
        (bend_a_hold, "holds of steel drifted"),
        (bend_a_lane, "lanes drifted"),
        (let_too_many_out, "more of array a1 are out than may"),
        (count_one_out_that_is_not, "how many of each array"),
        (bend_the_agenda, "unsettled drifted"),
        (bend_a_foretold_end, "likely ends of east-npu drifted"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bent_state_is_told_so(bend: Callable[[State], None], said: str) -> None:
    state = a_busy_state()
    check(state)

    bend(state)

    with pytest.raises(AssertionError, match=said):
        check(state)
