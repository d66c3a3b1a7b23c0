"""When the job of an attempt last saved itself."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("saved_at_ms", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("attempts", "saved_at_ms")
