"""Tables of what is said and written about closed months; each row is a fact of a chain.

They are only ever added to, as `tables` says; `fact_store` writes them.
"""

from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from accounting.storage.tables import FACT_SEQ, Base


class Linked:
    """What each fact's row has beside what the fact says."""

    seq: Mapped[int] = mapped_column(server_default=FACT_SEQ.next_value())
    link: Mapped[int]
    hash: Mapped[bytes]


class PackageRow(Linked, Base):
    """A package as it was bought."""

    __tablename__ = "packages"
    __table_args__ = (Index("packages_by_link", "tenant_id", "link", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    kind: Mapped[str]
    device_kind_id: Mapped[str]
    card_count: Mapped[int]
    device_ms: Mapped[int]
    from_ms: Mapped[int]
    until_ms: Mapped[int]
    amount_fen: Mapped[int]
    vat_permille: Mapped[int]
    bought_at_ms: Mapped[int]


class ReplyRow(Linked, Base):
    """What was said about a closed statement."""

    __tablename__ = "statement_replies"
    __table_args__ = (Index("statement_replies_by_link", "tenant_id", "link", unique=True),)

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    sha256: Mapped[str]
    reason: Mapped[str]
    lines: Mapped[list[Any]]
    by: Mapped[str]
    at_ms: Mapped[int]


class ConcessionRow(Linked, Base):
    """What a decision about a dispute grants."""

    __tablename__ = "concessions"
    __table_args__ = (Index("concessions_by_link", "tenant_id", "link", unique=True),)

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lines: Mapped[list[Any]]
    parts: Mapped[list[Any]]
    reason: Mapped[str]
    by: Mapped[str]
    at_ms: Mapped[int]


class InvoiceRequestRow(Linked, Base):
    """An invoice that is asked for."""

    __tablename__ = "invoice_requests"
    __table_args__ = (
        Index("invoice_requests_by_link", "tenant_id", "link", unique=True),
        Index("invoice_requests_by_month", "tenant_id", "month"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    month: Mapped[str]
    sha256: Mapped[str]
    buyer_name: Mapped[str]
    credit_code: Mapped[str]
    lines: Mapped[list[Any]]
    by: Mapped[str]
    at_ms: Mapped[int]


class InvoiceStepRow(Linked, Base):
    """What became of it; the number of an invoice or a credit note is there once."""

    __tablename__ = "invoice_steps"
    __table_args__ = (
        Index("invoice_steps_by_link", "tenant_id", "link", unique=True),
        Index("invoice_steps_by_invoice", "invoice_id"),
    )

    number: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    invoice_id: Mapped[str]
    tenant_id: Mapped[str]
    amount_fen: Mapped[int]
    reason: Mapped[str]
    by: Mapped[str]
    at_ms: Mapped[int]


class ReceiptRow(Linked, Base):
    """What was paid of a closed statement."""

    __tablename__ = "receipts"
    __table_args__ = (
        Index("receipts_by_link", "tenant_id", "link", unique=True),
        Index("receipts_by_month", "tenant_id", "month"),
    )

    reference: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    month: Mapped[str]
    invoice_id: Mapped[str]
    amount_fen: Mapped[int]
    paid_at_ms: Mapped[int]
    by: Mapped[str]
    at_ms: Mapped[int]


class CentreTermsRow(Linked, Base):
    """What a centre gets from a month on."""

    __tablename__ = "centre_terms"
    __table_args__ = (UniqueConstraint("link"),)

    centre_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    prices: Mapped[list[Any]]
    tiers: Mapped[list[Any]]
    vat_permille: Mapped[int]
    by: Mapped[str]
    at_ms: Mapped[int]


class SettledMonthRow(Linked, Base):
    """A closed month's settlement: the checksum of each statement that it has."""

    __tablename__ = "settled_months"
    __table_args__ = (UniqueConstraint("link"),)

    month: Mapped[str] = mapped_column(primary_key=True)
    at_ms: Mapped[int]
    statements: Mapped[list[Any]]


class SettlementRow(Base):
    """A closed statement of a centre, or of the platform: `body` stays byte for byte."""

    __tablename__ = "settlements"

    party: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[bytes]
    sha256: Mapped[str]
    at_ms: Mapped[int]


class ContractRow(Linked, Base):
    """A contract with a tenant."""

    __tablename__ = "contracts"
    __table_args__ = (Index("contracts_by_link", "tenant_id", "link", unique=True),)

    number: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    amount_fen: Mapped[int]
    district: Mapped[str]
    is_related: Mapped[bool]
    from_ms: Mapped[int]
    until_ms: Mapped[int]
    by: Mapped[str]
    at_ms: Mapped[int]


class ClaimRuleRow(Linked, Base):
    """What a fund pays, as data."""

    __tablename__ = "claim_rules"
    __table_args__ = (UniqueConstraint("link"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    issuer: Mapped[str]
    pool: Mapped[str]
    year: Mapped[str]
    budget_fen: Mapped[int]
    share_permille: Mapped[int]
    min_fen: Mapped[int]
    cap_fen: Mapped[int]
    bars_related: Mapped[bool]
    from_ms: Mapped[int]
    until_ms: Mapped[int]
    fields: Mapped[list[Any]]
    device_kind_ids: Mapped[list[Any]]
    centre_ids: Mapped[list[Any]]
    by: Mapped[str]
    at_ms: Mapped[int]


class ClaimRow(Linked, Base):
    """What was claimed."""

    __tablename__ = "claims"
    __table_args__ = (Index("claims_by_link", "tenant_id", "link", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True)
    rule_id: Mapped[str]
    tenant_id: Mapped[str]
    contract: Mapped[str]
    base_fen: Mapped[int]
    amount_fen: Mapped[int]
    city_fen: Mapped[int]
    district_fen: Mapped[int]
    payments: Mapped[list[Any]]
    by: Mapped[str]
    at_ms: Mapped[int]
