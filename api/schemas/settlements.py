"""What centres get, on the wire."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from api.schemas.bills import MonthText
from api.schemas.jobs import Wire
from api.schemas.values import Identifier, Ms, Yuan, whole

ShareOf = Annotated[int, Field(ge=0, le=1_000), BeforeValidator(whole)]
CardHours = Annotated[int, Field(ge=0, le=1_000_000_000), BeforeValidator(whole)]


class TierView(Wire):
    """The share of the card-hours of a month that lie beyond so many."""

    from_card_hours: CardHours
    share_permille: ShareOf


class TermsPublish(Wire):
    """What a centre gets from a month on; published, it never changes."""

    centre: Identifier
    month: MonthText = Field(description="from whose beginning on; it must not be closed")
    kind: Literal["cost", "share", "tiered"]
    prices: Annotated[dict[str, Yuan], Field(max_length=1_000)] = Field(
        default={}, description="by cost: yuan for a card-hour, tax included, of each device kind"
    )
    tiers: Annotated[list[TierView], Field(max_length=100)] = Field(
        default=[],
        description="of what tenants pay; `share` has one, from 0 card-hours on, `tiered` several",
    )
    vat_permille: ShareOf = Field(default=60, description="the tax inside what the centre gets")


class TermsView(TermsPublish):
    """Terms that were published."""

    by: str
    at_ms: Ms


class TermsList(Wire):
    """All terms, by centre and month; of a centre the last that have begun hold."""

    items: list[TermsView]
