"""Invoices and payments in the books: never more than is due, once each, and provable."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from accounting.bills.invoice_lines import PACKAGE_ITEM
from accounting.bills.invoices import BillRefused, Invoice, InvoiceState, Receipt
from accounting.months.billing import (
    accounts,
    ask_for_invoice,
    invoice,
    invoices,
    note_step,
    receipts,
    receive,
)
from accounting.months.closing import close_month, statement
from accounting.proof.verifying import Misfit, verify
from accounting.storage import store
from accounting.storage.fact_store import keep
from accounting.storage.voucher_store import issue
from tests.builders import shanghai, used
from tests.unit.accounting.bills.test_invoices import CREDITED, ISSUED, REQUEST, WITHDRAWN
from tests.unit.accounting.prices.test_vouchers import VOUCHER
from tests.unit.accounting.storage.test_package_store import PACK

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
ASKED = replace(REQUEST, lines=())
AGAIN = replace(ASKED, id="r2")
PAID = Receipt(
    reference="bank-1",
    tenant_id="steel",
    month="2026-10",
    invoice_id="",
    amount_fen=2_000,
    paid_at_ms=shanghai("2026-11-07T10:00"),
    by="finance (2)",
    at_ms=shanghai("2026-11-08T10:00"),
)


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """October is closed: steel used 56.00 yuan, and a voucher pays 6.00 of it."""
    store.book(connection, [OCTOBER], [], [])
    year = shanghai("2027-01-01T00:00")
    issue(connection, replace(VOUCHER, amount_fen=600, until_ms=year))
    close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))
    return connection


def test_all_that_is_due_is_asked_for_and_no_more(connection: Connection) -> None:
    made = ask_for_invoice(connection, ASKED, None)

    assert made.request.gross_fen == 5_000
    assert made.request.sha256 == statement(connection, "steel", "2026-10").sha256
    with pytest.raises(BillRefused, match=r"0\.00 are due and not asked for yet"):
        ask_for_invoice(connection, AGAIN, None)
    with pytest.raises(BillRefused, match=r"invoice of 0\.01 yuan cannot be asked for"):
        ask_for_invoice(connection, AGAIN, 1)
    assert invoices(connection) == (made,)


def test_packages_are_due_and_an_invoice_asks_for_them(connection: Connection) -> None:
    keep(connection, PACK)
    close_month(connection, "2026-11", shanghai("2026-12-03T10:00"))

    made = ask_for_invoice(connection, replace(ASKED, month="2026-11"), None)

    (line,) = made.request.lines
    assert (line.item, line.gross_fen, line.tax_fen) == (PACKAGE_ITEM, 10_600, 600)
    assert [one.outstanding_fen for one in accounts(connection)] == [5_000, 10_600]


def test_the_same_request_again_changes_nothing(connection: Connection) -> None:
    made = ask_for_invoice(connection, ASKED, 2_000)

    assert ask_for_invoice(connection, replace(ASKED, at_ms=9), 2_000) == made
    with pytest.raises(BillRefused, match="request r1 is there already, and is another"):
        ask_for_invoice(connection, ASKED, 2_001)
    with pytest.raises(BillRefused, match="is another"):
        ask_for_invoice(connection, replace(ASKED, buyer_name="else"), 2_000)


def test_invoices_are_read_page_by_page(connection: Connection) -> None:
    first = ask_for_invoice(connection, ASKED, 1_000)
    ask_for_invoice(connection, AGAIN, 1_000)
    third = ask_for_invoice(connection, replace(ASKED, id="r0"), 1_000)
    note_step(connection, replace(WITHDRAWN, invoice_id="r2"))

    assert invoices(connection, limit=1) == (first,)
    second, last = invoices(connection, "steel", "2026-10", after_id="r1", limit=2)
    assert (second.request.id, second.state, last) == ("r2", InvoiceState.WITHDRAWN, third)
    assert invoices(connection, after_id="r0") == ()
    assert invoices(connection, after_id="never") == ()


def test_nobody_learns_by_a_cursor_when_another_tenant_asked(connection: Connection) -> None:
    ask_for_invoice(connection, ASKED, 1_000)
    mine = Invoice(request=replace(REQUEST, id="p1", tenant_id="port"))
    keep(connection, mine.request)

    assert invoices(connection, "port", after_id="r1") == ()
    assert invoices(connection, after_id="r1") == (mine,)


def test_for_a_withdrawn_request_may_be_asked_again(connection: Connection) -> None:
    ask_for_invoice(connection, ASKED, None)
    note_step(connection, WITHDRAWN)

    assert ask_for_invoice(connection, AGAIN, None).request.gross_fen == 5_000


@pytest.mark.parametrize("draft", [{"month": "2026-11"}, {"month": "2026-09"}])
def test_a_draft_has_no_invoice(connection: Connection, draft: dict[str, str]) -> None:
    with pytest.raises(BillRefused, match=r"of tenant steel is a draft|0\.00 are due"):
        ask_for_invoice(connection, replace(ASKED, **draft), None)  # type: ignore[arg-type] # by name


def test_an_invoice_is_issued_credited_and_stays_in_the_books(connection: Connection) -> None:
    ask_for_invoice(connection, ASKED, None)
    note_step(connection, ISSUED)
    note_step(connection, ISSUED)
    note_step(connection, CREDITED)

    found = invoice(connection, "r1")

    assert found is not None
    assert (found.state, found.number, found.credited_fen) == ("issued", "26370001", 600)
    assert ask_for_invoice(connection, AGAIN, None).request.gross_fen == 600
    with pytest.raises(BillRefused, match="number 26370001 is that of another"):
        note_step(connection, replace(ISSUED, invoice_id="r2"))


def test_a_withdrawn_request_takes_no_invoice_number(connection: Connection) -> None:
    ask_for_invoice(connection, replace(ASKED, id=ISSUED.number), 1)
    withdrawn = replace(WITHDRAWN, number=ISSUED.number, invoice_id=ISSUED.number)
    made = note_step(connection, withdrawn)
    ask_for_invoice(connection, ASKED, None)

    assert note_step(connection, ISSUED).number == ISSUED.number
    assert note_step(connection, withdrawn) == made


def test_a_credit_note_over_all_that_is_left_is_noted_once(connection: Connection) -> None:
    ask_for_invoice(connection, ASKED, None)
    note_step(connection, ISSUED, is_all=True)
    whole = replace(CREDITED, amount_fen=0)

    made = note_step(connection, whole, is_all=True)

    assert (made.state, made.credited_fen) == ("credited", 5_000)
    assert note_step(connection, whole, is_all=True) == made
    assert note_step(connection, replace(ISSUED, amount_fen=0), is_all=True) == made


def test_a_payment_is_written_down_once(connection: Connection) -> None:
    assert receive(connection, PAID) == receive(connection, replace(PAID, at_ms=0))

    assert receipts(connection, "steel") == (PAID,)
    with pytest.raises(BillRefused, match="bank-1 is written down already, and is another"):
        receive(connection, replace(PAID, amount_fen=1))


@pytest.mark.parametrize("fen", [3_001, 0])
def test_no_more_is_paid_than_is_open(connection: Connection, fen: int) -> None:
    receive(connection, PAID)

    with pytest.raises(BillRefused, match=r"of tenant steel 30\.00 are open"):
        receive(connection, replace(PAID, reference="bank-2", amount_fen=fen))


def test_no_more_is_paid_than_its_invoice_says(connection: Connection) -> None:
    ask_for_invoice(connection, ASKED, 1_000)

    with pytest.raises(BillRefused, match=r"invoice request r1 of 2026-10 .* 10\.00 are open"):
        receive(connection, replace(PAID, invoice_id="r1"))
    receive(connection, replace(PAID, invoice_id="r1", amount_fen=1_000))
    with pytest.raises(BillRefused, match="was paid: it cannot be withdrawn"):
        note_step(connection, WITHDRAWN)


def test_accounts_say_what_is_outstanding(connection: Connection) -> None:
    ask_for_invoice(connection, ASKED, 3_000)
    note_step(connection, replace(ISSUED, amount_fen=3_000))
    receive(connection, PAID)

    (steel,) = accounts(connection)

    assert (steel.due_fen, steel.requested_fen, steel.issued_fen) == (5_000, 3_000, 3_000)
    assert (steel.paid_fen, steel.outstanding_fen) == (2_000, 3_000)
    assert accounts(connection, "fish") == ()


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ("UPDATE invoice_requests SET buyer_name = 'else'", "invoice_requests r1"),
        ("UPDATE invoice_steps SET amount_fen = 1", "invoice_steps 26370001"),
        ("UPDATE receipts SET amount_fen = 1", "receipts bank-1"),
    ],
)
def test_each_is_a_link_of_its_tenants_chain(connection: Connection, change: str, row: str) -> None:
    ask_for_invoice(connection, ASKED, 3_000)
    note_step(connection, ISSUED)
    receive(connection, PAID)
    assert [one for one in verify(connection) if isinstance(one, Misfit)] == []

    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text(change))

    (misfit,) = [one for one in verify(connection) if isinstance(one, Misfit)]
    assert misfit.row == row


def test_a_withdrawn_request_is_no_invoice(connection: Connection) -> None:
    ask_for_invoice(connection, ASKED, None)

    assert note_step(connection, WITHDRAWN).state is InvoiceState.WITHDRAWN
