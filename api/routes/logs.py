"""What the members of a job have written, and what they go on to write."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.auth import WorkerDep
from api.errors import missing
from api.logs import READ_BYTES_MAX, read_log
from api.routes.jobs import own_job
from api.routes.parameters import JobId, problems
from api.schemas import Wire
from api.services import Services, ServicesDep
from scheduler import queries
from scheduler.job import FINAL_STATES

router = APIRouter(prefix="/v1", tags=["jobs"])

POLL_S = 0.2
QUIET_POLLS = 6
"""An agent ships the last output a little after it reports the end: so long it may be quiet."""

MEMBER_MAX = 100_000
ATTEMPT_MAX = 10_000
OFFSET_MAX = 1 << 40
TEXT = "text/plain; charset=utf-8"


class LogQuery(Wire):
    """Whose output, from where on, and for how long."""

    member: Annotated[int, Field(ge=0, le=MEMBER_MAX)] = Field(default=0, description="its rank")
    attempt: Annotated[int, Field(ge=1, le=ATTEMPT_MAX)] | None = Field(
        default=None, description="of this attempt alone; the newest, and those to come, if not"
    )
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = Field(
        default=0, description="the byte to begin at"
    )
    follow: bool = Field(default=False, description="go on until the job is over")


@dataclass(slots=True, kw_only=True)
class Reader:
    """Where somebody is in a job's output; `is_pinned` to one attempt, or going on to the next."""

    job_id: str
    member: int
    offset: int
    attempt: int
    is_pinned: bool
    quiet_polls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some more output; `is_end` when there will be none."""

    data: bytes
    is_end: bool


@router.get(
    "/jobs/{job_id}/logs",
    responses=problems(404) | {200: {"description": "Output", "content": {"text/plain": {}}}},
    response_class=StreamingResponse,
    summary="What a job writes",
)
def logs(
    job_id: JobId,
    caller: WorkerDep,
    services: ServicesDep,
    asked: Annotated[LogQuery, Query()],
) -> StreamingResponse:
    """A member's output as it was written, from a byte on; `follow` goes on until the job ends.

    Of the newest attempt, and of those after it, unless one is named.
    """
    with services.database.connect() as connection:
        own_job(connection, job_id, caller)
        count = len(queries.attempts(connection, [job_id]))
    if asked.attempt is not None and asked.attempt > count:
        raise missing("attempt", f"{job_id}.{asked.attempt}")
    reader = Reader(
        job_id=job_id,
        member=asked.member,
        offset=asked.offset,
        attempt=asked.attempt or max(1, count),
        is_pinned=asked.attempt is not None,
    )
    parts = _followed(services, reader) if asked.follow else _written(services, reader)
    headers = {
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
        # Whatever a job writes, no browser is to take it for a page.
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(parts, media_type=TEXT, headers=headers)


async def _written(services: Services, reader: Reader) -> AsyncIterator[bytes]:
    while part := await run_in_threadpool(_read, services, reader):
        reader.offset += len(part)
        yield part


async def _followed(services: Services, reader: Reader) -> AsyncIterator[bytes]:
    while not services.feed.is_stopped:
        part = await run_in_threadpool(_next, services, reader)
        if part.data:
            yield part.data
        elif part.is_end:
            return
        else:
            await asyncio.sleep(POLL_S)


def _read(services: Services, reader: Reader) -> bytes:
    with services.database.connect() as connection:
        attempt_id = f"{reader.job_id}.{reader.attempt}"
        return read_log(connection, attempt_id, reader.member, reader.offset, READ_BYTES_MAX)


def _next(services: Services, reader: Reader) -> Part:
    """What is new, and the reader moved past it: on to the next attempt where this one is over."""
    with services.database.connect() as connection:
        row = queries.job(connection, reader.job_id)
        assert row is not None, f"job {reader.job_id} was there a moment ago"
        attempts = queries.attempts(connection, [reader.job_id])
    # Read after the state: what was written before the end is then never missed.
    data = _read(services, reader)
    reader.offset += len(data)
    reader.quiet_polls = 0 if data else reader.quiet_polls + 1
    if data or reader.attempt > len(attempts):
        return Part(data=data, is_end=not data and row.state in FINAL_STATES)
    is_over = attempts[reader.attempt - 1].ended_at_ms is not None
    if not is_over or reader.quiet_polls < QUIET_POLLS:
        return Part(data=b"", is_end=False)
    if reader.is_pinned:
        return Part(data=b"", is_end=True)
    if reader.attempt == len(attempts):
        return Part(data=b"", is_end=row.state in FINAL_STATES)
    reader.attempt, reader.offset = reader.attempt + 1, 0
    return Part(data=f"[attempt {reader.attempt} of this job]\n".encode(), is_end=False)
