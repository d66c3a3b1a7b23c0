"""The event stream: what happened, as it happens, from where the reader stopped."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, PersonDep, Role, is_valid
from api.errors import Refused
from api.feed import PAGE
from api.routes.parameters import problems
from api.services import Services, ServicesDep
from scheduler.queries import EventRecord, events_after

router = APIRouter(prefix="/v1", tags=["events"])

HEARTBEAT_S = 15.0
STREAMS_MAX = 500
RETRY_MS = 2_000
SEQ_MAX = 1 << 62

_MONEY = frozenset({"credited"})
_FINANCE = frozenset(
    {"credited", "metered", "price_list_published", "tenant_declared", "park_declared"}
)


@router.get(
    "/events",
    responses=problems(429)
    | {200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}},
    response_class=StreamingResponse,
    summary="Follow what happens",
)
async def follow(
    caller: PersonDep,
    services: ServicesDep,
    last_event_id: Annotated[int | None, Header(ge=0, le=SEQ_MAX)] = None,
    after: Annotated[
        int | None, Query(ge=0, le=SEQ_MAX, description="the seq to go on after; 0 is all")
    ] = None,
) -> StreamingResponse:
    """Each event's `id` is its `seq`, its data has `kind`, times, job, tenant and `body`.

    A tenant reads its own events and the park's; an operator all but payments; finance those that
    are about money. Without `Last-Event-ID` or `after` it begins now.
    """
    if services.feed.subscriber_count >= STREAMS_MAX:
        raise Refused(429, f"{STREAMS_MAX} streams are open already: try again later")
    wanted = last_event_id if last_event_id is not None else after
    last = services.feed.last_seq
    # A reader that is ahead of the log has read another one: it goes on with this one's end.
    seq = last if wanted is None or wanted > last else wanted
    return StreamingResponse(
        _frames(services, caller, seq),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _frames(services: Services, caller: Caller, seq: int) -> AsyncIterator[str]:
    with services.feed.subscription() as news:
        yield f"retry: {RETRY_MS}\n\n"
        while not services.feed.is_stopped:
            news.clear()
            events = await _after(services, seq)
            if events:
                seq = events[-1].seq
                frames = "".join(_frame(e) for e in events if _may_see(caller, e))
                if frames:
                    yield frames
                continue
            try:
                await asyncio.wait_for(news.wait(), HEARTBEAT_S)
            except TimeoutError:
                if not await run_in_threadpool(is_valid, services, caller):
                    return
                # An id without data moves the reader on past what it may not see.
                yield f": still here\nid: {seq}\n\n"


async def _after(services: Services, seq: int) -> list[EventRecord]:
    kept = services.feed.after(seq)
    return kept if kept is not None else await run_in_threadpool(_read, services, seq)


def _read(services: Services, seq: int) -> list[EventRecord]:
    with services.database.connect() as connection:
        return events_after(connection, seq, PAGE)


def _may_see(caller: Caller, event: EventRecord) -> bool:
    match caller.role:
        case Role.TENANT:
            return event.tenant_id in {None, caller.tenant_id}
        case Role.OPERATOR:
            return event.kind not in _MONEY
        case _:
            return event.kind in _FINANCE


def _frame(event: EventRecord) -> str:
    data = {
        "seq": event.seq,
        "kind": event.kind,
        "at_ms": event.at_ms,
        "recorded_at_ms": event.recorded_at_ms,
        "tenant_id": event.tenant_id,
        "job_id": event.job_id,
        "body": event.body,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {text}\n\n"
