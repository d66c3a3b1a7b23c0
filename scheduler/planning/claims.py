"""Who may claim what was freed or is kept for it, as long as that holds."""

from collections.abc import Iterable, Sequence

from cluster.inventory import Park
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Placement, PlannedStart, Reason, ReasonCode
from scheduler.model.plan import KeptCards
from scheduler.model.policy import Policy


def has_claim(state: State, job_id: str, now_ms: int) -> bool:
    """Whether something is kept for it, so that it need not stop anybody."""
    claim = state.claims.get(job_id)
    return claim is not None and claim.until_ms > now_ms and not claim.is_repair


def kind_id_of(node_ids: Iterable[str], park: Park) -> str | None:
    """Of what kind nodes are on which room was made; None where the park has them no longer."""
    known = (park.node_by_id[one] for one in node_ids if one in park.node_by_id)
    return next((park.pool_by_id[one.pool_id].device_kind_id for one in known), None)


def claimants(state: State, now_ms: int, policy: Policy) -> list[JobRecord]:
    """The oldest claim first."""
    claims = state.claims.items()
    valid = sorted(
        (claim.until_ms, job_id)
        for job_id, claim in claims
        if claim.until_ms > now_ms and _counts(state.jobs[job_id], now_ms, policy)
    )
    return [state.jobs[job_id] for _, job_id in valid]


def forms_beside(
    state: State, record: JobRecord, forms: Sequence[JobRecord], now_ms: int
) -> Sequence[JobRecord]:
    """The smallest first where room was made for others on the same nodes, else as preferred.

    A larger one than was asked for would be on what was freed for them, and who was stopped for
    them could come back and begin anew.
    """
    job_id, node_ids = record.job.id, {*state.claims[record.job.id].node_ids}
    others = (one for other, one in state.claims.items() if other != job_id)
    is_beside = any(one.until_ms > now_ms and node_ids & {*one.node_ids} for one in others)
    return sorted(forms, key=lambda form: form.job.device_count) if is_beside else forms


def _counts(record: JobRecord, now_ms: int, policy: Policy) -> bool:
    """What is kept for a quote is so for no longer than its job would be safe, had it started."""
    preemption, quote = policy.preemption, record.quote
    if preemption is None or quote is None:
        return True
    return now_ms - quote.since_ms < preemption.min_run_ms


def kept_cards(record: JobRecord, placement: Placement, now_ms: int) -> KeptCards:
    """What a quote is told whose job would start now."""
    assert record.quote is not None, f"{record.job.id} is a job, and may start"
    reason = Reason(
        code=ReasonCode.QUOTED,
        where=placement.pool_id,
        need=record.job.device_count,
        free=record.job.device_count,
        until_ms=record.quote.until_ms,
    )
    start = PlannedStart(now_ms, placement.pool_id, is_promised=True)
    return KeptCards(reasons=(reason,), start=start, placement=placement)
