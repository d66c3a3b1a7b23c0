"""Jobs: submit, look, cancel."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field, StringConstraints
from sqlalchemy import Connection, Row

from accounting.money import yuan_of_micros
from accounting.storage.store import reference_sums
from api.answers.active import attempts_with_activity
from api.answers.explaining import named_jobs, without_strangers
from api.answers.placed import node_views
from api.answers.reasons import views as reason_views
from api.asking import IdempotencyKey, ask, once, remember
from api.auth import Caller, WorkerDep
from api.chinese import chinese
from api.database import at_once
from api.errors import Refused, missing
from api.examples.requests import BATCH_EXAMPLES, JOB_EXAMPLES
from api.honouring import honour, take, to_take
from api.routes.books import check_known
from api.routes.parameters import JobId, problems
from api.schemas.jobs import (
    MAX_PAGE,
    AttemptView,
    JobAccepted,
    JobBatch,
    JobCreate,
    JobPage,
    JobsAccepted,
    JobView,
    Wire,
)
from api.schemas.quotes import HonouredQuote, JobSubmitted
from api.schemas.values import Identifier
from api.services import Services, ServicesDep
from api.submission import jobs_of, put, spec_of, task_view, tasks_of
from scheduler.facts.events import CancelRequested
from scheduler.facts.log import Request
from scheduler.model.job import FINAL_STATES, Job, JobState, Placement, Reason, ReasonCode
from scheduler.storage import queries
from scheduler.storage.array_queries import Predecessor, out_counts, predecessors
from scheduler.storage.codec import decode_job, decode_value

router = APIRouter(prefix="/v1", tags=["jobs"])

DEFAULT_PAGE = 100


@router.post(
    "/jobs",
    status_code=201,
    response_model=JobSubmitted,
    responses=problems(409, 429),
    summary="Submit a job",
)
def submit(
    spec: Annotated[JobCreate, Body(openapi_examples=JOB_EXAMPLES)],
    caller: WorkerDep,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Response:
    """Queue a job; 422 with the reasons where it could never run.

    With `array` many that differ by an index, all or none: the answer is the first of them, and its
    `array` names the whole. With `quote_id` it is as old as that quote, and `quote` says whether it
    starts as was quoted.
    """
    create = once(caller, key, "jobs", spec)
    given = to_take(spec, caller, services)
    honoured = honour(given, spec, caller, services) if given else None
    is_one_write = create is None and given is None and spec.archive is None
    database = services.database
    with at_once(database) if is_one_write else database.begin() as connection:
        declared = services.declared.read(connection)
        if spec.array is None:
            jobs = jobs_of([spec], caller, services, declared)
        else:
            jobs = tasks_of(spec, spec.array, caller, services, declared)
        if given is not None:
            jobs = [given.stands_for(job) for job in jobs]
        body = _queued(jobs[0], honoured).model_dump(mode="json")
        if create is not None:
            earlier = remember(connection, create, 201, body, services.clock())
            if earlier is not None:
                return _created(*earlier)
        if given is not None:
            take(connection, given, jobs[0])
        put(connection, jobs, caller, services, declared)
    return _created(201, body)


def _created(status: int, body: dict[str, Any]) -> JSONResponse:
    array = body["array"]
    made = f"/v1/arrays/{array['id']}" if array else f"/v1/jobs/{body['id']}"
    return JSONResponse(body, status, {"Location": made})


@router.post(
    "/jobs:batch",
    status_code=201,
    response_model=JobsAccepted,
    responses=problems(409, 429),
    summary="Submit up to 1000 jobs, all or none",
)
def submit_batch(
    batch: Annotated[JobBatch, Body(openapi_examples=BATCH_EXAMPLES)],
    caller: WorkerDep,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Response:
    """Queue many jobs in one durable write; where one could never run, none is queued."""
    create = once(caller, key, "jobs:batch", batch)
    with services.database.begin() as connection:
        declared = services.declared.read(connection)
        jobs = jobs_of(batch.jobs, caller, services, declared)
        accepted = JobsAccepted(items=[JobAccepted(id=job.id) for job in jobs])
        body = accepted.model_dump(mode="json")
        if create is not None:
            earlier = remember(connection, create, 201, body, services.clock())
            if earlier is not None:
                return JSONResponse(earlier[1], earlier[0])
        put(connection, jobs, caller, services, declared)
    return JSONResponse(body, 201)


class JobQuery(Wire):
    """What a list of jobs is narrowed by; `state` may be given several times."""

    tenant: Identifier | None = Field(default=None, description="a tenant's own by default")
    project: Identifier | None = Field(default=None, description="of this project alone")
    state: Annotated[list[JobState], Field(max_length=len(JobState))] = Field(
        default=[], description="only these; may be given several times"
    )
    array: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,64}$")] | None = Field(
        default=None, description="only the tasks of this array"
    )
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = Field(
        default=DEFAULT_PAGE, description="how many at most"
    )
    cursor: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,64}$")] | None = Field(
        default=None, description="the `next` of the page before"
    )


@router.get("/jobs", response_model=JobPage, responses=problems(404), summary="List jobs")
def list_jobs(
    asked: Annotated[JobQuery, Query()], caller: WorkerDep, services: ServicesDep
) -> Response:
    """Jobs, newest first; `next` of a page is the `cursor` of the one after it."""
    wanted = queries.JobFilter(
        tenant_id=caller.narrowed(asked.tenant),
        project=asked.project,
        states=tuple(asked.state),
        array_id=asked.array,
        before_id=asked.cursor,
    )
    with services.database.connect() as connection:
        check_known(connection, services, wanted.tenant_id)
        rows = queries.jobs(connection, wanted, asked.limit + 1)
        page = rows[: asked.limit]
        items = views_of(connection, page, caller)
    has_more = len(rows) > asked.limit
    answer = JobPage(items=items, next=page[-1].id if has_more else None)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/jobs/{job_id}", response_model=JobView, responses=problems(404), summary="One job")
def get_job(job_id: JobId, caller: WorkerDep, services: ServicesDep) -> Response:
    """A job, how it stands, and all its attempts."""
    with services.database.connect() as connection:
        job = view_of(connection, own_job(connection, job_id, caller), caller)
    return Response(job.model_dump_json(), media_type="application/json")


@router.post(
    "/jobs/{job_id}:cancel",
    response_model=JobView,
    responses=problems(404, 409)
    | {202: {"description": "The leader has not heard of it yet", "model": JobView}},
    summary="Cancel a job",
)
def cancel(job_id: JobId, caller: WorkerDep, services: ServicesDep) -> Response:
    """Want the job gone: it wins against every later retry, and may be asked for again."""
    with services.database.connect() as connection:
        row = own_job(connection, job_id, caller)
    if row.state == JobState.CANCELLED:
        return _now(services, job_id, caller, 200)
    if row.state in FINAL_STATES:
        raise Refused(409, f"job {job_id} is over: it has {row.state}")
    wish = CancelRequested(at_ms=services.clock(), job_id=job_id, by=caller.label)
    # One id for each job: whoever asks again waits for the same answer.
    is_heard = ask(services, Request(id=f"cancel:{job_id}", wish=wish)).is_consumed
    return _now(services, job_id, caller, 200 if is_heard else 202)


def _now(services: Services, job_id: str, caller: Caller, status: int) -> Response:
    with services.database.connect() as connection:
        row = queries.job(connection, job_id)
        assert row is not None, f"job {job_id} was there a moment ago"
        job = view_of(connection, row, caller)
    return Response(job.model_dump_json(), status, media_type="application/json")


def own_job(connection: Connection, job_id: str, caller: Caller) -> Row[Any]:
    """The job's row; another tenant's job does not exist."""
    row = queries.job(connection, job_id)
    if row is None or not caller.may_see(row.tenant_id):
        raise missing("job", job_id)
    return row


def view_of(connection: Connection, row: Row[Any], caller: Caller) -> JobView:
    view = views_of(connection, [row], caller)[0]
    tries = attempts_with_activity(connection, view.attempts)
    told = [one.model_copy(update={"detail_zh": chinese(one.detail) or ""}) for one in tries]
    more = {"cost": _cost(connection, view), "detail_zh": chinese(view.detail) or ""}
    return view.model_copy(update={"attempts": told} | more)


def _cost(connection: Connection, view: JobView) -> str:
    """What a package covers is named otherwise, and costs nothing more."""
    known = reference_sums(connection, [one.id for one in view.attempts])
    return yuan_of_micros(sum(line.amount_micros for lines in known.values() for line in lines))


def views_of(connection: Connection, rows: Sequence[Row[Any]], caller: Caller) -> list[JobView]:
    tries: defaultdict[str, list[AttemptView]] = defaultdict(list)
    specs = {row.id: row.spec for row in rows}
    for attempt in queries.attempts(connection, [*specs]):
        tries[attempt.job_id].append(_attempt(attempt, specs[attempt.job_id]))
    reasons = _reasons(connection, rows, caller)
    return [_view(row, tries[row.id], reasons[row.id]) for row in rows]


def _reasons(
    connection: Connection, rows: Sequence[Row[Any]], caller: Caller
) -> dict[str, list[Reason]]:
    holding = _holding(connection, rows)
    found = [
        holding.get(row.id) or [decode_value(Reason, body) for body in row.reasons] for row in rows
    ]
    told = told_reasons(connection, found, caller)
    return {row.id: some for row, some in zip(rows, told, strict=True)}


def _holding(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, list[Reason]]:
    """What each held job still waits for: for others, or for its turn among those of its array."""
    jobs = [decode_job(row.spec) for row in rows if row.state == JobState.HELD]
    states = predecessors(connection, {one for job in jobs for one in job.followed_ids})
    counts = out_counts(connection, {job.array.id for job in jobs if job.array})
    return {job.id: held_by(job, states, counts) for job in jobs}


def held_by(job: Job, states: Mapping[str, Predecessor], counts: Mapping[str, int]) -> list[Reason]:
    """Each job and array it is to follow that is not over, and its turn; `counts` are out."""
    follows = [
        Reason(code=ReasonCode.DEPENDENCY, where=followed_id, need=1, unit="jobs")
        for followed_id in job.followed_ids
        if followed_id in states and not states[followed_id].is_over
    ]
    return [*follows, *_turn(job, counts)]


def _turn(job: Job, counts: Mapping[str, int]) -> list[Reason]:
    """Why it waits for others of its array, where it does: as many are out as may be."""
    task = job.array
    if task is None or task.at_most is None or counts.get(task.id, 0) < task.at_most:
        return []
    count = counts[task.id]
    reason = Reason(
        code=ReasonCode.ARRAY_LIMIT, where=task.id, need=count + 1, free=task.at_most, unit="jobs"
    )
    return [reason]


def told_reasons(
    connection: Connection, found: Sequence[Sequence[Reason]], caller: Caller
) -> list[list[Reason]]:
    """The same reasons, in which a tenant finds no job of another."""
    if caller.tenant_id is None:
        return [list(some) for some in found]
    named = named_jobs(reason for some in found for reason in some)
    known = queries.ids_of(connection, named, caller.tenant_id) if named else set()
    return [[without_strangers(reason, known) for reason in some] for some in found]


def _view(row: Row[Any], attempts: list[AttemptView], reasons: Sequence[Reason]) -> JobView:
    job = decode_job(row.spec)
    return JobView(
        id=row.id,
        tenant=row.tenant_id,
        state=row.state,
        spec=spec_of(job),
        array=task_view(job),
        submitted_at_ms=row.submitted_at_ms,
        started_at_ms=row.started_at_ms,
        ended_at_ms=row.ended_at_ms,
        position=row.position,
        planned_start_ms=row.planned_start_ms,
        planned_pool=row.planned_pool_id,
        planned_devices=row.planned_device_count,
        start_p50_ms=row.start_p50_ms,
        start_p90_ms=row.start_p90_ms,
        is_start_promised=row.is_start_promised,
        end_cause=row.end_cause,
        detail=row.detail,
        reasons=reason_views(reasons),
        attempts=attempts,
    )


def _attempt(row: Row[Any], spec: dict[str, Any]) -> AttemptView:
    placement = decode_value(Placement, row.placement)
    roles = decode_job(spec).roles if spec.get("roles") else ()
    return AttemptView(
        id=row.id,
        centre=row.centre_id,
        pool=placement.pool_id,
        device=row.device_kind_id,
        nodes=node_views(placement, roles),
        leased_at_ms=row.leased_at_ms,
        started_at_ms=row.started_at_ms,
        ended_at_ms=row.ended_at_ms,
        cause=row.cause,
        exit_code=row.exit_code,
        detail=row.detail,
        saved_at_ms=row.saved_at_ms,
    )


def _queued(job: Job, honoured: HonouredQuote | None) -> JobSubmitted:
    """A job that was just put into the queue."""
    return JobSubmitted(
        id=job.id,
        tenant=job.tenant_id,
        state=JobState.QUEUED,
        spec=spec_of(job),
        array=task_view(job),
        submitted_at_ms=job.submitted_at_ms,
        started_at_ms=None,
        ended_at_ms=None,
        position=None,
        planned_start_ms=None,
        end_cause=None,
        detail="",
        reasons=[],
        quote=honoured,
    )
