"""Whose turn it is: the waiting jobs in the order in which a plan considers them."""

import heapq
from collections.abc import Iterator

from scheduler.fairshare import COMMITTED_MS, score
from scheduler.policy import Order, Policy
from scheduler.queue import DueKey, LaneKey, age_key
from scheduler.record import JobRecord
from scheduler.starving import Starving
from scheduler.state import State

FairKey = tuple[int, int, float, DueKey]
STARVING_LANE: LaneKey = ("", -1)
"""Before all levels, and of no tenant."""


class Turns:
    """Waiting jobs in the policy's order.

    Fair: the highest priority class, where jobs take turns who is starving and then who has had
    least by levels, then the tenant with the least weighted use, then who is due first. A grant
    made while the plan is drawn up counts at once. Else: one static key over all jobs.
    """

    def __init__(self, state: State, now_ms: int, policy: Policy, starving: Starving) -> None:
        self._queue = state.queue
        self._starving = starving
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
            yield record
            head = next(lanes[key], None)
            if head is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, self._turn(key, *head))

    def _lanes(self) -> dict[LaneKey, Iterator[tuple[DueKey, JobRecord]]]:
        """Those of the queue, and one more for those who starve, which are in no other then."""
        lanes = self._queue.lanes.items()
        if not self._starving.waiting:
            return {key: iter(lane) for key, lane in lanes}
        job_ids = self._starving.job_ids
        others = {
            key: (entry for entry in lane if entry[1].job.id not in job_ids) for key, lane in lanes
        }
        starving = ((_starving_key(record), record) for record in self._starving.waiting)
        return {STARVING_LANE: starving, **others}

    def _turn(
        self, lane: LaneKey, key: DueKey, record: JobRecord
    ) -> tuple[FairKey, LaneKey, JobRecord]:
        tenant_id, level = lane
        shared_level = level if self._policy.is_shared else 0
        # Ids are unique: two entries are never compared beyond them.
        turn = (key[0], shared_level, self._scores.get(tenant_id, 0.0), key)
        return turn, lane, record


def _starving_key(record: JobRecord) -> DueKey:
    """By age, whoever is due."""
    rank, submitted_ms, job_id = age_key(record)
    return rank, submitted_ms, submitted_ms, job_id


def _by_length(record: JobRecord) -> tuple[int, int, int, str]:
    return -record.job.priority.rank, record.job.limit_ms, record.job.submitted_at_ms, record.job.id
