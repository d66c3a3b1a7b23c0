"""Who may claim what was freed or is kept for it, as long as that holds."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cluster.inventory import Park
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Placement, PlannedStart, Reason, ReasonCode
from scheduler.model.plan import KeptCards
from scheduler.model.policy import Policy
from scheduler.model.variants import forms
from scheduler.placing.placement import FreeCards
from scheduler.timing.backfill import PoolRoom


@dataclass(frozen=True, slots=True)
class Left:
    """Some nodes, and how many cards of each are kept for others."""

    node_ids: tuple[str, ...]
    kept: Mapping[str, int]

    def of(self, room: PoolRoom) -> tuple[FreeCards, FreeCards]:
        """What is left there now, and soon."""
        now, soon = room.now.on(self.node_ids), room.soon.on(self.node_ids)
        for node_id, cards in self.kept.items():
            if node_id in soon.by_node:
                left = max(0, soon.by_node[node_id] - cards)
                soon.set(node_id, left)
                now.set(node_id, min(now.by_node[node_id], left))
        return now, soon


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
    state: State,
    record: JobRecord,
    preferred: Sequence[JobRecord],
    done_ids: Collection[str],
    now_ms: int,
) -> list[tuple[JobRecord, Left]]:
    """In turn: as preferred, if others are left what is kept for them, else the smallest first.

    A larger one than room was made for would be on what was freed for them, and who was stopped
    for them could come back and begin anew. Kept is the largest form of each for whom room was made
    on these nodes, then the next smaller of each, as it was perhaps made for that; but for those
    who were served in this plan already (`done_ids`).
    """
    node_ids = state.claims[record.job.id].node_ids
    others = [
        (sorted({form.device_count for form in forms(state.jobs[job_id].job)}), shared)
        for job_id, claim in state.claims.items()
        if job_id not in {record.job.id, *done_ids} and claim.until_ms > now_ms
        if (shared := {*node_ids} & {*claim.node_ids})
    ]
    all_of_it = Left(node_ids, {})
    if not others:
        return [(form, all_of_it) for form in preferred]
    found = []
    for step in range(max(len(sizes) for sizes, _ in others)):
        kept = Counter[str]()
        for sizes, shared in others:
            kept.update(dict.fromkeys(shared, sizes[max(0, len(sizes) - 1 - step)]))
        found += [(form, Left(node_ids, kept)) for form in preferred]
    smallest = sorted(preferred, key=lambda one: one.job.device_count)
    return [*found, *((form, all_of_it) for form in smallest)]


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
