"""What of a pool is kept for quotes, and what is in planned maintenance."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

COLUMNS = "reserved_cards", "maintenance_cards"


def upgrade() -> None:
    for name in COLUMNS:
        column = sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        op.add_column("utilisation", column)


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("utilisation", name)
