"""Prepaid packages, on the wire."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from api.schemas.jobs import Wire
from api.schemas.values import MAX_MS, Fen, Identifier, whole

Moment = Annotated[
    int, Field(ge=0, le=MAX_MS, description="milliseconds since 1970-01-01T00:00:00Z")
]
Cards = Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(whole)]
Hours = Annotated[int, Field(ge=0, le=100_000_000), BeforeValidator(whole)]
Vat = Annotated[int, Field(ge=0, le=999), BeforeValidator(whole)]


class PackageSell(Wire):
    """A package (资源包) for one tenant, paid out of its balance; bought, it never changes."""

    id: Identifier = Field(description="its number, such as that of its contract: bought once")
    tenant: Identifier
    kind: Literal["nodes", "card_hours"] = Field(
        description="nodes: cards for a time (包月、包年); card_hours: to be used up (卡时包)"
    )
    device: Identifier = Field(description="the device kind that it covers")
    cards: Cards = Field(default=0, description="of nodes: of all of them together")
    card_hours: Hours = Field(default=0, description="of card_hours: how many")
    from_ms: Moment = Field(description="from when on it covers")
    until_ms: Moment = Field(description="when it ends")
    amount: Fen = Field(description="yuan, tax included")
    vat_permille: Vat = Field(default=60, description="the tax inside the amount")


class PackageView(PackageSell):
    """A package, and what it covers this month."""

    bought_at_ms: Moment
    committed: str = Field(
        description="card-hours that it can cover this month, or of what is left"
    )
    used: str = Field(description="card-hours that it has covered this month")
    unused: str = Field(description="card-hours: what is left of the two")


class PackageList(Wire):
    """Packages in the order in which they were bought; a tenant sees its own alone."""

    items: list[PackageView]
