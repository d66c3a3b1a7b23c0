"""What finance grants in disputes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "concessions",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("tenant_id", "month")),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        *(sa.Column(name, JSONB(), nullable=False) for name in ("lines", "parts")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reason", "by")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("at_ms", "link")),
        sa.Column(
            "seq",
            sa.BigInteger(),
            server_default=sa.text("nextval('books_seq')"),
            nullable=False,
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
    )
    op.create_index("concessions_by_link", "concessions", ["tenant_id", "link"], unique=True)
    op.execute(
        "CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON concessions"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
    )


def downgrade() -> None:
    op.drop_table("concessions")
