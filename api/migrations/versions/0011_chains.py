"""Hash chains over the books, those that are in them already too."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from accounting.chain import (
    ClosedMonth,
    Fact,
    chain_of,
    content,
    next_link,
)
from accounting.link import GENESIS, Link
from accounting.ledger import Transfer, TransferKind
from accounting.prices.rating import PriceList
from accounting.usage.slices import UsageCredit, UsageSlice

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LINKED = ("usage", "usage_credits", "transfers", "price_lists", "closings")
BATCH = 5_000
USAGE = """
SELECT reference, from_ms, to_ms, tenant_id, project, field, centre_id, device_kind_id, qos,
    device_count, tflops, price_list_id, price_micros, recorded_at_ms, seq, ctid::text AS place
FROM usage ORDER BY seq
"""
CREDITS = """
SELECT reference, tenant_id, at_ms, cause, recorded_at_ms, seq, ctid::text AS place
FROM usage_credits ORDER BY seq
"""
TRANSFERS = """
SELECT kind, reference, tenant_id, debit_account, credit_account, amount_micros, at_ms, seq,
    ctid::text AS place
FROM transfers ORDER BY seq
"""
OWNERS = """
UPDATE usage_credits AS given SET tenant_id = COALESCE(
    (SELECT tenant_id FROM usage WHERE usage.reference = given.reference LIMIT 1),
    (SELECT jobs.tenant_id FROM attempts JOIN jobs ON jobs.id = attempts.job_id
     WHERE attempts.id = given.reference),
    ''
)
"""
Row = dict[str, Any]
Written = tuple[int, str, str, Fact]
"""Its seq, its table, its place there, and what it says."""


def upgrade() -> None:
    for table in LINKED:
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER refuse_changes")
        op.add_column(table, sa.Column("link", sa.BigInteger(), nullable=True))
        op.add_column(table, sa.Column("hash", sa.LargeBinary(), nullable=True))
    op.add_column("usage_credits", sa.Column("tenant_id", sa.Text(), nullable=True))
    op.execute(OWNERS)
    op.alter_column("usage_credits", "tenant_id", nullable=False)
    op.create_table(
        "chain_heads",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain"),
    )
    op.create_table(
        "daily_roots",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("heads", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("drawn_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    _link_all(op.get_bind())
    for table in LINKED:
        op.alter_column(table, "link", nullable=False)
        op.alter_column(table, "hash", nullable=False)
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER refuse_changes")
    for table in ("usage", "usage_credits", "transfers"):
        op.create_index(f"{table}_by_link", table, ["tenant_id", "link"], unique=True)
    for table in ("price_lists", "closings"):
        op.create_unique_constraint(f"{table}_link_key", table, ["link"])
    op.execute(
        "CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON daily_roots"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
    )


def _link_all(connection: sa.Connection) -> None:
    """The order in which they were written is that of their numbers, over all tables."""
    heads: dict[str, Link] = {}
    batches: dict[str, list[Row]] = {table: [] for table in LINKED}
    for _, table, place, fact in _facts(connection):
        chain = chain_of(fact)
        heads[chain] = next_link(heads.get(chain, GENESIS), content(fact))
        number, digest = heads[chain]
        batches[table].append({"place": place, "link": number, "hash": digest})
        if len(batches[table]) >= BATCH:
            _write(connection, table, batches[table])
    for table, rows in batches.items():
        _write(connection, table, rows)
    for chain, (number, digest) in heads.items():
        row = {"chain": chain, "number": number, "hash": digest}
        head = "INSERT INTO chain_heads (chain, number, hash) VALUES (:chain, :number, :hash)"
        connection.execute(sa.text(head), row)


def _facts(connection: sa.Connection) -> Iterator[Written]:
    # All at once: their places change while their links are written.
    found: list[Written] = [
        # The park's own have no numbers: price lists in their order, and then closings.
        *((0, "price_lists", place, fact) for place, fact in _price_lists(connection)),
        *((0, "closings", place, fact) for place, fact in _closings(connection)),
        *_of(connection, "usage", USAGE, UsageSlice),
        *_of(connection, "usage_credits", CREDITS, UsageCredit),
        *_of(connection, "transfers", TRANSFERS, Transfer),
    ]
    return iter(sorted(found, key=lambda one: one[0]))


def _of(connection: sa.Connection, table: str, query: str, kind: type[Any]) -> Iterator[Written]:
    for found in connection.execute(sa.text(query)).mappings():
        row = dict(found)
        seq, place = row.pop("seq"), row.pop("place")
        if kind is Transfer:
            row["kind"] = TransferKind(row["kind"])
        yield seq, table, place, kind(**row)


def _price_lists(connection: sa.Connection) -> Iterator[tuple[str, Fact]]:
    query = (
        "SELECT id, from_ms, on_demand, qos_permille, class_permille, vat_permille,"
        " ctid::text AS place FROM price_lists ORDER BY from_ms"
    )
    for found in connection.execute(sa.text(query)).mappings():
        row = dict(found)
        place = row.pop("place")
        for name in ("on_demand", "qos_permille", "class_permille"):
            row[name] = tuple((key, number) for key, number in row[name])
        yield place, PriceList(**row)


def _closings(connection: sa.Connection) -> Iterator[tuple[str, Fact]]:
    query = "SELECT month, through_seq, closed_at_ms, ctid::text AS place FROM closings"
    for found in [*connection.execute(sa.text(f"{query} ORDER BY month")).mappings()]:
        row = dict(found)
        place = row.pop("place")
        sums = connection.execute(
            sa.text("SELECT tenant_id, sha256 FROM statements WHERE month = :month"),
            {"month": row["month"]},
        )
        yield place, ClosedMonth(**row, statements=tuple(sorted((one[0], one[1]) for one in sums)))


def _write(connection: sa.Connection, table: str, rows: list[Row]) -> None:
    if rows:
        update = f"UPDATE {table} SET link = :link, hash = :hash WHERE ctid = CAST(:place AS tid)"
        connection.execute(sa.text(update), [*rows])
        rows.clear()


def downgrade() -> None:
    op.drop_table("daily_roots")
    op.drop_table("chain_heads")
    for table in LINKED:
        op.drop_column(table, "hash")
        op.drop_column(table, "link")
    op.drop_column("usage_credits", "tenant_id")
