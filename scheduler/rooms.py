"""The rooms of a plan: each pool as it is when the plan begins, made when first it is asked for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from cluster.inventory import Park, Pool
from scheduler.backfill import PoolRoom, Release
from scheduler.ends import Ends
from scheduler.forecasts import Forecasts
from scheduler.placement import FreeCards
from scheduler.policy import Policy
from scheduler.preemption import SOON_MS
from scheduler.record import Attempt
from scheduler.state import CLAIM_MS, State


class Rooms:
    """What is free in each pool, what is being stopped there, and what runs."""

    def __init__(
        self, state: State, park: Park, now_ms: int, policy: Policy, forecasts: Forecasts
    ) -> None:
        self._state = state
        self._park = park
        self._now_ms = now_ms
        self._policy = policy
        self._forecasts = forecasts
        self._rooms: dict[str, PoolRoom] = {}

    def of(self, pool: Pool) -> PoolRoom:
        room = self._rooms.get(pool.id)
        if room is None:
            free = self._state.free_cards
            online = self._state.online_node_ids if self.is_heard(pool) else frozenset()
            nodes = ((n, free[n]) for n in self._park.node_ids(pool.id) if n in online)
            cards = FreeCards(pool.cards_per_node, nodes)
            stopping = self._stopping(pool.id) if self._policy.is_backfilling else ()
            room = self._rooms[pool.id] = PoolRoom(cards, self._releases(pool.id), stopping)
        return room

    def is_heard(self, pool: Pool) -> bool:
        """Whether its centre was heard of lately; nothing is given where it was not."""
        return pool.centre_id in self._state.heard_centre_ids

    def _stopping(self, pool_id: str) -> Iterator[Release]:
        """What is being stopped and is gone soon; not what should have gone long ago."""
        for _, attempt in sorted(self._state.stopping.items()):
            placement = attempt.placement
            gone_ms = self._state.jobs[attempt.job_id].latest_end_ms(attempt)
            is_soon = gone_ms - SOON_MS <= self._now_ms < gone_ms + CLAIM_MS
            if placement.pool_id == pool_id and is_soon:
                yield Release(Ends(gone_ms, gone_ms), attempt.id, placement.shares)

    def _releases(self, pool_id: str) -> Iterator[Release]:
        for attempt in self._live_by_pool[pool_id]:
            yield Release(self._forecasts.live_ends(attempt), attempt.id, attempt.placement.shares)

    @cached_property
    def _live_by_pool(self) -> Mapping[str, list[Attempt]]:
        """Found out once, for all pools, when first it is asked for."""
        live: defaultdict[str, list[Attempt]] = defaultdict(list)
        for attempt in self._state.live.values():
            live[attempt.placement.pool_id].append(attempt)
        return live
