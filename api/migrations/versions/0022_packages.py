"""Packages that were bought, and usage that they cover found by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NUMBERS = (
    *("card_count", "device_ms", "from_ms", "until_ms"),
    *("amount_fen", "vat_permille", "bought_at_ms", "link"),
)


def upgrade() -> None:
    op.create_table(
        "packages",
        sa.Column("id", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("tenant_id", "kind")),
        sa.Column("device_kind_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in NUMBERS),
        sa.Column(
            "seq",
            sa.BigInteger(),
            server_default=sa.text("nextval('books_seq')"),
            nullable=False,
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
    )
    op.create_index("packages_by_link", "packages", ["tenant_id", "link"], unique=True)
    op.execute(
        "CREATE INDEX usage_by_package ON usage (tenant_id, month)"
        " WHERE position('/' in reference) > 0"
    )
    op.execute(
        "CREATE TRIGGER refuse_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON packages"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
    )


def downgrade() -> None:
    op.execute("DROP INDEX usage_by_package")
    op.drop_table("packages")
