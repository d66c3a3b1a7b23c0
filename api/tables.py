"""The faces' own tables: keys, remembered answers, uploaded working directories, logs."""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, LargeBinary, Text, false
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The API's metadata; no foreign key leaves it."""

    type_annotation_map: ClassVar = {
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class KeyRow(Base):
    """An API key: `id` is its public part, `digest` the sha256 of its secret part.

    `tenant_id` is set for the role tenant alone, `centre_id` for the role agent alone.
    """

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    role: Mapped[str]
    tenant_id: Mapped[str | None] = mapped_column(index=True)
    centre_id: Mapped[str | None]
    label: Mapped[str]
    created_at_ms: Mapped[int]
    last_used_at_ms: Mapped[int | None]
    revoked_at_ms: Mapped[int | None]


class AnswerRow(Base):
    """What was answered to a create with an Idempotency-Key, so that a repeat changes nothing."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (Index("idempotent_answers_by_age", "created_at_ms"),)

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[bytes]
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    created_at_ms: Mapped[int]


class QuoteRow(Base):
    """A quote that was given, for the job of `spec`; `job_id` is who took it.

    `pool_id`, `start_ms` and `cost` are where the job would have gone, when, and for how much;
    `is_kept` whether the leader was asked to keep that, and did.
    """

    __tablename__ = "quotes"
    __table_args__ = (Index("quotes_by_age", "expires_at_ms"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    at_ms: Mapped[int]
    expires_at_ms: Mapped[int]
    spec: Mapped[dict[str, Any]]
    pool_id: Mapped[str]
    start_ms: Mapped[int | None]
    cost: Mapped[str | None]
    is_kept: Mapped[bool] = mapped_column(server_default=false())
    job_id: Mapped[str | None]


class ArchiveRow(Base):
    """A tenant has uploaded this working directory; equal bytes are stored once for all.

    `created_at_ms` is when it was last brought, or named by a new job.
    """

    __tablename__ = "archives"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    byte_count: Mapped[int]
    created_at_ms: Mapped[int]


class ArchiveChunkRow(Base):
    """A mebibyte of a working directory; the last one of each may be shorter."""

    __tablename__ = "archive_chunks"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[bytes]


class LogRow(Base):
    """How much of a member's output is kept.

    `is_full` when the rest is left out, `is_over` when all there ever will be is here.
    """

    __tablename__ = "logs"

    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    byte_count: Mapped[int]
    is_full: Mapped[bool]
    is_over: Mapped[bool] = mapped_column(server_default=false())


class LogChunkRow(Base):
    """A piece of a member's output, in whatever bytes it wrote."""

    __tablename__ = "log_chunks"

    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    member: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes]
