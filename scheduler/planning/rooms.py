"""The rooms of a plan: each pool as it is when the plan begins, made when first it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.inventory import Park, Pool
from scheduler.facts.agenda import Ending
from scheduler.facts.record import Attempt
from scheduler.facts.state import CLAIM_MS, State
from scheduler.forecast.ends import Ends
from scheduler.model.job import Job, Reason, ReasonCode
from scheduler.model.offered import outside_hours
from scheduler.model.plan import Promise
from scheduler.model.policy import Policy
from scheduler.placing.placement import Fit
from scheduler.placing.racks import free_cards
from scheduler.planning.explain import hidden_reasons
from scheduler.planning.victims import SOON_MS
from scheduler.timing.backfill import Known, PoolRoom, Release
from scheduler.timing.forecasts import Forecasts

HIDING = {ReasonCode.CENTRE_SILENT, ReasonCode.NODES_DOWN, ReasonCode.OUTSIDE_HOURS}
"""Behind these there may be more that is in the way."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs in a pool, by when it ends."""

    forecasts: Forecasts
    pool_id: str

    def endings(self, *, is_firm: bool) -> list[Ending]:
        return self.forecasts.endings(self.pool_id, is_firm=is_firm)


class Rooms:
    """What is free in each pool, what is being stopped there, and what runs."""

    def __init__(
        self, state: State, park: Park, now_ms: int, policy: Policy, forecasts: Forecasts
    ) -> None:
        self._state = state
        self.park = park
        self._now_ms = now_ms
        self._policy = policy
        self._forecasts = forecasts
        self._rooms: dict[str, PoolRoom] = {}

    def of(self, pool: Pool) -> PoolRoom:
        room = self._rooms.get(pool.id)
        if room is None:
            room = self._rooms[pool.id] = self._made(pool)
        return room

    def _made(self, pool: Pool) -> PoolRoom:
        running = Running(self._forecasts, pool.id)
        stopping = [_release(one) for one in self.stopping() if one[0].placement.pool_id == pool.id]
        if not self.is_heard(pool):
            return PoolRoom(free_cards(self.park, pool, ()), running, stopping)
        open_ids = self._state.drains.open(self._state.online_node_ids)
        nodes = self._state.holdings.nodes(pool.id, open_ids)
        cards = free_cards(self.park, pool, nodes.by_node, nodes.buckets())
        # Not of these rooms, which hold the room: they would hold themselves.
        runs = self._forecasts.runs
        return PoolRoom(cards, running, stopping, lambda: nodes.known(runs(pool.id), Known))

    def note_passed(self) -> None:
        """Somebody starts, or others are stopped for it: who was promised a start is passed."""
        for room in self._rooms.values():
            room.is_passed = room.reservation is not None

    def promised(self) -> dict[str, Promise]:
        """What those are promised, as is likely, whom somebody passes, where that is new."""
        found: dict[str, Promise] = {}
        for pool_id, room in self._rooms.items():
            one = room.reservation
            if one is not None and room.is_passed and not one.is_firm:
                kept = self._state.jobs[one.job_id].promised
                if kept is None or (kept.by_ms, kept.pool_id) != (one.start_ms, pool_id):
                    found[one.job_id] = Promise(
                        by_ms=one.start_ms, pool_id=pool_id, likely_ms=one.choice_ms
                    )
        return found

    def hidden(self, told: Reason, pool: Pool, wanted: Fit) -> Iterator[Reason]:
        """What else is in the way in a pool of which the centre is silent, or nodes are down."""
        left = self._state.free_cards | self.of(pool).now.by_node
        if told.code in HIDING:
            cards = [(node_id, left[node_id]) for node_id in self.park.node_ids(pool.id)]
            online = self._state.drains.serving(self._state.online_node_ids)
            known = free_cards(self.park, pool, (one for one in cards if one[0] in online))
            whole = free_cards(self.park, pool, cards)
            yield from hidden_reasons(told, pool, wanted, known, whole)

    def is_heard(self, pool: Pool) -> bool:
        """Whether its centre was heard of lately; nothing is given where it was not."""
        return pool.centre_id in self._state.heard_centre_ids

    def is_in_hours(self, job: Job, pool: Pool) -> bool:
        """Whether it could be gone before the pool's hours end, if it started now."""
        return outside_hours(job, pool, self._now_ms) is None

    def stopping(self) -> Iterator[tuple[Attempt, int]]:
        """What is being stopped, and by when it is gone: soon; not what should have gone long ago.

        Nothing waits for that where nothing is promised.
        """
        stopping = self._state.agenda.stopping if self._policy.is_backfilling else {}
        for _, attempt in sorted(stopping.items()):
            gone_ms = self._state.jobs[attempt.job_id].latest_end_ms(attempt)
            if gone_ms - SOON_MS <= self._now_ms < gone_ms + CLAIM_MS:
                yield attempt, gone_ms


def _release(stopping: tuple[Attempt, int]) -> Release:
    attempt, gone_ms = stopping
    return Release(Ends(gone_ms, gone_ms), attempt.id, attempt.placement.shares)
