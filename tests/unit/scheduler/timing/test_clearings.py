"""When the nodes of a pool have room for bundles, beside the slow way to find that out."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from scheduler.placing.bundles import Bundle
from scheduler.timing.clearings import Clearings, End
from tests.unit.scheduler.placing.test_bundles import NODE, some_bundles, wanted
from tests.unit.scheduler.placing.test_racks import POOL, free

NOW_MS = 5
ends_of_a_node = st.lists(
    st.tuples(st.integers(NOW_MS + 1, 20), st.integers(1, 4)), max_size=3
).filter(lambda ends: sum(cards for _, cards in ends) <= NODE)


def first_ms(
    ends_by_node: Mapping[str, Sequence[End]], runs: list[Bundle], rack: int, is_in_rack: bool
) -> int | None:
    """One moment after another, each with all that is free then."""
    moments = {at_ms for ends in ends_by_node.values() for at_ms, _ in ends}
    for now_ms in sorted({NOW_MS, *moments}):
        cards = [
            NODE - sum(taken for at_ms, taken in ends if at_ms > now_ms)
            for ends in ends_by_node.values()
        ]
        if free(*cards, nodes_per_rack=rack).find(wanted(*runs, is_in_rack=is_in_rack)):
            return now_ms
    return None


@given(
    st.lists(ends_of_a_node, min_size=1, max_size=6), some_bundles, st.integers(1, 3), st.booleans()
)
def test_bundles_have_room_as_soon_as_each_would_find_a_node(
    nodes: list[list[End]], runs: list[Bundle], rack: int, is_in_rack: bool
) -> None:
    ends_by_node = {f"{POOL}-n{at:03}": ends for at, ends in enumerate(nodes, start=1)}
    racks = {node_id: at // rack for at, node_id in enumerate(ends_by_node)}
    clearings = Clearings(NODE, NOW_MS, ends_by_node, racks)

    found = clearings.room_ms(wanted(*runs, is_in_rack=is_in_rack))

    assert found == first_ms(ends_by_node, runs, rack, is_in_rack)
    assert clearings.room_ms(wanted(*runs, is_in_rack=is_in_rack)) == found, "and again"


def test_what_ends_first_counts_first_whatever_is_named_first() -> None:
    clearings = Clearings(NODE, NOW_MS, {"n1": [(20, 4), (10, 4)]}, {"n1": 0})

    assert clearings.room_ms(wanted((1, 4))) == 10


def test_all_wait_for_the_largest_though_the_others_have_room() -> None:
    ends_by_node = {"n1": [(20, 4)], "n2": [(20, 4)]}
    clearings = Clearings(NODE, NOW_MS, ends_by_node, {"n1": 0, "n2": 0})

    assert clearings.room_ms(wanted((1, 4), (1, NODE))) == 20
