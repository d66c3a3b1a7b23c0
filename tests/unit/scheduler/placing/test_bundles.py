"""How members of several roles are packed for nodes, where they sit, which nodes they get."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.model.job import NodeShare, Reason, ReasonCode, Role, Topology
from scheduler.placing.bundles import Bundle, largest, packed, seats, sizes_of
from scheduler.placing.placement import Fit, FreeCards, fit, shape_of
from scheduler.placing.seating import Seating
from tests.builders import a_job, a_pool, of_roles
from tests.unit.scheduler.placing.test_racks import free, numbers

NODE = 8


def roles(*members: tuple[int, int]) -> tuple[Role, ...]:
    """Of each so many members with so many cards."""
    return of_roles(a_job(), *members).roles


def bundles(*members: tuple[int, int], cards_per_node: int = NODE) -> list[tuple[int, int]]:
    return [(*one,) for one in packed(sizes_of(roles(*members)), cards_per_node)]


def shares(*cards: int) -> tuple[NodeShare, ...]:
    return tuple(NodeShare(node_id=f"n{at}", card_count=c) for at, c in enumerate(cards, start=1))


# What is packed.


@pytest.mark.parametrize(
    ("members", "packs"),
    [
        ([(1, 0), (32, 8)], [(32, 8)]),
        ([(2, 1), (4, 6)], [(1, 8), (3, 6)]),
        ([(12, 1)], [(1, 8), (1, 4)]),
        ([(3, 3)], [(1, 6), (1, 3)]),
        ([(1, 6), (1, 5), (1, 3)], [(1, 6), (1, 8)]),
        ([(3, 5)], [(3, 5)]),
        ([(2, 8), (5, 3)], [(2, 8), (2, 6), (1, 3)]),
        ([(1, 4), (2, 2), (3, 1)], [(1, 8), (1, 3)]),
    ],
)
def test_the_largest_members_come_first_into_the_first_bundle_with_room(
    members: list[tuple[int, int]], packs: list[tuple[int, int]]
) -> None:
    assert bundles(*members) == packs


def test_the_largest_of_some_bundles_are_counted() -> None:
    some = (Bundle(1, 6), Bundle(2, 8), Bundle(1, 3))

    assert [largest(some, count) for count in range(6)] == [0, 8, 16, 22, 25, 25]


some_roles = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, NODE)), min_size=1, max_size=5
).filter(lambda members: any(cards for _, cards in members))


def one_by_one(members: Sequence[tuple[int, int]], cards_per_node: int) -> list[int]:
    """First fit decreasing as the book has it."""
    found: list[int] = []
    for cards in sorted((c for count, c in members for _ in range(count) if c), reverse=True):
        for at, used in enumerate(found):
            if used + cards <= cards_per_node:
                found[at] += cards
                break
        else:
            found.append(cards)
    return found


@given(some_roles, st.integers(NODE, 2 * NODE))
def test_packing_by_runs_is_packing_one_by_one(
    members: list[tuple[int, int]], cards_per_node: int
) -> None:
    runs = bundles(*members, cards_per_node=cards_per_node)

    assert [cards for count, cards in runs for _ in range(count)] == one_by_one(
        members, cards_per_node
    )
    assert all(one[1] != other[1] for one, other in pairwise(runs))


# Who sits where.


def test_each_member_sits_where_it_was_packed_and_ranks_follow_the_roles() -> None:
    """The six first, then the five beside the three that was packed with it."""
    own = roles((1, 0), (1, 3), (1, 6), (1, 5))

    assert seats(own, shares(6, 8)) == ("n2", "n2", "n1", "n2")


def test_who_has_no_cards_sits_beside_the_first_that_has() -> None:
    assert seats(roles((2, 0), (1, 1), (1, 8)), shares(8, 1)) == ("n2", "n2", "n2", "n1")
    assert seats(roles((2, 4), (1, 0)), shares(8)) == ("n1", "n1", "n1")


@pytest.mark.parametrize("cards", [(), (8,), (8, 8), (7, 4), (8, 4, 1), (5, 6), (4, 8, 0)])
def test_what_is_not_packed_so_seats_nobody(cards: tuple[int, ...]) -> None:
    """Too little, too much, a member split, a node without any."""
    own = roles((1, 8), (1, 4))

    assert (seats(own, shares(*cards)) is None) == (cards != (4, 8, 0))
    assert seats(roles((1, 0)), ()) is None


@given(some_roles, st.integers(NODE, 2 * NODE))
def test_whoever_was_packed_has_a_seat_and_each_node_is_filled(
    members: list[tuple[int, int]], cards_per_node: int
) -> None:
    """All members or none: each on one node, and no card of it left over."""
    own = roles(*members)
    given_cards = one_by_one(members, cards_per_node)

    found = seats(own, shares(*given_cards))

    assert found is not None
    here: Counter[str] = Counter()
    for node_id, cards in zip(
        found, (r.card_count for r in own for _ in range(r.count)), strict=True
    ):
        here[node_id] += cards
    assert [here[f"n{at}"] for at in range(1, len(given_cards) + 1)] == given_cards


# How they sit in a pool.


def fitted(*members: tuple[int, int], nodes: int = 4, rack: int | None = None) -> Fit | Reason:
    topology = Topology.RACK if rack else Topology.POOL
    job = of_roles(a_job(topology=topology), *members)
    return fit(shape_of(job), a_pool("east-npu", nodes, NODE, rack))


def test_what_is_whole_or_on_one_node_sits_as_a_gang_of_one_kind_does() -> None:
    assert fitted((1, 0), (2, 4), (1, 8)) == Fit(2, 8)
    assert fitted((1, 1), (2, 2)) == Fit(1, 5)
    assert fitted((1, 0), (4, 8), rack=4) == Fit(4, 8, is_in_rack=True)
    assert fitted((2, 4), rack=4) == Fit(1, 8)


def test_else_it_is_said_how_many_cards_of_each_node() -> None:
    mixed = fitted((1, 0), (2, 6), (1, 3))

    assert mixed == Fit(3, 6, bundles=(Bundle(2, 6), Bundle(1, 3)))
    assert mixed.cards_by_node() == [6, 6, 3]
    assert Fit(2, 8).cards_by_node() == [8, 8]
    assert fitted((2, 5), rack=2) == Fit(2, 5, is_in_rack=True, bundles=(Bundle(2, 5),))


def refused(code: ReasonCode, need: int, free: int, detail: str = "") -> Reason:
    return Reason(code=code, where="east-npu", need=need, free=free, detail=detail)


def test_a_member_larger_than_a_node_is_refused() -> None:
    assert fitted((1, 0), (1, 9), (40, 1)) == refused(ReasonCode.MEMBER_TOO_BIG, 9, 8)


def test_more_bundles_than_nodes_are_too_many() -> None:
    """Even where there would be cards enough, were members split."""
    assert fitted((5, 5)) == refused(ReasonCode.TOO_BIG, 25, 20)
    assert fitted((5, 8)) == refused(ReasonCode.TOO_BIG, 40, 32)
    assert fitted((3, 5), rack=2) == refused(ReasonCode.NO_RACK, 15, 10, "of 2 nodes")


def test_the_order_of_roles_and_those_without_cards_make_no_other_shape() -> None:
    def shape(*members: tuple[int, int]) -> object:
        return shape_of(of_roles(a_job(), *members))

    assert shape((1, 0), (2, 4), (1, 1)) == shape((1, 1), (2, 4))
    assert shape((2, 4)) != shape((1, 8))
    assert shape((2, 4)) != shape_of(a_job())


# Which nodes.


def plain(*cards: int) -> FreeCards:
    return FreeCards(NODE, [(f"n{number}", count) for number, count in enumerate(cards, start=1)])


def wanted(*some: tuple[int, int], is_in_rack: bool = False) -> Fit:
    runs = tuple(Bundle(*one) for one in some)
    count, most = sum(run.node_count for run in runs), max(run.card_count for run in runs)
    return Fit(count, most, is_in_rack, runs)


def test_each_bundle_takes_the_tightest_node_the_largest_first() -> None:
    assert plain(8, 3, 7, 5).find(wanted((1, 3), (1, 6))) == (
        NodeShare(node_id="n2", card_count=3),
        NodeShare(node_id="n3", card_count=6),
    )


def test_the_example_of_the_documentation_holds() -> None:
    members = (1, 0), (4, 6), (3, 1)
    answer = fitted(*members, nodes=6)
    assert isinstance(answer, Fit)

    assert bundles(*members) == [(1, 8), (1, 7), (2, 6)]
    found = plain(8, 8, 7, 6, 2).find(answer)
    assert found is not None
    assert sorted(share.node_id for share in found) == ["n1", "n2", "n3", "n4"]
    waits = plain(8, 7, 7, 5, 2, 2)
    assert (waits.total, waits.find(answer), waits.usable(answer)) == (31, None, 21)


def test_a_small_bundle_takes_no_node_that_a_larger_one_needs() -> None:
    assert plain(3, 7).find(wanted((1, 3), (1, 6))) == (
        NodeShare(node_id="n1", card_count=3),
        NodeShare(node_id="n2", card_count=6),
    )


def test_two_bundles_never_share_a_node() -> None:
    assert plain(8).find(wanted((2, 4))) is None
    assert plain(8, 3).find(wanted((2, 4))) is None
    assert plain(8, 4).find(wanted((2, 4))) is not None


def test_like_bundles_are_in_the_order_of_the_nodes() -> None:
    cards = FreeCards(NODE, [("p-n1000", 6), ("p-n999", 7)])

    found = cards.find(wanted((2, 5)))

    assert found is not None
    assert [share.node_id for share in found] == ["p-n999", "p-n1000"]


def test_of_what_is_in_pieces_those_bundles_count_that_find_a_node() -> None:
    assert plain(6, 6, 2).usable(wanted((1, 8), (2, 5))) == 10
    assert plain(8, 2, 2).usable(wanted((1, 8), (2, 5))) == 8
    assert free(6, 0, 6, 6).usable(wanted((3, 5), is_in_rack=True)) == 10


free_cards = st.lists(st.integers(0, NODE), min_size=1, max_size=9)
some_bundles = st.lists(
    st.builds(Bundle, st.integers(1, 3), st.integers(1, NODE)), min_size=1, max_size=4
)


def can_sit(cards: Sequence[int], runs: Sequence[Bundle]) -> bool:
    """The largest on the freest, and so on: if that does not do, nothing does (Hall, 1935)."""
    needs = sorted((run.card_count for run in runs for _ in range(run.node_count)), reverse=True)
    there = sorted(cards, reverse=True)
    return len(needs) <= len(there) and all(n <= c for n, c in zip(needs, there, strict=False))


@given(free_cards, some_bundles)
def test_bundles_find_their_nodes_if_they_can_at_all(cards: list[int], runs: list[Bundle]) -> None:
    fit_of = wanted(*runs)
    view = plain(*cards)

    found = view.find(fit_of)

    assert (found is not None) == can_sit(cards, runs)
    if found is not None:
        assert [share.card_count for share in found] == fit_of.cards_by_node()
        assert len({share.node_id for share in found}) == len(found)
        assert all(view.by_node[share.node_id] >= share.card_count for share in found)
    else:
        assert view.usable(fit_of) < sum(fit_of.cards_by_node())


@given(free_cards, some_bundles, st.integers(1, 4), st.booleans())
def test_in_racks_they_do_so_too_and_who_must_is_in_one(
    cards: list[int], runs: list[Bundle], nodes_per_rack: int, is_in_rack: bool
) -> None:
    fit_of = wanted(*runs, is_in_rack=is_in_rack)
    racks = [cards[at : at + nodes_per_rack] for at in range(0, len(cards), nodes_per_rack)]
    is_one_enough = any(can_sit(rack, runs) for rack in racks)
    view = free(*cards, nodes_per_rack=nodes_per_rack)

    found = view.find(fit_of)

    assert (found is not None) == (is_one_enough if is_in_rack else can_sit(cards, runs))
    assert (view.usable(fit_of) == sum(fit_of.cards_by_node())) == (found is not None)
    if found is not None:
        assert [share.card_count for share in found] == fit_of.cards_by_node()
        at = [number - 1 for number in numbers(found) or ()]
        assert len(set(at)) == len(at)
        assert all(cards[n] >= share.card_count for n, share in zip(at, found, strict=True))
        assert (len({n // nodes_per_rack for n in at}) == 1) == is_one_enough


def test_of_the_racks_that_suffice_the_fullest_is_taken() -> None:
    runs = [(1, 8), (1, 3)]

    assert numbers(free(8, 8, 8, 4, 8, 3).find(wanted(*runs))) == [5, 6]


def test_else_the_rack_that_seats_most_is_first_and_the_fullest_of_those_for_the_rest() -> None:
    """Sixteen cards in the second rack; the third seats all of the rest, the first a part of it."""
    cards = free(8, 0, 8, 8, 8, 3)

    assert numbers(cards.find(wanted((3, 8), (1, 3)))) == [3, 4, 5, 6]


def test_bundles_that_must_be_in_one_rack_are_nowhere_else() -> None:
    near = wanted((1, 8), (1, 5), is_in_rack=True)

    assert free(8, 0, 5, 0).find(near) is None
    assert free(8, 0, 5, 0).find(wanted((1, 8), (1, 5))) is not None
    assert numbers(free(8, 0, 5, 8).find(near)) == [4, 3]


def test_seats_are_taken_once() -> None:
    seating = Seating((Bundle(2, 4), Bundle(1, 2)))

    seating.seat([[], [], [], [], ["n1"], [], [], [], []])

    assert seating.card_count == 6
    assert seating.seatable([[], [], ["n2"]]) == 2
