"""Vouchers, and what closed months took of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
NEXT_SEQ = sa.text("nextval('books_seq')")


def upgrade() -> None:
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("share_permille", sa.BigInteger(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("device_kind_ids", JSON, nullable=False),
        sa.Column("centre_ids", JSON, nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=NEXT_SEQ, nullable=False),
        sa.Column("link", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract"),
    )
    op.create_index("vouchers_by_link", "vouchers", ["tenant_id", "link"], unique=True)
    op.create_table(
        "voucher_entries",
        sa.Column("voucher_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=NEXT_SEQ, nullable=False),
        sa.Column("link", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name="voucher_entries_move_something"),
        sa.PrimaryKeyConstraint("voucher_id", "month", "kind"),
    )
    op.create_index(
        "voucher_entries_by_link", "voucher_entries", ["tenant_id", "link"], unique=True
    )
    op.create_index("voucher_entries_by_month", "voucher_entries", ["month", "tenant_id"])
    for table in ("vouchers", "voucher_entries"):
        op.execute(
            f"CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
        )


def downgrade() -> None:
    op.drop_table("voucher_entries")
    op.drop_table("vouchers")
