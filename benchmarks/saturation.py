"""How full a park is while somebody waits, against what the free shapes would allow.

A moment is saturated where a job waits: it was submitted, or stopped, and does not run. What might
be used then is what is used, and of what is free all that those who wait could start on at once,
the largest first, a gang of more cards than a node has on whole nodes. Cards that are free and fit
nobody who waits are not held against the schedule; cards that are kept for somebody are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from benchmarks.score import RunRow
from benchmarks.traces import MS_PER_S
from cluster.inventory import Park

Change = tuple[int, tuple[str, int], tuple[int, int]]
"""When; which node has how many more cards in use; of which size how many more jobs wait."""
NO_NODE = "", 0
NO_SIZE = 0, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """`saturated_util` is of all cards, `saturated_of_allowed` of those that could be used.

    Both are None where nobody ever waited.
    """

    saturated_s: float
    saturated_util: float | None
    saturated_of_allowed: float | None


def saturation(rows: Sequence[RunRow], park: Park) -> Saturation:
    """Of a schedule that says on which nodes each ran; in it every job may run in any pool."""
    floor = Floor(park)
    waiting: Counter[int] = Counter()
    span_ms = used = allowed = 0
    for from_ms, until_ms, changes in _spans(rows):
        for _, (node_id, cards), (size, jobs) in changes:
            floor.take(node_id, cards)
            waiting[size] += jobs
        if any(waiting.values()):
            span_ms += until_ms - from_ms
            used += (until_ms - from_ms) * floor.used
            allowed += (until_ms - from_ms) * (floor.used + floor.usable(waiting))
    return Saturation(
        saturated_s=span_ms / MS_PER_S,
        saturated_util=used / (floor.capacity * span_ms) if span_ms else None,
        saturated_of_allowed=used / allowed if allowed else None,
    )


class Floor:
    """Which nodes have how many cards free, by pool."""

    def __init__(self, park: Park) -> None:
        self.capacity = sum(pool.card_count for pool in park.pools)
        self.used = 0
        self._cards_per_node = {pool.id: pool.cards_per_node for pool in park.pools}
        self._pool_id = {one: pool.id for pool in park.pools for one in park.node_ids(pool.id)}
        self._free = {one: self._cards_per_node[pool_id] for one, pool_id in self._pool_id.items()}
        self._nodes = {
            pool.id: Counter({pool.cards_per_node: pool.node_count}) for pool in park.pools
        }

    def take(self, node_id: str, cards: int) -> None:
        """So many more of its cards are in use, or fewer; nothing of no node."""
        if node_id:
            nodes = self._nodes[self._pool_id[node_id]]
            nodes[self._free[node_id]] -= 1
            self._free[node_id] -= cards
            nodes[self._free[node_id]] += 1
            self.used += cards

    def usable(self, waiting: Counter[int]) -> int:
        """Cards on which those who wait could start at once, of so many jobs of each size."""
        left, found = self.capacity - self.used, 0
        nodes = {pool_id: +counts for pool_id, counts in self._nodes.items()} if left else {}
        for size in sorted(+waiting, reverse=True):
            for _ in range(waiting[size]):
                if size > left or not self._start(size, nodes):
                    break
                left, found = left - size, found + size
        return found

    def _start(self, size: int, nodes: dict[str, Counter[int]]) -> bool:
        """Put it on the node that has just room, or on whole ones, in the first pool that can."""
        for pool_id, counts in nodes.items():
            cards = self._cards_per_node[pool_id]
            if size > cards:
                count, free = -(-size // cards), cards
            else:
                count, free = 1, min((one for one in +counts if one >= size), default=0)
            if free and counts[free] >= count:
                counts[free] -= count
                counts[max(0, free - size)] += count
                return True
        return False


def _spans(rows: Sequence[RunRow]) -> Iterator[tuple[int, int, list[Change]]]:
    """From each moment to the next, with what has changed at its beginning."""
    changes = sorted(_changes(rows), key=itemgetter(0))
    moments = [(at_ms, [*some]) for at_ms, some in groupby(changes, key=itemgetter(0))]
    untils = [at_ms for at_ms, _ in moments[1:]]
    for (from_ms, some), until_ms in zip(moments, untils, strict=False):
        yield from_ms, until_ms, some


def _changes(rows: Iterable[RunRow]) -> Iterator[Change]:
    """A job waits from its submission, and after each run but its last."""
    last_ms: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row.start_ms):
        size = row.device_count
        yield last_ms.get(row.job_id, row.submit_ms), NO_NODE, (size, 1)
        yield row.start_ms, NO_NODE, (size, -1)
        for node_id, cards in row.shares:
            yield row.start_ms, (node_id, cards), NO_SIZE
            yield row.end_ms, (node_id, -cards), NO_SIZE
        last_ms[row.job_id] = row.end_ms
