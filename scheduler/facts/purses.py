"""What tenants have paid in, hold and spend: how each event about money changes it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, assert_never

from accounting.calendar import month_of
from accounting.money import (
    MAX_YUAN,
    MICROS_PER_FEN,
    MICROS_PER_YUAN,
    yuan_of_fen,
    yuan_of_micros,
)
from accounting.prices.packages import Package, Stock, faults
from scheduler.facts.agenda import Agenda
from scheduler.facts.declarations import credit_refusal
from scheduler.facts.events import (
    BudgetReached,
    BudgetSet,
    Credited,
    Ended,
    HardStopSet,
    HoldExtended,
    Metered,
    Overdrawn,
    PackageBought,
    TaxStated,
)
from scheduler.facts.funds import Funds
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.spending import Watched
from scheduler.model.budget import Budget
from scheduler.model.job import FAULT_CAUSES, Job
from scheduler.model.tenancy import Tenant


class Paying(Protocol):
    """Of the state what money is looked up by."""

    jobs: dict[str, JobRecord]
    live: dict[str, Attempt]
    agenda: Agenda


MAX_BALANCE_YUAN = 4 * MAX_YUAN
MAX_BALANCE_MICROS = MAX_BALANCE_YUAN * MICROS_PER_YUAN
"""What may be committed and what is held together; an account holds little more than twice that."""
BUDGETS_MAX = 1_000
"""For months, of each tenant."""

MoneyEvent = (
    PackageBought
    | Credited
    | TaxStated
    | HoldExtended
    | Overdrawn
    | HardStopSet
    | BudgetSet
    | BudgetReached
)


class Purses:
    """Each tenant's funds, and which payments are booked.

    Whose money has changed is looked at once before the next commit (`changed`).
    """

    def __init__(
        self, funds: Mapping[str, Funds] | None = None, references: Iterable[str] = ()
    ) -> None:
        self.funds = dict(funds or {})
        self.references = set(references)
        self._package_ids = {s.package.id for one in self.funds.values() for s in one.stocks}
        self._changed = dict.fromkeys(self.funds)

    def declare(self, tenant: Tenant, known: Tenant | None) -> None:
        """It may go below zero by another amount than before."""
        funds = self.funds.setdefault(tenant.id, Funds())
        funds.add(tenant.credit_limit_micros - (known.credit_limit_micros if known else 0))
        self._changed[tenant.id] = None

    def apply(self, state: Paying, event: MoneyEvent) -> str | None:
        """Take in one event; the reason, and no change, where it does not fit."""
        match event:
            case Credited():
                return self._credit(event)
            case TaxStated():
                return self._note_tax(event)
            case HoldExtended():
                return self._extend(state, event)
            case Overdrawn():
                return self._note_overdrawn(event)
            case HardStopSet():
                return self._set_hard_stop(event)
            case PackageBought():
                return self._buy(event.package)
            case BudgetSet():
                return self._set_budget(state, event.budget)
            case BudgetReached():
                return self._note_reached(state, event)
            case _:
                assert_never(event)

    def _credit(self, event: Credited) -> str | None:
        if (refusal := credit_refusal(event, self.funds, self.references)) is not None:
            return refusal
        funds = self.funds[event.tenant_id]
        room_micros = MAX_BALANCE_MICROS - funds.available_micros - funds.held_micros
        if event.amount_micros > room_micros:
            most, room = f"{MAX_BALANCE_YUAN:,}", yuan_of_micros(max(0, room_micros))
            return (
                f"the balance of {event.tenant_id}, with what is held and its credit limit, is at "
                f"most {most} yuan: {room} yuan may be paid in"
            )
        self.references.add(event.reference)
        funds.add(event.amount_micros)
        self._changed[event.tenant_id] = None
        return None

    def _note_tax(self, event: TaxStated) -> str | None:
        """No tenant's money changes: it moves between accounts of the operator."""
        if event.tenant_id not in self.funds:
            return f"there is no tenant {event.tenant_id}"
        if event.reference in self.references:
            return f"the tax of {event.tenant_id}'s statement {event.month} is booked already"
        self.references.add(event.reference)
        return None

    def _extend(self, state: Paying, event: HoldExtended) -> str | None:
        attempt = state.live.get(event.attempt_id)
        if attempt is None or event.number != attempt.extension_count + 1:
            return f"the hold of attempt {event.attempt_id} is not to be extended so"
        if event.amount_micros <= 0:
            return f"the hold of attempt {event.attempt_id} is extended by nothing"
        self._of(state, attempt).hold(event.amount_micros)
        attempt.hold_left_micros += event.amount_micros
        attempt.extension_count += 1
        return None

    def _note_overdrawn(self, event: Overdrawn) -> str | None:
        funds = self.funds.get(event.tenant_id)
        if funds is None or funds.is_overdrawn or not funds.short_micros:
            return f"tenant {event.tenant_id} has what it needs, or was told already"
        funds.is_overdrawn = True
        return None

    def _set_hard_stop(self, event: HardStopSet) -> str | None:
        funds = self.funds.get(event.tenant_id)
        if funds is None:
            return f"there is no tenant {event.tenant_id}"
        funds.is_hard_stop = event.is_on
        return None

    def _buy(self, package: Package) -> str | None:
        funds = self.funds.get(package.tenant_id)
        if funds is None:
            return f"there is no tenant {package.tenant_id}"
        for fault in faults(package):
            return f"package {package.id}: {fault}"
        if package.id in self._package_ids:
            return f"package {package.id} is bought already"
        price_micros = package.amount_fen * MICROS_PER_FEN
        if price_micros > funds.available_micros:
            # Upwards: who pays in so much has enough.
            missing = yuan_of_fen(-(-(price_micros - funds.available_micros) // MICROS_PER_FEN))
            return f"the balance of {package.tenant_id} lacks {missing} yuan for it"
        funds.add(-price_micros)
        funds.stocks.append(Stock.of(package))
        self._package_ids.add(package.id)
        return None

    def _refusal(self, state: Paying, attempt: Attempt, event: Metered) -> str | None:
        """Why packages do not cover a slice as it says."""
        stocks = {one.package.id: one for one in self.of_attempt(state, attempt).stocks}
        for package_id, cards in event.covered:
            if package_id not in stocks:
                return f"there is no package {package_id} of this tenant"
            found = stocks[package_id].refusal(event.from_ms, event.to_ms, cards)
            if found is not None:
                return found
        return None

    def _cover(self, state: Paying, attempt: Attempt, event: Metered) -> None:
        """Take what covers a slice out of its packages."""
        tenant_id = state.jobs[attempt.job_id].job.tenant_id
        stocks = {one.package.id: one for one in self.funds[tenant_id].stocks}
        live = state.agenda.of_tenant(tenant_id).values()
        known_ms = min(one.metered_to_ms or one.leased_at_ms for one in live)
        for package_id, cards in event.covered:
            stocks[package_id].take(event.from_ms, event.to_ms, cards, known_ms)
            device_ms = cards * (event.to_ms - event.from_ms)
            attempt.covered[package_id] = attempt.covered.get(package_id, 0) + device_ms

    def _set_budget(self, state: Paying, budget: Budget) -> str | None:
        funds = self.funds.get(budget.tenant_id)
        if funds is None:
            return f"there is no tenant {budget.tenant_id}"
        self._changed[budget.tenant_id] = None
        if budget.job_id is None:
            is_new = all(one.budget.key != budget.key for one in funds.spending.watched)
            if is_new and len(funds.spending.watched) >= BUDGETS_MAX:
                return f"tenant {budget.tenant_id} has {BUDGETS_MAX} budgets, as many as it may"
            funds.spending.put(budget)
            return None
        record = state.jobs.get(budget.job_id)
        if record is None or record.job.tenant_id != budget.tenant_id:
            return f"job {budget.job_id} is over, or was never one of {budget.tenant_id}"
        record.watched = Watched(budget=budget) if budget.amount_micros else None
        if record.attempt is not None:
            state.agenda.note(record)
        return None

    def _note_reached(self, state: Paying, event: BudgetReached) -> str | None:
        for watched, month, spent_micros in self.spent(state, event.budget.tenant_id):
            if watched.budget == event.budget and month == event.month:
                if event.level not in watched.news(month, spent_micros):
                    break
                watched.note(month, event.level)
                return None
        return f"{event.level} % of the budget of {event.budget.where} are not news"

    def spent(self, state: Paying, tenant_id: str) -> Iterator[tuple[Watched, str, int]]:
        """A tenant's budgets, for each month that is kept, and what was spent of them."""
        spending = self.funds[tenant_id].spending
        for watched in spending.watched:
            for month in sorted(spending.micros):
                yield watched, month, spending.of(watched.budget, month)
        for job_id in sorted(self._budgeted_ids(state, tenant_id)):
            record = state.jobs[job_id]
            assert record.watched is not None, f"{job_id} has a budget"
            yield record.watched, "", record.spent_micros

    def _budgeted_ids(self, state: Paying, tenant_id: str) -> Iterator[str]:
        """Its jobs with a budget: only where they spend may that be reached."""
        for attempt in state.agenda.watched.values():
            if state.jobs[attempt.job_id].job.tenant_id == tenant_id:
                yield attempt.job_id

    def used_up(self, record: JobRecord, now_ms: int) -> tuple[Budget, int] | None:
        """The first budget that forbids a job to go on, and what was spent of it."""
        return next(self.all_used_up(record, now_ms), None)

    def all_used_up(self, record: JobRecord, now_ms: int) -> Iterator[tuple[Budget, int]]:
        """Each that does: its own first, then those of its tenant."""
        if record.watched is not None and record.watched.is_used_up(record.spent_micros):
            yield record.watched.budget, record.spent_micros
        spending = self.funds[record.job.tenant_id].spending
        for watched in spending.watched:
            spent_micros = spending.of(watched.budget, month_of(now_ms))
            if _is_for(watched.budget, record.job) and watched.is_used_up(spent_micros):
                yield watched.budget, spent_micros

    def post(self, state: Paying, attempt: Attempt, event: Metered) -> str | None:
        """A slice is charged to its attempt: out of its hold, as far as that goes.

        The log of an earlier release has slices that no extension precedes.
        """
        if (refusal := self._refusal(state, attempt, event)) is not None:
            return refusal
        if event.covered:
            self._cover(state, attempt, event)
        from_hold = min(attempt.hold_left_micros, event.charge_micros)
        attempt.hold_left_micros -= from_hold
        attempt.charged_micros += event.charge_micros
        month = month_of(event.from_ms)
        attempt.charges[month] = attempt.charges.get(month, 0) + event.charge_micros
        self._spend(state, attempt, month, event.charge_micros)
        self._of(state, attempt).post(event.charge_micros, from_hold_micros=from_hold)
        return None

    def settle(self, state: Paying, attempt: Attempt, event: Ended) -> None:
        """The rest of its hold is free, and what was charged for nothing is given back."""
        given_back = attempt.charged_micros if event.cause in FAULT_CAUSES else 0
        if given_back:
            for month, charged_micros in sorted(attempt.charges.items()):
                self._spend(state, attempt, month, -charged_micros)
        funds = self._of(state, attempt)
        if event.cause in FAULT_CAUSES:
            for stock in funds.stocks:
                stock.give_back(attempt.covered.get(stock.package.id, 0))
        funds.settle(left_micros=attempt.hold_left_micros, given_back_micros=given_back)

    def _spend(self, state: Paying, attempt: Attempt, month: str, amount_micros: int) -> None:
        record = state.jobs[attempt.job_id]
        record.spent_micros += amount_micros
        spending = self.funds[record.job.tenant_id].spending
        spending.add(month, record.job.project, amount_micros)

    def of_attempt(self, state: Paying, attempt: Attempt) -> Funds:
        """Whose money it spends."""
        return self.funds[state.jobs[attempt.job_id].job.tenant_id]

    def _of(self, state: Paying, attempt: Attempt) -> Funds:
        self._changed[state.jobs[attempt.job_id].job.tenant_id] = None
        return self.of_attempt(state, attempt)

    def changed(self) -> tuple[str, ...]:
        """The tenants whose money has changed since this was asked last."""
        changed, self._changed = self._changed, {}
        return tuple(changed)


def _is_for(budget: Budget, job: Job) -> bool:
    return budget.project in {None, job.project}
