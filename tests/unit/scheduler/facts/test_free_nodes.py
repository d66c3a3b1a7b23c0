"""The free nodes of a pool as they are kept at events, against the same made anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.free_nodes import FreeNodes
from scheduler.facts.invariants import check
from scheduler.facts.state import State
from tests.builders import a_job, a_lease, a_placement, a_state, happen, submit

SIZE = 4
POOL = "east-npu"


def named(cards: list[int]) -> list[tuple[str, int]]:
    return [(f"n{number}", count) for number, count in enumerate(cards)]


@given(
    st.lists(st.integers(0, SIZE), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, SIZE), st.booleans())),
)
def test_whatever_came_and_went_nodes_are_in_the_order_of_the_pool(
    cards: list[int], changes: list[tuple[int, int, bool]]
) -> None:
    nodes = FreeNodes(SIZE, named(cards))
    for number, count, is_looked_at in changes:
        nodes.note(f"n{number}", count)
        if number < len(cards):
            cards[number] = count
        if is_looked_at:
            nodes.check(FreeNodes(SIZE, named(cards)))

    nodes.check(FreeNodes(SIZE, named(cards)))


def test_all_that_have_changed_are_put_in_order_at_once() -> None:
    nodes = FreeNodes(SIZE, named([1, 1, 1, 1]))
    for number, cards in ((1, 2), (0, 2), (3, 3), (2, 3)):
        nodes.note(f"n{number}", cards)

    assert [[*bucket] for bucket in nodes.buckets()[2:4]] == [["n0", "n1"], ["n2", "n3"]]


def test_a_drift_of_what_is_kept_is_found() -> None:
    nodes = FreeNodes(SIZE, named([1, 2]))

    with pytest.raises(AssertionError, match="free nodes drifted"):
        nodes.check(FreeNodes(SIZE, named([1, 1])))
    nodes.buckets()[3]["n9"] = None
    with pytest.raises(AssertionError, match="order of free nodes drifted"):
        nodes.check(FreeNodes(SIZE, named([1, 2])))


def free_of(state: State) -> dict[str, int]:
    return state.holdings.nodes(POOL, state.online_node_ids).by_node


def test_a_pool_has_what_leases_and_ends_leave_of_its_nodes_that_are_online() -> None:
    state = a_state()
    assert state.park is not None
    first, *others = state.park.node_ids(POOL)
    size = state.park.pool_by_id[POOL].cards_per_node
    assert free_of(state)[first] == size

    submit(state, a_job("j", device_count=1))
    happen(state, a_lease("j", a_placement(POOL, 1)))
    assert free_of(state)[first] == size - 1

    online = tuple(state.online_node_ids - {first})
    happen(state, ev.NodesChanged(at_ms=2, centre_id="east", online_node_ids=online))
    assert [*free_of(state)] == others
    back = (*online, first)
    happen(state, ev.NodesChanged(at_ms=3, centre_id="east", online_node_ids=back))
    assert [*free_of(state)] == [first, *others]
    assert free_of(state)[first] == size - 1


def test_the_invariants_look_at_free_nodes() -> None:
    state = a_state()
    nodes = state.holdings.nodes(POOL, state.online_node_ids)
    nodes.by_node[next(iter(nodes.by_node))] -= 1

    with pytest.raises(AssertionError, match="free nodes drifted"):
        check(state)


def test_what_was_found_out_is_kept_as_long_as_the_same_runs() -> None:
    nodes = FreeNodes(8, [("n1", 3)])
    found: list[str] = nodes.known("what runs", list)

    assert nodes.known("what runs", list) is found
    assert nodes.known("others", list) is not found
