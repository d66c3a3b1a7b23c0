"""What is to come of one pool: when it has cards, when its nodes and racks have room."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cluster.inventory import Park, Pool
from scheduler.model.job import Job, Placement
from scheduler.placing.placement import Fit
from scheduler.timing.clearings import Clearings
from scheduler.timing.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Holding:
    """Cards that a job is likely to hold until then."""

    job: Job
    placement: Placement
    end_ms: int


@dataclass(slots=True)
class Prospect:
    """What is to come of one pool: its cards, its next end, and when its nodes have room.

    `room_ms[k]` is when some node has `k` cards free, `whole_ms` has when each node is whole, and
    `rack_ms[k]` is when some rack has `k + 1` whole nodes, if nothing new began. `nodes` knows the
    same of bundles of several sizes.
    """

    kind_id: str
    cards: Timeline
    next_end_ms: int | None
    room_ms: list[int | None]
    whole_ms: list[int]
    rack_ms: list[int | None]
    last_start_ms: int
    nodes: Clearings

    def soonest(self, wanted: Fit, from_ms: int) -> int | None:
        """Before this moment the pool has no room for it, however many cards are free."""
        room_ms = self.room_ms[wanted.card_count]
        if wanted.bundles:
            room_ms = self.nodes.room_ms(wanted)
        elif wanted.is_in_rack:
            room_ms = self.rack_ms[wanted.node_count - 1]
        elif wanted.node_count > 1:
            enough = len(self.whole_ms) >= wanted.node_count
            room_ms = self.whole_ms[wanted.node_count - 1] if enough else None
        return None if room_ms is None else max(from_ms, room_ms)


def prospect(
    park: Park, pool: Pool, holdings: Iterable[Holding], online: Collection[str], now_ms: int
) -> Prospect:
    """What is free of a pool's nodes now and later; nodes that are down give nothing."""
    by_node: dict[str, list[tuple[int, int]]] = {
        node_id: [] for node_id in park.node_ids(pool.id) if node_id in online
    }
    for holding in holdings:
        for share in holding.placement.shares:
            if share.node_id in by_node:
                by_node[share.node_id].append((holding.end_ms, share.card_count))
    ends = [end for of_node in by_node.values() for end in of_node]
    opening = [(at_ms, 0) for at_ms in _openings(pool, now_ms)]
    free = len(by_node) * pool.cards_per_node - sum(cards for _, cards in ends)
    whole_ms = {n: max(own, default=(now_ms, 0))[0] for n, own in by_node.items()}
    room_ms: list[int | None] = [None] * (pool.cards_per_node + 1)
    for of_node in by_node.values():
        _note_room(room_ms, of_node, now_ms)
    return Prospect(
        kind_id=pool.device_kind_id,
        cards=Timeline(now_ms, free, ends),
        next_end_ms=min((end_ms for end_ms, _ in [*ends, *opening]), default=None),
        room_ms=room_ms,
        whole_ms=sorted(whole_ms.values()),
        rack_ms=_rack_ms(pool.nodes_per_rack or 0, whole_ms, park.rack_by_node),
        last_start_ms=now_ms,
        nodes=Clearings(pool.cards_per_node, now_ms, by_node, park.rack_by_node),
    )


def _openings(pool: Pool, now_ms: int) -> Iterator[int]:
    """When the next of the pool's hours begin, if it has any."""
    if pool.hours is not None:
        opens_ms = pool.hours.opens_ms(pool.hours.closes_ms(now_ms) or now_ms)
        assert opens_ms is not None, f"pool {pool.id} has hours, and is never offered"
        yield opens_ms


def _rack_ms(
    size: int, whole_ms: Mapping[str, int], rack_by_node: Mapping[str, int]
) -> list[int | None]:
    """When the first rack has so many whole nodes, by their number; None where none ever has."""
    if not size:
        return []
    by_rack: dict[int, list[int]] = defaultdict(list)
    for node_id, at_ms in sorted(whole_ms.items(), key=lambda one: one[1]):
        by_rack[rack_by_node[node_id]].append(at_ms)
    return [
        min((own[count - 1] for own in by_rack.values() if len(own) >= count), default=None)
        for count in range(1, size + 1)
    ]


def _note_room(room_ms: list[int | None], ends: list[tuple[int, int]], now_ms: int) -> None:
    """Where this node has so many cards free sooner than the others, it is this one that counts."""
    free = len(room_ms) - 1 - sum(cards for _, cards in ends)
    for at_ms, cards in [(now_ms, 0), *sorted(ends)]:
        free += cards
        for count in range(free, -1, -1):
            known_ms = room_ms[count]
            if known_ms is not None and known_ms <= at_ms:
                break
            room_ms[count] = at_ms
