"""What is on a month's statements, charge by charge: the facts that these take in, and no others.

The usage of a closed month may have grown since; its bills have not, and this follows the bills.
"""

from collections.abc import Iterator
from functools import partial

from accounting.bills.statement import Statement
from accounting.exports.focus import Bills
from accounting.months.closing import Scope, scope_of, would_pay
from accounting.prices.vouchers import Payment
from accounting.storage import concession_store as concessions
from accounting.storage.package_store import bought, buyers, packages
from accounting.storage.store import (
    CREDITED_SEQ,
    Condition,
    Connect,
    booked,
    given_back,
    moment,
    price_lists,
    within,
)
from accounting.storage.tables import UsageRow
from accounting.storage.voucher_store import balances, payments
from accounting.usage.slices import Charge


def bills_of(connect: Connect, month: str, tenant_id: str | None = None) -> Bills:
    """The bills of a month as they are now, or as they were closed; of one tenant, or of all.

    The charges are read page by page, and between two pages no connection is held. Raises
    `ValueError` for what is no month.
    """
    with connect() as connection:
        # Before it is known whether the month is open: its close takes of them.
        vouchers = balances(connection, tenant_id), payments(connection, tenant_id)
        through_seq = moment(connection).seq
        scope = scope_of(connection, month)
        facts = (scope.after_seq, scope.through_seq or through_seq)
        whose = [tenant_id] if tenant_id is not None else buyers(connection)
        purchases = [one for who in whose for one in bought(connection, who, month, *facts)]
        granted = concessions.granted(connection, *facts, tenant_id)
        known = {one.id: one for one in packages(connection, tenant_id)}
        lists = {price_list.id: price_list for price_list in price_lists(connection)}
    if scope.through_seq is None:
        scope = Scope(after_seq=scope.after_seq, through_seq=through_seq)
    is_closed = scope.closed_at_ms is not None
    return Bills(
        month=month,
        is_closed=is_closed,
        price_lists=lists,
        charges=_charges(connect, month, scope, tenant_id),
        purchases=purchases,
        concessions=granted,
        packages=known,
        payments=partial(_paid, connect) if is_closed else partial(would_pay, *vouchers),
    )


def _paid(connect: Connect, made: Statement) -> tuple[Payment, ...]:
    """What vouchers have paid of a closed statement."""
    with connect() as connection:
        return payments(connection, made.tenant_id, made.month)


def _charges(connect: Connect, month: str, scope: Scope, tenant_id: str | None) -> Iterator[Charge]:
    """The month's own usage and credits, then what corrects earlier months, each in its order."""
    whose = () if tenant_id is None else (UsageRow.tenant_id == tenant_id,)
    yield from _of(connect, None, scope.through_seq, UsageRow.month == month, *whose)
    if scope.after_seq is not None:
        late = (scope.after_seq, scope.through_seq)
        yield from _of(connect, *late, UsageRow.month < month, *whose)


def _of(
    connect: Connect, after_seq: int | None, through_seq: int | None, *which: Condition
) -> Iterator[Charge]:
    for usage in booked(connect, *which, *within(UsageRow.seq, after_seq, through_seq)):
        yield Charge(usage=usage)
    yield from given_back(connect, *which, *within(CREDITED_SEQ, after_seq, through_seq))
