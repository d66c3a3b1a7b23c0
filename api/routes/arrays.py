"""Arrays: how many tasks of one stand how, and the end of all of them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy import Connection

from api.asking import ask_all
from api.auth import Caller, WorkerDep
from api.errors import missing
from api.routes.parameters import problems
from api.schemas.array_spec import ArrayView
from api.services import ServicesDep
from scheduler.facts.events import CancelRequested
from scheduler.facts.log import Request
from scheduler.model.job import FINAL_STATES, JobState
from scheduler.storage.array_queries import (
    array_states,
    failed_indices,
    first_task,
    unfinished_tasks,
)
from scheduler.storage.codec import decode_job

router = APIRouter(prefix="/v1", tags=["jobs"])

FAILED_SHOWN = 100

ArrayId = Annotated[
    str, Path(pattern=r"^[a-z0-9]{1,64}$", description="`array.id` of each of its tasks")
]


@router.get("/arrays/{array_id}", responses=problems(404), summary="An array as a whole")
def get_array(array_id: ArrayId, caller: WorkerDep, services: ServicesDep) -> ArrayView:
    """How many of its tasks are in which state; `GET /v1/jobs?array=` lists them."""
    with services.database.connect() as connection:
        return _own_array(connection, array_id, caller)


@router.post(
    "/arrays/{array_id}:cancel",
    response_model=ArrayView,
    responses=problems(404)
    | {202: {"description": "The leader has not heard of all yet", "model": ArrayView}},
    summary="Cancel all of an array",
)
def cancel_array(array_id: ArrayId, caller: WorkerDep, services: ServicesDep) -> Response:
    """Want all its tasks gone that are not over; it may be asked for again."""
    with services.database.connect() as connection:
        _own_array(connection, array_id, caller)
        job_ids = unfinished_tasks(connection, array_id)
    is_heard = True
    if job_ids:
        now_ms = services.clock()
        wishes = (CancelRequested(at_ms=now_ms, job_id=one, by=caller.label) for one in job_ids)
        # Each as if it was cancelled alone: one that is over by then is left as it is.
        requests = [Request(id=f"cancel:{wish.job_id}", wish=wish) for wish in wishes]
        is_heard = ask_all(services, requests).is_consumed
    with services.database.connect() as connection:
        array = _own_array(connection, array_id, caller)
    status = 200 if is_heard else 202
    return Response(array.model_dump_json(), status, media_type="application/json")


def _own_array(connection: Connection, array_id: str, caller: Caller) -> ArrayView:
    """The array; another tenant's does not exist."""
    first = first_task(connection, array_id)
    if first is None or not caller.may_see(first.tenant_id):
        raise missing("array", array_id)
    rows = array_states(connection, array_id)
    job, states = decode_job(first.spec), {row.state: row.task_count for row in rows}
    assert job.array is not None, f"{job.id} is no task of {array_id}"
    is_over = states.keys() <= FINAL_STATES
    return ArrayView(
        id=array_id,
        tenant=job.tenant_id,
        name=job.name,
        count=job.array.count,
        lowest=job.array.lowest,
        highest=job.array.highest,
        at_most=job.array.at_most,
        states={state: states[state] for state in JobState if state in states},
        is_over=is_over,
        failed=failed_indices(connection, array_id, FAILED_SHOWN),
        submitted_at_ms=first.submitted_at_ms,
        started_at_ms=min((r.started_at_ms for r in rows if r.started_at_ms), default=None),
        ended_at_ms=max((r.ended_at_ms for r in rows if r.ended_at_ms), default=None)
        if is_over
        else None,
    )
