"""Contracts, rules of subsidies, and what was claimed by them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def number(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def json(name: str) -> sa.Column:
    return sa.Column(name, JSONB(), nullable=False)


def linked() -> tuple[sa.Column, ...]:
    next_seq = sa.text("nextval('books_seq')")
    return (
        text("by"),
        number("at_ms"),
        sa.Column("seq", sa.BigInteger(), server_default=next_seq, nullable=False),
        number("link"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "contracts",
        *map(text, ("number", "tenant_id", "district")),
        flag("is_related"),
        *map(number, ("amount_fen", "from_ms", "until_ms")),
        *linked(),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "claim_rules",
        *map(text, ("id", "mode", "issuer", "pool", "year")),
        *map(number, ("budget_fen", "share_permille", "min_fen", "cap_fen")),
        flag("bars_related"),
        *map(number, ("from_ms", "until_ms")),
        *map(json, ("fields", "device_kind_ids", "centre_ids")),
        *linked(),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("link"),
    )
    op.create_table(
        "claims",
        *map(text, ("id", "rule_id", "tenant_id", "contract")),
        *map(number, ("base_fen", "amount_fen", "city_fen", "district_fen")),
        json("payments"),
        *linked(),
        sa.PrimaryKeyConstraint("id"),
    )
    for table in ("contracts", "claims"):
        op.create_index(f"{table}_by_link", table, ["tenant_id", "link"], unique=True)
    for table in ("contracts", "claim_rules", "claims"):
        op.execute(
            f"CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
        )


def downgrade() -> None:
    for table in ("claims", "claim_rules", "contracts"):
        op.drop_table(table)
