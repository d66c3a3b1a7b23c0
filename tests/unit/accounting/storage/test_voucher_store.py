"""Vouchers in the books: issued once, burnt at the close, given back by a credit, all provable."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from accounting.months.closing import close_month, statement
from accounting.proof.verifying import Misfit, verify
from accounting.storage import store
from accounting.storage.voucher_store import balances, issue
from accounting.usage.slices import UsageCredit
from tests.builders import shanghai, used
from tests.unit.accounting.prices.test_vouchers import VOUCHER

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
NOVEMBER = used("2026-11-02T00:00", "2026-11-02T01:00", reference="j3.1")
AFTER_OCTOBER = shanghai("2026-11-03T10:00")
AFTER_NOVEMBER = shanghai("2026-12-03T10:00")
CREDIT = UsageCredit(
    reference="j1.1", tenant_id="steel", at_ms=OCTOBER.to_ms, cause="node", recorded_at_ms=0
)
YEARS = replace(VOUCHER, until_ms=shanghai("2027-01-01T00:00"))


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """Books of a month in which steel used 56.00 yuan; nobody commits them."""
    store.book(connection, [OCTOBER], [], [])
    return connection


def test_what_an_issuer_owes_stands_in_the_ledger(connection: Connection) -> None:
    issue(connection, YEARS)

    accounts = store.balances(connection)

    assert accounts["tenant:steel:voucher:v1"] == 1_000_000_000
    assert accounts["subsidy_receivable:city"] == -1_000_000_000
    assert sum(accounts.values()) == 0


def test_a_draft_says_what_vouchers_would_pay(connection: Connection) -> None:
    issue(connection, YEARS)

    draft = json.loads(statement(connection, "steel", "2026-10").body)

    assert draft["vouchers"] == [
        {
            "voucher": "v1",
            "issuer": "city",
            "contract": "QD-1",
            "kind": "burnt",
            "amount": "56.00",
            "amount_fen": 5_600,
        }
    ]
    assert (draft["totals"]["gross"], draft["totals"]["due"]) == ("56.00", "0.00")
    assert [one.left_fen for one in balances(connection)] == [100_000]


def test_a_close_burns_and_the_statement_stays_what_it_was(connection: Connection) -> None:
    issue(connection, replace(YEARS, share_permille=500))

    (closed,) = close_month(connection, "2026-10", AFTER_OCTOBER)

    assert json.loads(closed.body)["totals"]["vouchers"] == "28.00"
    assert json.loads(closed.body)["totals"]["due"] == "28.00"
    assert [one.left_fen for one in balances(connection, "steel")] == [100_000 - 2_800]
    assert statement(connection, "steel", "2026-10") == closed


def test_what_is_burnt_is_not_burnt_again(connection: Connection) -> None:
    issue(connection, replace(YEARS, amount_fen=5_700))
    close_month(connection, "2026-10", AFTER_OCTOBER)
    store.book(connection, [NOVEMBER], [], [])

    (november,) = close_month(connection, "2026-11", AFTER_NOVEMBER)

    totals = json.loads(november.body)["totals"]
    assert (totals["gross"], totals["vouchers"], totals["due"]) == ("3.50", "1.00", "2.50")
    assert [one.left_fen for one in balances(connection)] == [0]


def test_a_credit_note_gives_the_voucher_back(connection: Connection) -> None:
    """56.00 of October were paid by it; in November it turns out that a node was lost."""
    issue(connection, YEARS)
    close_month(connection, "2026-10", AFTER_OCTOBER)
    store.book(connection, [NOVEMBER], [CREDIT], [])

    (november,) = close_month(connection, "2026-11", AFTER_NOVEMBER)

    body = json.loads(november.body)
    assert body["totals"]["gross"] == "-52.50"
    assert [(one["kind"], one["amount"]) for one in body["vouchers"]] == [("returned", "-52.50")]
    assert body["totals"]["due"] == "0.00"
    assert [one.left_fen for one in balances(connection)] == [100_000 - 5_600 + 5_250]


def test_what_comes_back_is_of_ones_own_vouchers(connection: Connection) -> None:
    issue(connection, replace(YEARS, tenant_id="fish"))
    theirs = replace(OCTOBER, tenant_id="fish", reference="f.1")
    store.book(connection, [theirs], [], [])
    close_month(connection, "2026-10", AFTER_OCTOBER)
    store.book(connection, [], [CREDIT], [])

    close_month(connection, "2026-11", AFTER_NOVEMBER)

    totals = json.loads(statement(connection, "steel", "2026-11").body)["totals"]
    assert (totals["gross"], totals["vouchers"], totals["due"]) == ("-56.00", "0.00", "-56.00")
    assert [one.left_fen for one in balances(connection)] == [100_000 - 5_600]


def test_a_voucher_is_never_another_tenants(connection: Connection) -> None:
    issue(connection, replace(YEARS, tenant_id="fish"))

    (closed,) = close_month(connection, "2026-10", AFTER_OCTOBER)

    assert json.loads(closed.body)["vouchers"] == []
    assert balances(connection, "steel") == ()


@pytest.mark.parametrize("again", [{"contract": "QD-2"}, {"id": "v2"}])
def test_a_voucher_and_its_contract_are_there_once(
    connection: Connection, again: dict[str, str]
) -> None:
    issue(connection, YEARS)

    with pytest.raises(IntegrityError, match="vouchers_"):
        issue(connection, replace(YEARS, **again))  # type: ignore[arg-type] # by name


def test_a_voucher_that_cannot_be_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="voucher v1: it ends before it begins"):
        issue(connection, replace(YEARS, until_ms=0))

    assert balances(connection) == ()


@pytest.mark.parametrize("table", ["vouchers", "voucher_entries"])
def test_what_is_written_of_vouchers_cannot_be_changed(connection: Connection, table: str) -> None:
    issue(connection, YEARS)
    close_month(connection, "2026-10", AFTER_OCTOBER)

    with pytest.raises(DBAPIError, match=f"table {table} is only ever added to"):
        connection.execute(text(f"UPDATE {table} SET amount_fen = 1"))  # noqa: S608 # our own


@pytest.mark.parametrize("change", [
    "vouchers SET amount_fen = 1", "vouchers SET contract = 'x'", "vouchers SET fields = '[1]'",
    "vouchers SET until_ms = 7", "voucher_entries SET amount_fen = 1",
    "voucher_entries SET kind = 'returned'", "voucher_entries SET month = '2026-09'",
])  # fmt: skip
def test_one_value_of_a_voucher_is_enough_to_be_found(connection: Connection, change: str) -> None:
    issue(connection, YEARS)
    close_month(connection, "2026-10", AFTER_OCTOBER)
    assert [one for one in verify(connection) if isinstance(one, Misfit)] == []
    connection.execute(text("SET LOCAL session_replication_role = replica"))

    connection.execute(text(f"UPDATE {change}"))  # our own

    found = next(one for one in verify(connection) if isinstance(one, Misfit))
    assert found.part == "chain of tenant steel"
    assert found.row.startswith("voucher")


def test_what_a_fault_gave_back_within_the_month_is_not_paid(connection: Connection) -> None:
    issue(connection, replace(YEARS, share_permille=500))
    store.book(connection, [replace(OCTOBER, reference="j2.1")], [CREDIT], [])

    (closed,) = close_month(connection, "2026-10", AFTER_OCTOBER)

    totals = json.loads(closed.body)["totals"]
    assert (totals["gross"], totals["vouchers"]) == ("56.00", "28.00")
