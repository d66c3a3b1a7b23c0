"""What would let a waiting job start sooner: the same question again, with one thing changed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from cluster.inventory import Pool
from scheduler.asking.whatif import Prospect
from scheduler.model.job import Job, Priority, Reason, ReasonCode, Topology
from scheduler.model.variants import halves

MS_PER_MINUTE = 60_000
CLEARLY_MS = 60_000
"""A gain of less than a minute is none."""
PLACES_MAX = 3
"""So many kinds and centres more are told of."""
PLACES_ASKED_MAX = 8
"""Of so many it is asked for that, as what is found among all is not always so for each."""

Ask = Callable[[Job], Sequence[Prospect]]


class Change(StrEnum):
    """The closed list of what may be changed."""

    CARDS = "cards"
    LIMIT = "limit"
    PLACE = "place"
    TOPOLOGY = "topology"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """The job with one change, and what it would meet then."""

    change: Change
    job: Job
    prospect: Prospect


def alternatives(
    job: Job, now_ms: int, ask: Ask, core_kind_ids: Collection[str] = ()
) -> tuple[Alternative, ...]:
    """Every single change with which the job would clearly start sooner, the soonest first.

    Of several sizes and several limits the one that gives up least, but for one that starts at
    once; each place more is a change of its own. Nothing where the job fits nowhere any more, or is
    about to start. Who is on cores, which are of `core_kind_ids`, is not told of cards.
    """
    present = ask(job)
    if not present or not present[0].reasons:
        return ()
    found = [
        alternative
        for change, jobs in _changes(job, present, now_ms)
        if (alternative := _first_sooner(change, jobs, present[0], ask)) is not None
    ]
    found += _elsewhere(job, present, ask, core_kind_ids)
    return tuple(sorted(found, key=lambda one: one.prospect.start_ms or 0))


def _first_sooner(
    change: Change, jobs: Iterator[Job], present: Prospect, ask: Ask
) -> Alternative | None:
    first: Alternative | None = None
    for job in jobs:
        for prospect in ask(job)[:1]:
            found = Alternative(change=change, job=job, prospect=prospect)
            if _is_now(prospect, present):
                return found
            if first is None and _is_sooner(prospect, present):
                first = found
    return first


def _is_now(one: Prospect, other: Prospect) -> bool:
    return not one.reasons and one.transfer_ms <= other.transfer_ms


def _is_better(one: Prospect, other: Prospect) -> bool:
    return _is_now(one, other) or _is_sooner(one, other)


def _is_sooner(one: Prospect, other: Prospect) -> bool:
    if one.ready_ms is None:
        return False
    return other.ready_ms is None or one.ready_ms + CLEARLY_MS <= other.ready_ms


def _changes(
    job: Job, present: Sequence[Prospect], now_ms: int
) -> Iterator[tuple[Change, Iterator[Job]]]:
    yield Change.CARDS, halves(job)
    yield Change.LIMIT, _shorter(job, present, now_ms)
    if job.topology is not Topology.POOL:
        yield Change.TOPOLOGY, iter([replace(job, topology=Topology.POOL)])
    if job.priority is not Priority.HIGH:
        yield Change.PRIORITY, iter([replace(job, priority=Priority.HIGH)])


def _elsewhere(
    job: Job, present: Sequence[Prospect], ask: Ask, core_kind_ids: Collection[str]
) -> Iterator[Alternative]:
    """With a kind or a centre more than it allows, or else both: of each where it is soonest.

    What it is content with as one of its variants is no change.
    """
    if not (job.device_kind_ids or job.centre_ids):
        return
    on_cores = tuple(sorted(core_kind_ids)) if {*core_kind_ids} & {*job.device_kind_ids} else ()
    anywhere = ask(replace(job, device_kind_ids=on_cores, centre_ids=()))
    allowed = {_seat(prospect) for prospect in present}
    pool_by_wider: dict[Job, Pool] = {}
    for prospect in anywhere:
        if _seat(prospect) not in allowed and _is_better(prospect, present[0]):
            pool_by_wider.setdefault(_as_well(job, prospect.pool), prospect.pool)
    pool_by_wider.pop(job, None)
    least = sorted(pool_by_wider, key=lambda one: _more(one, job))[:PLACES_ASKED_MAX]
    found = (_place(wider, pool_by_wider[wider], present[0], ask) for wider in least)
    yield from islice(_once(filter(None, found)), PLACES_MAX)


def _seat(prospect: Prospect) -> tuple[str, int]:
    """Where it would be, on how many cards."""
    return prospect.pool.id, prospect.form.device_count


def _once(found: Iterable[Alternative]) -> Iterator[Alternative]:
    """Where the job would be with less changed it is not told again."""
    seats: set[tuple[str, int]] = set()
    for one in found:
        seat = _seat(one.prospect)
        if seat not in seats:
            seats.add(seat)
            yield one


def _place(wider: Job, pool: Pool, present: Prospect, ask: Ask) -> Alternative | None:
    """There, or where it would start at once: among the places allowed then it prefers that."""
    now_or_there = (one for one in ask(wider) if not one.reasons or one.pool == pool)
    there = next(now_or_there, None)
    if there is None or not _is_better(there, present):
        return None
    return Alternative(change=Change.PLACE, job=wider, prospect=there)


def _as_well(job: Job, pool: Pool) -> Job:
    def with_it(allowed: tuple[str, ...], one: str) -> tuple[str, ...]:
        return allowed if not allowed or one in allowed else (*allowed, one)

    return replace(
        job,
        device_kind_ids=with_it(job.device_kind_ids, pool.device_kind_id),
        centre_ids=with_it(job.centre_ids, pool.centre_id),
    )


def _more(wider: Job, job: Job) -> int:
    """In how many ways it allows more."""
    return (wider.device_kind_ids != job.device_kind_ids) + (wider.centre_ids != job.centre_ids)


def _shorter(job: Job, present: Sequence[Prospect], now_ms: int) -> Iterator[Job]:
    """The longest limits first with which a reason would be gone that goes by how long it is."""
    limits = {
        _limit_ms(job, reason, now_ms) // MS_PER_MINUTE * MS_PER_MINUTE
        for prospect in present
        for reason in prospect.reasons
    }
    for limit_ms in sorted(limits, reverse=True):
        if 0 < limit_ms < job.limit_ms:
            yield replace(job, limit_ms=limit_ms)


def _limit_ms(job: Job, reason: Reason, now_ms: int) -> int:
    """As long as until who is ahead starts, or the pool closes, or as the balance lasts; else 0."""
    match reason.code:
        case ReasonCode.RESERVED if reason.until_ms is not None:
            grace_ms = job.longest_ms - job.limit_ms
            return reason.until_ms - now_ms - grace_ms
        case ReasonCode.OUTSIDE_HOURS:
            return job.limit_ms - reason.gap
        case ReasonCode.FUNDS:
            return job.limit_ms * max(0, reason.free) // reason.need
        case _:
            return 0
