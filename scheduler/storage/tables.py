"""The scheduler's tables: the event log, the inbox, and read models written with each commit."""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The scheduler's metadata; no foreign key leaves it."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class LeaderRow(Base):
    """The one leader: its epoch fences its writes, its url tells agents where to report."""

    __tablename__ = "leader"

    id: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    expires_at_ms: Mapped[int]
    url: Mapped[str]


class EventRow(Base):
    """One fact; `seq` is dense because one writer assigns it. `tenant_id` None: the park's own."""

    __tablename__ = "events"
    __table_args__ = (Index("events_by_tenant", "tenant_id", "seq"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    kind: Mapped[str]
    tenant_id: Mapped[str | None]
    job_id: Mapped[str | None]
    at_ms: Mapped[int]
    recorded_at_ms: Mapped[int]
    body: Mapped[dict[str, Any]]


class CheckpointRow(Base):
    """The state after event `seq`, as JSON; replay starts at the newest one."""

    __tablename__ = "checkpoints"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    recorded_at_ms: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class InboxRow(Base):
    """A request for the leader; `consumed_seq` None until a commit took or refused it."""

    __tablename__ = "inbox"
    __table_args__ = (Index("inbox_pending", "seq", postgresql_where=text("consumed_seq IS NULL")),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    tenant_id: Mapped[str | None]
    body: Mapped[dict[str, Any]]
    received_at_ms: Mapped[int]
    consumed_seq: Mapped[int | None]
    refused: Mapped[str | None]


class JobRow(Base):
    """A job as its users see it: how it stands, and why it waits.

    `spec` is the `scheduler.model.job.Job` as `codec.encode_job_text` writes it. At `told_at_ms` it
    was told a start first, in this wait.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("jobs_by_tenant", "tenant_id", "id"),
        Index("jobs_by_state", "state", "id"),
        Index("jobs_by_array", "array_id", "id", postgresql_where=text("array_id IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    state: Mapped[str]
    array_id: Mapped[str | None]
    array_index: Mapped[int | None]
    submitted_at_ms: Mapped[int]
    released_at_ms: Mapped[int | None]
    started_at_ms: Mapped[int | None]
    ended_at_ms: Mapped[int | None]
    position: Mapped[int | None]
    planned_start_ms: Mapped[int | None]
    planned_pool_id: Mapped[str | None]
    planned_device_count: Mapped[int | None]
    start_p50_ms: Mapped[int | None]
    start_p90_ms: Mapped[int | None]
    is_start_promised: Mapped[bool] = mapped_column(server_default=false())
    told_at_ms: Mapped[int | None]
    told_start_ms: Mapped[int | None]
    told_pool_id: Mapped[str | None]
    reasons: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    spec: Mapped[dict[str, Any]]
    end_cause: Mapped[str | None]
    detail: Mapped[str] = mapped_column(server_default=text("''"))


class AttemptRow(Base):
    """One try to run a job: where, when, and how it ended."""

    __tablename__ = "attempts"
    __table_args__ = (
        # At most one live attempt a job, whatever the code above believes.
        Index("attempts_live", "job_id", unique=True, postgresql_where=text("ended_at_ms IS NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    centre_id: Mapped[str]
    device_kind_id: Mapped[str]
    placement: Mapped[dict[str, Any]]
    leased_at_ms: Mapped[int]
    started_at_ms: Mapped[int | None]
    ended_at_ms: Mapped[int | None]
    cause: Mapped[str | None]
    exit_code: Mapped[int | None]
    detail: Mapped[str] = mapped_column(server_default=text("''"))
    saved_at_ms: Mapped[int | None]


class ViewRow(Base):
    """A value as the newest event has it, under the names of `views.write_views`."""

    __tablename__ = "views"

    name: Mapped[str] = mapped_column(primary_key=True)
    at_ms: Mapped[int]
    body: Mapped[dict[str, Any]]


class UtilisationRow(Base):
    """How a pool stood from `at_ms` until its next row, in cards of `tflops` each."""

    __tablename__ = "utilisation"

    pool_id: Mapped[str] = mapped_column(primary_key=True)
    at_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    centre_id: Mapped[str]
    registered_cards: Mapped[int]
    online_cards: Mapped[int]
    schedulable_cards: Mapped[int]
    allocated_cards: Mapped[int]
    reserved_cards: Mapped[int] = mapped_column(server_default=text("0"))
    maintenance_cards: Mapped[int] = mapped_column(server_default=text("0"))
    tflops: Mapped[int]
