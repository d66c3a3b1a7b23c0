"""What devices did beside what was held of them, and its sums by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KEYS = "hour_ms, tenant_id, project, field, centre_id, pool_id, device_kind_id, tflops"
KEEP_HOURS = f"""
CREATE FUNCTION keep_activity_hours() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO activity_hours ({KEYS}, measured_device_ms, active_device_ms)
    SELECT from_ms - from_ms % 3600000 AS hour_ms, tenant_id, project, field, centre_id, pool_id,
        device_kind_id, tflops, sum(measured_device_ms), sum(active_device_ms)
    FROM added GROUP BY {KEYS} ORDER BY {KEYS}
    ON CONFLICT ({KEYS}) DO UPDATE SET
        measured_device_ms = activity_hours.measured_device_ms + EXCLUDED.measured_device_ms,
        active_device_ms = activity_hours.active_device_ms + EXCLUDED.active_device_ms;
    RETURN NULL;
END $$
"""
TEXTS = ("tenant_id", "project", "field", "centre_id", "pool_id", "device_kind_id")
COUNTS = ("measured_device_ms", "active_device_ms")


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TEXTS),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("device_count", "tflops", *COUNTS, "recorded_at_ms", "link")
        ),
        sa.Column(
            "seq",
            sa.BigInteger(),
            server_default=sa.text("nextval('books_seq')"),
            nullable=False,
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("reference", "from_ms"),
        sa.CheckConstraint("from_ms < to_ms", name="activity_is_an_interval"),
        sa.CheckConstraint(
            "from_ms / 3600000 = (to_ms - 1) / 3600000", name="activity_is_inside_an_hour"
        ),
        sa.CheckConstraint(
            "0 <= active_device_ms AND active_device_ms <= measured_device_ms"
            " AND measured_device_ms <= device_count * (to_ms - from_ms)",
            name="activity_has_time",
        ),
    )
    op.create_index("activity_by_link", "activity", ["tenant_id", "link"], unique=True)
    op.create_index("activity_by_time", "activity", ["from_ms"])
    op.create_table(
        "activity_hours",
        *(
            sa.Column(name, sa.Text() if name in TEXTS else sa.BigInteger(), nullable=False)
            for name in (*KEYS.split(", "), *COUNTS)
        ),
        sa.PrimaryKeyConstraint(*KEYS.split(", ")),
        postgresql_with={"fillfactor": "70"},
    )
    op.execute(
        "CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON activity"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
    )
    op.execute(KEEP_HOURS)
    op.execute(
        "CREATE TRIGGER keep_hours AFTER INSERT ON activity REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_activity_hours()"
    )
    op.execute(
        "CREATE TRIGGER refuse_others BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE"
        " ON activity_hours FOR EACH STATEMENT EXECUTE FUNCTION refuse_hours()"
    )


def downgrade() -> None:
    op.drop_table("activity")
    op.execute("DROP FUNCTION keep_activity_hours")
    op.drop_table("activity_hours")
