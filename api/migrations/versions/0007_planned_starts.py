"""Where a waiting job is planned to start, and whether that is promised."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was planned before does not say where; the leader plans it anew.
    op.execute("UPDATE jobs SET planned_start_ms = NULL WHERE planned_start_ms IS NOT NULL")
    op.add_column("jobs", sa.Column("planned_pool_id", sa.Text(), nullable=True))
    op.add_column(
        "jobs",
        sa.Column("is_start_promised", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("jobs", "is_start_promised")
    op.drop_column("jobs", "planned_pool_id")
