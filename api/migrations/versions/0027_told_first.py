"""When and where a waiting job was told first that it would start."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

COLUMNS = {
    "told_at_ms": sa.BigInteger(),
    "told_start_ms": sa.BigInteger(),
    "told_pool_id": sa.Text(),
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("jobs", sa.Column(name, kind))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("jobs", name)
