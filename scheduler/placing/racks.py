"""Where a gang fits in a pool with racks: in the narrowest part of it that has room.

More than one node: one rack, of those that suffice the fullest; where none does, as few racks as
can be, first those with most whole nodes free, and for what is left then the fullest that suffices.
A single whole node is taken of the rack that has fewest, so that others stay whole. A decision
costs the racks that it takes and the nodes of one, not those of the pool.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from typing_extensions import override

from cluster.inventory import Park, Pool
from scheduler.placing.placement import CardsByNode, Fit, FreeCards


def free_cards(
    park: Park,
    pool: Pool,
    cards_by_node: CardsByNode,
    buckets: Iterable[dict[str, None]] | None = None,
) -> FreeCards:
    """What these nodes of the pool have free; where it has no racks, nothing of them costs."""
    if pool.nodes_per_rack is None:
        return FreeCards(pool.cards_per_node, cards_by_node, buckets)
    return RackedCards(pool.cards_per_node, cards_by_node, park.rack_by_node, buckets)


class RackedCards(FreeCards):
    """Cards of a pool's nodes that may be used, and each rack by how many whole nodes it has."""

    def __init__(
        self,
        cards_per_node: int,
        cards_by_node: CardsByNode,
        rack_by_node: Mapping[str, int],
        buckets: Iterable[dict[str, None]] | None = None,
    ) -> None:
        super().__init__(cards_per_node, cards_by_node, buckets)
        self._rack_by_node = rack_by_node
        self._nodes_by_rack: dict[int, list[str]] = {}
        for node_id in self.by_node:
            self._nodes_by_rack.setdefault(rack_by_node[node_id], []).append(node_id)
        self._whole_by_rack: dict[int, dict[str, None]] = {one: {} for one in self._nodes_by_rack}
        for node_id in self._buckets[-1]:
            self._whole_by_rack[rack_by_node[node_id]][node_id] = None
        most = max(map(len, self._nodes_by_rack.values()), default=0)
        self._racks: list[dict[int, None]] = [{} for _ in range(most + 1)]
        for rack, whole in self._whole_by_rack.items():
            self._racks[len(whole)][rack] = None

    @override
    def set(self, node_id: str, cards: int) -> None:
        """A node has so many cards to give, from now on."""
        was_whole = node_id in self._buckets[-1]
        super().set(node_id, cards)
        if was_whole != (node_id in self._buckets[-1]):
            rack = self._rack_by_node[node_id]
            whole = self._whole_by_rack[rack]
            del self._racks[len(whole)][rack]
            if was_whole:
                del whole[node_id]
            else:
                whole[node_id] = None
            self._racks[len(whole)][rack] = None

    @override
    def usable(self, wanted: Fit) -> int:
        if not wanted.is_in_rack:
            return super().usable(wanted)
        return self._widest() * wanted.card_count

    @override
    def domains(self, wanted: Fit) -> Sequence[FreeCards]:
        if not wanted.is_in_rack:
            return (self,)
        return [self.on(node_ids) for node_ids in self._nodes_by_rack.values()]

    @override
    def _of(
        self, cards_by_node: CardsByNode, buckets: Iterable[dict[str, None]] | None = None
    ) -> FreeCards:
        return RackedCards(self.cards_per_node, cards_by_node, self._rack_by_node, buckets)

    @override
    def _whole(self, wanted: Fit) -> list[str] | None:
        if self.whole_node_count() < wanted.node_count:
            return None
        if wanted.is_in_rack and self._widest() < wanted.node_count:
            return None
        racks = self._spread(wanted.node_count)
        nodes = [node for rack in racks for node in self._whole_by_rack[rack]]
        # Numbers are longer from 1000 on: members that are neighbours are in racks that are.
        return sorted(nodes[: wanted.node_count], key=lambda node: (len(node), node))

    def _widest(self) -> int:
        """The most whole nodes that one rack has."""
        return max((count for count, racks in enumerate(self._racks) if racks), default=0)

    def _spread(self, count: int) -> list[int]:
        """The racks of so many whole nodes, each taken whole but for the last; there are enough."""
        chosen: list[int] = []
        for rack in self._widest_first():
            size = len(self._whole_by_rack[rack])
            if size >= count:
                return [*chosen, self._fullest(count, chosen)]
            chosen.append(rack)
            count -= size
        raise AssertionError("the racks have fewer whole nodes than the pool")

    def _widest_first(self) -> Iterator[int]:
        for racks in reversed(self._racks):
            yield from racks

    def _fullest(self, count: int, chosen: list[int]) -> int:
        """Of the racks that suffice, and are not taken, the one with fewest whole nodes."""
        return next(rack for racks in self._racks[count:] for rack in racks if rack not in chosen)

    @override
    def _tightest(self, cards: int) -> str | None:
        for bucket in self._buckets[cards:-1]:
            if bucket:
                return next(iter(bucket))
        narrowest = next((rack for racks in self._racks[1:] for rack in racks), None)
        return None if narrowest is None else next(iter(self._whole_by_rack[narrowest]))
