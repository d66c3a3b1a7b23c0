"""What each branch may still take while a plan is made: cards of quotas, and a tenant's money.

Both are kept for the job whose turn it is: what later jobs of the same branch take must come back
before that job could start, or be spare then. Else a stream of small jobs would starve a big one
beside them for ever.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from accounting.money import charge_micros
from cluster.inventory import Pool
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.facts.takings import Path, Takings
from scheduler.forecast.ends import Ends
from scheduler.model.cores import is_on_cores
from scheduler.model.entitlements import PARK, Key
from scheduler.model.job import Job, Reason, ReasonCode
from scheduler.model.policy import Policy
from scheduler.model.tree import Quota
from scheduler.sharing.prices import MICROS_UNIT, Prices, over_budget, uncovered_ms
from scheduler.timing.backfill import Reservation
from scheduler.timing.forecasts import Forecasts


@dataclass(slots=True)
class Kept:
    """Cards of a branch's quota that are kept for a job, and how many are spare beside it."""

    job_id: str
    need: int
    start_ms: int
    spare: int
    is_firm: bool


class End(NamedTuple):
    """Something that a branch holds comes free: so much, from a job on this path."""

    ends: Ends
    path: Path
    amount: int


class Allowances:
    """Quota of all branches and money of all tenants, less what the plan has granted so far."""

    def __init__(self, state: State, now_ms: int, policy: Policy, forecasts: Forecasts) -> None:
        self._state = state
        self._forecasts = forecasts
        self._now_ms = now_ms
        self._policy = policy
        assert state.park is not None, "jobs are planned in a park"
        self._park = state.park
        self._entitlements = state.entitled.in_force(state.tree, state.park)
        self._takings = self._live = self._soon = Takings.of(state, self._entitlements)
        if self._entitlements.is_bounding:
            # Limits count what runs and starts now, and what is there once all that stops is gone.
            self._live, self._soon = self._takings.copy(), self._takings.copy()
        self._spoken_for: dict[str, int] = defaultdict(int)
        self._taken_micros: dict[str, int] = defaultdict(int)
        self._granted: dict[Key, list[End]] = defaultdict(list)
        self._granted_cards: dict[tuple[str, str], int] = defaultdict(int)
        self._running: dict[Key, list[End]] = defaultdict(list)
        self._read: set[str] = set()
        self.kept_by_key: dict[Key, Kept] = {}
        """As far as anybody had to know of it."""
        self._promises: list[tuple[Job, str, Reservation]] = []
        self._saving: dict[str, str] = {}
        self._prices = Prices(state.prices, now_ms)
        self._dearest: dict[tuple[tuple[str, ...], str, str], int | None] = {}

    @property
    def is_bounding(self) -> bool:
        """Whether anybody has a limit on what it borrows or lends."""
        return self._entitlements.is_bounding

    def quota_reason(self, record: JobRecord, delay_ms: int = 0) -> Reason | None:
        """Why a quota forbids the job now, if one does; it may start so much later."""
        return next(self.quota_reasons(record, delay_ms), None)

    def quota_reasons(self, record: JobRecord, delay_ms: int = 0) -> Iterator[Reason]:
        """The same, of each quota that does, whatever the kind."""
        return self._reasons(self._quotas(record.job), record, "", delay_ms)

    def cap_reasons(self, record: JobRecord, kind_id: str, delay_ms: int = 0) -> Iterator[Reason]:
        """Of each limit that does on this kind: in its cards, or in TFLOPS over all kinds."""
        return self._reasons(self._caps(record.job, kind_id), record, kind_id, delay_ms)

    def free_soon(self, attempts: Iterable[Attempt]) -> None:
        """They are stopped: limits that they use have room for who waits for their end."""
        self._soon = self._without(attempts)

    def is_within(
        self, record: JobRecord, kind_id: str, delay_ms: int, gone: Iterable[Attempt]
    ) -> bool:
        """Whether no limit forbids the job on this kind once these are gone as well."""
        caps = self._caps(record.job, kind_id)
        books = [self._without(gone)] if caps else []
        return all(self._over(cap, record, kind_id, delay_ms, books) is None for cap in caps)

    def _without(self, attempts: Iterable[Attempt]) -> Takings:
        if not self._entitlements.is_bounding:
            return self._soon
        then = self._soon.copy()
        for attempt in attempts:
            job, placement = self._state.jobs[attempt.job_id].job, attempt.placement
            then.hold(self._path(job), placement.device_kind_id, -placement.card_count)
        return then

    def _reasons(
        self, quotas: Iterable[Quota], record: JobRecord, kind_id: str, delay_ms: int
    ) -> Iterator[Reason]:
        for quota in quotas:
            books = self._books(quota, delay_ms)
            reason = self._over(quota, record, kind_id, delay_ms, books)
            if reason is not None:
                yield reason

    def terms(self, record: JobRecord, pool: Pool, delay_ms: int = 0) -> int | Reason:
        """What to set aside for the job in this pool, or why it may not be there now."""
        cap = next(self.cap_reasons(record, pool.device_kind_id, delay_ms), None)
        return self.hold_micros(record.job, pool) if cap is None else cap

    def keep_for(self, record: JobRecord, pools: Iterable[Pool]) -> None:
        """Quotas that forbid the job now are kept for it: those that have room for it at all.

        Only if it could be paid in one of the pools: nobody is kept out for one who cannot.
        """
        payable = [p for p in pools if isinstance(self.hold_micros(record.job, p), int)]
        kinds = dict.fromkeys(pool.device_kind_id for pool in payable)
        if not kinds:
            return
        of_kinds = [(cap, kind_id) for kind_id in kinds for cap in self._caps(record.job, kind_id)]
        for quota, kind_id in [*((one, "") for one in self._quotas(record.job)), *of_kinds]:
            need, free = self._need(quota, record.job, kind_id), self._free(quota)
            if free < need <= quota.most and quota.key not in self._kept:
                self._keep(quota, record, kind_id)

    @property
    def _kept(self) -> dict[Key, Kept]:
        """What is kept of quotas; for the last promise of most plans nobody asks."""
        while self._promises:
            self._keep_promised(*self._promises.pop(0))
        return self.kept_by_key

    def has_spare(self, job: Job, pool: Pool, cards: int) -> bool:
        """Whether each of its quotas has so many cards more, of which none is kept for anybody."""
        kind_id, path = pool.device_kind_id, self._path(job)
        quotas = (*self._quotas(job), *self._caps(job, kind_id))
        return all(
            self._takings.rise(path, one.key, self._amount(one, kind_id, cards)) <= self._spare(one)
            for one in quotas
        )

    def _spare(self, quota: Quota) -> int:
        free, kept = self._free(quota), self._kept.get(quota.key)
        return free if kept is None else min(free, kept.spare)

    def _books(self, quota: Quota, delay_ms: int) -> list[Takings]:
        """What counts for a job that starts now, or so much later, when what stops is gone."""
        if not quota.unit:
            return [self._takings]
        return [self._soon] if delay_ms else [self._live, self._soon]

    def _free(self, quota: Quota, book: Takings | None = None) -> int:
        return quota.most - (book or self._takings).taken[quota.key]

    def _need(self, quota: Quota, job: Job, kind_id: str, book: Takings | None = None) -> int:
        """How much more the branch would take with the job."""
        if not quota.unit:
            return job.device_count
        amount = self._amount(quota, kind_id, job.device_count)
        return (book or self._takings).rise(self._path(job), quota.key, amount)

    def _amount(self, quota: Quota, kind_id: str, cards: int) -> int:
        return self._entitlements.amount(quota.unit, kind_id, cards)

    def _over(
        self, quota: Quota, record: JobRecord, kind_id: str, delay_ms: int, books: Iterable[Takings]
    ) -> Reason | None:
        need = 0
        for book in books:
            need, free = self._need(quota, record.job, kind_id, book), self._free(quota, book)
            if need > max(0, free):
                return quota.reason(need, free)
        kept = None if self._is_ample(quota, need) else self._kept.get(quota.key)
        if kept is None or need <= max(0, kept.spare) or self._is_short(record, kept, delay_ms):
            return None
        told = quota.reason(need, kept.spare)
        return replace(told, until_ms=kept.start_ms, detail=f"kept for job {kept.job_id}")

    def _is_ample(self, quota: Quota, need: int) -> bool:
        """Whether there is room beside all that was promised last, even if nothing came back.

        What is kept of it for that need not be worked out then: it is less.
        """
        if quota.key in self.kept_by_key:
            return False
        promised = sum(
            self._amount(quota, kind_id, job.device_count) for job, kind_id, _ in self._promises
        )
        return need + promised <= self._free(quota)

    def _quotas(self, job: Job) -> tuple[Quota, ...]:
        """Those that may bind."""
        if is_on_cores(job, self._park):
            return ()
        return self._entitlements.quotas(job.tenant_id, job.project)

    def _caps(self, job: Job, kind_id: str) -> tuple[Quota, ...]:
        return self._entitlements.caps(job.tenant_id, job.project, kind_id)

    def _path(self, job: Job) -> Path:
        return self._entitlements.path(job.tenant_id, job.project)

    def hold_micros(self, job: Job, pool: Pool) -> int | Reason:
        """What to set aside for the job's longest run in this pool, or why that is not possible."""
        need = self._needed_micros(job, pool)
        return need if isinstance(need, Reason) else next(self._unpaid(job, need), need)

    def could_pay(self, job: Job, pool: Pool) -> bool:
        """Whether it can be paid there, if nothing is saved for another."""
        need = self._needed_micros(job, pool)
        if isinstance(need, Reason) or any(self._used_up(job, need)):
            return False
        return need <= self._available(job.tenant_id)

    def money_reasons(self, job: Job, pool: Pool) -> Iterator[Reason]:
        """All that is in the way of that: where there is no price, what is so whatever it is."""
        need = self._needed_micros(job, pool)
        if not isinstance(need, Reason):
            return self._unpaid(job, need)
        return chain([need], self._used_up(job, 0))

    def _needed_micros(self, job: Job, pool: Pool) -> int | Reason:
        price_class = self._state.tenants[job.tenant_id].price_class
        price = self._prices.of(pool.device_kind_id, job.priority, price_class)
        if isinstance(price, str):
            return Reason(code=ReasonCode.NO_PRICE, where=pool.id, detail=price)
        return charge_micros(self._charged_ms(job, pool.device_kind_id), price)

    def _unpaid(self, job: Job, need: int) -> Iterator[Reason]:
        """What keeps so much from being set aside: each budget that is used up, and the balance."""
        yield from self._used_up(job, need)
        tenant_id = job.tenant_id
        free, saving = self._available(tenant_id), self._saving.get(tenant_id)
        if saving is not None or need > free:
            yield Reason(
                code=ReasonCode.FUNDS,
                where=tenant_id,
                need=need,
                free=free if saving is None else 0,
                unit=MICROS_UNIT,
                detail=f"kept for job {saving}" if saving else "",
            )

    def _charged_ms(self, job: Job, kind_id: str) -> int:
        """Its cards over its longest run, less what packages cover beside what runs and starts."""
        stocks = self._state.funds[job.tenant_id].stocks_of(kind_id, self._now_ms)
        if not stocks:
            return job.device_count * job.longest_ms
        beside = self._cards_of(job.tenant_id, kind_id)
        return uncovered_ms(job, stocks, beside, self._now_ms)

    def _cards_of(self, tenant_id: str, kind_id: str) -> int:
        live = self._state.agenda.of_tenant(tenant_id).values()
        places = (attempt.placement for attempt in live)
        running = sum(one.card_count for one in places if one.device_kind_id == kind_id)
        return running + self._granted_cards[tenant_id, kind_id]

    def _used_up(self, job: Job, need: int) -> Iterator[Reason]:
        """The budgets that forbid the job; one that is only asked about has none of its own."""
        record = self._state.jobs.get(job.id) or JobRecord(job=job)
        for budget, spent_micros in self._state.purses.all_used_up(record, self._now_ms):
            yield over_budget(budget, spent_micros, need, self._now_ms)

    def covers(self, record: JobRecord, kind_ids: tuple[str, ...]) -> bool:
        """Whether the job may be, and can be paid, on all of these kinds."""
        job = record.job
        bounding = kind_ids if self._entitlements.is_bounding else ()
        if any(next(self.cap_reasons(record, one), None) for one in bounding):
            return False
        tenant = self._state.tenants[job.tenant_id]
        key = (kind_ids, job.priority, tenant.price_class)
        if key not in self._dearest:
            prices = [self._prices.of(one, job.priority, tenant.price_class) for one in kind_ids]
            known = [price for price in prices if isinstance(price, int)]
            self._dearest[key] = max(known) if len(known) == len(prices) else None
        price = self._dearest[key]
        funds = self._state.funds[tenant.id]
        if funds.stocks and any(funds.stocks_of(one, self._now_ms) for one in kind_ids):
            return False  # each job has another share of what they cover
        if price is None or tenant.id in self._saving or any(self._used_up(job, 0)):
            return False
        return charge_micros(job.device_count * job.longest_ms, price) <= self._available(tenant.id)

    def _available(self, tenant_id: str) -> int:
        """What it may still commit."""
        return self._state.funds[tenant_id].available_micros - self._spoken_for[tenant_id]

    def save_for(self, job: Job, reasons: Iterable[Reason]) -> None:
        """No pool can be paid: later jobs wait, if what is held for running work could suffice."""
        needs = [reason.need for reason in reasons if reason.code is ReasonCode.FUNDS]
        held = self._state.funds[job.tenant_id].held_micros + self._taken_micros[job.tenant_id]
        within = self._available(job.tenant_id) + held
        if needs and min(needs) <= within:
            self._saving.setdefault(job.tenant_id, job.id)

    def saves_for(self, job: Job) -> bool:
        return self._saving.get(job.tenant_id) == job.id

    def promise(self, record: JobRecord, pool: Pool, reservation: Reservation, hold: int) -> None:
        """The job will start then: its quota and so much money are to be there."""
        self._spoken_for[record.job.tenant_id] += hold
        self._promises.append((record.job, pool.device_kind_id, reservation))

    def _keep_promised(self, job: Job, kind_id: str, reservation: Reservation) -> None:
        """Nothing has been taken since it was promised."""
        start_ms, is_firm = reservation.start_ms, reservation.is_firm
        for quota in (*self._quotas(job), *self._caps(job, kind_id)):
            if quota.key not in self.kept_by_key:
                then = self._takings.copy()
                for end in self._ends(quota):
                    if end.ends.by(is_firm=is_firm) <= start_ms:
                        then.take(end.path, quota.unit, -end.amount)
                need = self._need(quota, job, kind_id, then)
                spare = self._free(quota, then) - need
                self.kept_by_key[quota.key] = Kept(job.id, need, start_ms, spare, is_firm)

    def take(self, record: JobRecord, pool: Pool, hold_micros: int, delay_ms: int = 0) -> None:
        job, kind_id, path = record.job, pool.device_kind_id, self._path(record.job)
        ends = self._forecasts.ends(record, delay_ms)
        self._spoken_for[job.tenant_id] += hold_micros
        self._taken_micros[job.tenant_id] += hold_micros
        self._granted_cards[job.tenant_id, kind_id] += job.device_count
        for quota in (*self._quotas(job), *self._caps(job, kind_id)):
            need, kept = self._need(quota, job, kind_id), self._kept.get(quota.key)
            amount = self._amount(quota, kind_id, job.device_count)
            self._granted[quota.key].append(End(ends, path, amount))
            if kept is not None and not self._is_short(record, kept, delay_ms):
                kept.spare -= need
        self._takings.take(path, "", 0 if is_on_cores(job, self._park) else job.device_count)
        if self._entitlements.is_bounding:
            for book in (self._takings, self._soon, *(() if delay_ms else (self._live,))):
                book.hold(path, kind_id, job.device_count)

    def _is_short(self, record: JobRecord, kept: Kept, delay_ms: int) -> bool:
        """Whether it gives back what it takes before that is needed."""
        ends = self._forecasts.ends(record, delay_ms)
        return ends.by(is_firm=kept.is_firm) <= kept.start_ms

    def _keep(self, quota: Quota, record: JobRecord, kind_id: str) -> None:
        """When the branch's work has given back enough for the job."""
        is_firm = bool(self._policy.firmness(self._now_ms - record.waiting_since_ms))
        then = self._takings.copy()
        ends = self._ends(quota)
        for end in sorted(ends, key=lambda one: (one.ends.by(is_firm=is_firm), one.amount)):
            then.take(end.path, quota.unit, -end.amount)
            need = self._need(quota, record.job, kind_id, then)
            spare = self._free(quota, then) - need
            if spare >= 0:
                end_ms = end.ends.by(is_firm=is_firm)
                self._kept[quota.key] = Kept(record.job.id, need, end_ms, spare, is_firm)
                return

    def _ends(self, quota: Quota) -> list[End]:
        """When its work ends, in no order, and how much that gives back."""
        is_all = quota.branch == PARK
        tenants = self._state.tenants if is_all else self._state.tree.tenants_in(quota.branch)
        for tenant_id in tenants:
            if tenant_id not in self._read:
                self._read.add(tenant_id)
                self._read_running(tenant_id)
        return [*self._granted[quota.key], *self._running[quota.key]]

    def _read_running(self, tenant_id: str) -> None:
        """What runs of a tenant is looked through once a plan, for all of its branches."""
        alike: dict[tuple[str, str], list[tuple[list[End], Path, int]]] = {}
        for attempt in self._state.agenda.of_tenant(tenant_id).values():
            job, placement = self._state.jobs[attempt.job_id].job, attempt.placement
            kind_id = placement.device_kind_id
            key = job.project, kind_id
            if key not in alike:
                alike[key] = [*self._given_back(job, kind_id)]
            ends = self._forecasts.live_ends(attempt)
            for running, path, amount in alike[key]:
                running.append(End(ends, path, amount * placement.card_count))

    def _given_back(self, job: Job, kind_id: str) -> Iterator[tuple[list[End], Path, int]]:
        """By each of its quotas: where its end is noted, for whom, and what a card comes to."""
        for quota in (*self._quotas(job), *self._caps(job, kind_id)):
            yield self._running[quota.key], self._path(job), self._amount(quota, kind_id, 1)
