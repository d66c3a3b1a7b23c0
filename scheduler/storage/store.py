"""The log in PostgreSQL: one transaction a cycle, under the leader's epoch.

With the events it writes what others read: jobs, attempts, views, loads, and the books.
"""

import logging
from collections.abc import Iterable, Iterator

from psycopg import Error as PgError
from pydantic import JsonValue, ValidationError
from sqlalchemy import Connection, Engine, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from accounting.storage import store as books
from scheduler.facts import events as ev
from scheduler.facts.log import NOT_KEPT, Asked, Cycle, Deposed, Request, Unreadable
from scheduler.facts.record import Snapshot
from scheduler.model.job import JobState
from scheduler.storage.bulk import copy_all, execute_all, records, updated
from scheduler.storage.codec import (
    decode,
    decode_snapshot,
    decode_wish,
    encode,
    encode_snapshot,
    encode_text,
)
from scheduler.storage.rows import SUBMIT_PREFIX, Owners, tenant_of_wish, write_jobs
from scheduler.storage.tables import CheckpointRow, EventRow, InboxRow, LeaderRow
from scheduler.storage.unwritable import unwritable
from scheduler.storage.views import write_views

LOG = logging.getLogger(__name__)

EVENTS_CHANNEL = "brain_events"
INBOX_CHANNEL = "brain_inbox"
REPLAY_BATCH = 5_000
KEPT_CHECKPOINTS = 3

_EVENT_COLUMNS = (
    EventRow.seq,
    EventRow.epoch,
    EventRow.kind,
    EventRow.tenant_id,
    EventRow.job_id,
    EventRow.at_ms,
    EventRow.recorded_at_ms,
    EventRow.body,
)

NOTIFY = text("SELECT pg_notify(:channel, :payload)")


class SqlLog:
    """A `Log` over `engine`. `url` is where agents find this leader; a lead lasts `lease_ms`."""

    def __init__(self, engine: Engine, url: str, lease_ms: int = 10_000) -> None:
        self._engine = engine
        self._url = url
        self.lease_ms = lease_ms
        self._seq = 0

    def lead(self, now_ms: int) -> int:
        expires_at_ms = now_ms + self.lease_ms
        row = upsert(LeaderRow).values(id=1, epoch=1, expires_at_ms=expires_at_ms, url=self._url)
        statement = row.on_conflict_do_update(
            index_elements=[LeaderRow.id],
            set_={
                "epoch": LeaderRow.epoch + 1,
                "expires_at_ms": expires_at_ms,
                "url": self._url,
            },
        ).returning(LeaderRow.epoch)
        with self._engine.begin() as connection:
            epoch = connection.execute(statement).scalar_one()
            self._seq = connection.scalar(select(func.coalesce(func.max(EventRow.seq), 0))) or 0
        return int(epoch)

    def renew(self, epoch: int, now_ms: int) -> None:
        """Go on leading; raises `Deposed` where another leads."""
        with self._engine.begin() as connection:
            self._fence(connection, epoch, now_ms)

    def resign(self, epoch: int, now_ms: int) -> None:
        """Let another lead at once; nothing where another leads already."""
        statement = update(LeaderRow).where(LeaderRow.epoch == epoch).values(expires_at_ms=now_ms)
        with self._engine.begin() as connection:
            connection.execute(statement)

    def leads_until_ms(self) -> int:
        """When the present lead expires unless it is renewed; 0 where nobody ever led."""
        with self._engine.connect() as connection:
            return connection.scalar(select(LeaderRow.expires_at_ms)) or 0

    def requests(self, limit: int) -> tuple[Asked, ...]:
        statement = (
            select(InboxRow.id, InboxRow.body)
            .where(InboxRow.consumed_seq.is_(None))
            .order_by(InboxRow.seq)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(statement).all()
        return tuple(_asked(row.id, row.body) for row in rows)

    def replay(self) -> tuple[Snapshot, Iterator[ev.Event]]:
        newest = select(CheckpointRow).order_by(CheckpointRow.seq.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(newest).one_or_none()
        if row is None:
            return Snapshot(), self._events_after(0)
        return decode_snapshot(row.body), self._events_after(row.seq)

    def commit(self, epoch: int, cycle: Cycle) -> None:
        try:
            self._seq = self._written(epoch, cycle)
        except (SQLAlchemyError, PgError) as error:
            refusal = unwritable(error)
            if refusal is None:
                raise
            raise refusal from None  # its own text has the row, which may hold what is secret

    def save(self, epoch: int, snapshot: Snapshot) -> None:
        body = encode_snapshot(snapshot)
        with self._engine.begin() as connection:
            recorded_at_ms = self._fence(connection, epoch, None)
            row = {"seq": self._seq, "recorded_at_ms": recorded_at_ms, "body": body}
            connection.execute(upsert(CheckpointRow).on_conflict_do_nothing(), row)
            kept = select(CheckpointRow.seq).order_by(CheckpointRow.seq.desc())
            oldest = connection.scalars(kept.limit(KEPT_CHECKPOINTS)).all()[-1]
            connection.execute(delete(CheckpointRow).where(CheckpointRow.seq < oldest))

    def _fence(self, connection: Connection, epoch: int, now_ms: int | None) -> int:
        """Lock the lead for this transaction; without `now_ms` it is not made longer."""
        statement = update(LeaderRow).where(LeaderRow.epoch == epoch)
        until = LeaderRow.expires_at_ms if now_ms is None else now_ms + self.lease_ms
        statement = statement.values(expires_at_ms=until)
        expires_at_ms = connection.scalar(statement.returning(LeaderRow.expires_at_ms))
        if expires_at_ms is None:
            raise Deposed(f"epoch {epoch} is over: another broker leads")
        return int(expires_at_ms) - self.lease_ms

    def _events_after(self, seq: int) -> Iterator[ev.Event]:
        while True:
            page = select(EventRow.seq, EventRow.body).where(EventRow.seq > seq)
            with self._engine.connect() as connection:
                rows = connection.execute(page.order_by(EventRow.seq).limit(REPLAY_BATCH)).all()
            for row in rows:
                yield decode(row.body)
            if len(rows) < REPLAY_BATCH:
                return
            seq = rows[-1].seq

    def _written(self, epoch: int, cycle: Cycle) -> int:
        """Write it; the last number of the log."""
        with self._engine.begin() as connection:
            self._fence(connection, epoch, cycle.now_ms)
            last_seq = self._write_events(connection, epoch, cycle)
            self._write_rows(connection, cycle, last_seq)
            connection.execute(NOTIFY, {"channel": EVENTS_CHANNEL, "payload": str(last_seq)})
        return last_seq

    def _write_events(self, connection: Connection, epoch: int, cycle: Cycle) -> int:
        owners = Owners.of(connection, cycle.events)
        rows = (
            (
                seq,
                epoch,
                event.kind,
                owners.tenant_of(event),
                ev.job_of(event),
                event.at_ms,
                cycle.now_ms,
                encode_text(event),
            )
            for seq, event in enumerate(cycle.events, start=self._seq + 1)
        )
        if cycle.events:
            copy_all(connection, _EVENT_COLUMNS, rows)
        return self._seq + len(cycle.events)

    def _write_rows(self, connection: Connection, cycle: Cycle, last_seq: int) -> None:
        """What others read of the cycle, and the books."""
        _consume(connection, cycle, last_seq)
        write_jobs(connection, cycle)
        write_views(connection, cycle)
        books.book(connection, cycle.usage, cycle.credits, cycle.transfers, cycle.activity)


def _asked(request_id: str, body: dict[str, JsonValue]) -> Asked:
    try:
        return Request(id=request_id, wish=decode_wish(body))
    except ValidationError as error:
        # Without what it says, which may hold what is secret.
        found = error.errors(include_input=False, include_url=False, include_context=False)
        LOG.error("request %s is refused, this release cannot read it: %s", request_id, found[:3])  # noqa: TRY400
        return Unreadable(id=request_id)


_CONSUMED = updated(InboxRow, records(InboxRow.id, InboxRow.consumed_seq, InboxRow.refused))


def _consume(connection: Connection, cycle: Cycle, last_seq: int) -> None:
    """Requests that a cycle took, or refused and why, are never taken again."""
    rows = (
        {"id": request_id, "consumed_seq": last_seq, "refused": cycle.refused.get(request_id)}
        for request_id in cycle.request_ids
    )
    execute_all(connection, _CONSUMED, rows)


_ASKED = records(InboxRow.id, InboxRow.tenant_id, InboxRow.body, InboxRow.received_at_ms)
_NEW = upsert(InboxRow).from_select(list(_ASKED.c.keys()), select(_ASKED))
_PUT = _NEW.on_conflict_do_update(
    index_elements=[InboxRow.id],
    set_={
        "body": _NEW.excluded.body,
        "received_at_ms": _NEW.excluded.received_at_ms,
        "consumed_seq": None,
        "refused": None,
    },
    where=InboxRow.refused.startswith(NOT_KEPT, autoescape=True),
).returning(InboxRow.seq)


def put_requests(connection: Connection, requests: Iterable[Request], now_ms: int) -> int:
    """Put wishes into the inbox and wake the leader; how many were new, by their ids.

    New is as well what could not be kept before: whatever kept it from that may be mended.
    """
    first_by_id: dict[str, Request] = {}
    for request in requests:
        first_by_id.setdefault(request.id, request)
    rows = [
        {
            "id": request.id,
            "tenant_id": tenant_of_wish(request.wish),
            "body": encode(request.wish),
            "received_at_ms": now_ms,
        }
        for request in first_by_id.values()
    ]
    if not rows:
        return 0
    count = len(connection.execute(_PUT, {"rows": rows}).all())
    connection.execute(NOTIFY, {"channel": INBOX_CHANNEL, "payload": ""})
    return count


_SUBMIT = text("""
WITH wish AS (
    SELECT number, body, body -> 'job' AS job
    FROM jsonb_array_elements(CAST(:wishes AS jsonb)) WITH ORDINALITY AS asked (body, number)
), job AS (
    INSERT INTO jobs (id, tenant_id, state, submitted_at_ms, array_id, array_index, spec)
    SELECT job ->> 'id', job ->> 'tenant_id', :queued,
        least(CAST(job ->> 'submitted_at_ms' AS bigint), :now_ms),
        job #>> '{array,id}', CAST(job #>> '{array,index}' AS bigint), job
    FROM wish ORDER BY number
), asked AS (
    INSERT INTO inbox (id, tenant_id, body, received_at_ms)
    SELECT :prefix || (job ->> 'id'), job ->> 'tenant_id', body, :now_ms
    FROM wish ORDER BY number
    RETURNING seq
)
SELECT count(*), pg_notify(:channel, '') FROM asked
""")
"""The row of each job and the request for it, at once: with a document of them all."""


def put_submits(connection: Connection, wishes: Iterable[ev.Submitted], now_ms: int) -> None:
    """Queue jobs: their rows, their requests, and the leader woken, in one statement."""
    connection.execute(
        _SUBMIT,
        {
            "wishes": f"[{','.join(map(encode_text, wishes))}]",
            "now_ms": now_ms,
            "queued": JobState.QUEUED,
            "prefix": SUBMIT_PREFIX,
            "channel": INBOX_CHANNEL,
        },
    )
