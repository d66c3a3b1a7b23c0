"""Money that moves beside what runs: what is paid in, and what a month's close moves."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """Paid in, granted in a dispute, or by (below zero: back to) a voucher; once a `reference`."""

    at_ms: int
    tenant_id: str
    amount_micros: int
    reference: str
    voucher_id: str | None = None
    voucher_month: str | None = None
    concession_id: str | None = None
    kind: Literal["credited"] = "credited"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxStated:
    """The closed statement of a month states so much tax in each account; once a statement.

    `parts` are accounts of the ledger with micro-yuan, below zero where more was given back.
    """

    at_ms: int
    tenant_id: str
    month: str
    parts: tuple[tuple[str, int], ...]
    kind: Literal["tax_stated"] = "tax_stated"

    @property
    def reference(self) -> str:
        """Under what it is booked once, for ever."""
        return f"tax:{self.tenant_id}@{self.month}"
