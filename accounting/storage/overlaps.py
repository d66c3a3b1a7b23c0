"""Usage that was counted twice: slices of one holding that overlap.

The log takes no slice but from where the meter of its attempt stands, so there is none in whole
books. It is looked for where books are proven and where a month is closed, and not as slices are
written: a leader that the database refuses can do nothing else either.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from accounting.storage.tables import UsageRow


class Overlap(NamedTuple):
    """A slice that begins before the one before it in the same holding has ended."""

    reference: str
    from_ms: int
    before_ms: int


def overlaps(connection: Connection, *which: ColumnElement[bool]) -> Iterator[Overlap]:
    """Each among the slices for which all of these hold, in order of time."""
    before = func.lag(UsageRow.to_ms).over(
        partition_by=UsageRow.reference, order_by=UsageRow.from_ms
    )
    columns = (UsageRow.reference, UsageRow.from_ms, before.label("before_ms"))
    slices = select(*columns).where(*which).subquery()
    order = (slices.c.from_ms, slices.c.reference)
    found = select(slices).where(slices.c.from_ms < slices.c.before_ms).order_by(*order)
    for row in connection.execute(found):
        yield Overlap(*row)


def in_month(connection: Connection, month: str, after_seq: int | None) -> Iterator[Overlap]:
    """Those in what a month's statements take in: its own usage, and what corrects earlier ones.

    That is of holdings of which something was written after `after_seq` (None: it corrects none).
    """
    yield from overlaps(connection, UsageRow.month == month)
    if after_seq is not None:
        late = select(UsageRow.reference).where(UsageRow.month < month, UsageRow.seq > after_seq)
        yield from overlaps(connection, UsageRow.month < month, UsageRow.reference.in_(late))
