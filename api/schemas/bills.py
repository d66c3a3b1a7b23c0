"""What is said and written about closed months, on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from api.schemas.jobs import Wire
from api.schemas.values import (
    Decision,
    Fen,
    Identifier,
    Ms,
    Name,
    Sha256,
    Standing,
    Text,
    one_line,
    whole,
)
from api.schemas.vouchers import Moment

Note = Annotated[
    Text,
    StringConstraints(min_length=1, max_length=1_000, strip_whitespace=True),
    AfterValidator(one_line),
]
LINE_COUNT_MAX = 1_000
"""No dispute names more lines than this."""
LineNumber = Annotated[int, Field(ge=1, le=100_000), BeforeValidator(whole)]


class Confirmation(Wire):
    """A tenant agrees with a closed statement."""

    sha256: Sha256 | None = Field(
        default=None, description="of the statement that is meant; refused where it is another"
    )
    reason: Note | None = Field(default=None, description="a remark")


class Dispute(Wire):
    """A tenant does not agree with a closed statement, and says why."""

    reason: Note = Field(description="what is wrong, for finance to look into")
    lines: Annotated[list[LineNumber], Field(max_length=LINE_COUNT_MAX)] = Field(
        default=[],
        description="which lines, from 1 on through lines, credits and corrections; empty: all",
    )
    sha256: Sha256 | None = Field(
        default=None, description="of the statement that is meant; refused where it is another"
    )


class Resolution(Wire):
    """What finance answers to a dispute; what was wrong becomes a correction of a later month."""

    tenant: Identifier
    reason: Note = Field(description="what came of it, and how it is made good")
    decision: Decision = Field(
        default="resolved",
        description="the tenant is right, or is not; or it was settled in another way",
    )
    amount: Fen | None = Field(
        default=None,
        description="yuan, tax included, that the tenant gets back: at most what is disputed",
    )


class ReplyView(Wire):
    """A word about a closed statement."""

    tenant: str
    month: str
    number: int = Field(ge=1, description="its place among all words about this statement")
    kind: Literal["confirmed", "disputed", Decision]
    reason: str
    lines: list[int] = Field(description="what is disputed; empty: all of it")
    sha256: str = Field(description="the checksum of the statement that it is about")
    by: str = Field(description="whose key said it: its label and its id")
    at_ms: Ms
    granted: str | None = Field(
        default=None, description="yuan that a decision grants, on the next statement below zero"
    )


class ReplyList(Wire):
    """All that was said about a statement, in its order; the last word is how it stands."""

    standing: Standing
    items: list[ReplyView]


CreditCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$"),
    Field(description="统一社会信用代码, 18 characters, the last a check digit (GB 32100-2015)"),
]
MonthText = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


class InvoiceAsk(Wire):
    """Ask for an invoice of a closed statement; asked for, it never changes."""

    id: Identifier = Field(description="the caller's own number: the same again changes nothing")
    tenant: Identifier | None = Field(default=None, description="a tenant's own by default")
    month: MonthText
    buyer: Name = Field(description="to whom it is made out, by its registered name")
    credit_code: CreditCode
    amount: Fen | None = Field(
        default=None, description="yuan, tax included; all that is not asked for yet if not given"
    )


class InvoiceLineView(Wire):
    """A line of it: card-hours of a device kind at a price."""

    item: str
    device: str
    unit: str
    quantity: str = Field(description="card-hours, to six decimals")
    price: str = Field(description="yuan for a card-hour, tax included")
    net: str
    vat_permille: int
    tax: str
    gross: str


class InvoiceStepView(Wire):
    """What became of it."""

    kind: Literal["issued", "withdrawn", "credited"]
    number: str = Field(description="the invoice's, the credit note's, or the request's own")
    amount: str
    reason: str
    by: str
    at_ms: Ms


class InvoiceView(Wire):
    """An invoice that was asked for, and how it stands."""

    id: str
    tenant: str
    month: str
    statement_sha256: str
    buyer: str
    credit_code: str
    state: Literal["requested", "issued", "withdrawn", "credited"]
    number: str | None = Field(description="the invoice's own, once it is issued")
    lines: list[InvoiceLineView]
    net: str
    tax: str
    gross: str
    credited: str = Field(description="what credit notes took off it")
    paid: str
    steps: list[InvoiceStepView]
    by: str
    at_ms: Ms


class InvoiceList(Wire):
    """A page of invoices in the order in which they were asked for; a tenant sees its own alone."""

    items: list[InvoiceView]
    next: str | None = Field(default=None, description="the `cursor` of the next page")


class InvoiceIssued(Wire):
    """The tax office's system has issued it."""

    number: Identifier = Field(description="the invoice's number: there is one of each")


class InvoiceCredited(Wire):
    """A credit note (红字) takes some of an issued invoice back, or all of it."""

    number: Identifier = Field(description="the credit note's number")
    amount: Fen | None = Field(
        default=None, description="yuan, tax included; all that is left if not given"
    )
    reason: Note


class PaymentRecord(Wire):
    """A tenant paid for a closed month. It moves no balance: a top-up does."""

    reference: Identifier = Field(description="the payment's own number: there is one of each")
    tenant: Identifier
    month: MonthText | None = Field(default=None, description="that of the invoice if not given")
    invoice: Identifier | None = Field(default=None, description="which it pays, by its request")
    amount: Fen
    paid_at_ms: Moment = Field(description="when the money came")


class PaymentView(Wire):
    """A payment that was written down."""

    reference: str
    tenant: str
    month: str
    invoice: str | None
    amount: str
    paid_at_ms: Ms
    by: str
    at_ms: Ms


class AccountView(Wire):
    """How a closed statement stands; yuan."""

    tenant: str
    month: str
    due: str
    requested: str = Field(description="by invoices that are asked for or issued, and stand")
    issued: str
    credited: str
    paid: str
    outstanding: str = Field(description="due and not paid; below zero: the tenant has it to come")
    outstanding_fen: int


class PaymentList(Wire):
    """Payments in the order in which they were written down, and how each statement stands."""

    items: list[PaymentView]
    accounts: list[AccountView]
    outstanding: str
    outstanding_fen: int
