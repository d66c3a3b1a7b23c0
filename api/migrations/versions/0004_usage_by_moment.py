"""Usage in the order in which it is exported."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("usage_by_moment", "usage", ["month", "from_ms", "reference"])


def downgrade() -> None:
    op.drop_index("usage_by_moment", table_name="usage")
