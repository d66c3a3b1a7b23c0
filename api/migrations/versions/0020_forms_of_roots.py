"""In which form a daily root was drawn: those that are there, in the first."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("form", sa.BigInteger(), server_default=sa.text("1"), nullable=False)
    op.add_column("daily_roots", column)


def downgrade() -> None:
    op.drop_column("daily_roots", "form")
