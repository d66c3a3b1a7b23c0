"""Invoices that are asked for, what became of them, and payments of closed statements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("invoice_requests", "invoice_steps", "receipts")


def text(name: str, **options: bool) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False, **options)


def number(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=False)


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
        "invoice_requests",
        text("id", primary_key=True),
        *map(text, ("tenant_id", "month", "sha256", "buyer_name", "credit_code")),
        sa.Column("lines", JSONB(), nullable=False),
        *linked(),
    )
    op.create_index("invoice_requests_by_month", "invoice_requests", ["tenant_id", "month"])
    op.create_table(
        "invoice_steps",
        text("number", primary_key=True),
        *map(text, ("kind", "invoice_id", "tenant_id")),
        number("amount_fen"),
        text("reason"),
        *linked(),
    )
    op.create_index("invoice_steps_by_invoice", "invoice_steps", ["invoice_id"])
    op.create_table(
        "receipts",
        text("reference", primary_key=True),
        *map(text, ("tenant_id", "month", "invoice_id")),
        number("amount_fen"),
        number("paid_at_ms"),
        *linked(),
    )
    op.create_index("receipts_by_month", "receipts", ["tenant_id", "month"])
    for table in TABLES:
        op.create_index(f"{table}_by_link", table, ["tenant_id", "link"], unique=True)
        op.execute(
            f"CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
