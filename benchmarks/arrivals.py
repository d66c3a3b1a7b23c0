"""What users asked of the broker in a period, and what came of it, in the words of a trace.

It is read from the jobs and attempts that are written with each commit of the event log.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, select

from benchmarks.traces import TraceJob
from scheduler.model.job import FINAL_STATES, Job, JobState, Placement
from scheduler.storage.codec import decode_job, decode_value
from scheduler.storage.tables import AttemptRow, JobRow

BATCH = 1_000


class LeftOut(StrEnum):
    """Why a job is in no trace."""

    NOT_OVER = "left_out_not_over"
    NEVER_RAN = "left_out_never_ran"
    OF_ROLES = "left_out_of_roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How long an attempt ran, and on what."""

    run_ms: int
    card_count: int
    device_kind_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A job, when it came to the queue, how it stands, and its attempts that ran, in order."""

    job: Job
    arrived_ms: int
    state: JobState
    runs: tuple[Run, ...]


def courses(connection: Connection, from_ms: int, until_ms: int) -> Iterator[Course]:
    """Of all jobs that came to the queue in the period, in the order in which they came.

    Who was held came when it was released.
    """
    arrived_ms = func.coalesce(JobRow.released_at_ms, JobRow.submitted_at_ms)
    asked = (
        select(
            *(JobRow.id, JobRow.state, JobRow.spec, arrived_ms.label("arrived_ms")),
            *(AttemptRow.placement, AttemptRow.started_at_ms, AttemptRow.ended_at_ms),
        )
        .outerjoin(AttemptRow, AttemptRow.job_id == JobRow.id)
        .where(arrived_ms >= from_ms, arrived_ms < until_ms)
        .order_by(arrived_ms, JobRow.id, AttemptRow.leased_at_ms)
    )
    rows = connection.execution_options(yield_per=BATCH).execute(asked)
    for _, tries in groupby(rows, key=lambda row: row.id):
        yield _course([*tries])


def _course(tries: Sequence[Row[Any]]) -> Course:
    first = tries[0]
    return Course(
        job=decode_job(first.spec),
        arrived_ms=first.arrived_ms,
        state=JobState(first.state),
        runs=tuple(_runs(tries)),
    )


def _runs(tries: Iterable[Row[Any]]) -> Iterator[Run]:
    for row in tries:
        if row.started_at_ms is None or row.ended_at_ms is None:
            continue
        placement = decode_value(Placement, row.placement)
        yield Run(
            run_ms=row.ended_at_ms - row.started_at_ms,
            card_count=placement.card_count,
            device_kind_id=placement.device_kind_id,
        )


def traced(course: Course) -> TraceJob | LeftOut:
    """The job as a row of a trace, or why it cannot be one.

    It has the cards of its last run, and ran as long as comes to the card-time of all runs that
    count: of a job with a checkpoint each, of others the last, as it began anew.
    """
    job = course.job
    if course.state not in FINAL_STATES:
        return LeftOut.NOT_OVER
    counted = course.runs if job.checkpoint else course.runs[-1:]
    card_ms = sum(run.run_ms * run.card_count for run in counted)
    if not card_ms:
        return LeftOut.NEVER_RAN
    if job.roles:  # a trace knows gangs whose members are alike
        return LeftOut.OF_ROLES
    last = counted[-1]
    return TraceJob(
        id=job.id,
        tenant=job.tenant_id,
        user=job.user,
        submit_ms=course.arrived_ms,
        duration_ms=max(1, card_ms // last.card_count),
        device_count=last.card_count,
        device_type=last.device_kind_id if job.device_kind_ids or job.variants else "",
        walltime_ms=job.limit_ms,
        status=course.state.value,
    )


def from_zero(jobs: Sequence[TraceJob]) -> list[TraceJob]:
    """The same with the first at 0, as in all traces."""
    return [replace(job, submit_ms=job.submit_ms - jobs[0].submit_ms) for job in jobs]


def numbered(jobs: Iterable[TraceJob]) -> list[TraceJob]:
    """The same with numbers in place of the names of jobs, tenants and users, as they come up."""
    tenants: dict[str, str] = {}
    users: dict[tuple[str, str], str] = {}
    return [
        replace(
            job,
            id=f"j{number:07}",
            tenant=tenants.setdefault(job.tenant, f"t{len(tenants) + 1:03}"),
            user=users.setdefault((job.tenant, job.user), f"u{len(users) + 1:03}"),
        )
        for number, job in enumerate(jobs, start=1)
    ]
