"""Whether the books are what was written: everything is worked out again from the rows.

Each chain is walked from its first fact; roots, statements and balances must follow from what is
there. The connection must see one moment (REPEATABLE READ).
"""

import json
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, select, text, union

from accounting.bills.statement import sha256_of
from accounting.chain import (
    PARK,
    ROOT_FORMS,
    ClosedMonth,
    Fact,
    content_of,
    names_of,
    next_link,
    root_of,
)
from accounting.ledger import Transfer
from accounting.link import GENESIS, Link
from accounting.months import settling
from accounting.months.closing import made_again
from accounting.prices.rating import PriceList, PriceMissing
from accounting.prices.vouchers import Voucher, VoucherEntry
from accounting.proof.leaves import roots_drawn
from accounting.storage import concession_store, tax_store
from accounting.storage.activity_hours import unfit_hours
from accounting.storage.chaining import heads
from accounting.storage.fact_store import OF_TENANTS, OF_THE_PARK, key_of, row_of
from accounting.storage.hours import unfit
from accounting.storage.overlaps import overlaps
from accounting.storage.tables import (
    ClosingRow,
    PriceListRow,
    RootRow,
    StatementRow,
    TransferRow,
    UsageCreditRow,
    UsageRow,
    VoucherEntryRow,
    VoucherRow,
)
from accounting.usage.slices import UsageCredit, UsageSlice

BATCH_ROWS = 2_000
ALL = (1, (1 << 62) - 1)
"""Every link of a chain."""

Noted = Mapping[str, Mapping[int, bytes]]
"""What roots and statements say of chains: the hash at some of their links."""

TENANTS_TABLES = (UsageRow, UsageCreditRow, TransferRow, VoucherRow, VoucherEntryRow)
"""Whose rows are in the chains of tenants."""

TenantsTable = UsageRow | UsageCreditRow | TransferRow | VoucherRow | VoucherEntryRow
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """What is not as it was written: in which part of the books, at which row, and how."""

    part: str
    row: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A chain that is whole, and its head."""

    chain: str
    head: Link


class Stored(NamedTuple):
    """A fact as it is stored: its link, its row for people, and what it says."""

    number: int
    hash: bytes
    row: str
    said: bytes
    seq: int | None = None
    """Its place among all facts; some kinds have none."""


def verify(connection: Connection) -> Iterator[Walked | Misfit]:
    """Each chain as it is walked, and whatever does not fit; of a chain only the first row."""
    known, noted = heads(connection), _noted(connection)
    for chain in sorted({*known, *noted, *_chains(connection)}):
        yield _walk(connection, chain, known.get(chain, GENESIS), noted.get(chain, {}))
    yield from _roots(connection)
    yield from _statements(connection)
    for row, what in settling.unfit(connection):
        yield Misfit(part="settlements", row=row, what=what)
    for row, what in concession_store.unfit(connection):
        yield Misfit(part="concessions", row=row, what=what)
    for row, what in tax_store.unfit(connection):
        yield Misfit(part="taxes", row=row, what=what)
    yield from _balances(connection)
    yield from _months(connection)
    yield from _overlaps(connection)
    yield from _hours(connection)


def _chains(connection: Connection) -> Iterator[str]:
    """All of which there are facts, also where the head is gone."""
    tables: list[Any] = [*TENANTS_TABLES, *OF_TENANTS.values()]
    yield from connection.scalars(union(*(select(table.tenant_id) for table in tables)))
    yield PARK


def _noted(connection: Connection) -> Noted:
    noted: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
    for drawn in connection.scalars(select(RootRow.heads)):
        for chain, number, digest in drawn:
            noted[chain][number] = bytes.fromhex(digest)
    for row in connection.execute(select(StatementRow.__table__)):
        if sha256_of(row.body) == row.sha256 and (end := json.loads(row.body).get("chain")):
            noted[row.tenant_id][end["facts"]] = bytes.fromhex(end["head"])
    return noted


def _walk(
    connection: Connection, chain: str, head: Link, noted: Mapping[int, bytes]
) -> Walked | Misfit:
    part = f"chain of tenant {chain}" if chain else "chain of the park"
    at, seq = GENESIS, 0
    with ExitStack() as opened:
        for stored in stored_facts(connection, chain, opened):
            wrong = _wrong(at, seq, stored, noted)
            if wrong:
                return Misfit(part=part, row=stored.row, what=f"link {stored.number}: {wrong}")
            at = Link(stored.number, stored.hash)
            seq = seq if stored.seq is None else stored.seq
    last = max(head.number, *noted, 0)
    if at.number < last:
        return Misfit(part=part, row="", what=f"links {at.number + 1} to {last} are gone")
    if at != head:
        return Misfit(part=part, row="", what="its head is not that of its last link")
    return Walked(chain=chain, head=at)


def _wrong(before: Link, seq: int, stored: Stored, noted: Mapping[int, bytes]) -> str | None:
    if stored.number != before.number + 1:
        return f"it follows link {before.number}"
    if next_link(before, stored.said).hash != stored.hash:
        return "what it says does not give its hash"
    if noted.get(stored.number, stored.hash) != stored.hash:
        return "a root or a statement has noted another hash"
    # By their seq, which is in no hash, closed months take facts in.
    if stored.seq is not None and stored.seq <= seq:
        return f"it was written before link {before.number}"
    return None


def stored_facts(
    connection: Connection, chain: str, opened: ExitStack, span: tuple[int, int] = ALL
) -> Iterator[Stored]:
    """The facts of a chain in the order of their links; `opened` ends the reading of them.

    Of a tenant's chain the links from one number to another alone, if `span` says so.
    """
    if chain == PARK:
        lists = select(PriceListRow.__table__)
        kinds = [
            _facts(connection, lists, PriceList, "price_lists"),
            _closings(connection),
            *(_kept(connection, select(row.__table__), kind) for kind, row in OF_THE_PARK.items()),
        ]
    else:
        kinds = [
            _facts(connection, _of(UsageRow, chain, span), UsageSlice, "usage"),
            _facts(connection, _of(UsageCreditRow, chain, span), UsageCredit, "usage_credits"),
            _facts(connection, _of(TransferRow, chain, span), Transfer, "transfers"),
            _facts(connection, _of(VoucherRow, chain, span), Voucher, "vouchers"),
            _facts(connection, _of(VoucherEntryRow, chain, span), VoucherEntry, "voucher_entries"),
            *(_kept(connection, _of(row, chain, span), kind) for kind, row in OF_TENANTS.items()),
        ]
    streams = [opened.enter_context(closing(kind)) for kind in kinds]
    return merge(*streams, key=attrgetter("number"))


def _of(table: type[TenantsTable] | Any, chain: str, span: tuple[int, int]) -> Rows:
    mine = (table.tenant_id == chain, table.link.between(*span))
    return select(table.__table__).where(*mine)


def _kept(connection: Connection, rows: Rows, kind: type[Fact]) -> Generator[Stored]:
    return _facts(connection, rows, kind, row_of(kind).__tablename__)


_KEYS = {
    "usage": ("reference", "from_ms"),
    "usage_credits": ("reference",),
    "transfers": ("kind", "reference"),
    "vouchers": ("id",),
    "voucher_entries": ("voucher_id", "month", "kind"),
    "price_lists": ("id",),
}


def _facts(connection: Connection, rows: Rows, kind: type[Fact], table: str) -> Generator[Stored]:
    names, keys = names_of(kind), _KEYS.get(table) or key_of(kind)
    options = {"stream_results": True, "yield_per": BATCH_ROWS}
    with connection.execute(rows.order_by(text("link")), execution_options=options) as found:
        for row in found.mappings():
            key = " ".join(str(row[name]) for name in keys)
            said = content_of(kind, [row[name] for name in names])
            yield Stored(row["link"], row["hash"], f"{table} {key}", said, row.get("seq"))


def _closings(connection: Connection) -> Generator[Stored]:
    for row in connection.execute(select(ClosingRow.__table__).order_by(ClosingRow.link)):
        given = select(StatementRow.tenant_id, StatementRow.sha256)
        mine = connection.execute(given.where(StatementRow.month == row.month))
        # A database may sort names otherwise than they were sorted when the month was closed.
        statements = sorted([tenant_id, digest] for tenant_id, digest in mine)
        values = [row.month, row.through_seq, row.closed_at_ms, statements]
        said = content_of(ClosedMonth, values)
        yield Stored(row.link, row.hash, f"closings {row.month}, or a statement of it", said)


def _roots(connection: Connection) -> Iterator[Misfit]:
    before = GENESIS.hash
    for row, ends, papers in roots_drawn(connection):
        form = ROOT_FORMS.get(row.form, root_of)
        before = form(before, row.day, ends, papers)
        if before != row.root:
            what = "what it notes, and the root before it, do not give it"
            yield Misfit(part="daily roots", row=row.day, what=what)
            before = row.root


def _statements(connection: Connection) -> Iterator[Misfit]:
    """Each closed statement is the bytes of its checksum, and what its facts come to."""
    keys = select(StatementRow.tenant_id, StatementRow.month)
    for tenant_id, month in connection.execute(keys.order_by(*keys.selected_columns)).all():
        mine = (StatementRow.tenant_id == tenant_id, StatementRow.month == month)
        row = connection.execute(select(StatementRow.__table__).where(*mine)).one()
        what = _not_closed_so(connection, row)
        if what:
            yield Misfit(part="statements", row=f"{tenant_id} {month}", what=what)


def _not_closed_so(connection: Connection, row: Row[*tuple[Any, ...]]) -> str | None:
    if sha256_of(row.body) != row.sha256:
        return "its checksum does not fit"
    if row.closed_at_ms != _closed_at_ms(connection, row.month):
        return "it says another moment of closing than the close of its month"
    try:
        again = made_again(connection, row.tenant_id, row.month, row.body)
    except PriceMissing as error:
        return str(error)
    return None if again == row.body else "its facts come to something else"


def _closed_at_ms(connection: Connection, month: str) -> int | None:
    """When a month was closed, as a link of the park's chain says."""
    return connection.scalar(select(ClosingRow.closed_at_ms).where(ClosingRow.month == month))


_UNBALANCED = text(
    "SELECT COALESCE(sums.tenant_id, kept.tenant_id), COALESCE(sums.account, kept.account),"
    " COALESCE(sums.amount, 0), COALESCE(kept.amount_micros, 0)"
    " FROM (SELECT tenant_id, account, sum(amount) AS amount FROM ("
    "  SELECT tenant_id, debit_account AS account, -amount_micros AS amount FROM transfers"
    "  UNION ALL SELECT tenant_id, credit_account, amount_micros FROM transfers) AS sides"
    " GROUP BY tenant_id, account) AS sums"
    " FULL JOIN balances AS kept USING (tenant_id, account)"
    " WHERE COALESCE(sums.amount, 0) <> COALESCE(kept.amount_micros, 0) ORDER BY 1, 2"
)


def _balances(connection: Connection) -> Iterator[Misfit]:
    for tenant_id, account, amount, kept in connection.execute(_UNBALANCED):
        what = f"it says {kept} micro-yuan, and its transfers come to {amount}"
        yield Misfit(part="balances", row=f"{tenant_id} {account}", what=what)


# Times of the park are UTC+8 all year.
_OTHER_MONTHS = text(
    "SELECT reference, from_ms, month, begun FROM (SELECT reference, from_ms, month,"
    " to_char(to_timestamp(from_ms / 1000) AT TIME ZONE INTERVAL '8 hours', 'YYYY-MM') AS begun"
    " FROM usage) AS slices WHERE month <> begun ORDER BY reference, from_ms"
)


def _months(connection: Connection) -> Iterator[Misfit]:
    """The month of a slice is in no hash; it follows from its begin."""
    for reference, from_ms, month, begun in connection.execute(_OTHER_MONTHS):
        what = f"it says {month}, and begins in {begun}"
        yield Misfit(part="months of usage", row=f"usage {reference} {from_ms}", what=what)


def _overlaps(connection: Connection) -> Iterator[Misfit]:
    """What was counted twice has a whole chain all the same."""
    for one in overlaps(connection):
        what = f"it overlaps the slice before it, which ends at {one.before_ms}"
        yield Misfit(part="overlaps", row=f"usage {one.reference} {one.from_ms}", what=what)


def _hours(connection: Connection) -> Iterator[Misfit]:
    for hour in unfit(connection):
        yield Misfit(part="usage by the hour", row=hour.row, what=hour.what)
    for watched in unfit_hours(connection):
        yield Misfit(part="activity by the hour", row=watched.row, what=watched.what)
