"""The books in a real PostgreSQL: exactly once, cut exactly, streamed in order."""

from contextlib import closing, nullcontext
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from accounting import ledger
from accounting.prices.rating import PriceMissing
from accounting.storage import store
from accounting.usage.slices import UsageCredit, UsageSlice
from tests.builders import HOUR_MS, PRICES, USAGE, shanghai, used

CREDIT = UsageCredit(
    reference="j1.1", tenant_id="steel", at_ms=HOUR_MS, cause="node", recorded_at_ms=HOUR_MS
)
TOP_UP = ledger.top_up("steel", 7_000_000, "bank-1", 0)
HOLD = ledger.hold("steel", "j1.1", 3_000_000, 1)
POST = ledger.post("steel", "qdaicc", "j1.1", 0, 1_000_000, 2)
RELEASE = ledger.release("steel", "j1.1", 2_000_000, 3)


def test_a_slice_is_booked_once(connection: Connection) -> None:
    store.book(connection, [USAGE], [], [])

    with pytest.raises(IntegrityError, match="usage_pkey"):
        store.book(connection, [replace(USAGE, to_ms=2 * HOUR_MS, recorded_at_ms=9)], [], [])


def test_usage_is_given_back_once(connection: Connection) -> None:
    store.book(connection, [USAGE], [CREDIT], [])

    with pytest.raises(IntegrityError, match="usage_credits_pkey"):
        store.book(connection, [], [replace(CREDIT, cause="centre")], [])


def test_money_moves_once(connection: Connection) -> None:
    store.book(connection, [], [], [TOP_UP])

    with pytest.raises(IntegrityError, match="transfers_pkey"):
        store.book(connection, [], [], [replace(TOP_UP, tenant_id="port", amount_micros=1)])


def test_a_refused_batch_leaves_nothing_behind(connection: Connection) -> None:
    with pytest.raises(IntegrityError), connection.begin_nested():
        store.book(connection, [USAGE], [CREDIT], [TOP_UP, TOP_UP])

    assert store.usage_sums(connection, 0, HOUR_MS) == ()
    assert store.balances(connection) == {}


@pytest.mark.parametrize(
    "bad",
    [
        replace(USAGE, to_ms=0),
        replace(USAGE, device_count=0),
        replace(USAGE, device_count=-8),
        replace(USAGE, tflops=-1),
        replace(USAGE, price_micros=-1),
    ],
)
def test_usage_that_cannot_be_is_refused(connection: Connection, bad: UsageSlice) -> None:
    with pytest.raises(IntegrityError, match="usage_"):
        store.book(connection, [bad], [], [])


def test_more_than_any_park_has_is_refused_and_nothing_is_written(connection: Connection) -> None:
    huge = replace(USAGE, reference="huge.1", device_count=1 << 62)

    with pytest.raises(DBAPIError, match="out of range"), connection.begin_nested():
        store.book(connection, [USAGE, huge], [], [])

    assert store.usage_sums(connection, 0, HOUR_MS) == ()


def test_a_slice_that_crosses_a_months_edge_is_refused(connection: Connection) -> None:
    crossing = used("2026-10-31T23:00", "2026-11-01T01:00")

    with pytest.raises(AssertionError, match=r"j1\.1 crosses a month's edge"):
        store.book(connection, [crossing], [], [])


@pytest.mark.parametrize("change", ["UPDATE usage SET device_count = 9", "DELETE FROM usage"])
def test_what_is_booked_cannot_be_changed(connection: Connection, change: str) -> None:
    store.book(connection, [USAGE], [], [])

    with pytest.raises(DBAPIError, match="table usage is only ever added to"):
        connection.execute(text(change))


def test_a_window_cuts_exactly_at_its_edges(connection: Connection) -> None:
    store.book(connection, [replace(USAGE, device_count=8)], [], [])

    (line,) = store.usage_sums(connection, 600_000, 600_007)

    assert line.device_ms == 8 * 7
    assert line.tflops_ms == 8 * 7 * 313


def test_a_window_excludes_what_only_touches_it(connection: Connection) -> None:
    store.book(connection, [USAGE], [], [])

    assert store.usage_sums(connection, HOUR_MS, 2 * HOUR_MS) == ()


def test_a_window_over_many_months_sees_them_all(connection: Connection) -> None:
    months = [
        used(f"2026-{month}-05T00:00", f"2026-{month}-05T01:00", reference=f"j{month}.1")
        for month in ("09", "10", "11")
    ]
    store.book(connection, months, [], [])

    window = (shanghai("2026-09-05T00:30"), shanghai("2026-11-05T00:30"))

    assert [s.device_ms for s in store.usage_sums(connection, *window)] == [2 * HOUR_MS]


def test_lines_are_told_apart_by_all_that_makes_a_line(connection: Connection) -> None:
    store.publish_price_list(connection, replace(PRICES, id="2027", from_ms=1))
    different = [
        replace(USAGE, reference="b.1", tenant_id="port"),
        replace(USAGE, reference="c.1", project="ml"),
        replace(USAGE, reference="d.1", centre_id="hzx"),
        replace(USAGE, reference="e.1", device_kind_id="hygon-k100"),
        replace(USAGE, reference="f.1", qos="high"),
        replace(USAGE, reference="g.1", price_list_id="2027"),
        replace(USAGE, reference="h.1", price_micros=4_000_000),
    ]
    store.book(connection, [USAGE, replace(USAGE, reference="a.1"), *different], [], [])

    everyone = store.usage_sums(connection, 0, HOUR_MS)
    mine = store.usage_sums(connection, 0, HOUR_MS, "steel")

    assert sorted(s.device_ms for s in everyone) == [HOUR_MS] * 7 + [2 * HOUR_MS]
    assert mine == tuple(s for s in everyone if s.tenant_id == "steel")


def test_credits_are_negative_and_say_why(connection: Connection) -> None:
    other = replace(USAGE, reference="j2.1")
    store.book(connection, [USAGE, other], [CREDIT], [])

    (usage,) = store.usage_sums(connection, 0, HOUR_MS)
    (credit,) = store.credit_sums(connection, 0, HOUR_MS)

    assert (usage.device_ms, usage.cause) == (2 * HOUR_MS, None)
    assert (credit.device_ms, credit.tflops_ms) == (-HOUR_MS, -HOUR_MS * 313)
    assert (credit.amount_fen, credit.cause) == (-350, "node")


def test_what_a_tenant_is_told_has_nothing_of_others(connection: Connection) -> None:
    theirs = replace(USAGE, tenant_id="port", reference="j2.1")
    their_credit = replace(CREDIT, tenant_id="port", reference="j2.1")
    store.book(connection, [USAGE, theirs], [CREDIT, their_credit], [])

    charges = store.charges(lambda: nullcontext(connection), 0, HOUR_MS, "steel")
    told = (
        [one.usage.tenant_id for one in charges],
        [one.tenant_id for one in store.credit_sums(connection, 0, HOUR_MS, "steel")],
        [one.tenant_id for one in store.month_sums(connection, "1970-01", "steel", None, None)],
        [one.tenant_id for one in store.month_sums(connection, "1970-01", "steel", 0, None)],
    )

    assert told == (["steel"] * 2, ["steel"], ["steel"] * 2, ["steel"] * 2)


def test_attempts_are_added_up_with_what_was_given_back_of_them(connection: Connection) -> None:
    other, elsewhere = replace(USAGE, reference="j1.2"), replace(USAGE, reference="j2.1")
    store.book(connection, [USAGE, other, elsewhere], [CREDIT], [])

    found = store.reference_sums(connection, ["j1.1", "j1.2"])

    assert {
        reference: [(line.device_ms, line.amount_micros, line.cause) for line in lines]
        for reference, lines in found.items()
    } == {
        "j1.1": [(HOUR_MS, 3_500_000, None), (-HOUR_MS, -3_500_000, "node")],
        "j1.2": [(HOUR_MS, 3_500_000, None)],
    }


def test_a_price_list_that_nobody_published_is_no_free_lunch(connection: Connection) -> None:
    store.book(connection, [replace(USAGE, price_list_id="secret")], [], [])

    with pytest.raises(PriceMissing, match="secret"):
        store.usage_sums(connection, 0, HOUR_MS)


def test_charges_come_in_order_of_time_then_what_was_given_back(connection: Connection) -> None:
    later = replace(USAGE, from_ms=HOUR_MS, to_ms=2 * HOUR_MS)
    other = replace(USAGE, reference="j0.1", from_ms=1)
    store.book(connection, [later, other, USAGE], [CREDIT], [])

    charges = list(store.charges(lambda: nullcontext(connection), 0, HOUR_MS + 5))

    assert [(c.usage.reference, c.usage.from_ms, c.usage.to_ms, c.cause) for c in charges] == [
        ("j1.1", 0, HOUR_MS, None),
        ("j0.1", 1, HOUR_MS, None),
        ("j1.1", HOUR_MS, HOUR_MS + 5, None),
        ("j1.1", 0, HOUR_MS, "node"),
        ("j1.1", HOUR_MS, HOUR_MS + 5, "node"),
    ]
    assert [c.amount_micros for c in charges[-2:]] == [-3_500_000, -5]


@pytest.mark.parametrize("page_rows", [1, 2, 3, 4])
def test_pages_of_any_size_are_the_same_export(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, page_rows: int
) -> None:
    same_moment = [replace(USAGE, reference=f"j{number}.1") for number in range(2, 5)]
    store.book(connection, [USAGE, *same_moment], [CREDIT], [])
    whole = list(store.charges(lambda: nullcontext(connection), 0, HOUR_MS))

    monkeypatch.setattr(store, "PAGE_ROWS", page_rows)

    assert list(store.charges(lambda: nullcontext(connection), 0, HOUR_MS)) == whole
    assert len(whole) == 5


def test_an_export_has_the_facts_of_its_first_moment(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE_ROWS", 1)
    store.book(connection, [USAGE, replace(USAGE, reference="j2.1")], [], [])
    charges = store.charges(lambda: nullcontext(connection), 0, HOUR_MS)
    next(charges)

    store.book(connection, [replace(USAGE, reference="j3.1")], [CREDIT], [])

    assert [charge.usage.reference for charge in charges] == ["j2.1"]


def test_balances_follow_from_the_transfers(connection: Connection) -> None:
    port = ledger.top_up("port", 5, "bank-2", 0)
    transfers = [TOP_UP, HOLD, POST, RELEASE, port]
    store.book(connection, [], [], transfers)

    assert store.balances(connection) == ledger.balances(transfers)
    assert store.balances(connection, "steel") == ledger.balances(transfers[:-1])


AMOUNTS = st.integers(1, 10**12)
TENANTS = st.sampled_from(["steel", "port"])


@st.composite
def histories(draw: st.DrawFn) -> list[list[ledger.Transfer]]:
    """Transfers of every kind, of two tenants, booked in any order and in any batches."""
    count = draw(st.integers(1, 20))
    makers = (
        lambda tenant, name, amount: ledger.top_up(tenant, amount, name, 0),
        lambda tenant, name, amount: ledger.hold(tenant, name, amount, 1),
        lambda tenant, name, amount: ledger.post(tenant, "east", name, 0, amount, 2),
        lambda tenant, name, amount: ledger.release(tenant, name, amount, 3),
        lambda tenant, name, amount: ledger.credit(tenant, "east", name, amount, 4),
    )
    transfers = [
        draw(st.sampled_from(makers))(draw(TENANTS), f"j{number}.1", draw(AMOUNTS))
        for number in range(count)
    ]
    cuts = sorted(draw(st.sets(st.integers(1, count), max_size=5)))
    return [transfers[begin:end] for begin, end in pairwise([0, *cuts, count])]


@given(batches=histories())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_accounts_hold_is_the_sum_of_all_transfers(
    connection: Connection, batches: list[list[ledger.Transfer]]
) -> None:
    transfers = [transfer for batch in batches for transfer in batch]
    of_port = [transfer for transfer in transfers if transfer.tenant_id == "port"]

    with closing(connection.begin_nested()) as savepoint:
        for batch in batches:
            store.book(connection, [], [], batch)
        held, held_by_port = store.balances(connection), store.balances(connection, "port")
        savepoint.rollback()

    assert held == ledger.balances(transfers)
    assert held_by_port == ledger.balances(of_port)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE balances SET amount_micros = 9",
        "INSERT INTO balances VALUES ('steel', 'a', 9)",
        "DELETE FROM balances",
    ],
)
def test_nobody_writes_what_accounts_hold(connection: Connection, change: str) -> None:
    store.book(connection, [], [], [TOP_UP])

    with pytest.raises(DBAPIError, match="table balances follows from the transfers"):
        connection.execute(text(change))


def test_a_price_list_comes_back_as_it_was_published(connection: Connection) -> None:
    second = replace(PRICES, id="a", from_ms=9, on_demand=(("z", 2), ("a", 1)), vat_permille=30)
    store.publish_price_list(connection, second)

    assert store.price_lists(connection) == (PRICES, second)


@given(cuts=st.sets(st.integers(1, 4 * HOUR_MS - 1), max_size=8), data=st.data())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_usage_is_cut_and_ordered_the_sum_is_the_same(
    connection: Connection, cuts: set[int], data: st.DataObject
) -> None:
    edges = [0, *sorted(cuts), 4 * HOUR_MS]
    pieces = [replace(USAGE, from_ms=begin, to_ms=end) for begin, end in pairwise(edges)]
    shuffled = data.draw(st.permutations(pieces))

    with closing(connection.begin_nested()) as savepoint:
        store.book(connection, shuffled, [], [])
        (line,) = store.usage_sums(connection, 0, 4 * HOUR_MS)
        savepoint.rollback()

    assert line.device_ms == 4 * HOUR_MS
    assert line.amount_fen == 1_400
