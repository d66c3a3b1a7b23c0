"""The ledger: all accounts sum to zero, and a hold is used up exactly once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from accounting import ledger
from accounting.ledger import (
    PAID_IN_ACCOUNT,
    PREPAID_ACCOUNT,
    Transfer,
    TransferKind,
    available_account,
    balances,
    held_account,
    income_account,
    subsidy_account,
    voucher_account,
)

TENANTS = ("steel", "port")
AVAILABLE, HELD = available_account("steel"), held_account("steel")


def test_what_is_paid_in_is_available() -> None:
    paid = ledger.top_up("steel", 5, "bank-1", 0)

    assert balances([paid]) == {PAID_IN_ACCOUNT: -5, AVAILABLE: 5}


def test_what_is_used_leaves_the_hold_and_the_rest_goes_back() -> None:
    moved = [
        ledger.top_up("steel", 10, "bank-1", 0),
        ledger.hold("steel", "j1.1", 8, 1),
        ledger.post("steel", "hzx", "j1.1", 1, 3, 2),
        ledger.release("steel", "j1.1", 5, 3),
    ]

    assert balances(moved) == {
        PAID_IN_ACCOUNT: -10,
        AVAILABLE: 7,
        HELD: 0,
        income_account("hzx"): 3,
    }


def test_a_credit_gives_back_what_was_posted() -> None:
    moved = [
        ledger.hold("steel", "j1.1", 8, 1),
        ledger.post("steel", "hzx", "j1.1", 1, 8, 2),
        ledger.credit("steel", "hzx", "j1.1", 8, 3),
    ]

    assert set(balances(moved).values()) == {0}


def test_what_is_paid_for_a_package_is_no_income_yet() -> None:
    bought = ledger.purchase("steel", "pkg-1", 8, 0)

    assert balances([bought]) == {AVAILABLE: -8, PREPAID_ACCOUNT: 8}


def test_what_a_voucher_paid_and_is_given_back_is_on_it_again() -> None:
    issued = ledger.issue_voucher("steel", "v1", "city", 8, 0)
    burnt = ledger.burn_voucher("steel", "v1", "2026-10", 5, 1)
    back = ledger.return_voucher("steel", "v1", "2026-10", 2, 2)

    voucher, owed = voucher_account("steel", "v1"), subsidy_account("city")
    assert balances([issued, burnt]) == {owed: -8, voucher: 3, AVAILABLE: 5}
    assert balances([issued, burnt, back]) == {owed: -8, voucher: 5, AVAILABLE: 3}


def test_each_transfer_has_a_key_of_its_own() -> None:
    moved = [
        ledger.hold("steel", "j1.1", 8, 0),
        ledger.hold("steel", "j1.2", 8, 0),
        ledger.post("steel", "hzx", "j1.1", 0, 8, 0),
        ledger.post("steel", "hzx", "j1.1", 5, 8, 0),
        ledger.release("steel", "j1.1", 8, 0),
        ledger.credit("steel", "hzx", "j1.1", 8, 0),
        ledger.burn_voucher("steel", "v1", "2026-10", 8, 0),
        ledger.burn_voucher("steel", "v1", "2026-11", 8, 0),
        ledger.return_voucher("steel", "v1", "2026-11", 8, 0),
        ledger.move_tax("steel", "2026-10", income_account("hzx"), 8, 0),
        ledger.move_tax("steel", "2026-10", PREPAID_ACCOUNT, 8, 0),
    ]

    assert len({(t.kind, t.reference) for t in moved}) == len(moved)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_transfer_moves_something(amount: int) -> None:
    with pytest.raises(AssertionError, match="more than nothing"):
        ledger.top_up("steel", amount, "bank-1", 0)


def transfers() -> st.SearchStrategy[Transfer]:
    amounts = st.integers(1, 10**15)
    tenants = st.sampled_from(TENANTS)
    return st.one_of(
        st.builds(ledger.top_up, tenants, amounts, st.uuids().map(str), st.just(0)),
        st.builds(ledger.hold, tenants, st.just("j1.1"), amounts, st.just(0)),
        st.builds(ledger.release, tenants, st.just("j1.1"), amounts, st.just(0)),
        st.builds(
            ledger.post, tenants, st.just("hzx"), st.just("j"), st.just(0), amounts, st.just(0)
        ),
        st.builds(ledger.credit, tenants, st.just("hzx"), st.just("j"), amounts, st.just(0)),
    )


@given(moved=st.lists(transfers()))
def test_all_accounts_sum_to_zero(moved: list[Transfer]) -> None:
    assert sum(balances(moved).values()) == 0


@given(moved=st.lists(transfers()), data=st.data())
def test_the_order_of_transfers_does_not_matter(moved: list[Transfer], data: st.DataObject) -> None:
    assert balances(data.draw(st.permutations(moved))) == balances(moved)


class Holds(RuleBasedStateMachine):
    """Attempts that hold, are charged and end, against a count kept by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: list[Transfer] = []
        self.left: dict[str, int] = {}
        self.charged: dict[str, int] = {}
        self.number = 0

    @rule(amount=st.integers(1, 1_000))
    def pay_in(self, amount: int) -> None:
        self.number += 1
        self.moved.append(ledger.top_up("steel", amount, f"bank-{self.number}", 0))

    @rule(amount=st.integers(1, 1_000))
    def launch(self, amount: int) -> None:
        if amount > self.balance(AVAILABLE):
            return
        self.number += 1
        attempt = f"j{self.number}.1"
        self.moved.append(ledger.hold("steel", attempt, amount, 0))
        self.left[attempt], self.charged[attempt] = amount, 0

    @precondition(lambda self: any(self.left.values()))
    @rule(data=st.data())
    def use(self, data: st.DataObject) -> None:
        attempt = data.draw(st.sampled_from([a for a, left in self.left.items() if left]))
        amount = data.draw(st.integers(1, self.left[attempt]))
        self.number += 1
        self.moved.append(ledger.post("steel", "hzx", attempt, self.number, amount, 0))
        self.left[attempt] -= amount
        self.charged[attempt] += amount

    @precondition(lambda self: self.left)
    @rule(data=st.data(), is_fault=st.booleans())
    def end(self, data: st.DataObject, is_fault: bool) -> None:
        attempt = data.draw(st.sampled_from(list(self.left)))
        left, charged = self.left.pop(attempt), self.charged.pop(attempt)
        if left:
            self.moved.append(ledger.release("steel", attempt, left, 0))
        if charged and is_fault:
            self.moved.append(ledger.credit("steel", "hzx", attempt, charged, 0))

    def balance(self, account: str) -> int:
        return balances(self.moved).get(account, 0)

    @invariant()
    def what_is_held_is_what_live_attempts_have_left(self) -> None:
        assert self.balance(HELD) == sum(self.left.values())

    @invariant()
    def nothing_is_overdrawn(self) -> None:
        assert self.balance(AVAILABLE) >= 0
        assert self.balance(income_account("hzx")) >= 0

    @invariant()
    def nothing_is_posted_above_its_hold(self) -> None:
        for attempt, charged in self.charged.items():
            assert charged <= sum(t.amount_micros for t in self.moved if is_hold(t, attempt))

    @invariant()
    def every_transfer_happened_once(self) -> None:
        assert len({(t.kind, t.reference) for t in self.moved}) == len(self.moved)


def is_hold(transfer: Transfer, attempt: str) -> bool:
    return transfer.kind is TransferKind.HOLD and transfer.reference == attempt


TestHolds = Holds.TestCase
