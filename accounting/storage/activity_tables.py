"""Tables of what devices did: facts beside the usage, and what they come to by the hour."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from accounting.storage.bill_tables import Linked
from accounting.storage.tables import Base


class ActivityRow(Linked, Base):
    """What was watched of a holding, inside one hour."""

    __tablename__ = "activity"
    __table_args__ = (
        Index("activity_by_link", "tenant_id", "link", unique=True),
        Index("activity_by_time", "from_ms"),
        CheckConstraint("from_ms < to_ms", name="activity_is_an_interval"),
        CheckConstraint(
            "from_ms / 3600000 = (to_ms - 1) / 3600000", name="activity_is_inside_an_hour"
        ),
        CheckConstraint(
            "0 <= active_device_ms AND active_device_ms <= measured_device_ms"
            " AND measured_device_ms <= device_count * (to_ms - from_ms)",
            name="activity_has_time",
        ),
    )

    reference: Mapped[str] = mapped_column(primary_key=True)
    from_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    to_ms: Mapped[int]
    tenant_id: Mapped[str]
    project: Mapped[str]
    field: Mapped[str]
    centre_id: Mapped[str]
    pool_id: Mapped[str]
    device_kind_id: Mapped[str]
    device_count: Mapped[int]
    tflops: Mapped[int]
    measured_device_ms: Mapped[int]
    active_device_ms: Mapped[int]
    recorded_at_ms: Mapped[int]


class ActivityHourRow(Base):
    """The activity of one hour, of all that is alike; a trigger of `activity` adds it up."""

    __tablename__ = "activity_hours"

    hour_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    centre_id: Mapped[str] = mapped_column(primary_key=True)
    pool_id: Mapped[str] = mapped_column(primary_key=True)
    device_kind_id: Mapped[str] = mapped_column(primary_key=True)
    tflops: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measured_device_ms: Mapped[int]
    active_device_ms: Mapped[int]
