"""What would let a waiting job start sooner: the same question again, with one thing changed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from scheduler.job import Job, Priority, ReasonCode
from scheduler.whatif import Prospect

MS_PER_MINUTE = 60_000
CLEARLY_MS = 60_000
"""A gain of less than a minute is none."""

Ask = Callable[[Job], Sequence[Prospect]]


class Change(StrEnum):
    """The closed list of what may be changed."""

    CARDS = "cards"
    LIMIT = "limit"
    PLACE = "place"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """The job with one change, and what it would meet then."""

    change: Change
    job: Job
    prospect: Prospect


def alternatives(job: Job, now_ms: int, ask: Ask) -> tuple[Alternative, ...]:
    """Every single change with which the job would clearly start sooner, the soonest first.

    Of several sizes and several limits the one that gives up least.
    """
    present = ask(job)
    if not present:  # the park has changed since: it fits nowhere
        return ()
    found = [
        alternative
        for change, jobs in _changes(job, present, now_ms)
        if (alternative := _first_sooner(change, jobs, present, ask)) is not None
    ]
    return tuple(sorted(found, key=lambda one: one.prospect.start_ms or 0))


def _first_sooner(
    change: Change, jobs: Iterator[Job], present: Sequence[Prospect], ask: Ask
) -> Alternative | None:
    """Of what would start at once the first; else of what would start sooner the soonest."""
    best, found = present[0], None
    for job in jobs:
        first = next(iter(ask(job)), None)
        if first is not None and _is_sooner(first, best):
            best, found = first, Alternative(change=change, job=job, prospect=first)
            if not best.reasons:
                break
    return found


def _is_sooner(one: Prospect, other: Prospect) -> bool:
    if one.start_ms is None:
        return False
    return other.start_ms is None or one.start_ms + CLEARLY_MS <= other.start_ms


def _changes(
    job: Job, present: Sequence[Prospect], now_ms: int
) -> Iterator[tuple[Change, Iterator[Job]]]:
    yield Change.CARDS, _smaller(job)
    yield Change.LIMIT, _shorter(job, present, now_ms)
    if job.device_kind_ids or job.centre_ids:
        yield Change.PLACE, iter([replace(job, device_kind_ids=(), centre_ids=())])
    if job.priority is not Priority.HIGH:
        yield Change.PRIORITY, iter([replace(job, priority=Priority.HIGH)])


def _smaller(job: Job) -> Iterator[Job]:
    """Halves of it, as long as its nodes and members can be halved as well."""
    cards, nodes, members = job.device_count, job.node_count, job.member_count
    while cards % 2 == 0:
        cards //= 2
        nodes = nodes and max(1, nodes // 2)
        members = members and max(1, members // 2)
        yield replace(job, device_count=cards, node_count=nodes, member_count=members)


def _shorter(job: Job, present: Sequence[Prospect], now_ms: int) -> Iterator[Job]:
    """As long as until the next reservation; this alone lets a job pass who has one."""
    ends = {
        reason.until_ms
        for prospect in present
        for reason in prospect.reasons
        if reason.code is ReasonCode.RESERVED and reason.until_ms is not None
    }
    grace_ms = job.longest_ms - job.limit_ms
    for end_ms in sorted(ends, reverse=True):
        limit_ms = (end_ms - now_ms - grace_ms) // MS_PER_MINUTE * MS_PER_MINUTE
        if 0 < limit_ms < job.limit_ms:
            yield replace(job, limit_ms=limit_ms)
