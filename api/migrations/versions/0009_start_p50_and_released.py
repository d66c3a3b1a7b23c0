"""By when half start that are told what this job was told, and when a held one was released."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("start_p50_ms", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("released_at_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "released_at_ms")
    op.drop_column("jobs", "start_p50_ms")
