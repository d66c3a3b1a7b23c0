"""What a quote says on the wire."""

from pydantic import Field

from api.schemas import ReasonView, Wire
from api.values import Ms


class QuoteOption(Wire):
    """One pool that could hold the job."""

    centre: str
    pool: str
    device: str
    start_ms: Ms | None = Field(
        description="when it would start, if nobody else came and all ran to its limit"
    )
    end_ms: Ms | None = Field(description="when its limit would end it then")
    cost: str | None = Field(description="yuan, where it runs to its limit; tax included")
    reasons: list[ReasonView] = Field(description="why not now; empty where it would start now")


class Quote(Wire):
    """What a job would meet that was submitted now; nothing was submitted, and nothing is kept."""

    at_ms: Ms = Field(description="the moment it holds for")
    tenant: str = Field(description="who would be charged")
    options: list[QuoteOption] = Field(
        description="the soonest first, of equals the preferred: where it would go"
    )
    summary: str = Field(description="a sentence")
    summary_zh: str = Field(description="the same in Chinese")
