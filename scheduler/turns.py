"""Whose turn it is: the waiting jobs in the order in which a plan considers them."""

import heapq
from collections.abc import Iterator

from scheduler.fairshare import COMMITTED_MS, score
from scheduler.policy import Order, Policy
from scheduler.queue import AgeKey
from scheduler.record import JobRecord
from scheduler.state import State


class Turns:
    """Waiting jobs in the policy's order.

    Fair: the highest priority class, then the tenant with the least weighted use, then age. A grant
    made while the plan is drawn up counts at once. Else: one static key over all jobs.
    """

    def __init__(self, state: State, now_ms: int, policy: Policy) -> None:
        self._queue = state.queue
        self._order = policy.order
        self._scores: dict[str, float] = {}
        self._weights = {tenant.id: tenant.weight for tenant in state.tenants.values()}
        if policy.order is Order.FAIR:
            for tenant_id in state.queue.lanes:
                share, weight = state.shares[tenant_id], self._weights[tenant_id]
                self._scores[tenant_id] = score(share, weight, now_ms)

    def __iter__(self) -> Iterator[JobRecord]:
        match self._order:
            case Order.FAIR:
                return self._by_share()
            case Order.AGE:
                return (record for _, record in heapq.merge(*self._queue.lanes.values()))
            case Order.SHORTEST:
                return iter(sorted(self._queue.records(), key=_by_length))

    def charge(self, tenant_id: str, tflops: int) -> None:
        """The tenant was just given `tflops`."""
        if tenant_id in self._scores:
            self._scores[tenant_id] += tflops * COMMITTED_MS / self._weights[tenant_id]

    def _by_share(self) -> Iterator[JobRecord]:
        lanes = {tenant_id: iter(lane) for tenant_id, lane in self._queue.lanes.items()}
        heap = [self._turn(tenant_id, *next(lane)) for tenant_id, lane in lanes.items()]
        heapq.heapify(heap)
        while heap:
            *_, tenant_id, record = heap[0]
            yield record
            head = next(lanes[tenant_id], None)
            if head is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, self._turn(tenant_id, *head))

    def _turn(
        self, tenant_id: str, key: AgeKey, record: JobRecord
    ) -> tuple[int, float, int, str, str, JobRecord]:
        priority, submitted_ms, job_id = key
        # The id before the record: two entries are never compared beyond it.
        return priority, self._scores[tenant_id], submitted_ms, job_id, tenant_id, record


def _by_length(record: JobRecord) -> tuple[int, int, int, str]:
    return -record.job.priority.rank, record.job.limit_ms, record.job.submitted_at_ms, record.job.id
