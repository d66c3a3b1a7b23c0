"""Which array a job is a task of, and which of its tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("array_id", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("array_index", sa.BigInteger(), nullable=True))
    op.create_index(
        "jobs_by_array",
        "jobs",
        ["array_id", "id"],
        postgresql_where=sa.text("array_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("jobs_by_array", table_name="jobs")
    op.drop_column("jobs", "array_index")
    op.drop_column("jobs", "array_id")
