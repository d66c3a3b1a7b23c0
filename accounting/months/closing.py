"""Statements of a month: a draft until the month is closed, then the same bytes for ever.

Closing notes the last fact that the month takes in. What is written later about a closed month is
corrected in the first month that is open, and names the month that it corrects.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, text, union
from sqlalchemy.orm import InstrumentedAttribute

from accounting.bills.statement import (
    Statement,
    StatementState,
    body_of,
    format_of,
    make_statement,
    sha256_of,
)
from accounting.calendar import iso_time, last_moment, month_bounds, next_month
from accounting.chain import ClosedMonth
from accounting.link import Link
from accounting.prices.vouchers import Balance, Payment, VoucherEntry, settle
from accounting.storage import concession_store as concessions
from accounting.storage import package_store as packages
from accounting.storage import voucher_store as vouchers
from accounting.storage.chaining import chained, columns_of
from accounting.storage.hours import tenants_of
from accounting.storage.overlaps import in_month
from accounting.storage.store import GIVEN_BACK, Condition, moment, month_sums, within
from accounting.storage.tables import ClosingRow, StatementRow, UsageCreditRow, UsageRow


class CannotClose(Exception):
    """The month cannot be closed; the message says why, and what to do first."""


class ClosingMissing(Exception):
    """There is a closed statement of a month, and no closing."""


class StatementAltered(Exception):
    """A closed statement no longer has the checksum that it was closed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStatement:
    """A statement's bytes, as they are shown and given out."""

    tenant_id: str
    month: str
    state: StatementState
    body: bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBook:
    """All that a month was closed with."""

    month: str
    closed_at_ms: int
    statements: tuple[StoredStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which facts a month's statements take in.

    Its own facts count up to `through_seq` (None: all there are). Facts of earlier months that
    were written after `after_seq` are corrections (None: another month corrects them).
    """

    after_seq: int | None = None
    through_seq: int | None = None
    closed_at_ms: int | None = None


def statement(connection: Connection, tenant_id: str, month: str) -> StoredStatement:
    """A tenant's statement: as it was closed, or a draft of what is known now.

    Raises `ValueError` for what is no month, `StatementAltered` where the checksum does not fit.
    """
    month_bounds(month)
    key = (StatementRow.tenant_id == tenant_id, StatementRow.month == month)
    row = connection.execute(select(StatementRow.__table__).where(*key)).one_or_none()
    if row is None:
        return _stored(_now(connection, tenant_id, month))
    if sha256_of(row.body) != row.sha256:
        raise StatementAltered(f"the statement {month} of tenant {tenant_id} was altered")
    return StoredStatement(
        tenant_id=tenant_id,
        month=month,
        state=StatementState.CLOSED,
        body=row.body,
        sha256=row.sha256,
    )


def _now(connection: Connection, tenant_id: str, month: str) -> Statement:
    """What is known now; a closed month of who used nothing in it stays as it is as well."""
    made = _make(connection, tenant_id, month, _scope(connection, month))
    return settled(connection, made) if made.state is StatementState.DRAFT else made


def closed(connection: Connection, month: str) -> ClosedBook | None:
    """What a month was closed with; None where it is open."""
    row = connection.execute(
        select(ClosingRow.__table__).where(ClosingRow.month == month)
    ).one_or_none()
    if row is None:
        return None
    tenants = select(StatementRow.tenant_id).where(StatementRow.month == month)
    statements = (
        statement(connection, tenant_id, month)
        for tenant_id in connection.scalars(tenants.order_by(StatementRow.tenant_id)).all()
    )
    return ClosedBook(month=month, closed_at_ms=row.closed_at_ms, statements=tuple(statements))


def statements_of(connection: Connection, month: str) -> tuple[StoredStatement, ...]:
    """Everybody's statement of a month: as they were closed, or drafts of what is known now."""
    book = closed(connection, month)
    if book is not None:
        return book.statements
    tenants = _tenants(connection, month, _scope(connection, month))
    return tuple(statement(connection, tenant_id, month) for tenant_id in tenants)


def last_closed(connection: Connection) -> str | None:
    """The last month that is closed; `None` before the first."""
    return connection.scalar(select(func.max(ClosingRow.month)))


def close_month(connection: Connection, month: str, now_ms: int) -> tuple[StoredStatement, ...]:
    """Close a month for all tenants, and give out their statements; raises `CannotClose`."""
    connection.execute(text("LOCK TABLE closings IN SHARE ROW EXCLUSIVE MODE"))
    _check_may_close(connection, month, now_ms)
    last = _last_closing(connection)
    through = moment(connection)
    # Not before: what is granted until that moment is on these statements.
    for one in concessions.unmoved(connection):
        raise CannotClose(
            f"concession {one.id} is not on the ledger yet: the leader books it within seconds"
        )
    scope = Scope(
        after_seq=None if last is None else last.through_seq,
        through_seq=through.seq,
        closed_at_ms=now_ms,
    )
    known = (
        _make(connection, tenant_id, month, scope, through.heads)
        for tenant_id in _tenants(connection, month, scope)
    )
    # Whoever has used nothing that the month takes in gets no statement.
    made = tuple(settled(connection, one) for one in known if one.says_something)
    closed = tuple(_stored(one) for one in made)
    fact = ClosedMonth(
        month=month,
        through_seq=through.seq,
        closed_at_ms=now_ms,
        statements=tuple((given.tenant_id, given.sha256) for given in closed),
    )
    _keep(connection, fact, closed, [entry for one in made for entry in _entries(one, now_ms)])
    return closed


def settled(connection: Connection, made: Statement) -> Statement:
    """The same, paid by what vouchers have now."""
    left = vouchers.balances(connection, made.tenant_id)
    earlier = vouchers.payments(connection, made.tenant_id)
    return replace(made, payments=would_pay(left, earlier, made))


def would_pay(
    left: Iterable[Balance], earlier: Iterable[Payment], made: Statement
) -> tuple[Payment, ...]:
    """What its tenant's vouchers pay of a statement, of what is left of all these."""
    return settle(
        (*made.lines, *made.credits),
        made.gross_fen,
        [one for one in left if one.voucher.tenant_id == made.tenant_id],
        [one for one in earlier if one.voucher.tenant_id == made.tenant_id],
        last_moment(made.month),
    )


def _entries(made: Statement, now_ms: int) -> Iterator[VoucherEntry]:
    for payment in made.payments:
        yield VoucherEntry(
            voucher_id=payment.voucher.id,
            tenant_id=made.tenant_id,
            month=made.month,
            kind=payment.kind,
            amount_fen=payment.amount_fen,
            at_ms=now_ms,
        )


def _keep(
    connection: Connection,
    fact: ClosedMonth,
    closed: tuple[StoredStatement, ...],
    entries: Sequence[VoucherEntry],
) -> None:
    """The closing is a fact of the park's chain, so that no statement of it can be exchanged."""
    # All at once: chains are locked in one order, whoever writes.
    link, *others = chained(connection, [fact, *entries])
    row = {"month": fact.month, "through_seq": fact.through_seq, "closed_at_ms": fact.closed_at_ms}
    connection.execute(insert(ClosingRow), row | columns_of(link))
    if closed:
        connection.execute(insert(StatementRow), [_row(one, fact.closed_at_ms) for one in closed])
    vouchers.keep_entries(connection, entries, others)


def _row(given: StoredStatement, now_ms: int) -> dict[str, object]:
    return {
        "tenant_id": given.tenant_id,
        "month": given.month,
        "body": given.body,
        "sha256": given.sha256,
        "closed_at_ms": now_ms,
    }


def _check_may_close(connection: Connection, month: str, now_ms: int) -> None:
    end_ms = month_bounds(month)[1]
    if now_ms < end_ms:
        begins = f"{iso_time(end_ms)[:10]} 00:00 (UTC+8)"
        raise CannotClose(f"{month} is not over before {begins}: close it from then on")
    last = _last_closing(connection)
    if last is not None and month <= last.month:
        raise CannotClose(f"{month} is closed already; what comes late corrects a later month")
    if last is not None and next_month(last.month) != month:
        raise CannotClose(f"months are closed in order: {next_month(last.month)} is next")
    if last is None:
        used = connection.scalar(select(func.min(UsageRow.month)))
        first = min(packages.months(connection) | ({used} if used else set()), default=None)
        if first is not None and first < month:
            raise CannotClose(
                f"months are closed in order: {first} has usage or a purchase and is open"
            )
        if first is not None and first > month:
            raise CannotClose(
                f"nothing was used or bought in {month} or before: the first month to close is "
                f"{first}"
            )
    for one in in_month(connection, month, None if last is None else last.through_seq):
        raise CannotClose(
            f"usage of {one.reference} overlaps at {iso_time(one.from_ms)}: "
            "something was counted twice"
        )


def _scope(connection: Connection, month: str) -> Scope:
    """What a statement that is not stored takes in; the first open month corrects the others."""
    closings = select(ClosingRow.__table__).order_by(ClosingRow.month).limit(1)
    covering = connection.execute(closings.where(ClosingRow.month >= month)).one_or_none()
    if covering is not None:
        return Scope(through_seq=covering.through_seq, closed_at_ms=covering.closed_at_ms)
    last = _last_closing(connection)
    if last is None or next_month(last.month) != month:
        return Scope()
    return Scope(after_seq=last.through_seq)


def scope_of(connection: Connection, month: str) -> Scope:
    """What all statements of a month take in, the stored ones of a closed month or drafts."""
    try:
        return _taken_in(connection, month)
    except ClosingMissing:
        return _scope(connection, month)


def made_again(connection: Connection, tenant_id: str, month: str, body: bytes) -> bytes:
    """What a closed statement's facts come to now; where the chain ended, its `body` says.

    One in the form of an earlier release is not made again: its checksum has to do.
    """
    said = json.loads(body)
    if said["format"] != format_of(has_concessions="concessions" in said):
        return body
    end = said["chain"]
    ends = {tenant_id: Link(end["facts"], bytes.fromhex(end["head"]))} if end else {}
    made = _make(connection, tenant_id, month, _taken_in(connection, month), ends)
    return body_of(replace(made, payments=vouchers.payments(connection, tenant_id, month)))


def _taken_in(connection: Connection, month: str) -> Scope:
    """What the statements of a closed month took in."""
    closings = select(ClosingRow.__table__)
    own = connection.execute(closings.where(ClosingRow.month == month)).one_or_none()
    if own is None:
        raise ClosingMissing(f"it is of {month}, and no closing of {month} is there")
    before = closings.where(ClosingRow.month < month).order_by(ClosingRow.month.desc()).limit(1)
    last = connection.execute(before).one_or_none()
    after_seq = None if last is None else last.through_seq
    return Scope(after_seq=after_seq, through_seq=own.through_seq, closed_at_ms=own.closed_at_ms)


class _Closing(NamedTuple):
    month: str
    through_seq: int


def _last_closing(connection: Connection) -> _Closing | None:
    newest = select(ClosingRow.month, ClosingRow.through_seq).order_by(ClosingRow.month.desc())
    row = connection.execute(newest.limit(1)).one_or_none()
    return None if row is None else _Closing(*row)


def _make(
    connection: Connection,
    tenant_id: str,
    month: str,
    scope: Scope,
    heads: Mapping[str, Link] = MappingProxyType({}),
) -> Statement:
    """The statement of exactly the facts in `scope`, with the head of its tenant's chain."""
    mine = UsageRow.tenant_id == tenant_id
    late = {
        late_month: month_sums(
            connection, late_month, tenant_id, scope.after_seq, scope.through_seq
        )
        for late_month in _late(connection, UsageRow.month, month, scope, mine)
    }
    own = month_sums(connection, month, tenant_id, None, scope.through_seq)
    made = make_statement(tenant_id, month, scope.closed_at_ms, own, late, heads.get(tenant_id))
    facts = (scope.after_seq, scope.through_seq)
    return replace(
        made,
        purchases=packages.bought(connection, tenant_id, month, *facts),
        commitments=packages.commitments(connection, tenant_id, month, scope.through_seq),
        coverage=packages.coverage(connection, tenant_id, month, *facts),
        concessions=concessions.granted(connection, *facts, tenant_id),
    )


def _stored(made: Statement) -> StoredStatement:
    body = body_of(made)
    return StoredStatement(
        tenant_id=made.tenant_id,
        month=made.month,
        state=made.state,
        body=body,
        sha256=sha256_of(body),
    )


def _tenants(connection: Connection, month: str, scope: Scope) -> list[str]:
    """Who may get a statement: tenants with usage in the month, and those with corrections."""
    late = _late(connection, UsageRow.tenant_id, month, scope)
    granted = concessions.granted(connection, scope.after_seq, scope.through_seq)
    others = (*packages.buyers(connection), *(one.tenant_id for one in granted))
    return sorted({*tenants_of(connection, month), *late, *others})


def _late(
    connection: Connection,
    column: InstrumentedAttribute[str],
    month: str,
    scope: Scope,
    *conditions: Condition,
) -> list[str]:
    """What `column` holds in usage and credits that came too late for their own month."""
    if scope.after_seq is None:
        return []
    limits = (scope.after_seq, scope.through_seq)
    earlier = (UsageRow.month < month, *conditions)
    used = select(column).where(*earlier, *within(UsageRow.seq, *limits))
    back = select(column).join(UsageCreditRow, GIVEN_BACK)
    # A credit is young where it gives back young usage, too: that is in `used` already.
    back = back.where(*earlier, *within(UsageCreditRow.seq, *limits))
    return sorted(connection.scalars(union(used, back)))
