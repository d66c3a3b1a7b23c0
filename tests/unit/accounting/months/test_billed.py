"""The bills of a month, charge by charge: what its statements take in, whatever came since."""

import json
from contextlib import nullcontext
from dataclasses import replace

from sqlalchemy import Connection

from accounting.exports.focus import focus_rows
from accounting.exports.focus_lines import Names
from accounting.months.billed import bills_of
from accounting.months.closing import close_month, statement
from accounting.storage import store
from accounting.storage.voucher_store import issue
from accounting.usage.slices import UsageCredit
from tests.builders import shanghai, used
from tests.unit.accounting.prices.test_vouchers import VOUCHER

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
LATE = used("2026-10-31T23:00", "2026-11-01T00:00", reference="j2.1")
NOVEMBER = used("2026-11-02T00:00", "2026-11-02T00:07", reference="j3.1", tenant_id="fish")
CREDIT = UsageCredit(
    reference="j1.1",
    tenant_id="steel",
    at_ms=shanghai("2026-10-10T08:00"),
    cause="node",
    recorded_at_ms=0,
)


def billed(connection: Connection, month: str, tenant_id: str | None = None) -> dict[str, int]:
    """What the FOCUS rows of each tenant add up to, in fen."""
    sums: dict[str, int] = {}
    rows = focus_rows(
        bills_of(lambda: nullcontext(connection), month, tenant_id), Names(provider="park")
    )
    for row in rows:
        sums[row.billing_account_id] = sums.get(row.billing_account_id, 0) + row.billed_cost
    assert all(micros % 10_000 == 0 for micros in sums.values())
    return {tenant: micros // 10_000 for tenant, micros in sums.items()}


def stated(connection: Connection, month: str, tenant_id: str) -> int:
    totals = json.loads(statement(connection, tenant_id, month).body)["totals"]
    return int(totals["due_fen"])


def test_the_bills_of_a_month_add_up_to_its_statements(connection: Connection) -> None:
    store.book(connection, [OCTOBER, NOVEMBER], [], [])
    close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))
    store.book(connection, [LATE], [CREDIT], [])

    for is_closed in (False, True):
        if is_closed:
            close_month(connection, "2026-11", shanghai("2026-12-03T10:00"))
        assert billed(connection, "2026-10") == {"steel": 5600}
        assert billed(connection, "2026-11") == {
            "fish": stated(connection, "2026-11", "fish"),
            "steel": 350 - 5600,
        }
        assert billed(connection, "2026-11", "steel") == {
            "steel": stated(connection, "2026-11", "steel")
        }


def test_a_voucher_is_a_credit_of_the_month_that_it_paid(connection: Connection) -> None:
    voucher = replace(VOUCHER, amount_fen=5_000, until_ms=shanghai("2027-01-01T00:00"))
    store.book(connection, [OCTOBER], [], [])
    issue(connection, voucher)

    assert billed(connection, "2026-10") == {"steel": 600}
    close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))
    issue(connection, replace(voucher, id="v2", contract="QD-2", amount_fen=5_600))
    store.book(connection, [replace(LATE, from_ms=LATE.to_ms, to_ms=LATE.to_ms + 1)], [], [])
    assert billed(connection, "2026-10") == {"steel": 600}
    assert stated(connection, "2026-10", "steel") == 600


def test_a_voucher_pays_no_other_tenants_draft(connection: Connection) -> None:
    store.book(connection, [OCTOBER], [], [])
    issue(connection, replace(VOUCHER, tenant_id="fish", until_ms=shanghai("2027-01-01T00:00")))

    assert billed(connection, "2026-10") == {"steel": stated(connection, "2026-10", "steel")}
    assert billed(connection, "2026-10") == {"steel": 5_600}


def test_what_a_draft_gives_back_is_of_its_own_tenants_vouchers(connection: Connection) -> None:
    theirs = replace(OCTOBER, reference="j4.1", tenant_id="fish")
    store.book(connection, [OCTOBER, theirs], [], [])
    issue(connection, replace(VOUCHER, until_ms=shanghai("2027-01-01T00:00")))
    close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))
    store.book(connection, [], [replace(CREDIT, reference="j4.1", tenant_id="fish")], [])

    assert stated(connection, "2026-10", "steel") < 5_600, "a voucher has paid of it"
    assert billed(connection, "2026-11") == {"fish": -5_600}


def test_bills_have_the_facts_of_the_moment_at_which_they_were_begun(
    connection: Connection,
) -> None:
    store.book(connection, [OCTOBER], [], [])
    begun = bills_of(lambda: nullcontext(connection), "2026-10")

    store.book(connection, [LATE], [CREDIT], [])

    assert [charge.usage.reference for charge in begun.charges] == ["j1.1"]


def test_so_they_have_what_vouchers_would_have_paid_then(connection: Connection) -> None:
    """Else a month that is closed while its draft is read would be paid by nobody in it."""
    voucher = replace(VOUCHER, amount_fen=5_000, until_ms=shanghai("2027-01-01T00:00"))
    store.book(connection, [OCTOBER], [], [])
    issue(connection, voucher)
    begun = bills_of(lambda: nullcontext(connection), "2026-10")

    close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))

    micros = sum(row.billed_cost for row in focus_rows(begun, Names(provider="park")))
    assert micros == 600 * 10_000
