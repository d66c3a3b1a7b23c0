"""On drained nodes nothing new starts, and what runs goes on; they are in maintenance."""

import pytest

from scheduler.asking.loads import loads
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.storage.codec import decode_snapshot, decode_wish, encode, encode_snapshot
from tests.builders import a_job, a_lease, a_park, a_placement, a_pool, a_state, happen, submit

POOL = "east-npu"
FIRST, SECOND = "east-npu-n001", "east-npu-n002"


def two_nodes() -> State:
    """Two nodes of 8 cards."""
    return a_state(park=a_park(a_pool(POOL, 2, 8)))


def drained(*node_ids: str, at_ms: int = 1) -> ev.NodesDrained:
    return ev.NodesDrained(at_ms=at_ms, node_ids=node_ids)


def back(*node_ids: str) -> ev.NodesDrained:
    return ev.NodesDrained(at_ms=9, node_ids=node_ids, is_drained=False)


def nodes_of(state: State) -> list[str]:
    """Where the plan starts what waits."""
    grants = plan(state, 10).grants
    return [share.node_id for grant in grants for share in grant.placement.shares]


def test_nothing_starts_on_a_drained_node_until_it_is_back() -> None:
    state = two_nodes()
    happen(state, drained(FIRST))
    submit(state, a_job("j1", device_count=8), a_job("j2", device_count=8))

    assert nodes_of(state) == [SECOND]
    happen(state, back(FIRST))
    assert sorted(nodes_of(state)) == [FIRST, SECOND]


def test_where_all_is_drained_a_job_waits_and_says_why() -> None:
    state = two_nodes()
    happen(state, drained(FIRST, SECOND))
    submit(state, a_job("j1", device_count=8))

    found = plan(state, 10)

    assert found.grants == ()
    assert found.verdicts["j1"].reasons


def test_a_plan_that_starts_something_there_breaks_a_rule() -> None:
    state = two_nodes()
    submit(state, a_job("j1", device_count=8))
    made = plan(state, 10)
    (grant,) = made.grants
    happen(state, drained(grant.placement.shares[0].node_id))

    kept, flaws = verified(state, made, 10, DEFAULT)

    assert kept.grants == ()
    assert "is not one of the pool that is online" in flaws[0]


def test_what_runs_on_a_drained_node_goes_on() -> None:
    state = two_nodes()
    submit(state, a_job("j1", device_count=8))
    happen(state, a_lease("j1", a_placement(POOL, 8)), drained(FIRST))

    assert [*state.live] == ["j1.1"]
    assert plan(state, 10).evictions == ()


def test_drained_cards_are_in_maintenance_and_not_schedulable() -> None:
    state = two_nodes()
    happen(state, drained(FIRST))

    (load,) = loads(state)

    assert (load.online_cards, load.maintenance_cards, load.schedulable_cards) == (16, 8, 8)


def test_a_node_that_is_down_as_well_is_down() -> None:
    state = two_nodes()
    happen(
        state,
        drained(FIRST),
        ev.NodesChanged(at_ms=2, centre_id="east", online_node_ids=(SECOND,)),
    )

    (load,) = loads(state)

    assert (load.online_cards, load.maintenance_cards, load.schedulable_cards) == (8, 0, 8)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (drained("nowhere"), "there is no node nowhere"),
        (back(FIRST), "in that state already"),
        (drained(SECOND), "in that state already"),
    ],
)
def test_what_changes_nothing_is_refused_with_a_reason(event: ev.NodesDrained, why: str) -> None:
    state = two_nodes()
    happen(state, drained(SECOND))

    assert why in str(state.apply(event))


def test_a_checkpoint_knows_what_is_drained() -> None:
    state = two_nodes()
    happen(state, drained(FIRST))

    restored = State.restored(decode_snapshot(encode_snapshot(state.snapshot())))

    assert restored.drains.node_ids == {FIRST}
    assert restored.snapshot() == state.snapshot()


def test_a_wish_to_drain_passes_through_the_inbox() -> None:
    assert decode_wish(encode(drained(FIRST, SECOND))) == drained(FIRST, SECOND)
