"""Closing a month: its statements and settlements, and the money that moves for them."""

import json
from collections.abc import Iterator

from sqlalchemy import Connection, text

from accounting.bills.taxes import taxes_of
from accounting.money import MICROS_PER_FEN
from accounting.months.closing import ClosedBook, close_month, closed
from accounting.months.settling import settle_month
from accounting.prices.vouchers import EntryKind
from accounting.storage.voucher_store import entries
from scheduler.facts.events import Credited, TaxStated
from scheduler.facts.log import Request
from scheduler.storage.store import put_requests


def close_once(connection: Connection, month: str, now_ms: int) -> ClosedBook:
    """What the month was closed with, now or before; raises `CannotClose`.

    The leader is asked, in this transaction, to give tenants back what vouchers pay, and to move
    the tax that the statements state; also where an earlier release has closed it, and did not.
    """
    connection.execute(text("LOCK TABLE closings IN SHARE ROW EXCLUSIVE MODE"))
    book = closed(connection, month) or _close(connection, month, now_ms)
    put_requests(connection, _taxes(book), now_ms)
    return book


def _close(connection: Connection, month: str, now_ms: int) -> ClosedBook:
    close_month(connection, month, now_ms)
    settle_month(connection, month, now_ms)
    put_requests(connection, _voucher_payments(connection, month, now_ms), now_ms)
    book = closed(connection, month)
    assert book is not None, f"{month} was closed a moment ago"
    return book


def _taxes(book: ClosedBook) -> Iterator[Request]:
    """In the order of the tenants' ids, whatever the database's is: `brain verify` counts on it."""
    for one in sorted(book.statements, key=lambda one: one.tenant_id):
        wish = TaxStated(
            at_ms=book.closed_at_ms,
            tenant_id=one.tenant_id,
            month=one.month,
            parts=taxes_of(json.loads(one.body)),
        )
        if wish.parts:
            yield Request(id=wish.reference, wish=wish)


def _voucher_payments(connection: Connection, month: str, now_ms: int) -> Iterator[Request]:
    for entry in entries(connection, month):
        reference = f"voucher:{entry.voucher_id}@{month}:{entry.kind}"
        sign = 1 if entry.kind is EntryKind.BURNT else -1
        wish = Credited(
            at_ms=now_ms,
            tenant_id=entry.tenant_id,
            amount_micros=sign * entry.amount_fen * MICROS_PER_FEN,
            reference=reference,
            voucher_id=entry.voucher_id,
            voucher_month=month,
        )
        yield Request(id=reference, wish=wish)
