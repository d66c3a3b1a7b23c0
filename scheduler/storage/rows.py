"""What others read of a cycle's jobs and attempts, written in its transaction."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, func, select

from scheduler.facts import events as ev
from scheduler.facts.log import Cycle
from scheduler.model.job import FINAL_STATES, Job, JobState, PlannedStart, Reason
from scheduler.storage.bulk import Cell, Row, asked_ids, copy_all, execute_all, records, updated
from scheduler.storage.codec import encode_job_text, encode_value
from scheduler.storage.tables import AttemptRow, JobRow

SUBMIT_PREFIX = "submit:"
"""The request that submits a job is named after the job."""

KNOWN_MAX = 4_096
"""Of so many ways to wait the JSON is kept at hand."""


_OWNERS = select(JobRow.id, JobRow.tenant_id).where(JobRow.id == asked_ids())


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose each event is, so that a tenant can follow its own."""

    tenant_by_job: dict[str, str]

    @classmethod
    def of(cls, connection: Connection, events: Iterable[ev.Event]) -> "Owners":
        known = {e.job.id: e.job.tenant_id for e in events if isinstance(e, ev.Submitted)}
        asked = {job_id for event in events if (job_id := ev.job_of(event))} - known.keys()
        if asked:
            rows = connection.execute(_OWNERS, {"ids": sorted(asked)})
            known.update((row.id, row.tenant_id) for row in rows)
        return cls(known)

    def tenant_of(self, event: ev.Event) -> str | None:
        """The tenant, or None for what is the whole park's."""
        match event:
            case ev.TenantDeclared():
                return event.tenant.id
            case ev.ProjectDeclared():
                return event.project.tenant_id
            case ev.DatasetDeclared():
                return event.dataset.tenant_id
            case ev.QuoteKept():
                return event.job.tenant_id
            case ev.Credited() | ev.TaxStated() | ev.Overdrawn() | ev.HardStopSet():
                return event.tenant_id
            case ev.QuoteCardsKept() | ev.QuoteEnded() | ev.StartPromised():
                return event.tenant_id
            case ev.PackageBought() | ev.BudgetSet() | ev.BudgetReached():
                return _spender(event)
            case _:
                job_id = ev.job_of(event)
                return self.tenant_by_job.get(job_id) if job_id else None


def _spender(event: ev.PackageBought | ev.BudgetSet | ev.BudgetReached) -> str:
    said = event.package if isinstance(event, ev.PackageBought) else event.budget
    return said.tenant_id


def tenant_of_wish(wish: ev.Wish) -> str | None:
    """Whose wish it is, where that is known without looking it up."""
    match wish:
        case ev.Submitted() | ev.QuoteKept():
            return wish.job.tenant_id
        case ev.ProjectDeclared():
            return wish.project.tenant_id
        case ev.DatasetDeclared():
            return wish.dataset.tenant_id
        case ev.Credited() | ev.TaxStated() | ev.QuoteEnded() | ev.HardStopSet():
            return wish.tenant_id
        case ev.BudgetSet() | ev.PackageBought():
            return _spender(wish)
        case _:
            return None


def write_jobs(connection: Connection, cycle: Cycle) -> None:
    """New jobs, how attempts and jobs changed, and new attempts; one statement each."""
    _write_new(connection, cycle)
    _write_starts(connection, cycle)
    _write_saves(connection, cycle)
    _write_ends(connection, cycle)
    # After the ends: a job whose attempt ended may have been leased anew in the same cycle.
    leases = [event for event in cycle.events if isinstance(event, ev.Leased)]
    if leases:
        copy_all(connection, _ATTEMPT_COLUMNS, map(_new_attempt, leases))
    _write_states(connection, cycle)
    _write_answers(connection, cycle)
    _write_refusals(connection, cycle)


_WRITTEN = select(JobRow.id).where(JobRow.id == asked_ids())


def _write_new(connection: Connection, cycle: Cycle) -> None:
    """Jobs that have no row: whoever takes the request for one has mostly written it already."""
    wishes = [event for event in cycle.events if isinstance(event, ev.Submitted)]
    if wishes:
        job_ids = [wish.job.id for wish in wishes]
        written = {*connection.scalars(_WRITTEN, {"ids": job_ids})}
        new = [wish for wish in wishes if wish.job.id not in written]
        put_jobs(connection, new, cycle.now_ms)


_JOB_COLUMNS = (
    JobRow.id,
    JobRow.tenant_id,
    JobRow.state,
    JobRow.submitted_at_ms,
    JobRow.array_id,
    JobRow.array_index,
    JobRow.spec,
)


def put_jobs(connection: Connection, wishes: Sequence[ev.Submitted], now_ms: int) -> None:
    """The rows of jobs that were just asked for, in the transaction that puts their requests."""
    if wishes:
        copy_all(connection, _JOB_COLUMNS, (_new_job(wish.job, now_ms) for wish in wishes))


def _new_job(job: Job, now_ms: int) -> tuple[Cell, ...]:
    return (
        job.id,
        job.tenant_id,
        JobState.QUEUED,
        min(job.submitted_at_ms, now_ms),
        job.array.id if job.array else None,
        job.array.index if job.array else None,
        encode_job_text(job),
    )


_ATTEMPT_COLUMNS = (
    AttemptRow.id,
    AttemptRow.job_id,
    AttemptRow.centre_id,
    AttemptRow.device_kind_id,
    AttemptRow.placement,
    AttemptRow.leased_at_ms,
)


def _new_attempt(event: ev.Leased) -> tuple[Cell, ...]:
    placement = event.placement
    return (
        event.attempt_id,
        event.job_id,
        placement.centre_id,
        placement.device_kind_id,
        json.dumps(encode_value(placement)),
        event.at_ms,
    )


_STARTS = updated(AttemptRow, records(AttemptRow.id, AttemptRow.started_at_ms))


def _write_starts(connection: Connection, cycle: Cycle) -> None:
    started = (event for event in cycle.events if isinstance(event, ev.Started))
    rows = ({"id": event.attempt_id, "started_at_ms": event.at_ms} for event in started)
    execute_all(connection, _STARTS, rows)


_SAVES = updated(AttemptRow, records(AttemptRow.id, AttemptRow.saved_at_ms))


def _write_saves(connection: Connection, cycle: Cycle) -> None:
    saves = {one.attempt_id: one for one in cycle.events if isinstance(one, ev.Saved)}
    rows = ({"id": key, "saved_at_ms": one.saved_at_ms} for key, one in saves.items())
    execute_all(connection, _SAVES, rows)


_ENDS = updated(
    AttemptRow,
    records(
        AttemptRow.id,
        AttemptRow.ended_at_ms,
        AttemptRow.cause,
        AttemptRow.exit_code,
        AttemptRow.detail,
    ),
)


def _write_ends(connection: Connection, cycle: Cycle) -> None:
    rows = (
        {
            "id": event.attempt_id,
            "ended_at_ms": event.at_ms,
            "cause": event.cause,
            "exit_code": event.exit_code,
            "detail": event.detail,
        }
        for event in cycle.events
        if isinstance(event, ev.Ended)
    )
    execute_all(connection, _ENDS, rows)


_STANDING = records(
    JobRow.id,
    JobRow.state,
    JobRow.released_at_ms,
    JobRow.started_at_ms,
    JobRow.ended_at_ms,
    JobRow.end_cause,
    JobRow.detail,
)
_STATES = updated(
    JobRow,
    _STANDING,
    # A job that is tried again keeps its first start.
    started_at_ms=func.coalesce(JobRow.started_at_ms, _STANDING.c.started_at_ms),
    released_at_ms=func.coalesce(_STANDING.c.released_at_ms, JobRow.released_at_ms),
    position=None,
    planned_start_ms=None,
    planned_pool_id=None,
    planned_device_count=None,
    start_p50_ms=None,
    start_p90_ms=None,
    is_start_promised=False,
    told_at_ms=None,
    told_start_ms=None,
    told_pool_id=None,
    reasons=[],
)


def _write_states(connection: Connection, cycle: Cycle) -> None:
    """How each touched job stands; one that no longer waits has no place and no reasons."""
    last_end = {ev.job_of(e): e for e in cycle.events if isinstance(e, ev.Ended)}
    given_up = {e.job_id: e for e in cycle.events if isinstance(e, ev.DependencyFailed)}
    released_ms = {e.job_id: e.at_ms for e in cycle.events if isinstance(e, ev.Released)}
    # Of two starts the first.
    starts = [e for e in reversed(cycle.events) if isinstance(e, ev.Started)]
    started_ms = {ev.job_of(e): e.at_ms for e in starts}
    rows = (
        {
            **_state_row(job_id, state, last_end.get(job_id) or given_up.get(job_id), cycle.now_ms),
            "released_at_ms": released_ms.get(job_id),
            "started_at_ms": started_ms.get(job_id),
        }
        for job_id, state in cycle.states.items()
        if state is not JobState.QUEUED or job_id in last_end or job_id in released_ms
    )
    execute_all(connection, _STATES, rows)


def _state_row(
    job_id: str, state: JobState, end: ev.Ended | ev.DependencyFailed | None, now_ms: int
) -> Row:
    cause, text = "cancelled" if state is JobState.CANCELLED else None, ""
    match end:
        case ev.Ended():
            cause, text = end.cause, end.detail
        case ev.DependencyFailed():
            text = f"job {end.after_id}, which it was to follow, did not succeed"
        case None:
            pass
    at_ms = end.at_ms if end else now_ms
    return {
        "id": job_id,
        "state": state,
        "ended_at_ms": at_ms if state in FINAL_STATES else None,
        "end_cause": cause,
        "detail": text,
    }


_ANSWER = records(
    JobRow.id,
    JobRow.position,
    JobRow.planned_start_ms,
    JobRow.planned_pool_id,
    JobRow.planned_device_count,
    JobRow.start_p50_ms,
    JobRow.start_p90_ms,
    JobRow.is_start_promised,
    JobRow.told_at_ms,
    JobRow.reasons,
)
_ANSWERS = updated(
    JobRow,
    _ANSWER,
    # What it was told first stays, whoever leads.
    told_at_ms=func.coalesce(JobRow.told_at_ms, _ANSWER.c.told_at_ms),
    told_start_ms=func.coalesce(JobRow.told_start_ms, _ANSWER.c.planned_start_ms),
    told_pool_id=func.coalesce(JobRow.told_pool_id, _ANSWER.c.planned_pool_id),
)


def _write_answers(connection: Connection, cycle: Cycle) -> None:
    rows = (
        {
            "id": job_id,
            "position": answer.position,
            **_planned(answer.start),
            "told_at_ms": cycle.now_ms if answer.start else None,
            "reasons": _encoded(answer.reasons),
        }
        for job_id, answer in cycle.waiting.items()
    )
    execute_all(connection, _ANSWERS, rows)


@lru_cache(maxsize=KNOWN_MAX)
def _encoded(reasons: tuple[Reason, ...]) -> list[Row]:
    """Jobs that are alike wait for the same, and they are told again and again."""
    return [encode_value(reason) for reason in reasons]


def _planned(start: PlannedStart | None) -> Row:
    return {
        "planned_start_ms": start.at_ms if start else None,
        "planned_pool_id": start.pool_id if start else None,
        "planned_device_count": start.card_count if start else None,
        "start_p50_ms": start.p50_ms if start else None,
        "start_p90_ms": start.p90_ms if start else None,
        "is_start_promised": start is not None and start.is_promised,
    }


_REFUSALS = updated(
    JobRow,
    records(JobRow.id, JobRow.state, JobRow.ended_at_ms, JobRow.end_cause, JobRow.detail),
).where(JobRow.state == JobState.QUEUED)


def _write_refusals(connection: Connection, cycle: Cycle) -> None:
    """A submission that the leader refused is a failed job, with the reason; never a silence."""
    rows = (
        {
            "id": request_id.removeprefix(SUBMIT_PREFIX),
            "state": JobState.FAILED,
            "ended_at_ms": cycle.now_ms,
            "end_cause": "broker",
            "detail": why,
        }
        for request_id, why in cycle.refused.items()
        if request_id.startswith(SUBMIT_PREFIX)
    )
    execute_all(connection, _REFUSALS, rows)
