"""Concessions in PostgreSQL: which statement each is on, and whether the ledger has moved it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, select

from accounting.bills.concessions import Concession
from accounting.calendar import month_bounds
from accounting.ledger import Transfer, TransferKind, concede
from accounting.money import MICROS_PER_FEN
from accounting.storage.bill_tables import ConcessionRow
from accounting.storage.fact_store import facts
from accounting.storage.store import GIVEN_BACK, back_rows, sums_of, within
from accounting.storage.tables import ClosingRow, UsageCreditRow, UsageRow
from accounting.storage.transfers import transfers
from accounting.usage.slices import UsageSum


def concessions(
    connection: Connection, tenant_id: str, month: str | None = None
) -> tuple[Concession, ...]:
    """All that a tenant was granted, or of one month's statement, in the order of the decisions."""
    of_month = () if month is None else (ConcessionRow.month == month,)
    return facts(connection, Concession, ConcessionRow.tenant_id == tenant_id, *of_month)


def granted(
    connection: Connection,
    after_seq: int | None,
    through_seq: int | None,
    tenant_id: str | None = None,
) -> tuple[Concession, ...]:
    """What statements that take in these facts have: those of the first open month, or a closed.

    A month that corrects no other (`after_seq` is None) has none.
    """
    if after_seq is None:
        return ()
    mine = () if tenant_id is None else (ConcessionRow.tenant_id == tenant_id,)
    return facts(connection, Concession, *mine, *within(ConcessionRow.seq, after_seq, through_seq))


def given_back_since(
    connection: Connection, tenant_id: str, month: str, seq: int
) -> tuple[UsageSum, ...]:
    """What was given back after fact `seq` of a month's usage that was known by then."""
    return given_back_between(connection, tenant_id, month, seq, (seq, None))


def given_back_between(
    connection: Connection, tenant_id: str, month: str, seq: int, span: tuple[int, int | None]
) -> tuple[UsageSum, ...]:
    """The same of what was known by `seq`, after one fact and up to another (None: the last)."""
    mine = (UsageRow.month == month, UsageRow.tenant_id == tenant_id)
    later = (UsageRow.seq <= seq, *within(UsageCreditRow.seq, *span))
    return sums_of(connection, back_rows(*month_bounds(month)).where(*mine, *later))


def months_given_back(connection: Connection, span: tuple[int, int]) -> Mapping[str, set[str]]:
    """Of each tenant the months of whose usage something was given back between two facts."""
    used = select(UsageRow.tenant_id, UsageRow.month).join(UsageCreditRow, GIVEN_BACK)
    months: defaultdict[str, set[str]] = defaultdict(set)
    rows = used.where(*within(UsageCreditRow.seq, *span)).distinct()
    for tenant_id, month in connection.execute(rows):
        months[tenant_id].add(month)
    return months


def unmoved(connection: Connection) -> Iterator[Concession]:
    """Those that the ledger has not moved yet: the leader does so within seconds."""
    moved = {one.reference for one in transfers(connection, TransferKind.CONCESSION)}
    yield from (one for one in facts(connection, Concession) if one.id not in moved)


def unfit(connection: Connection) -> Iterator[tuple[str, str]]:
    """Each that the ledger has moved otherwise, or not at all: its row, and what is wrong."""
    known = {one.id: one for one in facts(connection, Concession)}
    for moved in transfers(connection, TransferKind.CONCESSION):
        one = known.get(moved.reference)
        if one is None:
            yield moved.reference, "the ledger has moved it, and no decision has granted it"
        elif moved != transfer_of(one, moved.at_ms):
            yield moved.reference, "the ledger has moved it otherwise than it was granted"
    closed = select(ClosingRow.through_seq).order_by(ClosingRow.through_seq.desc()).limit(1)
    stated = facts(connection, Concession, ConcessionRow.seq <= closed.scalar_subquery())
    late = {one.id for one in unmoved(connection)}
    for one in stated:
        if one.id in late:
            yield one.id, "a closed statement has it, and the ledger has not moved it"


def transfer_of(one: Concession, at_ms: int) -> Transfer:
    """How the ledger moves it."""
    return concede(one.tenant_id, one.id, one.amount_fen * MICROS_PER_FEN, at_ms)
