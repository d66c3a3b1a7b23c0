"""Slices without gap or overlap, charges that add up, and a ledger that agrees with the state."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.ledger import TransferKind, available_account, balances, held_account
from accounting.money import charge_micros
from accounting.prices.rating import PriceList
from scheduler.facts import events as ev
from scheduler.facts.metering import NOTHING, Booking, book, slices
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Priority
from tests.builders import (
    PARK_PRICES,
    TENANT,
    a_job,
    a_lease,
    a_placement,
    a_state,
    happen,
    shanghai,
    submit,
)

BEGIN_MS = shanghai("2026-10-10T10:00")
NOW_MS = shanghai("2026-10-11T00:00")
CARDS = 8
PAID_MICROS = 10**12


def a_list(list_id: str, from_ms: int, price_micros: int) -> PriceList:
    return replace(PARK_PRICES, id=list_id, from_ms=from_ms, on_demand=all_at(price_micros))


def all_at(price_micros: int) -> tuple[tuple[str, int], ...]:
    return tuple((kind, price_micros) for kind, _ in PARK_PRICES.on_demand)


def a_run(*later: PriceList, hold_micros: int = 0, priority: Priority = Priority.NORMAL) -> State:
    """`j1` holds eight cards at a micro-yuan a millisecond each, from `BEGIN_MS` on."""
    state = a_state(prices=(PARK_PRICES, *later))
    submit(state, a_job(priority=priority))
    lease = a_lease("j1", a_placement("east-npu", CARDS), at_ms=BEGIN_MS, hold_micros=hold_micros)
    happen(state, lease, ev.Started(at_ms=BEGIN_MS, attempt_id="j1.1"))
    return state


def metered(state: State, to_ms: int) -> list[ev.Metered]:
    made = slices(state, state.live["j1.1"], to_ms, to_ms)
    return [event for event in made if isinstance(event, ev.Metered)]


def edges(events: list[ev.Metered]) -> list[tuple[int, int]]:
    return [(event.from_ms - BEGIN_MS, event.to_ms - BEGIN_MS) for event in events]


def take(state: State, *events: ev.Event) -> list[Booking]:
    """What each adds to the books, and the state after it."""
    bookings = []
    for event in events:
        bookings.append(book(state, event, NOW_MS))
        happen(state, event)
    return bookings


def ended(cause: EndCause, at_ms: int) -> ev.Ended:
    return ev.Ended(at_ms=at_ms, attempt_id="j1.1", cause=cause, exit_code=0)


# Slices.


def test_usage_is_one_slice_where_nothing_changes() -> None:
    (only,) = metered(a_run(), BEGIN_MS + 1_000)

    assert edges([only]) == [(0, 1_000)]
    assert (only.at_ms, only.price_micros) == (BEGIN_MS + 1_000, 3_600_000)
    assert only.charge_micros == CARDS * 1_000


def test_the_meter_goes_on_where_it_stands_and_never_back() -> None:
    state = a_run()
    happen(state, *metered(state, BEGIN_MS + 1_000))

    assert metered(state, BEGIN_MS + 1_000) == []
    assert metered(state, BEGIN_MS + 999) == []
    assert edges(metered(state, BEGIN_MS + 1_001)) == [(1_000, 1_001)]


def test_what_has_not_started_is_not_metered() -> None:
    state = a_state()
    submit(state, a_job())
    happen(state, a_lease("j1", a_placement("east-npu", CARDS), at_ms=BEGIN_MS))

    assert metered(state, BEGIN_MS + 1_000) == []


def test_a_slice_ends_where_the_price_changes() -> None:
    dearer, dearest = (
        a_list("dearer", BEGIN_MS + 400, 7_200_000),
        a_list("dearest", BEGIN_MS + 700, 36_000_000),
    )

    events = metered(a_run(dearer, dearest), BEGIN_MS + 1_000)

    assert edges(events) == [(0, 400), (400, 700), (700, 1_000)]
    assert [e.charge_micros for e in events] == [CARDS * 400, CARDS * 600, CARDS * 3_000]


def test_a_slice_ends_with_the_month_of_shanghai() -> None:
    november = shanghai("2026-11-01T00:00")

    events = metered(a_run(), november + 5)

    assert [event.to_ms for event in events] == [november, november + 5]


@pytest.mark.parametrize(
    ("priority", "micros"), [(Priority.LOW, 500), (Priority.NORMAL, 1_000), (Priority.HIGH, 1_500)]
)
def test_a_class_of_priority_has_its_own_price(priority: Priority, micros: int) -> None:
    (only,) = metered(a_run(priority=priority), BEGIN_MS + 1_000)

    assert only.charge_micros == CARDS * micros


@given(
    st.lists(st.integers(1, 10**7), min_size=1, max_size=12),
    st.integers(0, 10**8),
)
def test_however_finely_a_holding_is_cut_its_charges_add_up_to_the_whole(
    steps_ms: list[int], price_micros: int
) -> None:
    odd = replace(PARK_PRICES, on_demand=all_at(price_micros))
    state = a_state(prices=(odd,))
    submit(state, a_job())
    lease = a_lease("j1", a_placement("east-npu", CARDS), at_ms=BEGIN_MS)
    happen(state, lease, ev.Started(at_ms=BEGIN_MS, attempt_id="j1.1"))
    now_ms, events = BEGIN_MS, []

    for step_ms in steps_ms:
        now_ms += step_ms
        fresh = metered(state, now_ms)
        happen(state, *fresh)
        events += fresh

    assert all(one.to_ms == two.from_ms for one, two in pairwise(events))
    whole = charge_micros(CARDS * (now_ms - BEGIN_MS), price_micros)
    assert sum(event.charge_micros for event in events) == whole
    assert state.live["j1.1"].charged_micros == whole


# The books.


def test_a_slice_tells_the_books_who_held_what_where_and_at_which_price() -> None:
    state = a_run()
    (event,) = metered(state, BEGIN_MS + 1_000)

    (usage,) = book(state, event, NOW_MS).usage

    assert (usage.reference, usage.from_ms, usage.to_ms) == ("j1.1", BEGIN_MS, BEGIN_MS + 1_000)
    assert (usage.tenant_id, usage.project, usage.field) == ("steel", "default", "manufacturing")
    assert (usage.centre_id, usage.device_kind_id, usage.qos) == ("east", "npu", "normal")
    assert (usage.device_count, usage.tflops) == (CARDS, 313)
    assert (usage.price_list_id, usage.price_micros) == ("2026", 3_600_000)
    assert usage.recorded_at_ms == BEGIN_MS + 1_000


def test_the_price_list_of_a_slice_is_the_one_in_force_at_its_beginning() -> None:
    state = a_run(a_list("dearer", BEGIN_MS + 400, 7_200_000))

    bookings = take(state, *metered(state, BEGIN_MS + 1_000))

    assert [booking.usage[0].price_list_id for booking in bookings] == ["2026", "dearer"]


def test_what_moves_no_money_and_no_usage_is_not_booked() -> None:
    state = a_state()
    submit(state, a_job())
    free = a_lease("j1", a_placement("east-npu", CARDS))

    for event in (
        ev.Submitted(at_ms=0, job=a_job("j2")),
        ev.TenantDeclared(at_ms=0, tenant=TENANT),
        free,
    ):
        assert book(state, event, NOW_MS) == NOTHING


def test_usage_that_costs_nothing_is_booked_and_moves_no_money() -> None:
    state = a_run(a_list("free", BEGIN_MS + 1, 0))
    happen(state, *metered(state, BEGIN_MS + 1))

    (booking,) = take(state, *metered(state, BEGIN_MS + 1_000))

    assert len(booking.usage) == 1
    assert booking.transfers == ()


def moved(bookings: list[Booking]) -> list[tuple[str, str, int]]:
    return [(t.kind.value, t.reference, t.amount_micros) for b in bookings for t in b.transfers]


def test_a_lease_holds_usage_posts_and_the_end_releases() -> None:
    state = a_state()
    submit(state, a_job())
    lease = a_lease("j1", a_placement("east-npu", CARDS), at_ms=BEGIN_MS, hold_micros=10_000)

    bookings = take(state, lease, ev.Started(at_ms=BEGIN_MS, attempt_id="j1.1"))
    bookings += take(state, *metered(state, BEGIN_MS + 1_000))
    bookings += take(state, ended(EndCause.FINISHED, BEGIN_MS + 1_000))

    assert moved(bookings) == [
        (TransferKind.HOLD, "j1.1", 10_000),
        (TransferKind.POST, f"j1.1@{BEGIN_MS}", 8_000),
        (TransferKind.RELEASE, "j1.1", 2_000),
    ]


def test_what_a_hold_does_not_cover_is_held_before_it_is_metered() -> None:
    state = a_run(hold_micros=5_000)

    extended, used = slices(state, state.live["j1.1"], BEGIN_MS + 1_000, NOW_MS)

    assert isinstance(extended, ev.HoldExtended)
    assert (extended.number, extended.amount_micros) == (1, 3_000)
    assert isinstance(used, ev.Metered)


def test_a_log_of_an_earlier_release_holds_what_is_missing_as_it_posts() -> None:
    state = a_run(hold_micros=9_000)

    bookings = take(state, *metered(state, BEGIN_MS + 1_000))
    bookings += take(state, *metered(state, BEGIN_MS + 2_000))
    bookings += take(state, ended(EndCause.LIMIT, BEGIN_MS + 2_000))

    assert moved(bookings) == [
        (TransferKind.POST, f"j1.1@{BEGIN_MS}", 8_000),
        (TransferKind.HOLD, f"j1.1+{BEGIN_MS + 1_000}", 7_000),
        (TransferKind.POST, f"j1.1@{BEGIN_MS + 1_000}", 8_000),
    ]
    transfers = [transfer for booking in bookings for transfer in booking.transfers]
    funds = state.funds["steel"]
    # The first hold was booked before this test began to watch.
    assert balances(transfers)[available_account("steel")] == -7_000
    assert balances(transfers)[held_account("steel")] == -9_000
    assert (PAID_MICROS - funds.available_micros, funds.held_micros) == (16_000, 0)


@pytest.mark.parametrize("cause", list(EndCause))
def test_only_the_parks_own_fault_gives_usage_and_money_back(cause: EndCause) -> None:
    state = a_run(hold_micros=9_000)
    take(state, *metered(state, BEGIN_MS + 1_000))

    (booking,) = take(state, ended(cause, BEGIN_MS + 1_000))

    is_fault = cause in {EndCause.NODE, EndCause.CENTRE, EndCause.BROKER}
    release = (TransferKind.RELEASE, "j1.1", 1_000)
    given_back = (TransferKind.CREDIT, "j1.1", 8_000)
    assert moved([booking]) == ([release, given_back] if is_fault else [release])
    assert [(c.reference, c.at_ms, c.cause, c.recorded_at_ms) for c in booking.credits] == [
        ("j1.1", BEGIN_MS + 1_000, cause, NOW_MS)
    ] * is_fault


def test_what_never_started_has_nothing_to_give_back_but_its_hold() -> None:
    state = a_state()
    submit(state, a_job())
    happen(state, a_lease("j1", a_placement("east-npu", CARDS), hold_micros=5))

    (booking,) = take(state, ended(EndCause.NODE, 9))

    assert moved([booking]) == [(TransferKind.RELEASE, "j1.1", 5)]
    assert booking.credits == ()


def test_a_payment_is_a_top_up() -> None:
    paid = ev.Credited(at_ms=1, tenant_id="steel", amount_micros=7, reference="bank-1")

    assert moved([book(a_state(), paid, NOW_MS)]) == [(TransferKind.TOP_UP, "bank-1", 7)]


@pytest.mark.parametrize(
    ("amount_micros", "kind", "account"),
    [
        (7, TransferKind.VOUCHER_BURNT, "tenant:steel:available"),
        (-7, TransferKind.VOUCHER_RETURNED, "tenant:steel:voucher:v1"),
    ],
)
def test_a_voucher_pays_its_tenant_or_gets_something_back(
    amount_micros: int, kind: TransferKind, account: str
) -> None:
    paid = ev.Credited(
        at_ms=0,
        tenant_id="steel",
        amount_micros=amount_micros,
        reference="voucher:v1@2026-10:burnt",
        voucher_id="v1",
        voucher_month="2026-10",
    )

    (transfer,) = book(a_state(), paid, NOW_MS).transfers

    assert (transfer.kind, transfer.credit_account, transfer.amount_micros) == (kind, account, 7)
    assert transfer.reference == "v1@2026-10"
