"""When what runs makes room for gangs: its ends are gone through once for all sizes."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from scheduler.facts.agenda import Ending
from scheduler.model.job import NodeShare
from scheduler.placing.placement import Fit, FreeCards
from scheduler.placing.racks import RackedCards


class Opening(NamedTuple):
    """When and where something first fits, and what those nodes have to spare then.

    `at_ms` is by what was asked for, `likely_ms` by forecasts; either may have passed. As is likely
    `run_count` have to end for it, and by their limits all have at `sure_ms`.
    """

    at_ms: int
    likely_ms: int
    shares: tuple[NodeShare, ...]
    spare: Mapping[str, int]
    run_count: int = 0
    sure_ms: int = 0


class Ahead:
    """What comes free of some nodes, end by end, as far as somebody has asked.

    Where neither racks nor bundles decide, what there is room for first is noted by size: whole
    nodes in the order in which they become so, and whoever is the tightest after a moment.
    """

    def __init__(self, free: FreeCards, ends: Sequence[Ending]) -> None:
        self._free = free.copy()
        self._ends = ends
        self._size = free.cards_per_node
        self._left = free.by_node.copy()
        self._whole = [one for one, cards in self._left.items() if cards == self._size]
        self._whole_ms = [ends[0][0] for _ in self._whole] if ends else []
        self._tightest: list[tuple[int, str, int]] = []
        self._is_more = True
        self._gone = self._begun = 0
        """So many have ended, of which so many before the moment of the last."""

    def opening(self, wanted: Fit) -> Opening | None:
        """When and where there is room first, once something has ended; None if there never is."""
        if wanted.bundles or isinstance(self._free, RackedCards):
            return self._looked_for(wanted)
        if wanted.card_count == self._size:
            return self._of_whole(wanted.node_count)
        return self._of_one(wanted.card_count)

    def _of_whole(self, count: int) -> Opening | None:
        if len(self._whole_ms) < count:
            self._go_on(self._size + 1, count)
        if len(self._whole_ms) < count:
            return None
        return _opening(self._whole_ms[count - 1], sorted(self._whole[:count]), self._size, 0)

    def _of_one(self, cards: int) -> Opening | None:
        if len(self._tightest) <= cards:
            self._go_on(cards, len(self._left) + 1)
        if len(self._tightest) <= cards:
            return None
        at_ms, node_id, left = self._tightest[cards]
        return _opening(at_ms, [node_id], cards, left - cards)

    def _go_on(self, cards: int, count: int) -> None:
        """Until one node has had more than so many cards after a moment, or so many are whole."""
        ends, left, size, whole = self._ends, self._left, self._size, self._whole
        known = len(self._tightest)
        for index in range(self._gone, len(ends)):
            at_ms, _, shares = ends[index]
            for share in shares:
                node_id = share.node_id
                if node_id in left:
                    now = left[node_id] = left[node_id] + share.card_count
                    if now == size:
                        whole.append(node_id)
                        self._whole_ms.append(at_ms)
                    if now >= known:
                        self._is_more = True
            self._gone = index + 1
            if index + 1 == len(ends) or ends[index + 1][0] != at_ms:
                if self._is_more:
                    self._note(at_ms, ends[self._begun : index + 1])
                    known = len(self._tightest)
                self._begun = index + 1
                if known > cards:
                    break
            if len(whole) >= count:
                break

    def _note(self, at_ms: int, ends: Sequence[Ending]) -> None:
        """Which nodes are the tightest after the moment of these ends.

        Of equals who has been so for longest: all that stayed as they were come before.
        """
        left = self._left
        gone = [share.node_id for _, _, shares in reversed(ends) for share in reversed(shares)]
        stayed = () if self._tightest else reversed(left)
        first = {left[one]: one for one in dict.fromkeys(chain(gone, stayed)) if one in left}
        for cards in sorted(first):
            more = cards + 1 - len(self._tightest)
            self._tightest += [(at_ms, first[cards], cards)] * more
        self._is_more = False

    def _looked_for(self, wanted: Fit) -> Opening | None:
        """In racks, and with bundles of several sizes, nodes that are free do not stay the best."""
        free, ends = self._free.copy(), self._ends
        for index, (at_ms, _, given) in enumerate(ends):
            give_back(free, given)
            is_last_of_moment = index + 1 == len(ends) or ends[index + 1][0] != at_ms
            shares = free.find(wanted) if is_last_of_moment else None
            if shares is not None:
                spare = {s.node_id: free.by_node[s.node_id] - s.card_count for s in shares}
                return Opening(at_ms, at_ms, shares, spare)
        return None


def _opening(at_ms: int, node_ids: Sequence[str], cards: int, spare: int) -> Opening:
    shares = tuple(NodeShare(node_id=node_id, card_count=cards) for node_id in node_ids)
    return Opening(at_ms, at_ms, shares, dict.fromkeys(node_ids, spare))


def give_back(free: FreeCards, shares: tuple[NodeShare, ...]) -> None:
    """Nodes that are down give nothing back."""
    for share in shares:
        if share.node_id in free.by_node:
            free.set(share.node_id, free.by_node[share.node_id] + share.card_count)
