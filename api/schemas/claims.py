"""Contracts, rules and claims of subsidies, on the wire."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.jobs import Wire
from api.schemas.values import Identifier, Ms, Name, Sum
from api.schemas.vouchers import Moment, Share, Words

Year = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}$")]
Mode = Literal["reimburse_after_payment", "operator_subsidy"]


class ContractRegister(Wire):
    """A contract with a tenant; registered, it never changes."""

    number: Identifier
    tenant: Identifier
    amount: Sum = Field(description="yuan, tax included")
    district: Name = Field(description="in which the tenant is registered")
    is_related: bool = Field(
        default=False, description="whether the tenant is a party related to the operator"
    )
    from_ms: Moment = Field(description="from when on it holds")
    until_ms: Moment = Field(description="when it ends")


class ContractView(ContractRegister):
    """A contract that is registered."""

    by: str
    at_ms: Ms


class ContractList(Wire):
    """Contracts in the order in which they were registered; a tenant sees its own alone."""

    items: list[ContractView]


class RulePublish(Wire):
    """What a fund pays, as data; published, it never changes."""

    id: Identifier
    mode: Mode
    issuer: Name = Field(description="who pays: a city, a district, a fund")
    pool: Name = Field(description="the issuer's budget that it comes from")
    year: Year = Field(description="the calendar year whose payments count, and of the budget")
    budget: Sum = Field(description="yuan for all claims of this budget and year")
    share_permille: Share = Field(description="of what was paid, or of the contract")
    minimum: Sum = Field(default="0", description="yuan: below it nothing is paid")
    cap: Sum = Field(description="yuan: no more for one tenant in the year")
    bars_related: bool = Field(default=True, description="whether related parties get nothing")
    from_ms: Moment = Field(description="from when on it may be claimed")
    until_ms: Moment = Field(description="until when it may be claimed")
    fields: Words = Field(default=[], description="only work of these fields counts; empty: any")
    devices: Words = Field(default=[], description="only these device kinds; empty: any")
    centres: Words = Field(default=[], description="only in these centres; empty: any")


class RuleView(RulePublish):
    """A rule that is published."""

    by: str
    at_ms: Ms


class RuleList(Wire):
    """Rules in the order in which they were published."""

    items: list[RuleView]


class ClaimAsk(Wire):
    """Claim by a rule, for a contract."""

    rule: Identifier
    contract: Identifier


class AssessmentView(Wire):
    """How a claim would come out now, step by step; yuan."""

    rule: str
    contract: str
    tenant: str
    base: str = Field(description="what counts as paid in the year, or the contract's amount")
    share: str = Field(description="the share of it, within the cap")
    cap_left: str = Field(description="what the tenant may still get in the year")
    pool_left: str = Field(description="what is left of the budget")
    amount: str = Field(description="the least of the three")
    payments: list[str] = Field(description="the payments that count")


class ClaimView(Wire):
    """What was claimed."""

    id: str
    rule: str
    tenant: str
    contract: str
    base: str
    amount: str
    city: str = Field(description="of the operator's subsidy")
    district: str
    payments: list[str]
    by: str
    at_ms: Ms


class ClaimList(Wire):
    """Claims in the order in which they were made; a tenant sees its own alone."""

    items: list[ClaimView]
