"""What each branch may still take while a plan is made: cards of quotas, and a tenant's money.

Both are kept for the job whose turn it is: what later jobs of the same branch take must come back
before that job could start, or be spare then. Else a stream of small jobs would starve a big one
beside them for ever.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accounting.calendar import month_bounds, month_of
from accounting.money import charge_micros
from accounting.rating import PriceMissing
from cluster.inventory import Pool
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.model.job import Job, Reason, ReasonCode
from scheduler.model.policy import Policy
from scheduler.model.tree import Quota, cohort_branch
from scheduler.timing.backfill import Reservation
from scheduler.timing.forecasts import Forecasts

MICROS_UNIT = "micro-yuan"


@dataclass(slots=True)
class Kept:
    """Cards of a branch's quota that are kept for a job, and how many are spare beside it."""

    job_id: str
    start_ms: int
    spare: int
    is_firm: bool


class Allowances:
    """Quota of all branches and money of all tenants, less what the plan has granted so far."""

    def __init__(self, state: State, now_ms: int, policy: Policy, forecasts: Forecasts) -> None:
        self._state = state
        self._forecasts = forecasts
        self._now_ms = now_ms
        self._policy = policy
        self._cards = dict(state.held_cards)
        for cohort_id in state.tree.cohorts:
            branch = cohort_branch(cohort_id)
            members = state.tree.members(branch)
            self._cards[branch] = sum(state.held_cards[tenant_id] for tenant_id in members)
        self._available = {t: funds.available_micros for t, funds in state.funds.items()}
        self._held = {t: funds.held_micros for t, funds in state.funds.items()}
        self._granted: dict[str, list[tuple[Ends, int]]] = defaultdict(list)
        self._running: dict[str, list[tuple[Ends, int]]] = defaultdict(list)
        self._read: set[str] = set()
        self._kept: dict[str, Kept] = {}
        self._quotas_by_project: dict[tuple[str, str], tuple[Quota, ...]] = {}
        self._saving: dict[str, str] = {}
        self._prices: dict[tuple[str, str, str], int | str] = {}
        self._dearest: dict[tuple[tuple[str, ...], str, str], int | None] = {}

    def quota_reason(self, record: JobRecord, delay_ms: int = 0) -> Reason | None:
        """Why a quota forbids the job now, if one does; it may start so much later."""
        return next(self.quota_reasons(record, delay_ms), None)

    def quota_reasons(self, record: JobRecord, delay_ms: int = 0) -> Iterator[Reason]:
        """The same, of each quota that does."""
        for quota in self._quotas(record.job):
            reason = self._over(quota, record, delay_ms)
            if reason is not None:
                yield reason

    def keep_for(self, record: JobRecord, pools: Iterable[Pool]) -> None:
        """Quotas that forbid the job now are kept for it: those that have room for it at all.

        Only if it could be paid in one of the pools: nobody is kept out for one who cannot.
        """
        if not any(isinstance(self.hold_micros(record.job, pool), int) for pool in pools):
            return
        need = record.job.device_count
        for quota in self._quotas(record.job):
            free = quota.max_cards - self._cards[quota.branch]
            if free < need <= quota.max_cards and quota.branch not in self._kept:
                self._keep(quota.branch, record, free)

    def has_spare(self, job: Job, cards: int) -> bool:
        """Whether each of its quotas has so many cards more, of which none is kept for anybody."""
        return all(cards <= self._spare(quota) for quota in self._quotas(job))

    def _spare(self, quota: Quota) -> int:
        free, kept = quota.max_cards - self._cards[quota.branch], self._kept.get(quota.branch)
        return free if kept is None else min(free, kept.spare)

    def _over(self, quota: Quota, record: JobRecord, delay_ms: int) -> Reason | None:
        need, free = record.job.device_count, quota.max_cards - self._cards[quota.branch]
        kept = self._kept.get(quota.branch)
        if need > free:
            return Reason(code=quota.code, where=quota.where, need=need, free=max(0, free))
        if kept is None or need <= kept.spare or self._is_short(record, kept, delay_ms):
            return None
        return Reason(
            code=quota.code,
            where=quota.where,
            need=need,
            free=kept.spare,
            until_ms=kept.start_ms,
            detail=f"kept for job {kept.job_id}",
        )

    def _quotas(self, job: Job) -> tuple[Quota, ...]:
        key = job.tenant_id, job.project
        found = self._quotas_by_project.get(key)
        if found is None:
            found = self._quotas_by_project[key] = self._state.tree.quotas(*key)
        return found

    def hold_micros(self, job: Job, pool: Pool) -> int | Reason:
        """What to set aside for the job's longest run in this pool, or why that is not possible."""
        tenant = self._state.tenants[job.tenant_id]
        price = self._price(pool.device_kind_id, job.priority, tenant.price_class)
        if isinstance(price, str):
            return Reason(code=ReasonCode.NO_PRICE, where=pool.id, detail=price)
        need = charge_micros(job.device_count * job.longest_ms, price)
        free, saving = self._available[tenant.id], self._saving.get(tenant.id)
        if (closed := self._used_up(job, need)) is not None:
            return closed
        if saving is None and need <= free:
            return need
        return Reason(
            code=ReasonCode.FUNDS,
            where=tenant.id,
            need=need,
            free=free if saving is None else 0,
            unit=MICROS_UNIT,
            detail=f"kept for job {saving}" if saving else "",
        )

    def _used_up(self, job: Job, need: int) -> Reason | None:
        """The budget that forbids the job, if one does."""
        record = self._state.jobs.get(job.id)
        found = record and self._state.purses.used_up(record, self._now_ms)
        if not found:
            return None
        budget, spent_micros = found
        return Reason(
            code=ReasonCode.BUDGET,
            where=budget.where,
            need=need,
            free=budget.amount_micros - spent_micros,
            unit=MICROS_UNIT,
            until_ms=None if budget.job_id else month_bounds(month_of(self._now_ms))[1],
        )

    def covers(self, job: Job, kind_ids: tuple[str, ...]) -> bool:
        """Whether the job can be paid on all of these kinds."""
        tenant = self._state.tenants[job.tenant_id]
        key = (kind_ids, job.priority, tenant.price_class)
        if key not in self._dearest:
            prices = [self._price(one, job.priority, tenant.price_class) for one in kind_ids]
            known = [price for price in prices if isinstance(price, int)]
            self._dearest[key] = max(known) if len(known) == len(prices) else None
        price = self._dearest[key]
        if price is None or tenant.id in self._saving or self._used_up(job, 0) is not None:
            return False
        return charge_micros(job.device_count * job.longest_ms, price) <= self._available[tenant.id]

    def save_for(self, job: Job, reasons: list[Reason]) -> None:
        """No pool can be paid: later jobs wait, if what is held for running work could suffice."""
        needs = [reason.need for reason in reasons if reason.code is ReasonCode.FUNDS]
        within = self._available[job.tenant_id] + self._held[job.tenant_id]
        if needs and min(needs) <= within:
            self._saving.setdefault(job.tenant_id, job.id)

    def promise(self, record: JobRecord, reservation: Reservation, hold_micros: int) -> None:
        """The job will start then: its quota and its money are to be there."""
        job, start_ms, is_firm = record.job, reservation.start_ms, reservation.is_firm
        self._available[job.tenant_id] -= hold_micros
        for quota in self._quotas(job):
            branch = quota.branch
            if branch not in self._kept:
                ends = self._ends(branch, is_firm=is_firm)
                free = quota.max_cards - self._cards[branch]
                free += sum(cards for end_ms, cards in ends if end_ms <= start_ms)
                self._kept[branch] = Kept(job.id, start_ms, free - job.device_count, is_firm)

    def take(self, record: JobRecord, hold_micros: int, delay_ms: int = 0) -> None:
        job = record.job
        ends = self._forecasts.ends(record, delay_ms)
        self._available[job.tenant_id] -= hold_micros
        self._held[job.tenant_id] += hold_micros
        for branch, *_ in self._quotas(job):
            self._cards[branch] += job.device_count
            self._granted[branch].append((ends, job.device_count))
            kept = self._kept.get(branch)
            if kept is not None and not self._is_short(record, kept, delay_ms):
                kept.spare -= job.device_count

    def _is_short(self, record: JobRecord, kept: Kept, delay_ms: int) -> bool:
        """Whether it gives back what it takes before that is needed."""
        ends = self._forecasts.ends(record, delay_ms)
        return ends.by(is_firm=kept.is_firm) <= kept.start_ms

    def _keep(self, branch: str, record: JobRecord, free: int) -> None:
        """When the branch's work has given back enough for the job."""
        job = record.job
        is_firm = self._policy.is_firm(self._now_ms - record.waiting_since_ms)
        for end_ms, cards in self._ends(branch, is_firm=is_firm):
            free += cards
            if free >= job.device_count:
                spare = free - job.device_count
                self._kept[branch] = Kept(job.id, end_ms, spare, is_firm)
                return

    def _ends(self, branch: str, *, is_firm: bool) -> list[tuple[int, int]]:
        """When its work ends, and how many cards that gives back."""
        for tenant_id in self._state.tree.tenants_in(branch):
            if tenant_id not in self._read:
                self._read.add(tenant_id)
                self._read_running(tenant_id)
        ends = (*self._granted[branch], *self._running[branch])
        return sorted((one.by(is_firm=is_firm), cards) for one, cards in ends)

    def _read_running(self, tenant_id: str) -> None:
        """What runs of a tenant is looked through once a plan, for all of its branches."""
        for attempt in self._state.agenda.of_tenant(tenant_id).values():
            end = self._forecasts.live_ends(attempt), attempt.placement.card_count
            for branch, *_ in self._quotas(self._state.jobs[attempt.job_id].job):
                self._running[branch].append(end)

    def _price(self, kind_id: str, qos: str, price_class: str) -> int | str:
        key = (kind_id, qos, price_class)
        price = self._prices.get(key)
        if price is None:
            price = self._prices[key] = self._listed_price(*key)
        return price

    def _listed_price(self, kind_id: str, qos: str, price_class: str) -> int | str:
        prices = self._state.prices
        to_come = (later for later in prices.lists if later.from_ms > self._now_ms)
        try:
            # A list to come that lacks the kind would leave work that still runs without a price.
            price, *_ = (
                price_list.price_micros(kind_id, qos, price_class)
                for price_list in (prices.list_at(self._now_ms), *to_come)
            )
        except PriceMissing as error:
            return str(error)
        return price
