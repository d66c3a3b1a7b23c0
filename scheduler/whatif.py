"""What a job would meet: the same plan, asked and not carried out."""

from dataclasses import dataclass

from accounting.money import charge_fen
from accounting.rating import PriceMissing
from cluster.inventory import Pool
from scheduler.job import Job, Reason
from scheduler.outlook import Outlook
from scheduler.planner import Desk, Offer, Verdict, begin_ms, is_unforeseen
from scheduler.policy import DEFAULT, Policy
from scheduler.record import JobRecord
from scheduler.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One pool for the job: when it would start, why not now, and what it costs at its limit.

    `start_ms` and `cost_fen` are None where they are not known.
    """

    pool: Pool
    start_ms: int | None
    cost_fen: int | None
    reasons: tuple[Reason, ...]


def what_if(state: State, now_ms: int, job: Job, policy: Policy = DEFAULT) -> tuple[Prospect, ...]:
    """Each pool that could hold the job, the soonest first, of equals the preferred.

    Those ahead of the job are planned as they are; one that waits is asked about in its place, and
    may be asked about as it is not. The state is as it was when this returns, and
    must not be changed meanwhile.
    """
    assert state.park is not None, "whoever asks has a job that could run"
    desk = Desk(state, state.park, now_ms, policy)
    outlook = _ahead(desk, job)
    prospects = [_prospect(desk, outlook, job, offer) for offer in desk.offers(job)]
    return tuple(sorted(prospects, key=_soonest))


def _ahead(desk: Desk, job: Job) -> Outlook:
    """What is to come once all that is ahead of the job has its due."""
    with desk.state.queue.instead(JobRecord(job=job)):
        verdicts = {
            job_id: answer
            for job_id, answer in desk.answers(until=job.id)
            if isinstance(answer, Verdict)
        }
    outlook = desk.outlook()
    desk.foresee(outlook, verdicts)
    return outlook


def _prospect(desk: Desk, outlook: Outlook, job: Job, offer: Offer) -> Prospect:
    start_ms: int | None = desk.now_ms
    if is_unforeseen(offer.reasons):
        start_ms = None
    elif offer.reasons:
        from_ms = begin_ms(offer.reasons, desk.now_ms)
        start_ms = outlook.earliest(job, offer, from_ms)
    return Prospect(
        pool=offer.pool,
        start_ms=start_ms,
        cost_fen=_cost_fen(desk, job, offer.pool),
        reasons=offer.reasons,
    )


def _cost_fen(desk: Desk, job: Job, pool: Pool) -> int | None:
    prices, tenant = desk.state.prices, desk.state.tenants[job.tenant_id]
    try:
        price_micros = prices.list_at(desk.now_ms).price_micros(
            pool.device_kind_id, job.priority, tenant.price_class
        )
    except PriceMissing:
        return None
    return charge_fen(job.device_count * job.limit_ms, price_micros)


def _soonest(prospect: Prospect) -> tuple[bool, int]:
    return prospect.start_ms is None, prospect.start_ms or 0
