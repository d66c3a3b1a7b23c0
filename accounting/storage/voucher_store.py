"""Vouchers in PostgreSQL: issued once, burnt at a month's close, their balances derived."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, case, func, insert, select

from accounting import ledger
from accounting.bills.claims import Claim, ClaimRefused
from accounting.link import Link
from accounting.money import MICROS_PER_FEN
from accounting.prices.vouchers import Balance, EntryKind, Payment, Voucher, VoucherEntry, faults
from accounting.storage.chaining import chained, columns_of
from accounting.storage.fact_store import alone, facts, row_of
from accounting.storage.store import book
from accounting.storage.tables import VoucherEntryRow, VoucherRow

_LISTS = ("fields", "device_kind_ids", "centre_ids")
_NAMES = tuple(field.name for field in fields(Voucher))
_ENTRY_NAMES = tuple(field.name for field in fields(VoucherEntry))
_VOUCHER = tuple(getattr(VoucherRow, name) for name in _NAMES)


def issue(connection: Connection, voucher: Voucher) -> None:
    """Keep a voucher, and what its issuer owes for it.

    Raises `ValueError` for one that cannot be, `IntegrityError` for an id or a contract that has
    one already, `ClaimRefused` for a contract that was claimed for.
    """
    for fault in faults(voucher):
        raise ValueError(f"voucher {voucher.id}: {fault}")
    # Whoever claims looks for vouchers under the same lock.
    alone(connection, Claim)
    for claim in facts(connection, Claim, row_of(Claim).contract == voucher.contract):
        raise ClaimRefused(f"contract {voucher.contract} has claim {claim.id}: no double subsidy")
    (link,) = chained(connection, [voucher])
    row = {name: getattr(voucher, name) for name in _NAMES}
    row |= {name: list(getattr(voucher, name)) for name in _LISTS}
    connection.execute(insert(VoucherRow), row | columns_of(link))
    amount_micros = voucher.amount_fen * MICROS_PER_FEN
    issued = ledger.issue_voucher(
        voucher.tenant_id, voucher.id, voucher.issuer, amount_micros, voucher.issued_at_ms
    )
    book(connection, [], [], [issued])


def balances(connection: Connection, tenant_id: str | None = None) -> tuple[Balance, ...]:
    """All vouchers, or a tenant's, with what is left of each; in the order of their ids."""
    sign = case((VoucherEntryRow.kind == EntryKind.BURNT.value, -1), else_=1)
    moved = func.coalesce(func.sum(sign * VoucherEntryRow.amount_fen), 0).label("moved_fen")
    rows = select(*_VOUCHER, moved).outerjoin(
        VoucherEntryRow, VoucherEntryRow.voucher_id == VoucherRow.id
    )
    rows = rows.group_by(*_VOUCHER).order_by(VoucherRow.id)
    if tenant_id is not None:
        rows = rows.where(VoucherRow.tenant_id == tenant_id)
    return tuple(
        Balance(voucher=_voucher(row), left_fen=row["amount_fen"] + int(row["moved_fen"]))
        for row in connection.execute(rows).mappings()
    )


def payments(
    connection: Connection, tenant_id: str | None = None, month: str | None = None
) -> tuple[Payment, ...]:
    """What closed months, or one, took of all vouchers or a tenant's, and gave back, in order.

    That is the order of each tenant's.
    """
    rows = select(*_VOUCHER, VoucherEntryRow.kind, VoucherEntryRow.amount_fen.label("moved_fen"))
    rows = rows.join(VoucherEntryRow, VoucherEntryRow.voucher_id == VoucherRow.id)
    rows = rows.order_by(VoucherEntryRow.link)
    if tenant_id is not None:
        rows = rows.where(VoucherEntryRow.tenant_id == tenant_id)
    if month is not None:
        rows = rows.where(VoucherEntryRow.month == month)
    return tuple(
        Payment(voucher=_voucher(row), kind=EntryKind(row["kind"]), amount_fen=row["moved_fen"])
        for row in connection.execute(rows).mappings()
    )


def entries(connection: Connection, month: str) -> tuple[VoucherEntry, ...]:
    """What the close of a month took of all vouchers and gave back."""
    rows = select(VoucherEntryRow.__table__).where(VoucherEntryRow.month == month)
    order = (VoucherEntryRow.tenant_id, VoucherEntryRow.link)
    return tuple(
        VoucherEntry(
            voucher_id=row.voucher_id,
            tenant_id=row.tenant_id,
            month=row.month,
            kind=EntryKind(row.kind),
            amount_fen=row.amount_fen,
            at_ms=row.at_ms,
        )
        for row in connection.execute(rows.order_by(*order))
    )


def _voucher(row: Mapping[Any, Any]) -> Voucher:
    values = {name: row[name] for name in _NAMES}
    return Voucher(**values | {name: tuple(values[name]) for name in _LISTS})


def keep_entries(
    connection: Connection, entries: Sequence[VoucherEntry], made: Sequence[Link]
) -> None:
    """Write what a month's close took and gave back."""
    rows = [
        {name: getattr(entry, name) for name in _ENTRY_NAMES} | columns_of(link)
        for entry, link in zip(entries, made, strict=True)
    ]
    if rows:
        connection.execute(insert(VoucherEntryRow), rows)
