"""Requests for invoices (发票申请), what became of them, and the payments of what is due.

We ask for invoices and never issue one: that is the tax office's own system. A request follows a
closed statement, for all that is due of it or for a part: each of the statement's lines then has
its part of the amount, so that lines, net and tax add up to the fen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from accounting.bills.invoice_lines import InvoiceLine
from accounting.money import yuan_of_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRequest:
    """An invoice that is asked for: to whom, for what of which closed statement; never changed."""

    id: str
    tenant_id: str
    month: str
    sha256: str
    buyer_name: str
    credit_code: str
    lines: tuple[InvoiceLine, ...]
    by: str
    at_ms: int

    @property
    def gross_fen(self) -> int:
        return sum(line.gross_fen for line in self.lines)

    @property
    def net_fen(self) -> int:
        return sum(line.net_fen for line in self.lines)


class StepKind(StrEnum):
    """What became of a request."""

    ISSUED = "issued"
    WITHDRAWN = "withdrawn"
    CREDITED = "credited"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceStep:
    """An invoice was issued, its request withdrawn, or some of it credited (红字).

    `number` is that of the invoice, or of the credit note. A withdrawal has none: it is kept under
    `withdrawn_number`, which no invoice can have, and read by `said_number`.
    """

    number: str
    kind: StepKind
    invoice_id: str
    tenant_id: str
    amount_fen: int
    reason: str
    by: str
    at_ms: int

    @property
    def said_number(self) -> str:
        """The number as people read it: of a withdrawal the request's own id."""
        return self.invoice_id if self.kind is StepKind.WITHDRAWN else self.number


def withdrawn_number(invoice_id: str) -> str:
    """Under what a withdrawal is kept; tenants choose ids, and no number may have a colon."""
    return f"withdrawn:{invoice_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A tenant paid so much of a closed statement; `reference` is the payment's own, unique.

    `invoice_id` is empty where it was not for an invoice. `paid_at_ms` is when the money came,
    `at_ms` when we wrote it down. What it pays stands on no account: a top-up moves the balance.
    """

    reference: str
    tenant_id: str
    month: str
    invoice_id: str
    amount_fen: int
    paid_at_ms: int
    by: str
    at_ms: int


class InvoiceState(StrEnum):
    """How a request stands; `CREDITED` is one of which nothing is left."""

    REQUESTED = "requested"
    ISSUED = "issued"
    WITHDRAWN = "withdrawn"
    CREDITED = "credited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A request, with all that became of it and all that was paid for it."""

    request: InvoiceRequest
    steps: tuple[InvoiceStep, ...] = ()
    receipts: tuple[Receipt, ...] = ()

    @property
    def state(self) -> InvoiceState:
        kinds = {step.kind for step in self.steps}
        if StepKind.WITHDRAWN in kinds:
            return InvoiceState.WITHDRAWN
        if StepKind.ISSUED not in kinds:
            return InvoiceState.REQUESTED
        return InvoiceState.ISSUED if self.open_fen else InvoiceState.CREDITED

    @property
    def number(self) -> str | None:
        """The invoice's own number, once it is issued."""
        issued = [step.number for step in self.steps if step.kind is StepKind.ISSUED]
        return issued[0] if issued else None

    @property
    def open_fen(self) -> int:
        """What it still asks for, or says: nothing once it is withdrawn or wholly credited."""
        if any(step.kind is StepKind.WITHDRAWN for step in self.steps):
            return 0
        return self.request.gross_fen - self.credited_fen

    @property
    def credited_fen(self) -> int:
        return sum(step.amount_fen for step in self.steps if step.kind is StepKind.CREDITED)

    @property
    def paid_fen(self) -> int:
        return sum(receipt.amount_fen for receipt in self.receipts)


class BillRefused(Exception):
    """It cannot be asked for, noted or paid; the message says which, why, and what to do."""


def check_credit_code(code: str) -> None:
    """Raise `BillRefused` for what is no unified social credit code (GB 32100-2015)."""
    try:
        is_plain = uscc.validate(code) == code
    except InvalidLength:
        raise BillRefused(f"credit code {code} has {len(code)} characters, and needs 18") from None
    except InvalidChecksum:
        digit = uscc.calc_check_digit(code[:-1])
        raise BillRefused(
            f"credit code {code} is mistyped: its last character would be {digit}"
        ) from None
    except ValidationError:
        is_plain = False
    if not is_plain:
        raise BillRefused(
            f"{code} is no credit code: 18 digits and capitals, without I, O, S, V, Z"
        )


def check_step(invoice: Invoice, step: InvoiceStep) -> None:
    """Raise `BillRefused` for what cannot become of an invoice as it stands."""
    request, state = invoice.request, invoice.state
    needed = InvoiceState.ISSUED if step.kind is StepKind.CREDITED else InvoiceState.REQUESTED
    if state is not needed:
        raise BillRefused(f"invoice request {request.id} is {state}: it cannot be {step.kind}")
    if step.kind is StepKind.CREDITED and not 0 < step.amount_fen <= invoice.open_fen:
        raise BillRefused(
            f"credit note {step.number} is over {yuan_of_fen(step.amount_fen)} yuan, "
            f"and {yuan_of_fen(invoice.open_fen)} yuan of invoice {invoice.number} are left"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How a tenant's closed statement stands: due, asked for, issued and paid; fen."""

    tenant_id: str
    month: str
    due_fen: int
    requested_fen: int
    issued_fen: int
    credited_fen: int
    paid_fen: int

    @property
    def unrequested_fen(self) -> int:
        """For how much an invoice may still be asked."""
        return max(0, self.due_fen) - self.requested_fen

    @property
    def outstanding_fen(self) -> int:
        """What is still to be paid; below zero where the tenant has something to come."""
        return self.due_fen - self.paid_fen


def account(
    tenant_id: str, month: str, due_fen: int, invoices: Sequence[Invoice], paid_fen: int
) -> Account:
    """A statement's account, of all invoices of it."""
    issued = [one for one in invoices if one.number is not None]
    return Account(
        tenant_id=tenant_id,
        month=month,
        due_fen=due_fen,
        requested_fen=sum(one.open_fen for one in invoices),
        issued_fen=sum(one.request.gross_fen for one in issued),
        credited_fen=sum(one.credited_fen for one in issued),
        paid_fen=paid_fen,
    )
