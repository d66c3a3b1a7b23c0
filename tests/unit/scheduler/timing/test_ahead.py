"""What runs is gone through once, and room for any gang is found where it would be looked for."""

from collections.abc import Sequence
from random import Random

import pytest

from scheduler.facts.agenda import Ending
from scheduler.model.job import NodeShare
from scheduler.placing.bundles import Bundle
from scheduler.placing.placement import Fit, FreeCards
from scheduler.placing.racks import RackedCards
from scheduler.timing.ahead import Ahead, Opening, give_back

SIZE = 4
NODES = ("n1", "n2", "n3", "n4", "n5")
RACKS = {"n1": 0, "n2": 1, "n3": 0, "n4": 1, "n5": 1}
WANTED = (*(Fit(1, cards) for cards in range(1, SIZE + 1)), Fit(2, SIZE), Fit(3, SIZE))
UNEVEN = Fit(2, 3, bundles=(Bundle(1, 3), Bundle(1, 2)))


def free_cards(cards: Sequence[int], *, is_racked: bool) -> FreeCards:
    by_node = list(zip(NODES, cards, strict=False))
    return RackedCards(SIZE, by_node, RACKS) if is_racked else FreeCards(SIZE, by_node)


def ending(at_ms: int, number: int, **cards: int) -> Ending:
    shares = [NodeShare(node_id=node_id, card_count=count) for node_id, count in cards.items()]
    return at_ms, f"a{number}", tuple(shares)


def drawn(rng: Random) -> tuple[list[int], list[Ending]]:
    """All that is taken of some nodes ends, in parts; one node more is down."""
    free = [rng.choice((0, 0, 1, SIZE - 1, SIZE)) for _ in NODES[1:]]
    taken = [node for node, cards in zip(NODES, free, strict=False) for _ in range(SIZE - cards)]
    parts = rng.sample(taken, len(taken))
    ends: list[Ending] = []
    while parts:
        part = parts[: rng.randint(1, SIZE)]
        del parts[: len(part)]
        cards = {NODES[-1]: 1} | {node: part.count(node) for node in part}
        ends.append(ending(rng.randint(1, 4), len(ends), **cards))
    return free, sorted(ends)


def first_found(free: FreeCards, ends: Sequence[Ending], wanted: Fit) -> Opening | None:
    """Looked for after each moment anew."""
    for at_ms in sorted({end[0] for end in ends}):
        for _, _, shares in (end for end in ends if end[0] == at_ms):
            give_back(free, shares)
        found = free.find(wanted)
        if found is not None:
            spare = {one.node_id: free.by_node[one.node_id] - one.card_count for one in found}
            return Opening(at_ms, at_ms, found, spare)
    return None


@pytest.mark.parametrize("is_racked", [False, True])
def test_it_is_found_where_it_would_be_after_each_moment_whoever_asked_before(
    is_racked: bool,
) -> None:
    rng = Random(7)
    for _ in range(500):
        cards, ends = drawn(rng)
        ahead = Ahead(free_cards(cards, is_racked=is_racked), ends)
        for wanted in rng.sample((*WANTED, UNEVEN), 4):
            anew = free_cards(cards, is_racked=is_racked)
            assert ahead.opening(wanted) == first_found(anew, ends, wanted)


@pytest.mark.parametrize("wanted", [Fit(2, SIZE), UNEVEN])
@pytest.mark.parametrize("is_racked", [False, True])
def test_it_changes_nothing_of_what_is_free_now_and_is_changed_by_nothing_taken_later(
    wanted: Fit, is_racked: bool
) -> None:
    free = free_cards([4, 0, 0], is_racked=is_racked)
    ends = [ending(1, 1, n2=4), ending(2, 2, n3=4)]
    ahead, before = Ahead(free, ends), first_found(free.copy(), ends, wanted)

    ahead.opening(Fit(3, SIZE))
    assert free.by_node == {"n1": 4, "n2": 0, "n3": 0}, "it looks ahead, and nothing has ended"
    free.set("n1", 0)

    assert ahead.opening(wanted) == before
    assert before is not None
    assert before.at_ms == 1


def test_a_moment_is_gone_through_as_far_as_is_asked_and_then_gone_on_with() -> None:
    ends = [ending(1, 1, n1=4), ending(1, 2, n2=4), ending(1, 3, n3=4)]
    ahead = Ahead(free_cards([0, 0, 0], is_racked=False), ends)

    found = [ahead.opening(wanted) for wanted in (Fit(2, SIZE), Fit(3, SIZE), Fit(1, 1))]

    assert [one and [share.node_id for share in one.shares] for one in found] == [
        ["n1", "n2"],
        ["n1", "n2", "n3"],
        ["n1"],
    ]
