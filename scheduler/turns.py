"""Whose turn it is: the waiting jobs in the order in which a plan considers them."""

import heapq
from collections.abc import Iterator

from scheduler.fairshare import COMMITTED_MS, score
from scheduler.policy import Order, Policy
from scheduler.queue import DueKey, LaneKey
from scheduler.record import JobRecord
from scheduler.state import State

FairKey = tuple[int, int, float, DueKey]


class Turns:
    """Waiting jobs in the policy's order.

    Fair: the highest priority class, where jobs take turns who has had least by levels, then the
    tenant with the least weighted use, then who is due first. A grant made while the plan is drawn
    up counts at once. Else: one static key over all jobs.
    """

    def __init__(self, state: State, now_ms: int, policy: Policy) -> None:
        self._queue = state.queue
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
        lanes = {key: iter(lane) for key, lane in self._queue.lanes.items()}
        heap = [self._turn(key, *next(lane)) for key, lane in lanes.items()]
        heapq.heapify(heap)
        while heap:
            _, key, record = heap[0]
            yield record
            head = next(lanes[key], None)
            if head is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, self._turn(key, *head))

    def _turn(
        self, lane: LaneKey, key: DueKey, record: JobRecord
    ) -> tuple[FairKey, LaneKey, JobRecord]:
        tenant_id, level = lane
        shared_level = level if self._policy.is_shared else 0
        # Ids are unique: two entries are never compared beyond them.
        turn = (key[0], shared_level, self._scores[tenant_id], key)
        return turn, lane, record


def _by_length(record: JobRecord) -> tuple[int, int, int, str]:
    return -record.job.priority.rank, record.job.limit_ms, record.job.submitted_at_ms, record.job.id
