"""The books."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("closings", "price_lists", "statements", "transfers", "usage", "usage_credits")
REFUSE_CHANGES = """
CREATE FUNCTION refuse_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is only ever added to; a correction is a new row', TG_TABLE_NAME;
END $$
"""


def upgrade() -> None:
    op.execute("CREATE SEQUENCE books_seq")
    op.create_table(
        "closings",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("through_seq", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "price_lists",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("on_demand", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("qos_permille", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("class_permille", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("vat_permille", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("from_ms"),
    )
    op.create_table(
        "statements",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "month"),
    )
    op.create_table(
        "transfers",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("debit_account", sa.Text(), nullable=False),
        sa.Column("credit_account", sa.Text(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "seq", sa.BigInteger(), server_default=sa.text("nextval('books_seq')"), nullable=False
        ),
        sa.CheckConstraint("amount_micros > 0", name="transfers_move_something"),
        sa.CheckConstraint("debit_account <> credit_account", name="transfers_have_two_ends"),
        sa.PrimaryKeyConstraint("kind", "reference"),
    )
    op.create_index("transfers_by_tenant", "transfers", ["tenant_id", "seq"], unique=False)
    op.create_table(
        "usage",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("device_kind_id", sa.Text(), nullable=False),
        sa.Column("qos", sa.Text(), nullable=False),
        sa.Column("device_count", sa.BigInteger(), nullable=False),
        sa.Column("tflops", sa.BigInteger(), nullable=False),
        sa.Column("price_list_id", sa.Text(), nullable=False),
        sa.Column("price_micros", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "seq", sa.BigInteger(), server_default=sa.text("nextval('books_seq')"), nullable=False
        ),
        sa.CheckConstraint("device_count > 0 AND tflops > 0", name="usage_has_devices"),
        sa.CheckConstraint("from_ms < to_ms", name="usage_is_an_interval"),
        sa.CheckConstraint("price_micros >= 0", name="usage_has_a_price"),
        sa.PrimaryKeyConstraint("reference", "from_ms", "month"),
    )
    op.create_index("usage_by_month", "usage", ["month", "tenant_id"], unique=False)
    op.create_index(
        "usage_by_time", "usage", ["seq", "from_ms", "to_ms"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "usage_credits",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "seq", sa.BigInteger(), server_default=sa.text("nextval('books_seq')"), nullable=False
        ),
        sa.PrimaryKeyConstraint("reference"),
    )
    op.execute(REFUSE_CHANGES)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
        )


def downgrade() -> None:
    op.drop_table("usage_credits")
    op.drop_index("usage_by_time", table_name="usage", postgresql_using="brin")
    op.drop_index("usage_by_month", table_name="usage")
    op.drop_table("usage")
    op.drop_index("transfers_by_tenant", table_name="transfers")
    op.drop_table("transfers")
    op.drop_table("statements")
    op.drop_table("price_lists")
    op.drop_table("closings")
    op.execute("DROP FUNCTION refuse_changes")
    op.execute("DROP SEQUENCE books_seq")
