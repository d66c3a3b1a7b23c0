"""What a quote says on the wire."""

from typing import Literal

from pydantic import Field

from api.schemas import PLANNED_START, START_P90, ReasonView, Wire
from api.values import Ms

COST = "yuan to its limit, at the price in force now; tax included"


class QuoteOption(Wire):
    """One pool that could hold the job."""

    centre: str
    pool: str
    device: str
    start_ms: Ms | None = Field(description=PLANNED_START)
    start_p90_ms: Ms | None = Field(default=None, description=START_P90)
    is_start_promised: bool = Field(description="whether cards would be kept for it from then on")
    stops: int = Field(
        ge=0, description="so many jobs that run would be stopped for it, and go on later"
    )
    is_borrowing: bool = Field(
        description="whether other tenants, whose nominal quota it would use, may take the cards "
        "back: then it is stopped, and goes back to the queue"
    )
    end_ms: Ms | None = Field(description="when its limit would end it then")
    cost: str | None = Field(description=COST)
    reasons: list[ReasonView] = Field(description="why not now; empty where it would start now")


class Quote(Wire):
    """What a job would meet that was submitted now; nothing was submitted, and nothing is kept."""

    at_ms: Ms = Field(description="the moment it holds for")
    tenant: str = Field(description="who would be charged")
    options: list[QuoteOption] = Field(
        description="where it would go comes first: where it could start now, else where it would "
        "be promised a start, else the soonest; of equals the preferred"
    )
    summary: str = Field(description="a sentence")
    summary_zh: str = Field(description="the same in Chinese")


class AlternativeView(Wire):
    """One change with which a job would start sooner."""

    change: Literal["cards", "limit", "place", "priority"]
    value: str = Field(
        description="to what: fewer cards, a limit such as 90m, a pool that the job did not allow, "
        "or a priority"
    )
    start_ms: Ms
    pool: str = Field(description="where it would start then")
    cost: str | None = Field(description=COST)
    text: str = Field(description="all of it as a sentence")
    text_zh: str = Field(description="the sentence in Chinese")


class Alternatives(Wire):
    """What would let a waiting job start sooner; nothing was changed."""

    at_ms: Ms = Field(description="the moment it holds for")
    job_id: str
    items: list[AlternativeView] = Field(description="the soonest first; empty where nothing would")
