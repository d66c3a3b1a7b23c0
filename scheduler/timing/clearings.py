"""When the nodes of a pool have room for bundles of several sizes, if nothing new began."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scheduler.placing.bundles import Bundle
from scheduler.placing.placement import Fit

End = tuple[int, int]
"""When so many cards come free."""


@dataclass(slots=True)
class Clearings:
    """The ends of what runs on each node that is online; looked into when first somebody asks."""

    cards_per_node: int
    now_ms: int
    ends_by_node: Mapping[str, Sequence[End]]
    rack_by_node: Mapping[str, int]
    _known: dict[Fit, int | None] = field(default_factory=dict)

    def room_ms(self, wanted: Fit) -> int | None:
        """When each of its bundles has a node of its own first; None if that is never."""
        if wanted not in self._known:
            moments = [self._all_ms(nodes, wanted.bundles) for nodes in self._domains(wanted)]
            self._known[wanted] = min((at for at in moments if at is not None), default=None)
        return self._known[wanted]

    def _domains(self, wanted: Fit) -> Iterable[list[str]]:
        """The nodes of which all of it must be."""
        if not wanted.is_in_rack:
            return [list(self.ends_by_node)]
        by_rack: dict[int, list[str]] = {}
        for node_id in self.ends_by_node:
            by_rack.setdefault(self.rack_by_node[node_id], []).append(node_id)
        return by_rack.values()

    def _all_ms(self, node_ids: Sequence[str], bundles: Iterable[Bundle]) -> int | None:
        """By size: as many nodes must have so much as there are bundles no smaller."""
        at_ms, count = self.now_ms, 0
        for nodes, cards in sorted(bundles, key=lambda run: run.card_count, reverse=True):
            count += nodes
            clear = sorted(self._clear_ms(node_id, cards) for node_id in node_ids)
            if len(clear) < count:
                return None
            at_ms = max(at_ms, clear[count - 1])
        return at_ms

    def _clear_ms(self, node_id: str, cards: int) -> int:
        """When the node has so many cards free."""
        ends = sorted(self.ends_by_node[node_id])
        free, at_ms = self.cards_per_node - sum(taken for _, taken in ends), self.now_ms
        for end_ms, given in ends:
            if free >= cards:
                break
            free, at_ms = free + given, end_ms
        return at_ms
