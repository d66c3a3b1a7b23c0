"""Terms of centres, and the statements of centres and of the platform."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = ("centre_terms", "settled_months", "settlements")


def text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def number(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def linked() -> tuple[sa.Column | sa.UniqueConstraint, ...]:
    next_seq = sa.text("nextval('books_seq')")
    return (
        sa.Column("seq", sa.BigInteger(), server_default=next_seq, nullable=False),
        number("link"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("link"),
    )


def upgrade() -> None:
    op.create_table(
        "centre_terms",
        *map(text, ("centre_id", "month", "kind")),
        sa.Column("prices", JSONB(), nullable=False),
        sa.Column("tiers", JSONB(), nullable=False),
        number("vat_permille"),
        text("by"),
        number("at_ms"),
        *linked(),
        sa.PrimaryKeyConstraint("centre_id", "month"),
    )
    op.create_table(
        "settled_months",
        text("month"),
        number("at_ms"),
        sa.Column("statements", JSONB(), nullable=False),
        *linked(),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "settlements",
        text("party"),
        text("month"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        text("sha256"),
        number("at_ms"),
        sa.PrimaryKeyConstraint("party", "month"),
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
