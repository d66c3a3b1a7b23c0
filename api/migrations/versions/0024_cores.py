"""Usage of cores, which have no TFLOPS."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

NAME = "usage_has_devices"


def upgrade() -> None:
    op.drop_constraint(NAME, "usage")
    op.create_check_constraint(NAME, "usage", "device_count > 0 AND tflops >= 0")


def downgrade() -> None:
    op.drop_constraint(NAME, "usage")
    op.create_check_constraint(NAME, "usage", "device_count > 0 AND tflops > 0")
