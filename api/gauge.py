"""How full the queue is, so that one tenant cannot fill it for all."""

import threading

from sqlalchemy import Connection

from api.answers.reasons import view
from api.errors import Refused
from scheduler.model.job import Reason, ReasonCode
from scheduler.storage.queries import waiting_count

MAX_WAITING = 50_000
"""Jobs of one tenant in the queue; more are refused until some of them have started."""

COUNT_EVERY_MS = 1_000


class QueueGauge:
    """How many jobs of each tenant wait: counted once a second, and added to in between."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def admit(self, connection: Connection, tenant_id: str, count: int, now_ms: int) -> None:
        """Let `count` more jobs in; raises `Refused` (429) where the queue is full."""
        with self._lock:
            waiting, counted_ms = self._counts.get(tenant_id, (0, 0))
        if now_ms - counted_ms >= COUNT_EVERY_MS:
            waiting, counted_ms = waiting_count(connection, tenant_id), now_ms
        if waiting + count > MAX_WAITING:
            raise _queue_full(tenant_id, waiting, count)
        with self._lock:
            self._counts[tenant_id] = waiting + count, counted_ms


def _queue_full(tenant_id: str, waiting: int, count: int) -> Refused:
    full = Reason(
        code=ReasonCode.QUEUE_FULL,
        where=tenant_id,
        need=waiting + count,
        free=MAX_WAITING,
        unit="jobs",
    )
    detail = f"tenant {tenant_id} has {waiting} jobs waiting and may have {MAX_WAITING}"
    return Refused(
        429, f"{detail}: try again later", reasons=[view(full)], headers={"Retry-After": "5"}
    )
