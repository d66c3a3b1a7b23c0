"""What a gang of several roles takes of each node, and which of its members sit there.

A bundle is what it takes of one node. Members are packed into bundles once, for the size of a node
and not for what is free at the moment: so whether they fit has an exact answer, which more free
cards never turn into no. The largest members come first, each into the first bundle that has room
(first fit decreasing: Johnson, "Near-optimal bin packing algorithms", 1973), so that the gang takes
few nodes and leaves little of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from scheduler.model.job import NodeShare, Role


class Size(NamedTuple):
    """So many members with so many cards each."""

    card_count: int
    member_count: int


class Bundle(NamedTuple):
    """So many nodes, with so many cards of each."""

    node_count: int
    card_count: int


def sizes_of(roles: Iterable[Role]) -> tuple[Size, ...]:
    """The members by their cards, the most first; those without any need no room."""
    counts: Counter[int] = Counter()
    for role in roles:
        counts[role.card_count] += role.count
    return tuple(Size(*one) for one in sorted(counts.items(), reverse=True) if one[0] > 0)


def packed(sizes: Iterable[Size], cards_per_node: int) -> tuple[Bundle, ...]:
    """The bundles in the order in which they are begun; no member may be larger than a node.

    Costs the runs of equal bundles, not the members.
    """
    runs: list[Bundle] = []
    for cards, count in sizes:
        left, after = count, list[Bundle]()
        for nodes, used in (*runs, Bundle(count, 0)):
            most = (cards_per_node - used) // cards
            full, part = divmod(min(left, nodes * most), most) if most else (0, 0)
            left -= full * most + part
            after.append(Bundle(full, used + most * cards))
            after.append(Bundle(min(part, 1), used + part * cards))
            after.append(Bundle(nodes - full - min(part, 1), used))
        runs = [run for run in after if run.node_count and run.card_count]
    alike = groupby(runs, key=lambda run: run.card_count)
    return tuple(Bundle(sum(run.node_count for run in some), cards) for cards, some in alike)


def largest(bundles: Iterable[Bundle], node_count: int) -> int:
    """Cards of so many of the bundles, those with most."""
    cards = 0
    for run in sorted(bundles, key=lambda run: run.card_count, reverse=True):
        taken = min(run.node_count, node_count)
        cards, node_count = cards + taken * run.card_count, node_count - taken
    return cards


def seats(roles: Sequence[Role], shares: Sequence[NodeShare]) -> tuple[str, ...] | None:
    """The node of each member, by rank; None where these are not the shares of such a gang.

    What each node gives is what was packed for it. So the same members, packed in the same order
    into just that, come to sit where they were: into a bundle before it none fits that did not fit
    then, and into its own each does. Who has no cards sits beside the first of the others.
    """
    cards = [role.card_count for role in roles for _ in range(role.count)]
    left = [share.card_count for share in shares]
    found: dict[int, str] = {}
    at, size = 0, 0
    for rank in sorted(range(len(cards)), key=lambda rank: -cards[rank]):
        if cards[rank] == 0:
            break
        if cards[rank] != size:
            at, size = 0, cards[rank]
        while at < len(left) and left[at] < size:
            at += 1
        if at == len(left):
            return None
        left[at] -= size
        found[rank] = shares[at].node_id
    if any(left) or not found:
        return None
    beside = found[min(found)]
    return tuple(found.get(rank, beside) for rank in range(len(cards)))
