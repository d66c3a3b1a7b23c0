"""Whether the books are what the event log comes to: it is played again from its first event.

What each event means to the books is worked out anew and laid beside what is written there; every
difference is told, of either side. The connection must see one moment (REPEATABLE READ).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

from psycopg import Connection as PgConnection
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import (
    Column,
    CompoundSelect,
    Connection,
    FromClause,
    MetaData,
    Select,
    Subquery,
    Table,
    except_all,
    func,
    select,
)

from accounting.ledger import Transfer, TransferKind, available_account, held_account
from accounting.storage import hours
from accounting.storage import store as books
from accounting.storage.activity_tables import ActivityRow
from accounting.storage.tables import TransferRow, UsageCreditRow, UsageRow
from accounting.usage.activity import ActivitySlice
from accounting.usage.slices import UsageCredit, UsageSlice
from scheduler.facts.metering import Booking, book
from scheduler.facts.state import State
from scheduler.storage.codec import decode
from scheduler.storage.tables import AttemptRow, EventRow

BATCH_EVENTS = 5_000
TOLD_MAX = 100
"""So many differences of each table and side are told; the rest is counted."""

Fact = UsageSlice | UsageCredit | ActivitySlice | Transfer

_WRITTEN: Mapping[type[Fact], FromClause] = {
    UsageSlice: UsageRow.__table__,
    UsageCredit: UsageCreditRow.__table__,
    ActivitySlice: ActivityRow.__table__,
    Transfer: TransferRow.__table__,
}
_NAMES = {
    UsageSlice: "usage",
    UsageCredit: "usage_credits",
    ActivitySlice: "activity",
    Transfer: "transfers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one side has and the other has not; `count` are there in all of this sort."""

    part: str
    row: str
    what: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """So many events were played again."""

    events: int


class _Unplayable(Exception):
    """An event that an earlier release took, and this one would refuse."""

    def __init__(self, row: str, what: str) -> None:
        super().__init__(row, what)
        self.row, self.what = row, what


def reconcile(connection: Connection) -> Iterator[Played | Difference]:
    """How far it is, and then every difference."""
    expected = {kind: _expected(connection, kind) for kind in _WRITTEN}
    state = State()
    try:
        for played, bookings in _replayed(connection, state):
            _expect(connection, expected, bookings)
            yield Played(events=played)
    except _Unplayable as error:
        yield Difference(part="events", row=error.row, what=error.what)
        return
    for kind, written in _WRITTEN.items():
        said, there = _said(expected[kind], kind), _said(written, kind)
        if kind is Transfer:  # vouchers are issued beside the log
            there = there.where(TransferRow.kind != TransferKind.VOUCHER_ISSUED.value)
        name = _NAMES[kind]
        yield from _only(connection, name, except_all(said, there), "in the log alone")
        yield from _only(connection, name, except_all(there, said), "in the books alone")
    yield from _attempts(connection)
    yield from _price_lists(connection, state)
    yield from _accounts(connection, state)
    for hour in hours.unfit(connection):
        yield Difference(part="usage by the hour", row=hour.row, what=hour.what)


def _expected(connection: Connection, kind: type[Fact]) -> Table:
    """Room for what the log comes to, until the transaction ends."""
    written = _WRITTEN[kind].c
    made = Table(
        f"expected_{_NAMES[kind]}",
        MetaData(),
        *(Column(field.name, written[field.name].type) for field in fields(kind)),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    made.create(connection)
    return made


def _said(table: FromClause, kind: type[Fact]) -> Select[*tuple[Any, ...]]:
    return select(*(table.c[field.name] for field in fields(kind)))


def _replayed(connection: Connection, state: State) -> Iterator[tuple[int, Sequence[Booking]]]:
    """What each batch of events means to the books; `state` goes along."""
    seq = 0
    while True:
        page = select(EventRow.seq, EventRow.recorded_at_ms, EventRow.body)
        page = page.where(EventRow.seq > seq).order_by(EventRow.seq).limit(BATCH_EVENTS)
        rows = connection.execute(page).all()
        bookings = []
        for row in rows:
            event = decode(row.body)
            bookings.append(book(state, event, row.recorded_at_ms))
            refusal = state.apply(event)
            if refusal is not None:
                raise _Unplayable(str(row.seq), f"it does not fit any more: {refusal}")
        if rows:
            seq = rows[-1].seq
            yield seq, bookings
        if len(rows) < BATCH_EVENTS:
            return


def _expect(
    connection: Connection, expected: Mapping[type[Fact], Table], bookings: Sequence[Booking]
) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, PgConnection), "the database is PostgreSQL"
    for kind, facts in (
        (UsageSlice, [fact for booking in bookings for fact in booking.usage]),
        (UsageCredit, [fact for booking in bookings for fact in booking.credits]),
        (ActivitySlice, [fact for booking in bookings for fact in booking.activity]),
        (Transfer, [fact for booking in bookings for fact in booking.transfers]),
    ):
        with driver.cursor() as cursor, cursor.copy(_copy_into(expected[kind])) as copy:
            for fact in facts:
                copy.write_row(astuple(fact))


def _copy_into(table: Table) -> Composed:
    names = SQL(", ").join(Identifier(column.name) for column in table.c)
    return SQL("COPY {} ({}) FROM STDIN").format(Identifier(table.name), names)


def _only(
    connection: Connection, part: str, rows: CompoundSelect[*tuple[Any, ...]], what: str
) -> Iterator[Difference]:
    """Rows that one side has more often than the other."""
    count = connection.scalar(select(func.count()).select_from(rows.subquery())) or 0
    for row in connection.execute(rows.limit(TOLD_MAX)).mappings():
        shown = " ".join(f"{name}={value}" for name, value in row.items())
        yield Difference(part=part, row=shown, what=what, count=count)


def _attempts(connection: Connection) -> Iterator[Difference]:
    """What others read of attempts, and centres are compared with, beside their events."""
    leased, started, ended = (_events(kind) for kind in ("leased", "started", "ended"))
    placement = leased.c.body["placement"]
    said = (
        select(
            leased.c.id,
            placement["centre_id"].astext.label("centre_id"),
            placement["device_kind_id"].astext.label("device_kind_id"),
            placement["shares"].label("shares"),
            started.c.at_ms.label("started_at_ms"),
            ended.c.at_ms.label("ended_at_ms"),
            ended.c.body["cause"].astext.label("cause"),
        )
        .outerjoin(started, started.c.id == leased.c.id)
        .outerjoin(ended, ended.c.id == leased.c.id)
    )
    row = AttemptRow
    shares, times = row.placement["shares"], (row.started_at_ms, row.ended_at_ms)
    there = select(row.id, row.centre_id, row.device_kind_id, shares, *times, row.cause)
    yield from _only(connection, "attempts", except_all(said, there), "in the log alone")
    yield from _only(connection, "attempts", except_all(there, said), "in the table alone")


def _events(kind: str) -> Subquery:
    """Those of one kind, by their attempt."""
    attempt_id = EventRow.body["attempt_id"].astext.label("id")
    found = select(attempt_id, EventRow.at_ms, EventRow.body).where(EventRow.kind == kind)
    return found.subquery(kind)


def _price_lists(connection: Connection, state: State) -> Iterator[Difference]:
    written = {one.id: one for one in books.price_lists(connection)}
    said = {one.id: one for one in state.prices.lists}
    for list_id in sorted(written.keys() | said.keys()):
        if written.get(list_id) != said.get(list_id):
            what = "the log and the books have other prices"
            yield Difference(part="price_lists", row=list_id, what=what)


def _accounts(connection: Connection, state: State) -> Iterator[Difference]:
    """What tenants may spend and what is held, as the leader counts it."""
    balances = books.balances(connection)
    for tenant_id, funds in sorted(state.funds.items()):
        paid_micros = funds.available_micros - state.tenants[tenant_id].credit_limit_micros
        for account, micros in (
            (available_account(tenant_id), paid_micros),
            (held_account(tenant_id), funds.held_micros),
        ):
            kept = balances.get(account, 0)
            if kept != micros:
                what = f"the log comes to {micros} micro-yuan, the books to {kept}"
                yield Difference(part="balances", row=account, what=what)
