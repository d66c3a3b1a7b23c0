"""The hourly chores: what nobody will ask for again is thrown away, the books get index and root.

Never the books themselves are, never an event.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, exists, or_, select, text

from accounting.proof.roots import draw_root
from accounting.storage.store import index_new_facts
from api.asking import DROP_PREFIX, KEEP_PREFIX
from api.database import ARCHIVES_LOCK, SWEEP_LOCK
from api.settings import Settings
from api.tables import AnswerRow, ArchiveChunkRow, ArchiveRow, LogChunkRow, LogRow, QuoteRow
from scheduler.model.job import FINAL_STATES, JobState
from scheduler.storage.rows import SUBMIT_PREFIX
from scheduler.storage.tables import AttemptRow, InboxRow, JobRow

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EVERY_S = 3_600.0
ANSWERS_KEPT_MS = 48 * HOUR_MS
REQUESTS_KEPT_MS = 7 * DAY_MS
LOADS_EXACT_MS = 2 * DAY_MS
"""So long every change of a pool's load is kept; then the last one of each minute."""

THINNED_MS = 7 * DAY_MS
"""How much of what is older is looked through each time: it was thinned when it was younger."""

ATTEMPTS_AT_ONCE = 10
ARCHIVES_AT_ONCE = 20
LOADS_AT_ONCE = 10_000
STEPS_MAX = 100_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long what is kept: logs from their job's end on, archives since they were last used."""

    logs_ms: int = 30 * DAY_MS
    archives_ms: int = 7 * DAY_MS
    loads_ms: int = 90 * DAY_MS

    @classmethod
    def of(cls, settings: Settings) -> "Retention":
        return cls(
            logs_ms=settings.logs_kept_days * DAY_MS,
            archives_ms=settings.archives_kept_days * DAY_MS,
            loads_ms=settings.utilisation_kept_days * DAY_MS,
        )


Step = Callable[[Connection, int, Retention], bool]
"""One bounded transaction; whether there is more to do."""


class Housekeeper:
    """Sweeps once an hour; of several brokers, one at a time."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], int],
        retention: Retention,
        stop: threading.Event,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._retention = retention
        self._stop = stop

    def run(self) -> None:
        while True:
            for _ in sweep(self._engine, self._clock(), self._retention):
                if self._stop.is_set():
                    return
            if self._stop.wait(EVERY_S):
                return


def sweep(engine: Engine, now_ms: int, retention: Retention) -> Iterator[None]:
    """Delete what is too old, a little in each transaction; gives way after each.

    What fails at one kind of things is for the next hour, and keeps nobody from the others.
    """
    for step in (_answers, _quotes, _requests, _logs, _archives, _old_loads, _close_loads, _books):
        try:
            yield from _swept(engine, step, now_ms, retention)
        except Exception:  # noqa: BLE001 - it is told, and the next kind is another matter
            _log.exception("cannot sweep %s, trying again in an hour", step.__name__.strip("_"))


def _swept(engine: Engine, step: Step, now_ms: int, retention: Retention) -> Iterator[None]:
    for _ in range(STEPS_MAX):
        with engine.begin() as connection:
            is_ours = connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({SWEEP_LOCK})"))
            is_more = is_ours and step(connection, now_ms, retention)
        yield
        if not is_more:
            return


def _answers(connection: Connection, now_ms: int, _: Retention) -> bool:
    connection.execute(delete(AnswerRow).where(AnswerRow.created_at_ms < now_ms - ANSWERS_KEPT_MS))
    return False


def _quotes(connection: Connection, now_ms: int, _: Retention) -> bool:
    """As long as the answer to a submission that took one may be asked for again."""
    connection.execute(delete(QuoteRow).where(QuoteRow.expires_at_ms < now_ms - ANSWERS_KEPT_MS))
    return False


def _requests(connection: Connection, now_ms: int, _: Retention) -> bool:
    """Requests about jobs and quotes alone: what they asked for is in the event log.

    Others keep their ids, by which a park file is known to be declared.
    """
    prefixes = (SUBMIT_PREFIX, "cancel:", KEEP_PREFIX, DROP_PREFIX)
    about_jobs = or_(*(InboxRow.id.startswith(prefix) for prefix in prefixes))
    connection.execute(
        delete(InboxRow).where(
            about_jobs,
            InboxRow.consumed_seq.is_not(None),
            InboxRow.received_at_ms < now_ms - REQUESTS_KEPT_MS,
        )
    )
    return False


def _logs(connection: Connection, now_ms: int, retention: Retention) -> bool:
    old = (
        select(LogRow.attempt_id)
        .join(AttemptRow, AttemptRow.id == LogRow.attempt_id)
        .join(JobRow, JobRow.id == AttemptRow.job_id)
        .where(JobRow.ended_at_ms < now_ms - retention.logs_ms)
        .distinct()
        .limit(ATTEMPTS_AT_ONCE)
    )
    attempt_ids = connection.scalars(old).all()
    connection.execute(delete(LogChunkRow).where(LogChunkRow.attempt_id.in_(attempt_ids)))
    connection.execute(delete(LogRow).where(LogRow.attempt_id.in_(attempt_ids)))
    return len(attempt_ids) == ATTEMPTS_AT_ONCE


def _archives(connection: Connection, now_ms: int, retention: Retention) -> bool:
    """Those that no job needs which is not over; equal bytes go with the last who has them."""
    connection.execute(text(f"SELECT pg_advisory_xact_lock({ARCHIVES_LOCK})"))
    named = JobRow.spec["archive"].astext
    unfinished = [state for state in JobState if state not in FINAL_STATES]
    needed = exists().where(JobRow.state.in_(unfinished), named == ArchiveRow.sha256)
    is_old = ArchiveRow.created_at_ms < now_ms - retention.archives_ms
    old = select(ArchiveRow.tenant_id, ArchiveRow.sha256).where(is_old, ~needed)
    rows = connection.execute(old.limit(ARCHIVES_AT_ONCE)).all()
    for row in rows:
        is_it = (ArchiveRow.tenant_id == row.tenant_id, ArchiveRow.sha256 == row.sha256)
        # Asked again: a job that was submitted meanwhile has made it young.
        connection.execute(delete(ArchiveRow).where(*is_it, is_old))
    digests = [row.sha256 for row in rows]
    kept = exists().where(ArchiveRow.sha256 == ArchiveChunkRow.sha256)
    chunks = delete(ArchiveChunkRow).where(ArchiveChunkRow.sha256.in_(digests), ~kept)
    connection.execute(chunks)
    return len(rows) == ARCHIVES_AT_ONCE


_DELETE_LOADS = """
DELETE FROM utilisation WHERE ctid IN (
    SELECT old.ctid FROM utilisation AS old
    WHERE old.at_ms >= :from_ms AND old.at_ms < :to_ms AND EXISTS (
        SELECT FROM utilisation AS later
        WHERE later.pool_id = old.pool_id AND later.at_ms > old.at_ms AND later.at_ms {next}
    ) LIMIT :count
)
"""


def _old_loads(connection: Connection, now_ms: int, retention: Retention) -> bool:
    """All but each pool's last: how it stood is known for ever after."""
    cut_ms = now_ms - retention.loads_ms
    statement = _DELETE_LOADS.format(next="<= :to_ms")
    return _delete_loads(connection, statement, 0, cut_ms)


def _close_loads(connection: Connection, now_ms: int, _: Retention) -> bool:
    """Of each pool's changes in a minute all but the last."""
    cut_ms = (now_ms - LOADS_EXACT_MS) // 60_000 * 60_000
    statement = _DELETE_LOADS.format(next="< (old.at_ms / 60000 + 1) * 60000")
    return _delete_loads(connection, statement, cut_ms - THINNED_MS, cut_ms)


def _delete_loads(connection: Connection, statement: str, from_ms: int, to_ms: int) -> bool:
    window = {"from_ms": from_ms, "to_ms": to_ms, "count": LOADS_AT_ONCE}
    return connection.execute(text(statement), window).rowcount == LOADS_AT_ONCE


def _books(connection: Connection, now_ms: int, _: Retention) -> bool:
    index_new_facts(connection)
    draw_root(connection, now_ms)
    return False
