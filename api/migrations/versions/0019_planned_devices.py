"""On how many cards a job that has several forms would start."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("planned_device_count", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "planned_device_count")
