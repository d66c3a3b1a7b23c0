"""Usage by the hour, added up with each slice, whoever writes it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEYS = (
    "tenant_id, hour_ms, project, field, centre_id, device_kind_id, qos, tflops, price_list_id,"
    " price_micros"
)
HOURS = f"""
    INSERT INTO usage_hours ({KEYS}, device_ms)
    SELECT {KEYS}, sum(
        device_count * (least(to_ms, hour_ms + 3600000) - greatest(from_ms, hour_ms))
    )::bigint
    FROM %s, LATERAL generate_series(from_ms - from_ms %% 3600000, to_ms - 1, 3600000) AS hour_ms
    GROUP BY {KEYS}
    ORDER BY {KEYS}
"""
KEEP_HOURS = f"""
CREATE FUNCTION keep_hours() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {HOURS % "added"}
    ON CONFLICT ({KEYS}) DO UPDATE SET device_ms = usage_hours.device_ms + EXCLUDED.device_ms;
    RETURN NULL;
END $$
"""
REFUSE_OTHERS = """
CREATE FUNCTION refuse_hours() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        RAISE EXCEPTION 'table % follows from the usage; nobody else writes it', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    keys = KEYS.split(", ")
    numbers = {"hour_ms", "tflops", "price_micros", "device_ms"}
    op.create_table(
        "usage_hours",
        *(
            sa.Column(name, sa.BigInteger() if name in numbers else sa.Text(), nullable=False)
            for name in (*keys, "device_ms")
        ),
        sa.PrimaryKeyConstraint(*keys),
        # A row is written again with each slice of its hour: most find room beside it.
        postgresql_with={"fillfactor": "70"},
    )
    op.execute(KEEP_HOURS)
    # It locks the table: no slice comes between this and what is added up next.
    op.execute(
        "CREATE TRIGGER keep_hours AFTER INSERT ON usage REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_hours()"
    )
    op.execute(HOURS % "usage")
    op.execute(REFUSE_OTHERS)
    op.execute(
        "CREATE TRIGGER refuse_others BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON usage_hours"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_hours()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_hours ON usage")
    op.execute("DROP FUNCTION keep_hours")
    op.drop_table("usage_hours")
    op.execute("DROP FUNCTION refuse_hours")
