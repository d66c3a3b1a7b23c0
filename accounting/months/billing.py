"""Invoices and payments of closed statements in the books: asked for, noted, added up."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import JSONB

from accounting.bills.invoice_lines import lines_of
from accounting.bills.invoices import (
    Account,
    BillRefused,
    Invoice,
    InvoiceRequest,
    InvoiceStep,
    Receipt,
    StepKind,
    account,
    check_credit_code,
    check_step,
    withdrawn_number,
)
from accounting.bills.statement import StatementState
from accounting.money import yuan_of_fen
from accounting.months.closing import StoredStatement, statement
from accounting.storage.fact_store import alone, facts, keep, row_of
from accounting.storage.store import Condition
from accounting.storage.tables import StatementRow


def invoices(
    connection: Connection,
    tenant_id: str | None = None,
    month: str | None = None,
    after_id: str | None = None,
    limit: int | None = None,
) -> tuple[Invoice, ...]:
    """All invoices that were asked for, or a tenant's, or a month's, in their order.

    At most `limit` of them, after one (nothing follows one that they have not asked for).
    """
    table = row_of(InvoiceRequest)
    its = (table.id == after_id, *_of(InvoiceRequest, tenant_id))
    place = select(table.seq).where(*its).scalar_subquery()
    later = () if after_id is None else (table.seq > place,)
    mine = (*_of(InvoiceRequest, tenant_id, month), *later)
    asked = facts(connection, InvoiceRequest, *mine, limit=limit)
    ids = [one.id for one in asked]
    steps, paid = defaultdict(list), defaultdict(list)
    for step in facts(connection, InvoiceStep, row_of(InvoiceStep).invoice_id.in_(ids)):
        steps[step.invoice_id].append(step)
    for receipt in facts(connection, Receipt, row_of(Receipt).invoice_id.in_(ids)):
        paid[receipt.invoice_id].append(receipt)
    return tuple(
        Invoice(request=one, steps=tuple(steps[one.id]), receipts=tuple(paid[one.id]))
        for one in asked
    )


def invoice(connection: Connection, invoice_id: str) -> Invoice | None:
    """One of them, with all that became of it."""
    asked = facts(connection, InvoiceRequest, row_of(InvoiceRequest).id == invoice_id)
    if not asked:
        return None
    return Invoice(
        request=asked[0],
        steps=facts(connection, InvoiceStep, row_of(InvoiceStep).invoice_id == invoice_id),
        receipts=facts(connection, Receipt, row_of(Receipt).invoice_id == invoice_id),
    )


def receipts(
    connection: Connection, tenant_id: str | None = None, month: str | None = None
) -> tuple[Receipt, ...]:
    """What was paid, in the order in which it was written down."""
    return facts(connection, Receipt, *_of(Receipt, tenant_id, month))


def _of(kind: type[Any], tenant_id: str | None, month: str | None = None) -> Iterator[Condition]:
    if tenant_id is not None:
        yield row_of(kind).tenant_id == tenant_id
    if month is not None:
        yield row_of(kind).month == month


def ask_for_invoice(
    connection: Connection, asked: InvoiceRequest, amount_fen: int | None
) -> Invoice:
    """Ask for an invoice of so much of a closed statement (None: all that is left to ask for).

    `asked` has no lines yet. The same again, by its id, changes nothing. Raises `BillRefused`.
    """
    check_credit_code(asked.credit_code)
    alone(connection, InvoiceRequest)
    stored = _closed(connection, asked.tenant_id, asked.month)
    known = invoice(connection, asked.id)
    if known is not None:
        return _same(known, asked, amount_fen)
    left_fen = _account(connection, stored).unrequested_fen
    wanted_fen = left_fen if amount_fen is None else amount_fen
    if not 0 < wanted_fen <= left_fen:
        raise BillRefused(
            f"an invoice of {yuan_of_fen(wanted_fen)} yuan cannot be asked for: of the statement "
            f"{asked.month} of tenant {asked.tenant_id}, {yuan_of_fen(left_fen)} are due and not "
            "asked for yet"
        )
    lines = lines_of(json.loads(stored.body), wanted_fen)
    made = replace(asked, lines=lines, sha256=stored.sha256)
    keep(connection, made)
    return Invoice(request=made)


def _same(known: Invoice, asked: InvoiceRequest, amount_fen: int | None) -> Invoice:
    """What was asked for by this id before, if it was the same."""
    before = known.request
    again = replace(
        asked, lines=before.lines, sha256=before.sha256, by=before.by, at_ms=before.at_ms
    )
    if again != before or amount_fen not in {None, before.gross_fen}:
        raise BillRefused(f"invoice request {asked.id} is there already, and is another")
    return known


def note_step(connection: Connection, step: InvoiceStep, *, is_all: bool = False) -> Invoice:
    """Note what became of a request; the same again changes nothing. Raises `BillRefused`.

    `is_all`: over all that is open of it when it is noted, whatever the amount of `step`.
    """
    if step.kind is StepKind.WITHDRAWN:
        step = replace(step, number=withdrawn_number(step.invoice_id))
    alone(connection, InvoiceRequest, InvoiceStep)
    known = invoice(connection, step.invoice_id)
    assert known is not None, f"somebody looked for {step.invoice_id}"
    of_number = facts(connection, InvoiceStep, row_of(InvoiceStep).number == step.number)
    if of_number:
        if _again(step, of_number[0], is_all=is_all) == of_number[0]:
            return known
        raise BillRefused(f"number {step.number} is that of another invoice or credit note")
    if is_all:
        step = replace(step, amount_fen=known.open_fen)
    check_step(known, step)
    if step.kind is StepKind.WITHDRAWN and known.receipts:
        raise BillRefused(f"invoice request {step.invoice_id} was paid: it cannot be withdrawn")
    keep(connection, step)
    return replace(known, steps=(*known.steps, step))


def _again(step: InvoiceStep, before: InvoiceStep, *, is_all: bool) -> InvoiceStep:
    """A step as it would be, had it been noted by whom and when `before` was."""
    amount_fen = before.amount_fen if is_all else step.amount_fen
    return replace(step, by=before.by, at_ms=before.at_ms, amount_fen=amount_fen)


def receive(connection: Connection, paid: Receipt) -> Receipt:
    """Write down a payment; the same again changes nothing. Raises `BillRefused`."""
    alone(connection, InvoiceRequest, InvoiceStep, Receipt)
    known = facts(connection, Receipt, row_of(Receipt).reference == paid.reference)
    if known:
        if replace(paid, by=known[0].by, at_ms=known[0].at_ms) == known[0]:
            return known[0]
        raise BillRefused(f"payment {paid.reference} is written down already, and is another")
    stored = _closed(connection, paid.tenant_id, paid.month)
    _check_open(paid, "the statement", _account(connection, stored).outstanding_fen)
    if paid.invoice_id:
        named = invoice(connection, paid.invoice_id)
        assert named is not None, f"somebody looked for {paid.invoice_id}"
        _check_open(paid, f"invoice request {paid.invoice_id}", named.open_fen - named.paid_fen)
    keep(connection, paid)
    return paid


def _check_open(paid: Receipt, what: str, open_fen: int) -> None:
    if not 0 < paid.amount_fen <= open_fen:
        raise BillRefused(
            f"payment {paid.reference} is {yuan_of_fen(paid.amount_fen)} yuan, and of {what} "
            f"of {paid.month} of tenant {paid.tenant_id} {yuan_of_fen(open_fen)} are open"
        )


def _closed(connection: Connection, tenant_id: str, month: str) -> StoredStatement:
    stored = statement(connection, tenant_id, month)
    if stored.state is not StatementState.CLOSED:
        raise BillRefused(
            f"the statement {month} of tenant {tenant_id} is a draft: close {month} first"
        )
    return stored


def _account(connection: Connection, stored: StoredStatement) -> Account:
    tenant_id, month = stored.tenant_id, stored.month
    paid = sum(one.amount_fen for one in receipts(connection, tenant_id, month))
    due_fen = json.loads(stored.body)["totals"]["due_fen"]
    return account(tenant_id, month, due_fen, invoices(connection, tenant_id, month), paid)


def accounts(connection: Connection, tenant_id: str | None = None) -> tuple[Account, ...]:
    """How each closed statement stands, of all tenants or of one, by tenant and month."""
    by_statement: defaultdict[tuple[str, str], list[Invoice]] = defaultdict(list)
    for one in invoices(connection, tenant_id):
        by_statement[one.request.tenant_id, one.request.month].append(one)
    paid_fen: defaultdict[tuple[str, str], int] = defaultdict(int)
    for paid in receipts(connection, tenant_id):
        paid_fen[paid.tenant_id, paid.month] += paid.amount_fen
    return tuple(
        account(*key, due_fen, by_statement[key], paid_fen[key])
        for key, due_fen in _dues(connection, tenant_id).items()
    )


def _dues(connection: Connection, tenant_id: str | None) -> Mapping[tuple[str, str], int]:
    """What each closed statement says is due, read by PostgreSQL out of its JSON."""
    totals = func.convert_from(StatementRow.body, "UTF8").cast(JSONB)["totals"]
    # A statement of the first form knew no vouchers.
    due = func.coalesce(totals["due_fen"].astext, totals["gross_fen"].astext)
    rows = select(StatementRow.tenant_id, StatementRow.month, due)
    if tenant_id is not None:
        rows = rows.where(StatementRow.tenant_id == tenant_id)
    found = ((owner, month, int(fen)) for owner, month, fen in connection.execute(rows))
    return {(owner, month): fen for owner, month, fen in sorted(found)}
