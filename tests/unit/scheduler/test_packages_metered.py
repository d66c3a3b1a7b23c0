"""Packages while jobs run: what they cover costs nothing more, and the rest its price."""

from dataclasses import replace

import pytest

from accounting.ledger import TransferKind, balances
from accounting.prices.packages import Covered, Package, PackageKind
from scheduler.facts import events as ev
from scheduler.facts.metering import Booking, book, slices
from scheduler.facts.state import State
from scheduler.model.job import EndCause, ReasonCode
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import (
    HOUR_MS,
    YUAN,
    a_job,
    a_lease,
    a_placement,
    a_state,
    happen,
    submit,
)
from tests.unit.accounting.prices.test_packages import NODES
from tests.unit.scheduler.facts.test_metering import BEGIN_MS, ended, take

SIX = replace(NODES, id="six", card_count=6)
PACK = replace(NODES, id="pack", kind=PackageKind.CARD_HOURS, card_count=0, device_ms=10 * HOUR_MS)


def buy(*packages: Package) -> State:
    state = a_state()
    happen(state, *(ev.PackageBought(at_ms=0, package=package) for package in packages))
    return state


def a_run(*packages: Package, job_id: str = "j1", pool: str = "east-npu") -> State:
    state = buy(*packages)
    start(state, job_id, pool)
    return state


def start(state: State, job_id: str, pool: str) -> None:
    submit(state, a_job(job_id, limit_ms=10 * HOUR_MS))
    lease = a_lease(job_id, a_placement(pool, 8), at_ms=BEGIN_MS, hold_micros=500 * YUAN)
    happen(state, lease, ev.Started(at_ms=BEGIN_MS, attempt_id=f"{job_id}.1"))


def run_on(state: State, to_ms: int, attempt_id: str = "j1.1") -> list[Booking]:
    return take(state, *slices(state, state.live[attempt_id], to_ms, to_ms))


def usage(bookings: list[Booking]) -> list[tuple[str, int, int, int]]:
    return [
        (one.reference, one.device_count, one.device_ms // 1_000, one.price_micros)
        for booking in bookings
        for one in booking.usage
    ]


def posted(bookings: list[Booking]) -> list[int]:
    moved = (transfer for booking in bookings for transfer in booking.transfers)
    return [one.amount_micros for one in moved if one.kind is TransferKind.POST]


def test_what_is_bought_is_paid_out_of_the_balance_once() -> None:
    state = a_state()
    bought = ev.PackageBought(at_ms=7, package=SIX)
    before = state.funds["steel"].available_micros

    (transfer,) = book(state, bought, 7).transfers
    happen(state, bought)

    assert (transfer.kind, transfer.reference) == (TransferKind.PURCHASE, "six")
    assert balances([transfer]) == {
        "tenant:steel:available": -1_000 * YUAN,
        "prepaid": 1_000 * YUAN,
    }
    assert state.funds["steel"].available_micros == before - 1_000 * YUAN
    assert state.apply(bought) == "package six is bought already"


def test_a_package_is_not_bought_for_what_is_not_there() -> None:
    state = a_state()
    state.funds["steel"].available_micros = 999 * YUAN + 123_456

    refusal = state.apply(ev.PackageBought(at_ms=0, package=SIX))

    assert refusal == "the balance of steel lacks 0.88 yuan for it"


def test_covered_cards_cost_nothing_more_and_are_usage_of_their_own() -> None:
    state = a_run(SIX)

    bookings = run_on(state, BEGIN_MS + 1_000)

    assert usage(bookings) == [("j1.1/six", 6, 6, 0), ("j1.1", 2, 2, 3_600_000)]
    assert posted(bookings) == [2_000]
    assert state.live["j1.1"].covered == {"six": 6_000}


def test_what_is_covered_wholly_moves_no_money() -> None:
    bookings = run_on(a_run(replace(SIX, card_count=8)), BEGIN_MS + 1_000)

    assert usage(bookings) == [("j1.1/six", 8, 8, 0)]
    assert posted(bookings) == []


def test_other_kinds_are_not_covered() -> None:
    bookings = run_on(a_run(replace(SIX, device_kind_id="gpu")), BEGIN_MS + 1_000)

    assert usage(bookings) == [("j1.1", 8, 8, 3_600_000)]


def test_two_that_run_at_once_share_what_covers_them() -> None:
    state = a_run(SIX)
    start(state, "j2", "north-npu")

    first = run_on(state, BEGIN_MS + 2_000)
    second = run_on(state, BEGIN_MS + 3_000, "j2.1")

    assert usage(first)[0] == ("j1.1/six", 6, 12, 0)
    assert usage(second) == [
        ("j2.1", 8, 16, 3_600_000),
        ("j2.1/six", 6, 6, 0),
        ("j2.1", 2, 2, 3_600_000),
    ]


def test_card_hours_are_used_up_to_the_last_and_then_it_costs_its_price() -> None:
    """Ten card-hours last eight cards for 75 minutes."""
    state = a_run(PACK)

    bookings = run_on(state, BEGIN_MS + 2 * HOUR_MS)

    assert usage(bookings) == [
        ("j1.1/pack", 8, 36_000, 0),
        ("j1.1", 8, 21_600, 3_600_000),
    ]
    assert posted(bookings) == [21_600_000]
    assert state.funds["steel"].stocks[0].left_device_ms == 0


def test_what_is_over_is_looked_at_by_no_plan() -> None:
    funds = a_run(PACK).funds["steel"]
    kind_id, until_ms = PACK.device_kind_id, PACK.until_ms

    assert [one.package for one in funds.stocks_of(kind_id, until_ms - 1)] == [PACK]
    assert funds.stocks_of(kind_id, until_ms) == []


@pytest.mark.parametrize("step_ms", [7, 1_000, 333_333])
def test_however_finely_it_is_cut_the_charges_are_those_of_what_is_not_covered(
    step_ms: int,
) -> None:
    pack = replace(PACK, device_ms=1_234_567)
    state, end_ms = a_run(pack, replace(SIX, card_count=3)), BEGIN_MS + 350_000 // step_ms * step_ms
    bookings = []
    for now_ms in range(BEGIN_MS + step_ms, BEGIN_MS + min(350_000, 40 * step_ms), step_ms):
        bookings += run_on(state, now_ms)
    bookings += run_on(state, max(end_ms, BEGIN_MS + 333_333))

    all_ms = 8 * (state.live["j1.1"].metered_to_ms or 0) - 8 * BEGIN_MS
    by_nodes = all_ms * 3 // 8
    assert sum(posted(bookings)) == all_ms - by_nodes - 1_234_567


def test_what_the_parks_fault_ended_gives_card_hours_and_all_usage_back() -> None:
    state = a_run(PACK)
    run_on(state, BEGIN_MS + 2 * HOUR_MS)

    (booking,) = take(state, ended(EndCause.NODE, BEGIN_MS + 2 * HOUR_MS))

    assert [credit.reference for credit in booking.credits] == ["j1.1", "j1.1/pack"]
    assert state.funds["steel"].stocks[0].left_device_ms == PACK.device_ms


def test_a_slice_takes_no_more_of_a_package_than_it_has() -> None:
    state = a_run(SIX)
    slice_ = ev.Metered(
        at_ms=0,
        attempt_id="j1.1",
        from_ms=BEGIN_MS,
        to_ms=BEGIN_MS + 1,
        price_micros=3_600_000,
        charge_micros=0,
        covered=(Covered("six", 7),),
    )

    assert state.apply(slice_) == "package six has 6 cards there, not 7"
    unknown = replace(slice_, covered=(Covered("x", 1),))
    assert state.apply(unknown) == "there is no package x of this tenant"


def test_who_has_prepaid_needs_no_balance_for_what_is_covered() -> None:
    state = buy(replace(SIX, card_count=8))
    state.funds["steel"].available_micros = 0
    submit(state, a_job(limit_ms=10 * HOUR_MS))

    (grant,) = plan(state, BEGIN_MS).grants

    assert (grant.job_id, grant.hold_micros) == ("j1", 0)


def test_what_a_plan_grants_shares_what_is_prepaid() -> None:
    """Eight cards are covered: the next eight cost 28.80 an hour, and there is enough for once."""
    state = buy(replace(SIX, card_count=8))
    state.funds["steel"].available_micros = 288 * YUAN
    submit(state, *(a_job(job_id, limit_ms=10 * HOUR_MS) for job_id in ("j1", "j2", "j3")))

    result = plan(state, BEGIN_MS)

    holds = [(grant.job_id, grant.hold_micros) for grant in result.grants]
    assert holds == [("j1", 0), ("j2", 288 * YUAN)]
    told = {(one.code, one.need, one.free) for one in result.verdicts["j3"].reasons}
    assert told == {(ReasonCode.FUNDS, 288 * YUAN, 0)}
    assert verified(state, result, BEGIN_MS, DEFAULT) == (result, ())


def test_what_a_plan_grants_of_another_kind_takes_nothing_of_what_is_prepaid() -> None:
    state = buy(replace(SIX, card_count=8))
    other = a_job("j1", device_kind_ids=("gpu",), device_count=4, limit_ms=HOUR_MS)
    submit(state, other, a_job("j2", device_kind_ids=("npu",), limit_ms=HOUR_MS))

    holds = {grant.job_id: grant.hold_micros for grant in plan(state, BEGIN_MS).grants}

    assert holds["j1"] > 0
    assert holds["j2"] == 0


@pytest.mark.parametrize(("hours", "yuan"), [(1, 0), (2, 36)])
def test_a_hold_is_for_what_is_not_covered_beside_what_runs(hours: int, yuan: int) -> None:
    """Six nodes' cards and ten card-hours: 16 of 16 card-hours in one hour, 22 of 32 in two.

    `j1` alone would have 8 and 16 of them; the rest is for the other job.
    """
    state = a_run(SIX, PACK)
    submit(state, a_job("j2", limit_ms=hours * HOUR_MS))

    (grant,) = plan(state, BEGIN_MS).grants

    assert grant.hold_micros == yuan * YUAN


def test_packages_are_in_a_checkpoint() -> None:
    state = a_run(SIX, PACK)
    run_on(state, BEGIN_MS + 1_000)

    restored = State.restored(state.snapshot())

    assert restored.apply(ev.PackageBought(at_ms=0, package=SIX)) == "package six is bought already"
    assert usage(run_on(restored, BEGIN_MS + 2_000))[0] == ("j1.1/six", 6, 6, 0)
