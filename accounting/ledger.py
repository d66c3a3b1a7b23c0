"""The ledger: append-only transfers between accounts, so that all accounts sum to zero."""

from dataclasses import dataclass
from enum import StrEnum


class TransferKind(StrEnum):
    """Why money moved."""

    TOP_UP = "top_up"
    HOLD = "hold"
    POST = "post"
    RELEASE = "release"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """`amount_micros` > 0 from one account to another; unique by (`kind`, `reference`)."""

    kind: TransferKind
    reference: str
    tenant_id: str
    debit_account: str
    credit_account: str
    amount_micros: int
    at_ms: int


def available_account(tenant_id: str) -> str:
    """What a tenant may still commit."""
    return f"tenant:{tenant_id}:available"


def held_account(tenant_id: str) -> str:
    """What is set aside for a tenant's running work."""
    return f"tenant:{tenant_id}:held"


def income_account(centre_id: str) -> str:
    """What was earned with a centre's machines."""
    return f"income:{centre_id}"


PAID_IN_ACCOUNT = "paid_in"
"""Where top-ups come from: the outside."""
