"""What the members of a job have written, and what they go on to write."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import Field
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, Watch, WorkerDep
from api.client.streamed import LINES, LogPart
from api.errors import Refused, missing
from api.logs import Kept, log_of, read_log
from api.routes.jobs import own_job
from api.routes.parameters import JobId, problems
from api.schemas.jobs import Wire
from api.schemas.role_spec import RoleName
from api.services import Services, ServicesDep
from api.streams import Stream
from scheduler.model.job import FINAL_STATES, Job, Placement
from scheduler.model.variants import member_count
from scheduler.storage import queries
from scheduler.storage.codec import decode_job, decode_value

router = APIRouter(prefix="/v1", tags=["jobs"])

POLL_S = 0.2
LATE_MS = 30_000
"""How much later than an attempt's end its output may come, where no last piece says all is here.

An agent ships it after it reports the end; one that was cut off for a while, when it is back.
"""
PASSED_OVER_MS = 5_000
"""The same where another attempt follows: not so long is a lost node's last word waited for."""

MEMBER_MAX = 100_000
ATTEMPT_MAX = 10_000
OFFSET_MAX = 1 << 40
TEXT = "text/plain; charset=utf-8"
ANSWERS: dict[str, Any] = {"text/plain": {}, LINES: {"schema": LogPart.model_json_schema()}}
AttemptNumber = Annotated[int, Field(ge=1, le=ATTEMPT_MAX)]


class LogQuery(Wire):
    """Whose output, from where on, and for how long."""

    member: Annotated[int, Field(ge=0, le=MEMBER_MAX)] = Field(
        default=0, description="its rank; with `role` its number in that role"
    )
    role: RoleName | None = Field(default=None, description="one of the job's roles")
    attempt: AttemptNumber | None = Field(
        default=None, description="of this attempt alone; the newest, and those to come, if not"
    )
    from_attempt: AttemptNumber | None = Field(
        default=None, description="of this attempt, and of those after it"
    )
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = Field(
        default=0, description="the byte to begin at"
    )
    follow: bool = Field(default=False, description="go on until the job is over")


@dataclass(slots=True, kw_only=True)
class Reader:
    """Where somebody is in a job's output.

    `is_pinned` to one attempt, or going on to the next. `news_ms` is when the attempt was last seen
    alive, or to say something late.
    """

    job_id: str
    member: int
    offset: int
    attempt: int
    is_pinned: bool
    news_ms: int = 0
    was_at_end: bool = False

    @property
    def attempt_id(self) -> str:
        return f"{self.job_id}.{self.attempt}"

    def note(self, now_ms: int, *, is_live: bool, has_data: bool) -> None:
        if is_live or (has_data and self.was_at_end):
            self.news_ms = now_ms
        self.was_at_end = not has_data

    def move_on(self) -> None:
        self.attempt, self.offset, self.news_ms, self.was_at_end = self.attempt + 1, 0, 0, False

    def part(self, data: bytes = b"", *, is_end: bool = False) -> LogPart:
        """These bytes from where the reader stands, which then stands behind them."""
        part = LogPart(attempt=self.attempt, offset=self.offset, data=data, is_end=is_end)
        self.offset = part.end_offset
        return part


Parts = AsyncGenerator[LogPart | None]
Step = Callable[[Services, Reader], LogPart]


@router.get(
    "/jobs/{job_id}/logs",
    responses=problems(404, 429) | {200: {"description": "Output", "content": ANSWERS}},
    response_class=StreamingResponse,
    summary="What a job writes",
)
def logs(
    job_id: JobId,
    caller: WorkerDep,
    services: ServicesDep,
    asked: Annotated[LogQuery, Query()],
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> StreamingResponse:
    """A member's output as it was written, from a byte on; `follow` goes on until the job ends.

    Of the newest attempt, and of those after it, unless one is named. With the header
    `Accept: application/x-ndjson` each line is an object: `data` in URL-safe base64, `attempt` and
    `offset` of its first byte, `is_end` where nothing comes after it. Who is interrupted before
    goes on by `from_attempt` and `offset`. An empty line is a sign of life.
    """
    reader = _reader(services, job_id, caller, asked)
    parts = _parts(services, reader, Watch(services, caller), _next if asked.follow else _now)
    opened = services.streams.admit(caller.scope)
    if LINES in accept:
        return Stream(_lines(parts), opened, media_type=LINES)
    # Whatever a job writes, no browser is to take it for a page.
    headers = {"X-Content-Type-Options": "nosniff", "X-Attempt": str(reader.attempt)}
    return Stream(_text(parts, reader.attempt), opened, media_type=TEXT, headers=headers)


def _reader(services: Services, job_id: str, caller: Caller, asked: LogQuery) -> Reader:
    with services.database.connect() as connection:
        job = own_job(connection, job_id, caller)
        tries = queries.attempts(connection, [job_id])
    count = len(tries)
    wanted = asked.attempt or asked.from_attempt
    if wanted is not None and wanted > count:
        raise missing("attempt", f"{job_id}.{wanted}")
    return Reader(
        job_id=job_id,
        member=_rank(decode_job(job.spec), asked, tries),
        offset=asked.offset,
        attempt=wanted or max(1, count),
        is_pinned=asked.attempt is not None,
    )


def _rank(job: Job, asked: LogQuery, tries: Sequence[Row[Any]]) -> int:
    """Raises `Refused` for a role, or a member, that the job does not have.

    How many members it has is known once it was placed; an elastic one may have had more before.
    """
    if asked.role is not None:
        return _rank_in_role(job, asked.role, asked.member)
    placed = (decode_value(Placement, one.placement) for one in tries)
    count = max((member_count(job, placement) for placement in placed), default=None)
    if count is not None and asked.member >= count:
        raise _no_member("member", asked.member, job, count)
    return asked.member


def _rank_in_role(job: Job, name: str, number: int) -> int:
    first = 0
    for role in job.roles:
        if role.name == name and number < role.count:
            return first + number
        if role.name == name:
            raise _no_member(name, number, job, role.count)
        first += role.count
    known = ", ".join(role.name for role in job.roles)
    has = f"it has {known}" if known else "its members have none"
    raise Refused(404, f"there is no role {name} of job {job.id}: {has}")


def _no_member(what: str, number: int, job: Job, count: int) -> Refused:
    has = f"it has {count}, numbered from 0"
    return Refused(404, f"there is no {what} {number} of job {job.id}: {has}")


async def _lines(parts: Parts) -> AsyncGenerator[str]:
    async with aclosing(parts):
        async for part in parts:
            yield "\n" if part is None else part.model_dump_json() + "\n"


async def _text(parts: Parts, attempt: int) -> AsyncGenerator[bytes]:
    async with aclosing(parts):
        async for part in parts:
            if part is None:
                continue
            if part.attempt != attempt:
                attempt = part.attempt
                yield f"[attempt {attempt} of this job]\n".encode()
            yield part.data


async def _parts(services: Services, reader: Reader, watch: Watch, step: Step) -> Parts:
    """What there is, and what comes; `None` is a sign of life."""
    told_attempt = reader.attempt
    while not services.feed.is_stopped:
        part = await run_in_threadpool(step, services, reader)
        if part.data or part.is_end or part.attempt != told_attempt:
            yield part
        told_attempt = part.attempt
        if part.is_end:
            return
        if watch.is_due:
            if not await watch.is_valid():
                return
            yield None
        if not part.data:
            await asyncio.sleep(POLL_S)


def _now(services: Services, reader: Reader) -> LogPart:
    """What is there, to its present end."""
    with services.database.connect() as connection:
        data = read_log(connection, reader.attempt_id, reader.member, reader.offset)
    return reader.part(data, is_end=not data)


def _next(services: Services, reader: Reader) -> LogPart:
    """What is new, and the reader moved past it: on to the next attempt where this one is over."""
    with services.database.connect() as connection:
        job = queries.job(connection, reader.job_id)
        assert job is not None, f"job {reader.job_id} was there a moment ago"
        attempts = queries.attempts(connection, [reader.job_id])
        log = log_of(connection, reader.attempt_id, reader.member)
        # Read after all these: what was written before the end is then never missed.
        data = read_log(connection, reader.attempt_id, reader.member, reader.offset)
    attempt = attempts[reader.attempt - 1] if reader.attempt <= len(attempts) else None
    is_live = attempt is not None and attempt.ended_at_ms is None
    reader.note(services.clock(), is_live=is_live, has_data=bool(data))
    is_newest = reader.attempt >= len(attempts)
    quiet_ms = services.clock() - (LATE_MS if is_newest else PASSED_OVER_MS)
    if data or is_live or (attempt is not None and _may_say_more(attempt, log, reader, quiet_ms)):
        return reader.part(data)
    if is_newest or reader.is_pinned:
        return reader.part(is_end=reader.is_pinned or job.state in FINAL_STATES)
    reader.move_on()
    return reader.part()


def _may_say_more(attempt: Row[Any], log: Kept | None, reader: Reader, quiet_ms: int) -> bool:
    """Whether output of an attempt that is over may still come; not if it was quiet so long ago."""
    is_all_here = log is not None and (log.is_over or log.is_full)
    if is_all_here or attempt.started_at_ms is None:
        return False
    return max(int(attempt.ended_at_ms), reader.news_ms) > quiet_ms
