"""Vouchers, on the wire."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from api.schemas.jobs import Wire
from api.schemas.values import MAX_MS, Fen, Identifier, Name, whole

Share = Annotated[int, Field(ge=1, le=1_000), BeforeValidator(whole)]
Moment = Annotated[
    int, Field(ge=0, le=MAX_MS, description="milliseconds since 1970-01-01T00:00:00Z")
]
Words = Annotated[list[Identifier], Field(max_length=100)]


class VoucherIssue(Wire):
    """A voucher (算力券) for one tenant and one contract; issued, it never changes."""

    id: Identifier = Field(description="its number, as its issuer prints it")
    tenant: Identifier
    issuer: Name = Field(description="who pays it: a city, a district, a fund")
    contract: Name = Field(description="the contract that it is for: a contract has one voucher")
    amount: Fen = Field(description="yuan, such as 50000.00")
    share_permille: Share = Field(
        default=1_000, description="of what it covers in a month, how much it may pay"
    )
    from_ms: Moment = Field(description="from when on it may pay: it must be valid as a month ends")
    until_ms: Moment = Field(description="when it expires")
    fields: Words = Field(default=[], description="only work of these fields; empty: any")
    devices: Words = Field(default=[], description="only these device kinds; empty: any")
    centres: Words = Field(default=[], description="only in these centres; empty: any")


class VoucherView(VoucherIssue):
    """A voucher, and what is left of it."""

    issued_at_ms: Moment
    left: str = Field(description="yuan; what closed months took is gone")


class VoucherList(Wire):
    """Vouchers in the order of their numbers; a tenant sees its own alone."""

    items: list[VoucherView]
