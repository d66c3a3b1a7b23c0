"""Who ran and lost a node has the first claim on another, for a while."""

import pytest

from scheduler.facts import events as ev
from scheduler.facts.record import REPAIR_MS
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Priority
from scheduler.model.plan import Answers
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.storage.codec import decode_snapshot, encode_snapshot
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    happen,
    submit,
)

POOL = "east-npu"
PARK = a_park(a_pool(POOL, 3, 8))
NODES = PARK.node_ids(POOL)
LOST_MS = HOUR_MS // 2
GANG = a_job("gang", device_count=16, node_count=2, retry_count=3, limit_ms=4 * HOUR_MS)


def after(
    cause: EndCause, *, started: bool = True, node_id: str | None = NODES[1], stopped: bool = False
) -> State:
    """The gang was on nodes 1 and 2 and is over by that cause; another runs on node 3, for long.

    Node 2 is down, and one of a higher class wants a node.
    """
    state = a_state(park=PARK)
    submit(state, GANG, a_job("other", limit_ms=9 * HOUR_MS))
    happen(state, a_lease("gang", a_placement(POOL, 8, 8)))
    happen(state, a_lease("other", a_placement(POOL, 0, 0, 8)))
    happen(state, ev.Launching(at_ms=1, attempt_id="gang.1"))
    if started:
        happen(state, ev.Started(at_ms=1, attempt_id="gang.1"))
    if stopped:
        stop = ev.StopDecided(
            at_ms=2, attempt_id="gang.1", cause=EndCause.PREEMPTED, grace_ms=HOUR_MS
        )
        happen(state, stop)
    nodes(state, NODES[0], NODES[2])
    end = ev.Ended(at_ms=LOST_MS, attempt_id="gang.1", cause=cause, exit_code=None, node_id=node_id)
    happen(state, end)
    urgent = a_job("urgent", priority=Priority.HIGH, limit_ms=20 * HOUR_MS, submitted_at_ms=LOST_MS)
    submit(state, urgent)
    return state


def nodes(state: State, *node_ids: str) -> None:
    happen(state, ev.NodesChanged(at_ms=LOST_MS, centre_id="east", online_node_ids=node_ids))


def starts(state: State, now_ms: int) -> list[str]:
    found = plan(state, now_ms)
    assert verified(state, found, now_ms, DEFAULT)[1] == ()
    assert [one.job_id for one in plan(state, now_ms, answers=Answers.GRANTS).grants] == [
        grant.job_id for grant in found.grants
    ]
    return [grant.job_id for grant in found.grants]


def test_what_is_left_of_its_nodes_is_kept_until_there_is_another() -> None:
    state = after(EndCause.NODE)

    assert starts(state, LOST_MS) == []
    start = plan(state, LOST_MS).verdicts["gang"].start
    assert start is not None
    assert start.is_promised
    nodes(state, *NODES)
    assert starts(state, LOST_MS + 1_000) == ["gang"]


def test_short_work_may_use_it_meanwhile() -> None:
    state = after(EndCause.NODE)
    submit(state, a_job("short", limit_ms=HOUR_MS, submitted_at_ms=LOST_MS))

    assert starts(state, LOST_MS) == ["short"]


def test_after_a_while_it_waits_for_its_turn_as_all_do() -> None:
    state = after(EndCause.NODE)

    assert starts(state, LOST_MS + REPAIR_MS - 1) == []
    assert starts(state, LOST_MS + REPAIR_MS) == ["urgent"]


@pytest.mark.parametrize(
    ("cause", "started"),
    [(EndCause.CENTRE, True), (EndCause.PREEMPTED, True), (EndCause.NODE, False)],
    ids=["the centre failed", "it was stopped for others", "it had not started"],
)
def test_only_who_ran_and_lost_a_node(cause: EndCause, started: bool) -> None:
    state = after(cause, started=started)

    assert starts(state, LOST_MS + 6_000) == ["urgent"]


@pytest.mark.parametrize(
    ("node_id", "stopped"),
    [(None, False), (NODES[1], True)],
    ids=["its centre lost it", "it was to make room"],
)
def test_not_who_lost_no_node_or_was_to_go_anyway(node_id: str | None, stopped: bool) -> None:
    state = after(EndCause.NODE, node_id=node_id, stopped=stopped)

    assert state.claims == {}
    assert starts(state, LOST_MS + 6_000) == ["urgent"]


def test_the_next_leader_knows_it() -> None:
    state = after(EndCause.NODE)

    again = State.restored(decode_snapshot(encode_snapshot(state.snapshot())))

    assert starts(again, LOST_MS) == []
