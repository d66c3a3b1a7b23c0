"""What the faces read: questions to the scheduler's tables, each a statement or two."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select, text

from scheduler.model.job import FINAL_STATES, JobState
from scheduler.storage.tables import (
    AttemptRow,
    CheckpointRow,
    EventRow,
    InboxRow,
    JobRow,
    LeaderRow,
    ViewRow,
)

WAITING_STATES = (JobState.QUEUED, JobState.HELD)
SCANNED_SEQS = 100_000
STREAMED_ROWS = 1_000
HOLDING_STATES = (JobState.LEASED, JobState.STARTING, JobState.RUNNING, JobState.STOPPING)

_ENDING_KINDS = ("ended", "cancel_requested", "dependency_failed")
"""Facts that may be a job's last: a job that does not run yet ends when it is cancelled."""

_IS_DECLARED = or_(
    ViewRow.name == "park",
    ViewRow.name.startswith("tenant:"),
    ViewRow.name.startswith("cohort:"),
    ViewRow.name.startswith("project:"),
    ViewRow.name.startswith("price_list:"),
    ViewRow.name.startswith("hard_stop:"),
    ViewRow.name.startswith("budget:"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One fact of the log, for those who follow it."""

    seq: int
    kind: str
    tenant_id: str | None
    job_id: str | None
    at_ms: int
    recorded_at_ms: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which facts: a tenant's own and the park's, or all; of these kinds, or of all but those."""

    tenant_id: str | None = None
    kinds: frozenset[str] | None = None
    hidden_kinds: frozenset[str] = frozenset()

    def passes(self, event: EventRecord) -> bool:
        return (
            (self.tenant_id is None or event.tenant_id in {None, self.tenant_id})
            and (self.kinds is None or event.kind in self.kinds)
            and event.kind not in self.hidden_kinds
        )

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The same for the database."""
        if self.tenant_id is not None:
            yield or_(EventRow.tenant_id.is_(None), EventRow.tenant_id == self.tenant_id)
        if self.kinds is not None:
            yield EventRow.kind.in_(sorted(self.kinds))
        if self.hidden_kinds:
            yield EventRow.kind.not_in(sorted(self.hidden_kinds))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs: each field narrows, `None` and empty do not. `before_id` is a page's cursor."""

    tenant_id: str | None = None
    project: str | None = None
    states: tuple[JobState, ...] = ()
    array_id: str | None = None
    before_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """Who leads, and until when unless it renews."""

    epoch: int
    expires_at_ms: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a request; `is_consumed` False while the leader has not seen it."""

    is_consumed: bool
    refused: str | None


def events_after(
    connection: Connection, seq: int, limit: int, wanted: EventFilter | None = None
) -> list[EventRecord]:
    """The facts after `seq`, in order; with a filter, those of the next `SCANNED_SEQS` alone."""
    statement = select(EventRow.__table__).where(EventRow.seq > seq).order_by(EventRow.seq)
    if wanted is not None:
        # However rare they are, no one statement reads the whole log for them.
        statement = statement.where(EventRow.seq <= seq + SCANNED_SEQS, *wanted.conditions())
    return [_event(row) for row in connection.execute(statement.limit(limit))]


def events_of_jobs(
    connection: Connection, tenant_id: str, job_ids: Collection[str]
) -> Iterator[EventRecord]:
    """All facts about some jobs of a tenant, in order."""
    mine = (EventRow.tenant_id == tenant_id, EventRow.job_id.in_(sorted(job_ids)))
    statement = select(EventRow.__table__).where(*mine).order_by(EventRow.seq)
    options = {"stream_results": True, "yield_per": STREAMED_ROWS}
    with connection.execute(statement, execution_options=options) as rows:
        for row in rows:
            yield _event(row)


def _event(row: Row[Any]) -> EventRecord:
    return EventRecord(
        seq=row.seq,
        kind=row.kind,
        tenant_id=row.tenant_id,
        job_id=row.job_id,
        at_ms=row.at_ms,
        recorded_at_ms=row.recorded_at_ms,
        body=row.body,
    )


def last_seq(connection: Connection) -> int:
    return connection.scalar(select(func.max(EventRow.seq))) or 0


def tail_length(connection: Connection) -> int:
    """How many facts are newer than the newest checkpoint."""
    return last_seq(connection) - (connection.scalar(select(func.max(CheckpointRow.seq))) or 0)


def views(connection: Connection, names: Sequence[str]) -> dict[str, Row[Any]]:
    """Whole answers that the leader keeps, by name: `at_ms` and `body` of those there are."""
    statement = select(ViewRow.name, ViewRow.at_ms, ViewRow.body).where(ViewRow.name.in_(names))
    return {row.name: row for row in connection.execute(statement)}


def views_under(connection: Connection, prefix: str) -> dict[str, Row[Any]]:
    """The same of all whose names begin so, however many they are."""
    statement = select(ViewRow.name, ViewRow.at_ms, ViewRow.body)
    rows = connection.execute(statement.where(ViewRow.name.startswith(prefix, autoescape=True)))
    return {row.name: row for row in rows}


def job(connection: Connection, job_id: str) -> Row[Any] | None:
    statement = select(JobRow.__table__).where(JobRow.id == job_id)
    return connection.execute(statement).one_or_none()


def jobs_of(connection: Connection, job_ids: Collection[str]) -> Sequence[Row[Any]]:
    """These jobs, in no order; who is none is left out."""
    statement = select(JobRow.__table__).where(JobRow.id.in_(sorted(job_ids)))
    return connection.execute(statement).all()


def ids_of(connection: Connection, job_ids: Collection[str], tenant_id: str) -> set[str]:
    """Those of these jobs that are the tenant's."""
    statement = select(JobRow.id).where(
        JobRow.id.in_(sorted(job_ids)), JobRow.tenant_id == tenant_id
    )
    return set(connection.scalars(statement))


def jobs(connection: Connection, wanted: JobFilter, limit: int) -> Sequence[Row[Any]]:
    """Jobs, newest first."""
    statement = _narrowed(select(JobRow.__table__), wanted)
    return connection.execute(statement.order_by(JobRow.id.desc()).limit(limit)).all()


def _narrowed(statement: Select[Any], wanted: JobFilter) -> Select[Any]:
    if wanted.tenant_id is not None:
        statement = statement.where(JobRow.tenant_id == wanted.tenant_id)
    if wanted.project is not None:
        statement = statement.where(JobRow.spec["project"].astext == wanted.project)
    if wanted.states:
        statement = statement.where(JobRow.state.in_(wanted.states))
    if wanted.array_id is not None:
        statement = statement.where(JobRow.array_id == wanted.array_id)
    if wanted.before_id is not None:
        statement = statement.where(JobRow.id < wanted.before_id)
    return statement


def attempts(connection: Connection, job_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """All attempts of these jobs, each job's in order."""
    statement = select(AttemptRow.__table__).where(AttemptRow.job_id.in_(job_ids))
    return connection.execute(statement.order_by(AttemptRow.leased_at_ms, AttemptRow.id)).all()


def attempt(connection: Connection, attempt_id: str) -> Row[Any] | None:
    statement = select(AttemptRow.__table__).where(AttemptRow.id == attempt_id)
    return connection.execute(statement).one_or_none()


def running_in(
    connection: Connection, centre_ids: Sequence[str], tenant_id: str | None = None
) -> Sequence[Row[Any]]:
    """Attempts that have started in these centres and are not over, with whose they are."""
    whose = (JobRow.tenant_id, JobRow.spec["project"].astext.label("project"))
    statement = select(AttemptRow.__table__, *whose).join(JobRow, JobRow.id == AttemptRow.job_id)
    statement = statement.where(
        AttemptRow.centre_id.in_(centre_ids),
        AttemptRow.started_at_ms.is_not(None),
        AttemptRow.ended_at_ms.is_(None),
    )
    if tenant_id is not None:
        statement = statement.where(JobRow.tenant_id == tenant_id)
    return connection.execute(statement.order_by(AttemptRow.id)).all()


def waiting_count(connection: Connection, tenant_id: str) -> int:
    statement = (
        select(func.count())
        .select_from(JobRow)
        .where(JobRow.tenant_id == tenant_id, JobRow.state.in_(WAITING_STATES))
    )
    return connection.scalar(statement) or 0


def unfinished_counts(connection: Connection) -> dict[str, int]:
    """How many jobs stand in each state that is not final."""
    unfinished = [state for state in JobState if state not in FINAL_STATES]
    statement = (
        select(JobRow.state, func.count())
        .where(JobRow.state.in_(unfinished))
        .group_by(JobRow.state)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def loads_now(connection: Connection, pool_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """The newest load of each pool, found by index and not by reading all of them."""
    statement = text(
        "SELECT load.* FROM unnest(CAST(:pool_ids AS text[])) AS pool (id), LATERAL "
        "(SELECT * FROM utilisation WHERE pool_id = pool.id ORDER BY at_ms DESC LIMIT 1) AS load"
    )
    return connection.execute(statement, {"pool_ids": list(pool_ids)}).all()


def loads_between(
    connection: Connection, pool_ids: Sequence[str], from_ms: int, to_ms: int, step_ms: int = 1
) -> Sequence[Row[Any]]:
    """The changes of these pools' loads inside [`from_ms`, `to_ms`).

    Of a pool's changes within the same `step_ms` the last one alone.
    """
    statement = text(
        "SELECT load.* FROM unnest(CAST(:pool_ids AS text[])) AS pool (id), LATERAL "
        "(SELECT DISTINCT ON (at_ms / :step_ms) * FROM utilisation WHERE pool_id = pool.id "
        "AND at_ms >= :from_ms AND at_ms < :to_ms ORDER BY at_ms / :step_ms, at_ms DESC) AS load"
    )
    window = {"from_ms": from_ms, "to_ms": to_ms, "step_ms": step_ms}
    return connection.execute(statement, {"pool_ids": list(pool_ids), **window}).all()


def load_count(
    connection: Connection, pool_ids: Sequence[str], from_ms: int, to_ms: int, count_max: int
) -> int:
    """How many changes there are inside [`from_ms`, `to_ms`); of each pool `count_max` at most."""
    statement = text(
        "SELECT count(*) FROM unnest(CAST(:pool_ids AS text[])) AS pool (id), LATERAL "
        "(SELECT FROM utilisation WHERE pool_id = pool.id "
        "AND at_ms >= :from_ms AND at_ms < :to_ms LIMIT :count_max) AS load"
    )
    window = {"from_ms": from_ms, "to_ms": to_ms, "count_max": count_max}
    return connection.scalar(statement, {"pool_ids": list(pool_ids), **window}) or 0


def loads_at(connection: Connection, pool_ids: Sequence[str], at_ms: int) -> Sequence[Row[Any]]:
    """How each pool stood just before `at_ms`."""
    statement = text(
        "SELECT load.* FROM unnest(CAST(:pool_ids AS text[])) AS pool (id), LATERAL "
        "(SELECT * FROM utilisation WHERE pool_id = pool.id AND at_ms < :at_ms "
        "ORDER BY at_ms DESC LIMIT 1) AS load"
    )
    return connection.execute(statement, {"pool_ids": list(pool_ids), "at_ms": at_ms}).all()


def leader(connection: Connection) -> Leader | None:
    """The leader that was written last, expired or not."""
    row = connection.execute(select(LeaderRow.__table__)).one_or_none()
    if row is None:
        return None
    return Leader(epoch=row.epoch, expires_at_ms=row.expires_at_ms, url=row.url)


def verdict(connection: Connection, request_id: str) -> Verdict:
    """What became of a request, which must be in the inbox."""
    statement = select(InboxRow.consumed_seq, InboxRow.refused).where(InboxRow.id == request_id)
    row = connection.execute(statement).one()
    return Verdict(is_consumed=row.consumed_seq is not None, refused=row.refused)


_STAMP = select(func.count(), func.coalesce(func.sum(ViewRow.at_ms), 0)).where(_IS_DECLARED)


def declared_stamp(connection: Connection) -> tuple[int, int]:
    """Changes whenever what is declared does: the park, a tenant, its parts, a price list."""
    row = connection.execute(_STAMP).one()
    return int(row[0]), int(row[1])


def declared_views(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
    """The views `park`, `tenant:ID`, `project:TENANT/ID` and others, as `rows` names them."""
    statement = select(ViewRow.name, ViewRow.body).where(_IS_DECLARED).order_by(ViewRow.name)
    return [(row.name, row.body) for row in connection.execute(statement)]


def attempt_ids(connection: Connection, job_ids: Collection[str]) -> list[tuple[str, str]]:
    """All attempts of these jobs: job, attempt."""
    rows = select(AttemptRow.job_id, AttemptRow.id).where(AttemptRow.job_id.in_(job_ids))
    return [(job_id, attempt_id) for job_id, attempt_id in connection.execute(rows)]


def pending_count(connection: Connection) -> int:
    """Requests that no cycle has taken yet."""
    statement = select(func.count()).select_from(InboxRow)
    return connection.scalar(statement.where(InboxRow.consumed_seq.is_(None))) or 0


def ended_counts(
    connection: Connection, after_seq: int | None = None
) -> dict[tuple[str, str], int]:
    """How many jobs are over, by state and cause; after a fact of the log, or (None) in all.

    With `after_seq` the connection must see one moment (REPEATABLE READ): each job ends once.
    """
    cause = func.coalesce(JobRow.end_cause, "")
    statement = select(JobRow.state, cause, func.count()).where(JobRow.state.in_(FINAL_STATES))
    if after_seq is not None:
        last = (EventRow.seq > after_seq, EventRow.kind.in_(_ENDING_KINDS))
        statement = statement.where(JobRow.id.in_(select(EventRow.job_id).where(*last)))
    rows = connection.execute(statement.group_by(JobRow.state, cause))
    return {(row[0], row[1]): row[2] for row in rows}


def waiting_by_tenant(connection: Connection) -> list[tuple[str, int, int | None]]:
    """Each tenant with waiting jobs: how many, and when the oldest in the queue came there.

    Those that are held for others wait, but are not in the queue.
    """
    queued_at_ms = func.coalesce(JobRow.released_at_ms, JobRow.submitted_at_ms)
    oldest = func.min(queued_at_ms).filter(JobRow.state == JobState.QUEUED)
    statement = (
        select(JobRow.tenant_id, func.count(), oldest)
        .where(JobRow.state.in_(WAITING_STATES))
        .group_by(JobRow.tenant_id)
        .order_by(JobRow.tenant_id)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]
