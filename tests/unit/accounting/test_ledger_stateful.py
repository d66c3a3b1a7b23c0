"""The ledger beside the leader's own count, whatever happens, in whatever order, and told twice."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from accounting import ledger
from accounting.ledger import Transfer, TransferKind, available_account, balances, held_account
from accounting.money import MICROS_PER_FEN
from accounting.prices.packages import PackageKind
from accounting.usage.slices import UsageSlice
from scheduler.facts import events as ev
from scheduler.facts.alerts import alerts
from scheduler.facts.extending import ahead
from scheduler.facts.metering import book, slices
from scheduler.facts.state import State
from scheduler.model.budget import Budget
from scheduler.model.job import EndCause
from tests.builders import (
    HOUR_MS,
    PARK_PRICES,
    YUAN,
    a_job,
    a_lease,
    a_placement,
    a_state,
    happen,
    shanghai,
    submit,
)
from tests.unit.accounting.prices.test_packages import NODES
from tests.unit.scheduler.facts.test_metering import a_list

BEGIN_MS = shanghai("2026-10-31T22:00")
PLACES = (("east-npu", (8,)), ("north-npu", (8,)), ("east-npu", (0, 8)))
VOUCHER_MICROS = 50 * YUAN
SETS_ASIDE = {TransferKind.HOLD, TransferKind.EXTEND}


class Books(RuleBasedStateMachine):
    """One tenant's money: what is told is applied and booked, and some of it is told again."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms, self.number = BEGIN_MS, 0
        self.state = a_state(prices=(PARK_PRICES, a_list("dearer", BEGIN_MS + HOUR_MS, 7_200_000)))
        self.moved: list[Transfer] = [
            ledger.top_up("steel", self.state.funds["steel"].available_micros, "opening", 0),
            ledger.issue_voucher("steel", "v1", "city", VOUCHER_MICROS, 0),
        ]
        self.voucher_micros = VOUCHER_MICROS
        self.tax_micros = 0
        self.last: ev.Event | None = None
        self.used: list[UsageSlice] = []
        self.given_back: set[str] = set()

    @property
    def available_micros(self) -> int:
        return self.state.funds["steel"].available_micros

    def tell(self, event: ev.Event) -> None:
        """It fits: it is booked before it is applied, as the loop does."""
        booking = book(self.state, event, self.now_ms)
        self.moved.extend(booking.transfers)
        self.used.extend(booking.usage)
        self.given_back |= {credit.reference for credit in booking.credits}
        happen(self.state, event)
        self.last = event

    def run_on(self, attempt_id: str) -> None:
        for event in [*slices(self.state, self.state.live[attempt_id], self.now_ms, self.now_ms)]:
            self.tell(event)

    @rule(yuan=st.integers(1, 40))
    def pay_in(self, yuan: int) -> None:
        self.number += 1
        reference = f"bank-{self.number}"
        self.tell(
            ev.Credited(at_ms=0, tenant_id="steel", amount_micros=yuan * YUAN, reference=reference)
        )

    @rule(amount=st.integers(-VOUCHER_MICROS, VOUCHER_MICROS))
    def let_a_voucher_pay(self, amount: int) -> None:
        """Never more than is left of it, and never more back than it was."""
        paid = max(min(amount, self.voucher_micros), self.voucher_micros - VOUCHER_MICROS)
        if paid:
            self.voucher_micros -= paid
            self.pay_by_voucher("v1", paid)

    @rule(amount=st.integers(1, 10 * YUAN))
    def grant_in_a_dispute(self, amount: int) -> None:
        self.number += 1
        id_ = f"steel@2026-01#{self.number}"
        self.tell(
            ev.Credited(
                at_ms=0,
                tenant_id="steel",
                amount_micros=amount,
                reference=f"concession:{id_}",
                concession_id=id_,
            )
        )

    @rule(micros=st.integers(-YUAN, YUAN).filter(bool), centre=st.sampled_from(("east", "north")))
    def close_a_month(self, micros: int, centre: str) -> None:
        """Its statement states tax, of usage and of what was bought; or it takes some back."""
        self.number += 1
        parts = ((ledger.income_account(centre), micros), (ledger.PREPAID_ACCOUNT, -2 * micros))
        self.tax_micros -= micros
        self.tell(
            ev.TaxStated(at_ms=0, tenant_id="steel", month=f"{2_027 + self.number}-02", parts=parts)
        )

    @rule()
    def spend_nearly_all(self) -> None:
        """So that what comes next is not covered: it goes back to another voucher, as it were."""
        rest = self.state.funds["steel"].available_micros - YUAN
        if rest > 0:
            self.pay_by_voucher("v2", -rest)

    def pay_by_voucher(self, voucher_id: str, amount_micros: int) -> None:
        self.number += 1
        month = f"{2_027 + self.number}-01"
        self.tell(
            ev.Credited(
                at_ms=0,
                tenant_id="steel",
                amount_micros=amount_micros,
                reference=f"{voucher_id}@{month}",
                voucher_id=voucher_id,
                voucher_month=month,
            )
        )

    @precondition(lambda self: len(self.state.live) < len(PLACES) and self.available_micros >= 0)
    @rule(hold=st.integers(0, 60 * YUAN), hours=st.integers(1, 4))
    def launch(self, hold: int, hours: int) -> None:
        hold = min(hold, self.available_micros)
        taken = {one.placement for one in self.state.live.values()}
        place = next(p for pool, cards in PLACES if (p := a_placement(pool, *cards)) not in taken)
        self.number += 1
        job_id = f"j{self.number}"
        submit(self.state, a_job(job_id, limit_ms=hours * HOUR_MS, retry_count=0))
        self.tell(a_lease(job_id, place, at_ms=self.now_ms, hold_micros=hold))
        self.tell(ev.Started(at_ms=self.now_ms, attempt_id=f"{job_id}.1"))

    @precondition(lambda self: self.state.live)
    @rule(data=st.data(), minutes=st.integers(1, 90))
    def read_the_meter(self, data: st.DataObject, minutes: int) -> None:
        self.now_ms += minutes * 60_000
        attempt_id = data.draw(st.sampled_from(sorted(self.state.live)))
        self.run_on(attempt_id)
        attempt = self.state.live[attempt_id]
        for event in [*ahead(self.state, attempt, self.now_ms, 300_000, 10_000)]:
            self.tell(event)

    @precondition(lambda self: self.state.live)
    @rule(data=st.data(), cause=st.sampled_from(EndCause))
    def end(self, data: st.DataObject, cause: EndCause) -> None:
        attempt_id = data.draw(st.sampled_from(sorted(self.state.live)))
        self.run_on(attempt_id)
        ended = ev.Ended(at_ms=self.now_ms, attempt_id=attempt_id, cause=cause, exit_code=None)
        self.tell(ended)
        record = self.state.jobs.get(attempt_id.removesuffix(".1"))
        if record is not None:  # it goes back to the queue, where nobody looks for it here
            happen(self.state, ev.CancelRequested(at_ms=0, job_id=record.job.id, by="u"))

    @rule(cards=st.integers(0, 12), hours=st.integers(1, 20), fen=st.integers(1, 900))
    def buy_a_package(self, cards: int, hours: int, fen: int) -> None:
        """Nodes for some hours from now, or where they have no cards, card-hours."""
        if fen * MICROS_PER_FEN > self.available_micros:
            return
        self.number += 1
        package = replace(
            NODES,
            id=f"p{self.number}",
            kind=PackageKind.NODES if cards else PackageKind.CARD_HOURS,
            card_count=cards,
            device_ms=0 if cards else hours * HOUR_MS,
            from_ms=self.now_ms,
            until_ms=self.now_ms + hours * HOUR_MS,
            amount_fen=fen,
        )
        self.tell(ev.PackageBought(at_ms=0, package=package))

    @rule(is_on=st.booleans(), yuan=st.integers(0, 90))
    def limit(self, is_on: bool, yuan: int) -> None:
        self.tell(ev.HardStopSet(at_ms=0, tenant_id="steel", is_on=is_on))
        budget = Budget(tenant_id="steel", amount_micros=yuan * YUAN, is_hard_stop=is_on)
        self.tell(ev.BudgetSet(at_ms=0, budget=budget))

    @rule()
    def tell_alerts(self) -> None:
        for event in alerts(self.state, 10_000, self.now_ms):
            self.tell(event)
        assert [*alerts(self.state, 10_000, self.now_ms)] == []

    @precondition(lambda self: not isinstance(self.last, ev.HardStopSet | ev.BudgetSet | None))
    @rule()
    def tell_again(self) -> None:
        """What has happened once is refused, and moves nothing."""
        assert self.last is not None
        before = (self.state.funds["steel"].available_micros, self.state.funds["steel"].held_micros)

        assert self.state.apply(self.last) is not None

        funds = self.state.funds["steel"]
        assert (funds.available_micros, funds.held_micros) == before

    @invariant()
    def accounts_sum_to_zero_and_are_what_the_leader_counts(self) -> None:
        micros_by_account = balances(self.moved)
        funds = self.state.funds["steel"]
        assert micros_by_account[available_account("steel")] == funds.available_micros
        assert micros_by_account.get(held_account("steel"), 0) == funds.held_micros

    @invariant()
    def tax_is_what_statements_state_and_no_income(self) -> None:
        micros_by_account = balances(self.moved)
        income = sum(m for a, m in micros_by_account.items() if a.startswith("income:"))
        sold = micros_by_account.get(ledger.PREPAID_ACCOUNT, 0)
        earned = sum(
            one.amount_micros * (-1 if one.kind is TransferKind.CREDIT else 1)
            for one in self.moved
            if one.kind in {TransferKind.POST, TransferKind.PURCHASE, TransferKind.CREDIT}
        )
        assert micros_by_account.get(ledger.TAX_ACCOUNT, 0) == self.tax_micros
        assert income + sold == earned - self.tax_micros

    @invariant()
    def no_voucher_is_below_zero(self) -> None:
        left = balances(self.moved)[ledger.voucher_account("steel", "v1")]
        assert left == self.voucher_micros >= 0

    @invariant()
    def no_package_covers_more_than_it_has(self) -> None:
        for stock in self.state.funds["steel"].stocks:
            assert 0 <= stock.left_device_ms <= stock.package.device_ms
            for from_ms, to_ms, cards in stock.steps:
                assert stock.package.from_ms <= from_ms < to_ms <= stock.package.until_ms
                assert 0 < cards <= stock.package.card_count

    @invariant()
    def card_hours_are_left_or_drawn(self) -> None:
        """By the slices that were written, less those that were given back."""
        drawn: Counter[str] = Counter()
        for usage in self.used:
            if usage.reference not in self.given_back:
                drawn[usage.reference.partition("/")[2]] += usage.device_ms
        for stock in self.state.funds["steel"].stocks:
            if stock.package.kind is PackageKind.CARD_HOURS:
                assert stock.left_device_ms + drawn[stock.package.id] == stock.package.device_ms

    @invariant()
    def each_transfer_is_there_once(self) -> None:
        keys = Counter((transfer.kind, transfer.reference) for transfer in self.moved)
        assert set(keys.values()) == {1}

    @invariant()
    def nothing_is_posted_that_is_not_held_and_all_of_the_rest_is_released(self) -> None:
        left: Counter[str] = Counter()
        for transfer in self.moved:
            attempt_id = transfer.reference.partition("@")[0].partition("+")[0]
            if transfer.kind in SETS_ASIDE:
                left[attempt_id] += transfer.amount_micros
            elif transfer.kind in {TransferKind.POST, TransferKind.RELEASE}:
                left[attempt_id] -= transfer.amount_micros
                assert left[attempt_id] >= 0, f"{attempt_id} was posted what was not held"
        live = {one.id: one.hold_left_micros for one in self.state.live.values()}
        assert {one: micros for one, micros in left.items() if micros or one in live} == {
            one: micros for one, micros in live.items() if micros or one in left
        }

    @invariant()
    def what_was_spent_is_what_was_charged(self) -> None:
        back = sum(t.amount_micros for t in self.moved if t.kind is TransferKind.CREDIT)
        posted = sum(t.amount_micros for t in self.moved if t.kind is TransferKind.POST)
        by_month = self.state.funds["steel"].spending.micros
        assert sum(sum(one.values()) for one in by_month.values()) == posted - back

    @invariant()
    def a_checkpoint_knows_all_of_it(self) -> None:
        assert State.restored(self.state.snapshot()).funds == self.state.funds


Books.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestBooks = pytest.mark.slow(Books.TestCase)
