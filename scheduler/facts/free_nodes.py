"""The online nodes of a pool by their free cards: kept at events, so that a plan only copies them.

What is kept is as it would be if it were made anew, in the pool's order: a plan depends on what is
held, not on how it came to be held.
"""

from collections.abc import Hashable, Iterable
from typing import TypeVar

Found = TypeVar("Found")


class FreeNodes:
    """`by_node` has the free cards of each node that is online, in the pool's order."""

    def __init__(self, cards_per_node: int, cards_by_node: Iterable[tuple[str, int]]) -> None:
        self.by_node = dict(cards_by_node)
        self._rank = {node_id: rank for rank, node_id in enumerate(self.by_node)}
        self._buckets: list[dict[str, None]] = [{} for _ in range(cards_per_node + 1)]
        self._unordered: set[int] = set()
        self._known: object = None
        self._known_of: Hashable = None
        for node_id, cards in self.by_node.items():
            self._buckets[cards][node_id] = None

    def note(self, node_id: str, cards: int) -> None:
        """The node has so many free from now on; nothing happens where it is not online."""
        before = self.by_node.get(node_id, cards)
        if cards != before:
            del self._buckets[before][node_id]
            self._buckets[cards][node_id] = None
            self._unordered.add(cards)
            self.by_node[node_id] = cards

    def buckets(self) -> list[dict[str, None]]:
        """The nodes with no card free, with one, ..., in the pool's order; not to be changed."""
        for cards in self._unordered:
            self._buckets[cards] = dict.fromkeys(
                sorted(self._buckets[cards], key=self._rank.__getitem__)
            )
        self._unordered.clear()
        return self._buckets

    def known(self, runs: Hashable, nothing: type[Found]) -> Found:
        """What was found out while the same ran here as does now, which `runs` tells apart.

        So these nodes had the same cards free. Whoever finds out more writes it there.
        """
        if self._known_of != runs or not isinstance(self._known, nothing):
            self._known, self._known_of = nothing(), runs
        return self._known

    def check(self, anew: "FreeNodes") -> None:
        """Raise `AssertionError` where it is not as it would be made anew, or not in that order."""
        assert [*self.by_node.items()] == [*anew.by_node.items()], "free nodes drifted"
        kept, made = ([[*one] for one in nodes.buckets()] for nodes in (self, anew))
        assert kept == made, "the order of free nodes drifted"
