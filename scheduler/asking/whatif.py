"""What a job would meet: the same plan, asked and not carried out."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from accounting.money import charge_fen
from accounting.prices.rating import PriceMissing
from cluster.inventory import Pool
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.forecast.punctuality import Likely, Quantiles
from scheduler.forecast.speeds import at_speed, lengths_by_kind
from scheduler.model.cores import in_its_unit
from scheduler.model.job import Job, Reason, ReasonCode
from scheduler.model.plan import Verdict
from scheduler.model.policy import DEFAULT, Policy
from scheduler.planning.desk import Desk
from scheduler.planning.explain import begin_ms
from scheduler.planning.options import Offer
from scheduler.planning.victims import Victim
from scheduler.timing.outlook import Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A job that runs and would be stopped, whose it is, and of which price class."""

    job_id: str
    tenant_id: str
    price_class: str


class Asked(NamedTuple):
    """What it would be told of a pool at its turn, and whether it would borrow there."""

    offer: Offer
    is_borrowing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One pool for the job: when it would start, why not now, and what it costs at its limit.

    `form` is the job in the form that it would have there, which is likely to run for `length_ms`.
    `start_ms` and `cost_fen` are None where they are not known; the cost is at the prices that are
    published, of which `price_count` would be in force one after the other. `is_promised` where
    cards would be kept for it; `stopped` are jobs that run and would be stopped for it, and
    `is_borrowing` where it would be stopped for the owners of a nominal quota. `likely` is when
    half and nine of ten have started that were told so; None where too few were. `transfer_ms` is
    how long its data takes to come there once it has started, and `run_ms` how long its like have
    run; None where nothing like it has.
    """

    pool: Pool
    form: Job
    length_ms: int
    start_ms: int | None
    cost_fen: int | None
    reasons: tuple[Reason, ...]
    is_promised: bool = False
    stopped: tuple[Stopped, ...] = ()
    likely: Likely | None = None
    is_borrowing: bool = False
    transfer_ms: int = 0
    run_ms: int | None = None
    price_count: int = 1

    @property
    def ready_ms(self) -> int | None:
        """When it has its cards and its data."""
        return None if self.start_ms is None else self.start_ms + self.transfer_ms


def what_if(state: State, now_ms: int, job: Job, policy: Policy = DEFAULT) -> tuple[Prospect, ...]:
    """Each pool that could hold the job: where it would go first, and of equals the preferred.

    That is where it could start now, in the first form that can, else where the plan would promise
    it a start, else where it would start; of several where it is over first, if it runs as long as
    is likely once its data has come there. One for each form that a pool could hold. Those ahead of
    the job are planned as they are. One that waits is asked about in its place, and may be asked
    about as it is not. The state is as it was when this returns, and must not be changed meanwhile.
    """
    assert state.park is not None, "whoever asks has a job that could run"
    desk = Desk(state, state.park, now_ms, policy)
    record = _asked(state, now_ms, job)
    asked, outlook = _drawn_up(desk, record)
    quantiles = state.punctuality.outlook()
    offers = [(one.offer, _prospect(desk, outlook, quantiles, record, one)) for one in asked]
    ranks = {id(form): rank for rank, form in enumerate(desk.forecasts.forms(record))}

    def preference(offered: tuple[Offer, Prospect]) -> tuple[int, ...]:
        return _preference(*offered, ranks[id(offered[0].form)])

    return tuple(prospect for _, prospect in sorted(offers, key=preference))


def _asked(state: State, now_ms: int, job: Job) -> JobRecord:
    """The job as it would wait; who waits already, with as many cards, keeps its place.

    What others left it who passed it was for the job as it is.
    """
    waiting = state.queue.get(job.id)
    if waiting is not None and waiting.job != job:
        waiting = replace(waiting, promised=None)
    if waiting is not None and waiting.job.device_count == job.device_count:
        expected_ms = min(waiting.expected_ms, job.limit_ms)
        reckoned_ms = min(waiting.reckoned_ms, job.limit_ms)
        return replace(waiting, job=job, expected_ms=expected_ms, reckoned_ms=reckoned_ms)
    record = replace(waiting or JobRecord(job=job), job=job)
    record.expect(state.history, now_ms)
    return record


def _drawn_up(desk: Desk, record: JobRecord) -> tuple[list[Asked], Outlook]:
    """What it is told at its turn, and what is to come beside it.

    Where it is given and promised nothing the plan is drawn up to its end: some of those behind it
    may be, and are in its way then. What these are told else is in nobody's way.
    """
    asked: list[Asked] = []
    ahead: list[tuple[JobRecord, Verdict]] = []
    behind: list[tuple[JobRecord, Verdict]] = []

    def is_enough(comes: JobRecord) -> bool:
        if comes.job.id != record.job.id or asked:
            return False
        asked.extend(
            Asked(offer, desk.is_borrowing(offer.form, offer.pool)) for offer in desk.offers(record)
        )
        return not asked or any(_is_sure(one.offer) for one in asked)

    with desk.state.queue.instead(record):
        for one, answer in desk.answers(until=is_enough):
            if isinstance(answer, Verdict):
                (behind if asked else ahead).append((one, answer))
    outlook = desk.outlook()
    desk.foresight.promise(outlook, behind)
    desk.foresight.foresee(outlook, [one for one, _ in ahead], [verdict for _, verdict in ahead])
    return asked, outlook


def _prospect(
    desk: Desk, outlook: Outlook, quantiles: Quantiles, record: JobRecord, asked: Asked
) -> Prospect:
    offer, is_borrowing = asked
    form = offer.form
    start_ms = _start_ms(desk, outlook, offer)
    is_later = start_ms is not None and offer.reasons
    begin_ms = desk.now_ms if start_ms is None else start_ms
    end_ms = begin_ms + form.job.limit_ms
    edges = (begin_ms, *desk.state.prices.edges(begin_ms, end_ms), end_ms)
    return Prospect(
        pool=offer.pool,
        form=form.job,
        length_ms=desk.forecasts.length_ms(form),
        start_ms=start_ms,
        likely=quantiles.of(start_ms or 0, desk.now_ms) if is_later else None,
        cost_fen=_cost_fen(desk, form.job, offer.pool, edges),
        price_count=len(edges) - 1,
        reasons=in_its_unit(offer.reasons, form.job, desk.park),
        is_promised=offer.promise_ms is not None,
        stopped=tuple(_stopped(desk.state, victim) for victim in offer.victims),
        is_borrowing=is_borrowing,
        transfer_ms=offer.transfer_ms,
        run_ms=_run_ms(desk, record, form),
    )


def _run_ms(desk: Desk, record: JobRecord, form: JobRecord) -> int | None:
    """How long its like have run, at the form's speed; None where nothing has run that says so."""
    job, history = record.job, desk.state.history
    by_kind_ms = lengths_by_kind(job, history)
    own_ms = (
        by_kind_ms.get(job.device_kind_ids[0])
        if by_kind_ms
        else history.foretold_ms(job, desk.now_ms)
    )
    if own_ms is None:
        return None
    return min(form.job.limit_ms, at_speed(own_ms, form.speed_permille))


def _stopped(state: State, victim: Victim) -> Stopped:
    tenant_id = victim.job.tenant_id
    price_class = state.tenants[tenant_id].price_class
    return Stopped(job_id=victim.job.id, tenant_id=tenant_id, price_class=price_class)


def _start_ms(desk: Desk, outlook: Outlook, offer: Offer) -> int | None:
    if not offer.reasons:
        return desk.now_ms
    lacks_money = desk.foresight.lacks_money(offer.form, offer.pool, offer.reasons[0])
    if offer.promise_ms is not None or lacks_money:
        return offer.promise_ms
    return outlook.earliest(offer.form, offer, begin_ms(offer.reasons, desk.now_ms))


def _is_sure(offer: Offer) -> bool:
    """Whether the plan would give it cards there, or promise it some."""
    return not offer.reasons or offer.promise_ms is not None


def _cost_fen(desk: Desk, job: Job, pool: Pool, edges: tuple[int, ...]) -> int | None:
    """As a statement would have it: a line for each price, each rounded once."""
    prices, tenant = desk.state.prices, desk.state.tenants[job.tenant_id]
    key = pool.device_kind_id, job.priority, tenant.price_class
    try:
        return sum(
            charge_fen(
                job.device_count * (to_ms - from_ms), prices.list_at(from_ms).price_micros(*key)
            )
            for from_ms, to_ms in pairwise(edges)
        )
    except PriceMissing:
        return None


def _preference(offer: Offer, prospect: Prospect, rank: int) -> tuple[int, ...]:
    """`rank` is that of its form, which decides between two that could start now.

    As in a plan room is made before anything is promised, and what stops anyway is claimed first,
    then what its own branches give back: of several such in the order of the offers.
    """
    start_ms = offer.sure_ms or prospect.start_ms or 0
    is_made = any(reason.code is ReasonCode.MAKING_ROOM for reason in offer.reasons)
    return (
        prospect.start_ms is None,
        bool(prospect.reasons),
        not is_made,
        bool(offer.victims),
        any(victim.is_outside for victim in offer.victims),
        not prospect.is_promised,
        0 if prospect.reasons else rank,
        0 if is_made else start_ms + offer.transfer_ms + prospect.length_ms,
    )
