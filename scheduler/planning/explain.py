"""Why a pool that could hold a job does not take it now: one reason, with need and free."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cluster.inventory import Pool
from scheduler.facts.state import State
from scheduler.forecast.punctuality import Quantiles
from scheduler.model.cores import in_its_unit
from scheduler.model.job import Reason, ReasonCode
from scheduler.model.plan import KeptCards, Verdict
from scheduler.placing.placement import Fit, FreeCards
from scheduler.timing.backfill import PoolRoom, Reservation

MONEY_CODES = (ReasonCode.FUNDS, ReasonCode.BUDGET, ReasonCode.NO_PRICE)
QUOTA_CODES = (
    ReasonCode.TENANT_QUOTA,
    ReasonCode.PROJECT_QUOTA,
    ReasonCode.COHORT_QUOTA,
    ReasonCode.LENT_OUT,
)


def pool_reason(pool: Pool, room: PoolRoom, wanted: Fit, need: int, *, is_heard: bool) -> Reason:
    """The first that holds: silent, kept for others, down, in pieces, in use."""
    if not is_heard:
        return silent_reason(pool, need)
    if room.reservation is not None and room.now.find(wanted) is not None:
        return kept_reason(pool, room.reservation, room.long, wanted, need)
    return cards_reason(pool, room.now, wanted, need)


def silent_reason(pool: Pool, need: int) -> Reason:
    return Reason(code=ReasonCode.CENTRE_SILENT, where=pool.centre_id, need=need)


def kept_reason(pool: Pool, kept: Reservation, beside: FreeCards, wanted: Fit, need: int) -> Reason:
    """Cards are kept for one that is ahead: what is free `beside` them does not hold it."""
    return Reason(
        code=ReasonCode.RESERVED,
        where=pool.id,
        need=need,
        free=beside.total if beside.total < need else beside.usable(wanted),
        until_ms=kept.start_ms,
        detail=f"kept for job {kept.job_id}",
    )


def cards_reason(pool: Pool, free: FreeCards, wanted: Fit, need: int) -> Reason:
    """Why what is free does not hold it: nodes are down, it is in pieces, or in use."""
    where = pool.id
    down = pool.node_count - len(free.by_node)
    domains = free.domains(wanted)
    if all(wanted.node_count > len(part.by_node) for part in domains):
        free_there = (part.usable(wanted) if wanted.bundles else part.total for part in domains)
        return Reason(
            code=ReasonCode.NODES_DOWN,
            where=where,
            need=need,
            free=max(free_there, default=0),
            detail=f"nodes down or in maintenance: {down} of {pool.node_count}",
        )
    if free.total >= need:
        return Reason(code=ReasonCode.FRAGMENTED, where=where, need=need, free=free.usable(wanted))
    return Reason(code=ReasonCode.DEVICES_BUSY, where=where, need=need, free=free.total)


def hidden_reasons(
    told: Reason, pool: Pool, wanted: Fit, known: FreeCards, whole: FreeCards
) -> Iterator[Reason]:
    """What would be in the way yet, were the centre heard again, and were nodes back.

    `known` is free on nodes that were online when last heard of, `whole` on all nodes of the pool.
    """
    away = {ReasonCode.CENTRE_SILENT, ReasonCode.OUTSIDE_HOURS}
    if told.code in away and known.find(wanted) is None:
        told = cards_reason(pool, known, wanted, sum(wanted.cards_by_node()))
        yield told
    if told.code is ReasonCode.NODES_DOWN and whole.find(wanted) is None:
        yield cards_reason(pool, whole, wanted, told.need)


def closed_reason(pool: Pool, need: int, by_job_id: str) -> Reason:
    """Nothing may pass who is ahead."""
    detail = f"kept for job {by_job_id}"
    return Reason(code=ReasonCode.RESERVED, where=pool.id, need=need, detail=detail)


def making_room(pool: Pool, room: PoolRoom, need: int, start_ms: int) -> Reason:
    """It is as good as started: work is stopped for it, or stops anyway."""
    return Reason(
        code=ReasonCode.MAKING_ROOM,
        where=pool.id,
        need=need,
        free=room.now.total,
        until_ms=start_ms,
    )


def with_quantiles(
    verdicts: Mapping[str, Verdict], quantiles: Quantiles, now_ms: int
) -> dict[str, Verdict]:
    """The same, and by when each is likely to have started, by how the last ones came out."""
    if not quantiles.permille:
        return dict(verdicts)
    return {job_id: _dated(verdict, quantiles, now_ms) for job_id, verdict in verdicts.items()}


def _dated(verdict: Verdict, quantiles: Quantiles, now_ms: int) -> Verdict:
    start = verdict.start
    likely = quantiles.of(start.at_ms, now_ms) if start else None
    if start is None or likely is None or isinstance(verdict, KeptCards):
        return verdict
    p50_ms, p90_ms = likely
    dated = replace(start, p90_ms=p90_ms, p50_ms=p50_ms)
    return Verdict(reasons=verdict.reasons, start=dated)


def in_units(verdicts: Mapping[str, Verdict], state: State) -> dict[str, Verdict]:
    """The same, told in cores to those who are on cores."""
    assert state.park is not None, "jobs are planned in a park"
    return {
        job_id: replace(
            verdict,
            reasons=in_its_unit(verdict.reasons, state.jobs[job_id].job, state.park),
        )
        for job_id, verdict in verdicts.items()
    }


def is_cap(reason: Reason) -> bool:
    """Whether it is of a limit of a kind, or in TFLOPS, which binds in some pools alone."""
    return reason.code in QUOTA_CODES and reason.unit != "cards"


def begin_ms(reasons: tuple[Reason, ...], now_ms: int) -> int | None:
    """From when on there may be room; None where something must end first."""
    if reasons and all(reason.code in QUOTA_CODES for reason in reasons):
        return _kept_until_ms(reasons, now_ms)
    if len(reasons) == 1:
        (only,) = reasons
        if only.code is ReasonCode.BACKOFF:
            return only.until_ms
        if only.code is ReasonCode.NEARER_DATA:
            return now_ms
    return None


def _kept_until_ms(quotas: tuple[Reason, ...], now_ms: int) -> int:
    """Until when the first is kept for one that is ahead, of whom no start may be foreseen."""
    return max(now_ms + 1, min(reason.until_ms or 0 for reason in quotas))
