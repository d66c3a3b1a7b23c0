"""What a daily root is drawn over: the heads of all chains, and papers that no root has noted yet.

Papers are price lists and closed statements. They are links of the park's chain or named by one,
which tells of all tenants: as leaves of a root each can be shown by itself.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from accounting.chain import (
    PAPERS_SINCE,
    PARK,
    leaf_of,
    price_list_leaf,
    statement_leaf,
)
from accounting.link import GENESIS, Link
from accounting.storage.tables import ClosingRow, PriceListRow, RootRow, StatementRow

Heads = list[tuple[str, Link]]


def heads_of(row: Row[*tuple[Any, ...]]) -> Heads:
    """The heads that a root has noted."""
    return [(chain, Link(number, bytes.fromhex(digest))) for chain, number, digest in row.heads]


def roots_drawn(connection: Connection) -> Iterator[tuple[Row[*tuple[Any, ...]], Heads, list[str]]]:
    """Each root in its order, with the heads and the papers that follow from the books for it."""
    noted = 0
    for row in connection.execute(select(RootRow.__table__).order_by(RootRow.day)).all():
        heads = heads_of(row)
        through, has_papers = _park(heads), row.form >= PAPERS_SINCE
        yield row, heads, papers(connection, noted, through) if has_papers else []
        noted = through if has_papers else noted


def new_papers(connection: Connection, heads: Heads) -> list[str]:
    """What the next root is to note, which is over these heads."""
    last = select(RootRow.__table__).where(RootRow.form >= PAPERS_SINCE)
    row = connection.execute(last.order_by(RootRow.day.desc()).limit(1)).one_or_none()
    return papers(connection, 0 if row is None else _park(heads_of(row)), _park(heads))


def papers(connection: Connection, after: int, through: int) -> list[str]:
    """Leaves of what was published and closed by the park's links after one, through another."""
    lists = select(PriceListRow.link, PriceListRow.hash)
    lists = lists.where(PriceListRow.link > after, PriceListRow.link <= through)
    closed = select(StatementRow.tenant_id, StatementRow.month, StatementRow.sha256)
    closed = closed.join(ClosingRow, ClosingRow.month == StatementRow.month)
    closed = closed.where(ClosingRow.link > after, ClosingRow.link <= through)
    return [
        *(price_list_leaf(Link(*row)) for row in connection.execute(lists)),
        *(statement_leaf(*row) for row in connection.execute(closed)),
    ]


def _park(heads: Heads) -> int:
    """How long the park's chain is."""
    return dict(heads).get(PARK, GENESIS).number


def leaves_of(heads: Heads, papers_: list[str]) -> list[str]:
    """All that a root notes, in the order in which it is hashed."""
    return sorted([*(leaf_of(chain, link) for chain, link in heads), *papers_])
