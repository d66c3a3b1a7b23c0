"""What accounts hold, added up with each transfer, whoever writes it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEEP_BALANCES = """
CREATE FUNCTION keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO balances (tenant_id, account, amount_micros)
    SELECT tenant_id, account, sum(amount)::bigint FROM (
        SELECT tenant_id, debit_account AS account, -amount_micros AS amount FROM added
        UNION ALL
        SELECT tenant_id, credit_account, amount_micros FROM added
    ) AS sides
    GROUP BY tenant_id, account
    ORDER BY tenant_id, account
    ON CONFLICT (tenant_id, account)
    DO UPDATE SET amount_micros = balances.amount_micros + EXCLUDED.amount_micros;
    RETURN NULL;
END $$
"""
REFUSE_OTHERS = """
CREATE FUNCTION refuse_others() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        RAISE EXCEPTION 'table % follows from the transfers; nobody else writes it', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$
"""
BACKFILL = """
INSERT INTO balances (tenant_id, account, amount_micros)
SELECT tenant_id, account, sum(amount)::bigint FROM (
    SELECT tenant_id, debit_account AS account, -amount_micros AS amount FROM transfers
    UNION ALL
    SELECT tenant_id, credit_account, amount_micros FROM transfers
) AS sides
GROUP BY tenant_id, account
"""


def upgrade() -> None:
    op.create_table(
        "balances",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "account"),
    )
    op.execute(KEEP_BALANCES)
    # It locks the table: no transfer comes between this and what is added up next.
    op.execute(
        "CREATE TRIGGER keep_balances AFTER INSERT ON transfers REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_balances()"
    )
    op.execute(BACKFILL)
    op.execute(REFUSE_OTHERS)
    op.execute(
        "CREATE TRIGGER refuse_others BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON balances"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_others()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_balances ON transfers")
    op.execute("DROP FUNCTION keep_balances")
    op.drop_table("balances")
    op.execute("DROP FUNCTION refuse_others")
