"""The books in PostgreSQL: facts are written once, bills are asked for.

Whoever opened the connection commits; nothing here does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    SQLColumnExpression,
    Subquery,
    func,
    insert,
    select,
    text,
    tuple_,
)

from accounting.bills.statement import order_of
from accounting.calendar import month_bounds, month_edges, month_of
from accounting.chain import Fact
from accounting.ledger import Transfer
from accounting.link import Link
from accounting.prices.rating import PriceList, PriceMissing
from accounting.storage import hours
from accounting.storage.activity_tables import ActivityRow
from accounting.storage.chaining import chained, columns_of, heads
from accounting.storage.tables import BalanceRow, PriceListRow, UsageCreditRow, UsageRow
from accounting.usage.activity import ActivitySlice
from accounting.usage.slices import Charge, UsageCredit, UsageSlice, UsageSum

PAGE_ROWS = 1_000
"""How many rows of an export are in memory at once."""

_SLICE_NAMES = tuple(field.name for field in fields(UsageSlice))
_CREDIT_NAMES = tuple(field.name for field in fields(UsageCredit))
_ACTIVITY_NAMES = tuple(field.name for field in fields(ActivitySlice))
_TRANSFER_NAMES = tuple(field.name for field in fields(Transfer))

# In one statement, so that what accounts hold is written once for all of them.
_BOOK_TRANSFERS = text(
    "INSERT INTO transfers"
    " (kind, reference, tenant_id, debit_account, credit_account, amount_micros, at_ms, link, hash)"
    " SELECT * FROM unnest(CAST(:kind AS text[]), CAST(:reference AS text[]),"
    " CAST(:tenant_id AS text[]), CAST(:debit_account AS text[]), CAST(:credit_account AS text[]),"
    " CAST(:amount_micros AS bigint[]), CAST(:at_ms AS bigint[]),"
    " CAST(:link AS bigint[]), CAST(:hash AS bytea[]))"
)

_EVER_MS = 1 << 50
Condition = ColumnElement[bool]
Seq = SQLColumnExpression[int]
Rows = Select[*tuple[Any, ...]]
Connect = Callable[[], AbstractContextManager[Connection]]
"""Gives a connection for a short while."""


def book(
    connection: Connection,
    usage: Sequence[UsageSlice],
    credits_: Sequence[UsageCredit],
    transfers: Sequence[Transfer],
    activity: Sequence[ActivitySlice] = (),
) -> None:
    """Write facts, one round trip a table; raises `IntegrityError` where one is there already.

    Called inside the leader's commit: what is booked and what happened are one transaction.
    """
    facts: Sequence[Fact] = (*usage, *credits_, *activity, *transfers)
    if not facts:
        return
    made = iter(chained(connection, facts))
    if usage:
        slices_ = [
            {**_row(one, _SLICE_NAMES), "month": _month_of(one), **columns_of(next(made))}
            for one in usage
        ]
        connection.execute(insert(UsageRow), slices_)
    if credits_:
        rows = [_row(one, _CREDIT_NAMES) | columns_of(next(made)) for one in credits_]
        connection.execute(insert(UsageCreditRow), rows)
    if activity:
        rows = [_row(one, _ACTIVITY_NAMES) | columns_of(next(made)) for one in activity]
        connection.execute(insert(ActivityRow), rows)
    if transfers:
        connection.execute(_BOOK_TRANSFERS, _columns(transfers, [*made]))


def _columns(transfers: Sequence[Transfer], made: Sequence[Link]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [getattr(one, name) for one in transfers] for name in _TRANSFER_NAMES
    }
    columns["kind"] = [one.kind.value for one in transfers]
    columns["link"] = [link.number for link in made]
    columns["hash"] = [link.hash for link in made]
    return columns


def _row(fact: UsageSlice | UsageCredit | ActivitySlice, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in names}


def _month_of(usage: UsageSlice) -> str:
    month = month_of(usage.from_ms)
    assert usage.to_ms <= month_bounds(month)[1], f"{usage.reference} crosses a month's edge"
    return month


def publish_price_list(connection: Connection, price_list: PriceList) -> None:
    """Keep a price list; raises `IntegrityError` for an id or a beginning that is taken."""
    (link,) = chained(connection, [price_list])
    row = columns_of(link) | {
        "id": price_list.id,
        "from_ms": price_list.from_ms,
        "on_demand": [list(pair) for pair in price_list.on_demand],
        "qos_permille": [list(pair) for pair in price_list.qos_permille],
        "class_permille": [list(pair) for pair in price_list.class_permille],
        "vat_permille": price_list.vat_permille,
    }
    connection.execute(insert(PriceListRow), row)


def price_lists(connection: Connection) -> tuple[PriceList, ...]:
    """All price lists, oldest first."""
    rows = connection.execute(select(PriceListRow.__table__).order_by(PriceListRow.from_ms))
    return tuple(
        PriceList(
            id=row.id,
            from_ms=row.from_ms,
            on_demand=_pairs(row.on_demand),
            qos_permille=_pairs(row.qos_permille),
            class_permille=_pairs(row.class_permille),
            vat_permille=row.vat_permille,
        )
        for row in rows
    )


def _pairs(lists: Iterable[Sequence[Any]]) -> tuple[tuple[str, int], ...]:
    return tuple((str(key), int(number)) for key, number in lists)


def balances(connection: Connection, tenant_id: str | None = None) -> Mapping[str, int]:
    """What each account holds in micro-yuan; with a tenant, by that tenant's transfers alone."""
    totals = select(BalanceRow.account, func.sum(BalanceRow.amount_micros))
    if tenant_id is not None:
        totals = totals.where(BalanceRow.tenant_id == tenant_id)
    by_account = totals.group_by(BalanceRow.account).order_by(BalanceRow.account)
    return {account: int(amount) for account, amount in connection.execute(by_account)}


def usage_sums(
    connection: Connection, from_ms: int, to_ms: int, tenant_id: str | None = None
) -> tuple[UsageSum, ...]:
    """What was used inside [`from_ms`, `to_ms`), cut exactly at its edges; credits not deducted."""
    return sums_of(connection, _added(hours.of_window(from_ms, to_ms, tenant_id)))


def reference_sums(
    connection: Connection, references: Sequence[str]
) -> Mapping[str, tuple[UsageSum, ...]]:
    """What each of these used in all, and what of that was given back; two questions for all."""
    found: defaultdict[str, list[UsageSum]] = defaultdict(list)
    for rows in (_used(0, _EVER_MS), back_rows(0, _EVER_MS)):
        mine = rows.where(UsageRow.reference.in_(references))
        named = mine.add_columns(UsageRow.reference).group_by(UsageRow.reference)
        for row in connection.execute(named).mappings():
            columns = dict(row)
            found[columns.pop("reference")].append(_sum(columns))
    return {reference: tuple(lines) for reference, lines in found.items()}


def credit_sums(
    connection: Connection, from_ms: int, to_ms: int, tenant_id: str | None = None
) -> tuple[UsageSum, ...]:
    """What of the usage inside [`from_ms`, `to_ms`) was given back, negative and by cause."""
    where = _window(from_ms, to_ms, tenant_id)
    return sums_of(connection, back_rows(from_ms, to_ms).where(*where))


def _window(from_ms: int, to_ms: int, tenant_id: str | None) -> Iterator[Condition]:
    months = (month_of(from_ms), *map(month_of, month_edges(from_ms, to_ms)))
    yield UsageRow.month.in_(months)
    yield UsageRow.from_ms < to_ms
    yield UsageRow.to_ms > from_ms
    if tenant_id is not None:
        yield UsageRow.tenant_id == tenant_id


_KEYS = (
    UsageRow.tenant_id,
    UsageRow.project,
    UsageRow.field,
    UsageRow.centre_id,
    UsageRow.device_kind_id,
    UsageRow.qos,
    UsageRow.price_list_id,
    UsageRow.price_micros,
    PriceListRow.vat_permille,
)
_PRICED = UsageRow.price_list_id == PriceListRow.id
GIVEN_BACK = UsageRow.reference == UsageCreditRow.reference
CREDITED_SEQ = func.greatest(UsageRow.seq, UsageCreditRow.seq)
"""When it was known that usage was given back."""


def month_sums(
    connection: Connection,
    month: str,
    tenant_id: str,
    after_seq: int | None,
    through_seq: int | None,
) -> tuple[UsageSum, ...]:
    """A month's usage and credits, of the facts written after `after_seq` up to `through_seq`.

    A credit is a fact of the month in which the usage was that it gives back.
    """
    bounds = month_bounds(month)
    mine = (UsageRow.month == month, UsageRow.tenant_id == tenant_id)
    if after_seq is None:
        used = _added(hours.of_month(month, tenant_id, through_seq))
    else:
        used = _used(*bounds).where(*mine, *within(UsageRow.seq, after_seq, through_seq))
    back = back_rows(*bounds).where(*mine, *within(CREDITED_SEQ, after_seq, through_seq))
    return (*sums_of(connection, used), *sums_of(connection, back))


def sums_after(connection: Connection, month: str, seq: int) -> tuple[int, tuple[UsageSum, ...]]:
    """What was written about a month after `seq`, added up, and the newest fact's own seq.

    For one who adds up as it comes: it costs what is new. The connection must see one moment
    (REPEATABLE READ); facts come into sight in their order, for one writer at a time commits them.
    """
    bounds, mine = month_bounds(month), UsageRow.month == month
    is_new, is_given_back_now = UsageRow.seq > seq, UsageCreditRow.seq > seq
    sums = (
        _used(*bounds).where(mine, is_new),
        back_rows(*bounds).where(mine, is_given_back_now),
        back_rows(*bounds).where(mine, is_new, UsageCreditRow.seq <= seq),
    )
    newest = (
        connection.scalar(select(func.max(UsageRow.seq)).where(mine, is_new)),
        connection.scalar(select(func.max(UsageCreditRow.seq)).where(is_given_back_now)),
    )
    lines = tuple(line for statement in sums for line in sums_of(connection, statement))
    return max(seq, *(found or 0 for found in newest)), lines


def index_new_facts(connection: Connection) -> None:
    """Let new usage be found by its seq: until then `sums_after` reads all that came since."""
    connection.execute(text("SELECT brin_summarize_new_values('usage_by_time')"))


def within(seq: Seq, after_seq: int | None, through_seq: int | None) -> Iterator[Condition]:
    """Facts written after one moment and up to another; None is no limit."""
    if after_seq is not None:
        yield seq > after_seq
    if through_seq is not None:
        yield seq <= through_seq


def _added(parts: Subquery) -> Rows:
    """Parts of usage, some of them to be taken off again, as lines; a line of nothing is none."""
    keys = (*(parts.c[name] for name in hours.NAMES), PriceListRow.vat_permille)
    device_ms, tflops_ms = func.sum(parts.c.device_ms), func.sum(parts.c.tflops_ms)
    sums = select(*keys, device_ms.label("device_ms"), tflops_ms.label("tflops_ms"))
    priced = parts.c.price_list_id == PriceListRow.id
    return sums.outerjoin(PriceListRow, priced).group_by(*keys).having(device_ms != 0)


def _used(from_ms: int, to_ms: int) -> Rows:
    sums = select(*_KEYS, *_quantities(from_ms, to_ms, 1)).select_from(UsageRow)
    return sums.outerjoin(PriceListRow, _PRICED).group_by(*_KEYS)


def back_rows(from_ms: int, to_ms: int) -> Rows:
    keys = (*_KEYS, UsageCreditRow.cause)
    sums = select(*keys, *_quantities(from_ms, to_ms, -1)).select_from(UsageRow)
    joined = sums.join(UsageCreditRow, GIVEN_BACK).outerjoin(PriceListRow, _PRICED)
    return joined.group_by(*keys)


def _quantities(from_ms: int, to_ms: int, sign: int) -> Iterator[ColumnElement[int]]:
    begin = func.greatest(UsageRow.from_ms, from_ms)
    device_ms = sign * UsageRow.device_count * (func.least(UsageRow.to_ms, to_ms) - begin)
    yield func.sum(device_ms).label("device_ms")
    yield func.sum(device_ms * UsageRow.tflops).label("tflops_ms")


def sums_of(connection: Connection, statement: Rows) -> tuple[UsageSum, ...]:
    """Rows as sums, in a fixed order; raises `PriceMissing` where a price list is not there."""
    found = [_sum(row) for row in connection.execute(statement).mappings()]
    return tuple(sorted(found, key=lambda line: (line.tenant_id, order_of(line))))


def _sum(row: Mapping[Any, Any]) -> UsageSum:
    counts = {name: int(row[name]) for name in ("device_ms", "tflops_ms")}
    line = UsageSum(**{**row, **counts})
    if line.vat_permille is None:  # the outer join found none
        raise PriceMissing(f"price list {line.price_list_id} is used, but was never published")
    return line


def slices(
    connect: Connect, from_ms: int, to_ms: int, tenant_id: str | None = None
) -> Iterator[UsageSlice]:
    """Each slice inside [`from_ms`, `to_ms`), cut at its edges, in order of time.

    The facts of one moment, page by page: `PAGE_ROWS` are in memory, and between two pages no
    connection is held, however long the reader takes.
    """
    yield from _slices(connect, from_ms, to_ms, tenant_id, _end(connect))


def charges(
    connect: Connect, from_ms: int, to_ms: int, tenant_id: str | None = None
) -> Iterator[Charge]:
    """Each slice inside [`from_ms`, `to_ms`) as a charge, then each that was given back.

    Page by page like `slices`.
    """
    through_seq = _end(connect)
    for usage in _slices(connect, from_ms, to_ms, tenant_id, through_seq):
        yield Charge(usage=usage)
    known = (*_window(from_ms, to_ms, tenant_id), *within(CREDITED_SEQ, None, through_seq))
    for charge in given_back(connect, *known):
        yield replace(charge, usage=charge.usage.clipped(from_ms, to_ms))


def booked(connect: Connect, *conditions: Condition) -> Iterator[UsageSlice]:
    """The slices for which all conditions hold, page by page, in order of time."""
    for row in _paged(connect, _SLICES.where(*conditions)):
        yield UsageSlice(**row)


def given_back(connect: Connect, *conditions: Condition) -> Iterator[Charge]:
    """The slices that were given back, likewise, with the cause of each."""
    credited = _SLICES.join(UsageCreditRow, GIVEN_BACK).add_columns(UsageCreditRow.cause)
    for row in _paged(connect, credited.where(*conditions)):
        cause = row.pop("cause")
        yield Charge(usage=UsageSlice(**row), cause=cause)


class Moment(NamedTuple):
    """The last number given to any fact, with no fact of a lower one to come; the chains' heads."""

    seq: int
    heads: Mapping[str, Link]


def moment(connection: Connection) -> Moment:
    """The books between two transactions.

    Who writes facts writes their chains first: the lock waits for them, and going back to the
    savepoint lets the next one go on.
    """
    with connection.begin_nested() as savepoint:
        connection.execute(text("LOCK TABLE chain_heads IN SHARE MODE"))
        # Before its first value a sequence pretends that it gave that already.
        last = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM books_seq"
        seq, ends = connection.scalar(text(last)), heads(connection)
        savepoint.rollback()
    assert isinstance(seq, int), "a sequence has a value"
    return Moment(seq, ends)


def _end(connect: Connect) -> int:
    with connect() as connection:
        return moment(connection).seq


def _slices(
    connect: Connect, from_ms: int, to_ms: int, tenant_id: str | None, through_seq: int
) -> Iterator[UsageSlice]:
    known = (*_window(from_ms, to_ms, tenant_id), *within(UsageRow.seq, None, through_seq))
    for usage in booked(connect, *known):
        yield usage.clipped(from_ms, to_ms)


_SLICES = select(*(getattr(UsageRow, name) for name in _SLICE_NAMES))
_PLACE = (UsageRow.from_ms, UsageRow.reference)


def _paged(connect: Connect, statement: Rows) -> Iterator[dict[str, Any]]:
    """All rows in order of time; each page goes on after the last row of the one before."""
    page = statement.order_by(*_PLACE).limit(PAGE_ROWS)
    while True:
        with connect() as connection:
            rows = [dict(row) for row in connection.execute(page).mappings()]
        yield from rows
        if len(rows) < PAGE_ROWS:
            return
        last = (rows[-1]["from_ms"], rows[-1]["reference"])
        page = statement.where(tuple_(*_PLACE) > last).order_by(*_PLACE).limit(PAGE_ROWS)
