"""Whose turn it is: the waiting jobs in the order in which a plan considers them."""

import heapq
from collections.abc import Iterator

from scheduler.fairshare import COMMITTED_MS, score
from scheduler.policy import Order, Policy
from scheduler.queue import DueKey, age_key
from scheduler.record import JobRecord
from scheduler.standing import Standings
from scheduler.starving import Starving
from scheduler.state import State

FairKey = tuple[bool, int, int, float, DueKey]
Lane = tuple[str, int, int]
"""A lane of the queue, and 0 for those of it who are within their tenant's nominal quota."""
STARVING_LANE: Lane = ("", -1, 0)
"""Before all levels, and of no tenant."""


class Turns:
    """Waiting jobs in the policy's order.

    Fair: who is within its tenant's nominal quota, then the highest priority class, where jobs take
    turns who is starving and then who has had least by levels, then the tenant with the least
    weighted use, then who is due first. A grant made while the plan is drawn up counts at once.
    Else: one static key over all jobs.
    """

    def __init__(
        self,
        state: State,
        now_ms: int,
        policy: Policy,
        starving: Starving,
        standings: Standings,
    ) -> None:
        self.is_of_owner = False
        """Whether it is the turn of who is within its tenant's nominal quota: such come first."""
        self._queue = state.queue
        self._starving = starving
        self._standings = standings
        self._policy = policy
        self._scores: dict[str, float] = {}
        self._weights = {tenant.id: tenant.weight for tenant in state.tenants.values()}
        if policy.order is Order.FAIR:
            for tenant_id in {tenant_id for tenant_id, _ in state.queue.lanes}:
                share, weight = state.shares[tenant_id], self._weights[tenant_id]
                self._scores[tenant_id] = score(share, weight, now_ms)

    def __iter__(self) -> Iterator[JobRecord]:
        match self._policy.order:
            case Order.FAIR:
                return self._by_share()
            case Order.AGE:
                return (record for _, record in self._queue.by_age)
            case Order.SHORTEST:
                return iter(sorted(self._queue.records(), key=_by_length))

    def charge(self, tenant_id: str, tflops: int) -> None:
        """The tenant was just given `tflops`."""
        if tenant_id in self._scores:
            self._scores[tenant_id] += tflops * COMMITTED_MS / self._weights[tenant_id]

    def _by_share(self) -> Iterator[JobRecord]:
        """Who is in two lanes comes once, by the one whose turn is first."""
        done: set[str] = set()
        lanes = self._lanes()
        heap = [
            self._turn(key, *head)
            for key, lane in lanes.items()
            if (head := next(lane, None)) is not None
        ]
        heapq.heapify(heap)
        while heap:
            turn, key, record = heap[0]
            present = self._turn(key, turn[-1], record)
            if present > heap[0]:  # its tenant was given something in another lane
                heapq.heapreplace(heap, present)
                continue
            if record.job.id not in done:
                done.add(record.job.id)
                self.is_of_owner = not turn[0]
                yield record
            head = next(lanes[key], None)
            if head is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, self._turn(key, *head))

    def _lanes(self) -> dict[Lane, Iterator[tuple[DueKey, JobRecord]]]:
        """Those of the queue, and more for who comes before others of its own.

        One for those who starve, and of a tenant that has a nominal quota one for those within it.
        """
        lanes = {(*key, 1): iter(lane) for key, lane in self._queue.lanes.items()}
        for (tenant_id, level), lane in self._queue.lanes.items():
            if self._standings.may_own(lane[0][1]):
                lanes[tenant_id, level, 0] = (e for e in lane if self._standings.is_owner(e[1]))
        if self._starving.waiting:
            starving = ((_starving_key(record), record) for record in self._starving.waiting)
            lanes[STARVING_LANE] = starving
        return lanes

    def _turn(self, lane: Lane, key: DueKey, record: JobRecord) -> tuple[FairKey, Lane, JobRecord]:
        tenant_id, level, _ = lane
        shared_level = level if self._policy.is_shared else 0
        # Ids are unique: two entries are never compared beyond them.
        borrows = not self._standings.is_owner(record)
        turn = (borrows, key[0], shared_level, self._scores.get(tenant_id, 0.0), key)
        return turn, lane, record


def _starving_key(record: JobRecord) -> DueKey:
    """By age, whoever is due."""
    rank, queued_ms, job_id = age_key(record)
    return rank, queued_ms, queued_ms, job_id


def _by_length(record: JobRecord) -> tuple[int, int, int, str]:
    return -record.job.priority.rank, record.job.limit_ms, record.queued_at_ms, record.job.id
