"""Which nodes the bundles of a gang of several roles get: each one of its own, the tightest.

The largest come first. Wherever one goes then, those that are left find as many nodes as before:
who fits there fits wherever a larger one does. So all find a node if that can be at all.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from scheduler.model.job import NodeShare
from scheduler.placing.bundles import Bundle

Buckets = Sequence[Collection[str]]
"""Nodes by how many cards are free of them."""

Domain = TypeVar("Domain", int, str)


class Seating:
    """Bundles on their way to nodes: those that are left, and the nodes of the others."""

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        self._bundles = bundles
        self._left = [run.node_count for run in bundles]
        self._nodes: list[list[str]] = [[] for _ in bundles]
        self._order = sorted(range(len(bundles)), key=lambda at: -bundles[at].card_count)

    @property
    def card_count(self) -> int:
        """Cards of those that are left."""
        return sum(n * run.card_count for n, run in zip(self._left, self._bundles, strict=True))

    def seatable(self, buckets: Buckets) -> int:
        """Cards of those left that would find a node there."""
        cards = used = 0
        for at in self._order:
            size = self._bundles[at].card_count
            there = sum(map(len, buckets[size:]))
            taken = min(self._left[at], there - used)
            cards, used = cards + taken * size, used + taken
        return cards

    def seat(self, buckets: Buckets) -> None:
        """Each of those left that finds a node there takes it."""
        taken: set[str] = set()
        for at in self._order:
            free = _tightest_first(buckets, self._bundles[at].card_count, taken)
            nodes = list(islice(free, self._left[at]))
            taken.update(nodes)
            self._nodes[at] += nodes
            self._left[at] -= len(nodes)

    def shares(self) -> tuple[NodeShare, ...]:
        """What each node gives, in the order of the bundles, of like ones in that of the nodes."""
        return tuple(
            NodeShare(node_id=node_id, card_count=run.card_count)
            for run, nodes in zip(self._bundles, self._nodes, strict=True)
            # Numbers are longer from 1000 on.
            for node_id in sorted(nodes, key=lambda node_id: (len(node_id), node_id))
        )

    def narrowest(self, domains: Mapping[Domain, Buckets]) -> Domain:
        """The domain for those left: the fullest that suffices, else the one that seats most."""
        need = self.card_count
        enough = [one for one, buckets in domains.items() if self.seatable(buckets) >= need]
        if enough:
            return min(enough, key=lambda one: (_free(domains[one]), one))
        return max(sorted(domains), key=lambda one: self.seatable(domains[one]))


def _tightest_first(buckets: Buckets, cards: int, taken: Collection[str]) -> Iterator[str]:
    for bucket in buckets[cards:]:
        for node_id in bucket:
            if node_id not in taken:
                yield node_id


def _free(buckets: Buckets) -> int:
    return sum(cards * len(nodes) for cards, nodes in enumerate(buckets))
