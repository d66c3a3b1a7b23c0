"""The books' tables: facts that are only ever added to, and the statements made of them.

Their migration has PostgreSQL refuse every UPDATE, DELETE and TRUNCATE, whoever asks for it. What
accounts hold is added up by PostgreSQL itself, in the transaction of each transfer.

`seq` numbers the facts in the order in which they were written, over all tables: a closed month
remembers the last one that it took in, so what comes later is known to be late. `link` is a fact's
place in its chain, and `hash` that of the chain up to it (`accounting.chain`).
"""

from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    Sequence,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The books' metadata; no foreign key leaves it."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        list[Any]: JSONB,
    }


FACT_SEQ = Sequence("books_seq", metadata=Base.metadata)


class UsageRow(Base):
    """A usage slice; `month` is the month of Asia/Shanghai that all of it lies in.

    The month is part of the key so that the table can be divided by it; it follows from `from_ms`.
    """

    __tablename__ = "usage"
    __table_args__ = (
        Index("usage_by_link", "tenant_id", "link", unique=True),
        CheckConstraint("from_ms < to_ms", name="usage_is_an_interval"),
        CheckConstraint("device_count > 0 AND tflops >= 0", name="usage_has_devices"),
        CheckConstraint("price_micros >= 0", name="usage_has_a_price"),
        Index("usage_by_month", "month", "tenant_id"),
        # In the order of an export, which is read page by page.
        Index("usage_by_moment", "month", "from_ms", "reference"),
        # What packages cover has a reference of its own.
        Index(
            "usage_by_package",
            "tenant_id",
            "month",
            postgresql_where=text("position('/' in reference) > 0"),
        ),
        # Facts arrive nearly in order of time, so ranges of pages are a small and cheap index.
        Index("usage_by_time", "seq", "from_ms", "to_ms", postgresql_using="brin"),
    )

    reference: Mapped[str] = mapped_column(primary_key=True)
    from_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[str] = mapped_column(primary_key=True)
    to_ms: Mapped[int]
    tenant_id: Mapped[str]
    project: Mapped[str]
    field: Mapped[str]
    centre_id: Mapped[str]
    device_kind_id: Mapped[str]
    qos: Mapped[str]
    device_count: Mapped[int]
    tflops: Mapped[int]
    price_list_id: Mapped[str]
    price_micros: Mapped[int]
    recorded_at_ms: Mapped[int]
    seq: Mapped[int] = mapped_column(server_default=FACT_SEQ.next_value())
    link: Mapped[int]
    hash: Mapped[bytes]


class UsageHourRow(Base):
    """Device time of one hour, of all slices that are alike; a trigger of `usage` adds it up."""

    __tablename__ = "usage_hours"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    hour_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    project: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    centre_id: Mapped[str] = mapped_column(primary_key=True)
    device_kind_id: Mapped[str] = mapped_column(primary_key=True)
    qos: Mapped[str] = mapped_column(primary_key=True)
    tflops: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    price_list_id: Mapped[str] = mapped_column(primary_key=True)
    price_micros: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    device_ms: Mapped[int]


class UsageCreditRow(Base):
    """All usage of `reference` is given back, once."""

    __tablename__ = "usage_credits"
    __table_args__ = (Index("usage_credits_by_link", "tenant_id", "link", unique=True),)

    reference: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    at_ms: Mapped[int]
    cause: Mapped[str]
    recorded_at_ms: Mapped[int]
    seq: Mapped[int] = mapped_column(server_default=FACT_SEQ.next_value())
    link: Mapped[int]
    hash: Mapped[bytes]


class PriceListRow(Base):
    """A published price list; the maps are lists of pairs, in the order of their publisher."""

    __tablename__ = "price_lists"

    id: Mapped[str] = mapped_column(primary_key=True)
    from_ms: Mapped[int] = mapped_column(unique=True)
    on_demand: Mapped[list[Any]]
    qos_permille: Mapped[list[Any]]
    class_permille: Mapped[list[Any]]
    vat_permille: Mapped[int]
    link: Mapped[int] = mapped_column(unique=True)
    hash: Mapped[bytes]


class TransferRow(Base):
    """Money that moved from one account to another."""

    __tablename__ = "transfers"
    __table_args__ = (
        Index("transfers_by_link", "tenant_id", "link", unique=True),
        CheckConstraint("amount_micros > 0", name="transfers_move_something"),
        CheckConstraint("debit_account <> credit_account", name="transfers_have_two_ends"),
        Index("transfers_by_tenant", "tenant_id", "seq"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    debit_account: Mapped[str]
    credit_account: Mapped[str]
    amount_micros: Mapped[int]
    at_ms: Mapped[int]
    seq: Mapped[int] = mapped_column(server_default=FACT_SEQ.next_value())
    link: Mapped[int]
    hash: Mapped[bytes]


class VoucherRow(Base):
    """A voucher as it was issued; a contract has one, whoever issues it."""

    __tablename__ = "vouchers"
    __table_args__ = (Index("vouchers_by_link", "tenant_id", "link", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    issuer: Mapped[str]
    contract: Mapped[str] = mapped_column(unique=True)
    amount_fen: Mapped[int]
    share_permille: Mapped[int]
    from_ms: Mapped[int]
    until_ms: Mapped[int]
    issued_at_ms: Mapped[int]
    fields: Mapped[list[Any]]
    device_kind_ids: Mapped[list[Any]]
    centre_ids: Mapped[list[Any]]
    seq: Mapped[int] = mapped_column(server_default=FACT_SEQ.next_value())
    link: Mapped[int]
    hash: Mapped[bytes]


class VoucherEntryRow(Base):
    """What a closed month took of a voucher, or gave back to it."""

    __tablename__ = "voucher_entries"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="voucher_entries_move_something"),
        Index("voucher_entries_by_link", "tenant_id", "link", unique=True),
        Index("voucher_entries_by_month", "month", "tenant_id"),
    )

    voucher_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    amount_fen: Mapped[int]
    at_ms: Mapped[int]
    seq: Mapped[int] = mapped_column(server_default=FACT_SEQ.next_value())
    link: Mapped[int]
    hash: Mapped[bytes]


class BalanceRow(Base):
    """The sum of a tenant's transfers at one account: a trigger of `transfers` writes it."""

    __tablename__ = "balances"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    amount_micros: Mapped[int]


class ClosingRow(Base):
    """A month that is closed: facts up to `through_seq` are in its statements, later ones late."""

    __tablename__ = "closings"

    month: Mapped[str] = mapped_column(primary_key=True)
    through_seq: Mapped[int]
    closed_at_ms: Mapped[int]
    link: Mapped[int] = mapped_column(unique=True)
    hash: Mapped[bytes]


class StatementRow(Base):
    """A closed statement: `body` stays byte for byte, `sha256` proves it. Drafts are not stored."""

    __tablename__ = "statements"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[bytes]
    sha256: Mapped[str]
    closed_at_ms: Mapped[int]


class ChainHeadRow(Base):
    """Where each chain ends: what the next fact of it is linked to."""

    __tablename__ = "chain_heads"

    chain: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    hash: Mapped[bytes]


class RootRow(Base):
    """The root of a day over all chains as they were when it was drawn; only ever added to.

    `heads` are [chain, number, hash in hexadecimal], sorted by chain; `form` is which of
    `chain.ROOT_FORMS` makes the root of them.
    """

    __tablename__ = "daily_roots"

    day: Mapped[str] = mapped_column(primary_key=True)
    heads: Mapped[list[Any]]
    root: Mapped[bytes]
    drawn_at_ms: Mapped[int]
    form: Mapped[int] = mapped_column(server_default=text("1"))
