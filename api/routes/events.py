"""The event stream: what happened, as it happens, from where the reader stopped."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, PersonDep, Role, Watch
from api.feed import PAGE
from api.routes.parameters import problems
from api.services import Services, ServicesDep
from api.streams import Stream
from scheduler.storage import queries
from scheduler.storage.queries import EventFilter, EventRecord

router = APIRouter(prefix="/v1", tags=["events"])

RETRY_MS = 2_000
SEQ_MAX = 1 << 62

_OTHERS = frozenset({"for_job_id", "said_by"})
_GROUPS = frozenset({"cohort_declared"})
"""What is of several tenants is told to none of them: each is told its own by `/v1/cohorts`."""
_MONEY = frozenset(
    {"credited", "tax_stated", "overdrawn", "package_bought", "budget_set", "budget_reached"}
)
_FINANCE = _MONEY | {
    "metered",
    "hold_extended",
    "hard_stop_set",
    "price_list_published",
    "tenant_declared",
    "park_declared",
}


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
    opened = services.streams.admit(caller.scope)
    wanted = last_event_id if last_event_id is not None else after
    last = services.feed.last_seq
    # A reader that is ahead of the log has read another one: it goes on with this one's end.
    seq = last if wanted is None or wanted > last else wanted
    return Stream(_frames(services, caller, seq), opened, media_type="text/event-stream")


async def _frames(services: Services, caller: Caller, seq: int) -> AsyncGenerator[str]:
    watch = Watch(services, caller)
    visible = _visible(caller)
    with services.feed.subscription() as news:
        yield f"retry: {RETRY_MS}\n\n"
        while not services.feed.is_stopped:
            news.clear()
            page = await _after(services, visible, seq)
            if page.events:
                yield "".join(_frame(event, caller) for event in page.events)
            is_behind, seq = page.seq > seq, page.seq
            if watch.is_due:
                if not await watch.is_valid():
                    return
                # An id without data moves the reader on past what it may not see.
                yield f": still here\nid: {seq}\n\n"
            if not is_behind:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), watch.due_in_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a reader may see of the facts up to `seq`."""

    events: list[EventRecord]
    seq: int


async def _after(services: Services, visible: EventFilter, seq: int) -> Page:
    last = services.feed.last_seq
    kept = services.feed.after(seq)
    if kept is None:
        return await run_in_threadpool(_read, services, visible, seq, last)
    shown = [event for event in kept if visible.passes(event)]
    return Page(events=shown, seq=kept[-1].seq if kept else seq)


def _read(services: Services, visible: EventFilter, seq: int, last: int) -> Page:
    """What memory no longer keeps; `last` is surely committed, and all before it."""
    with services.database.connect() as connection:
        events = queries.events_after(connection, seq, PAGE, visible)
    if len(events) == PAGE:
        return Page(events=events, seq=events[-1].seq)
    through = min(last, seq + queries.SCANNED_SEQS)
    return Page(events=events, seq=max(through, events[-1].seq if events else seq))


def _visible(caller: Caller) -> EventFilter:
    match caller.role:
        case Role.TENANT:
            return EventFilter(tenant_id=caller.tenant_id, hidden_kinds=_GROUPS)
        case Role.OPERATOR:
            return EventFilter(hidden_kinds=_MONEY)
        case _:
            return EventFilter(kinds=_FINANCE)


def _frame(event: EventRecord, caller: Caller) -> str:
    data = {
        "seq": event.seq,
        "kind": event.kind,
        "at_ms": event.at_ms,
        "recorded_at_ms": event.recorded_at_ms,
        "tenant_id": event.tenant_id,
        "job_id": event.job_id,
        "body": _own(event.body, caller.tenant_id) if caller.is_tenant else event.body,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {text}\n\n"


def _own(body: dict[str, Any], tenant_id: str | None) -> dict[str, Any]:
    """What a tenant may know: not for whose job its own was stopped, nor of others' datasets."""
    told = {name: value for name, value in body.items() if name not in _OTHERS}
    park = told.get("park")
    if isinstance(park, dict):
        visible = {None, tenant_id}
        datasets = [one for one in park.get("datasets", ()) if one.get("tenant_id") in visible]
        told["park"] = park | {"datasets": datasets}
    return told
