"""The chains in PostgreSQL: each fact gets its link in the transaction that writes it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, collate, select, text

from accounting.chain import Fact, chain_of, links
from accounting.link import GENESIS, Link
from accounting.storage.tables import ChainHeadRow

_ADVANCE = text(
    "INSERT INTO chain_heads AS known (chain, number, hash)"
    " SELECT * FROM unnest(CAST(:chain AS text[]), CAST(:number AS bigint[]),"
    " CAST(:hash AS bytea[]))"
    " ON CONFLICT (chain) DO UPDATE SET number = EXCLUDED.number, hash = EXCLUDED.hash"
)
# A chain without a fact has no row to be locked.
_BEGIN = text(
    "INSERT INTO chain_heads (chain, number, hash)"
    " SELECT chain, 0, CAST(:hash AS bytea) FROM unnest(CAST(:chain AS text[])) AS chain"
    ' ORDER BY chain COLLATE "C" ON CONFLICT DO NOTHING'
)


def chained(connection: Connection, facts: Sequence[Fact]) -> list[Link]:
    """The link of each fact, after all that is in its chain; the chains end there from now on.

    Other writers of the same chains wait until this transaction ends.
    """
    chains = sorted({chain_of(fact) for fact in facts})
    before = heads(connection, chains, is_writing=True)
    if len(before) < len(chains):
        connection.execute(_BEGIN, {"chain": chains, "hash": GENESIS.hash})
        before = heads(connection, chains, is_writing=True)
    made, after = links(before, facts)
    moved = {chain: link for chain, link in after.items() if link != before.get(chain)}
    rows = {
        "chain": [*moved],
        "number": [link.number for link in moved.values()],
        "hash": [link.hash for link in moved.values()],
    }
    connection.execute(_ADVANCE, rows)
    return made


def heads(
    connection: Connection, chains: Iterable[str] | None = None, *, is_writing: bool = False
) -> Mapping[str, Link]:
    """The last link of each chain, or of these; chains without a fact are not there."""
    rows = select(ChainHeadRow.chain, ChainHeadRow.number, ChainHeadRow.hash)
    if chains is not None:
        rows = rows.where(ChainHeadRow.chain.in_([*chains]))
    rows = rows.order_by(collate(ChainHeadRow.chain, "C"))
    if is_writing:
        rows = rows.with_for_update()
    return {row.chain: Link(row.number, row.hash) for row in connection.execute(rows)}


def columns_of(link: Link) -> dict[str, Any]:
    """A link as the columns of its fact's row."""
    return {"link": link.number, "hash": link.hash}
