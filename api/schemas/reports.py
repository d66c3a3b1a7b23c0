"""The wire: a month of the park, for its industry brain."""

from pydantic import Field

from api.schemas.capacity import WaterfallItem
from api.schemas.jobs import Wire
from api.schemas.values import Ms


class ReportedUsage(Wire):
    """What was used and earned by one part of the park, or of its tenants; credits are deducted."""

    key: str
    tenants: int = Field(description="how many used anything")
    p_hours: str = Field(description="P·时, to six decimals")
    card_hours: str = Field(description="卡时, to six decimals")
    core_hours: str = Field(default="0", description="核时, to six decimals")
    revenue: str = Field(description="yuan, tax included: the statement lines added up")
    revenue_fen: int


class ReportedWaits(Wire):
    """How long jobs waited that first started in the month."""

    field: str | None = Field(description="null is all together")
    jobs: int
    mean_ms: int
    p50_ms: int
    p95_ms: int


class BrainReport(Wire):
    """A month of Asia/Shanghai: capacity, use, revenue, waits, failures; no tenant is named."""

    month: str
    from_ms: Ms
    to_ms: Ms
    until_ms: Ms = Field(description="how far the month has come when it was asked for")
    park: str
    name: str
    stated_tflops: int
    utilisation: WaterfallItem = Field(description="of the park")
    centres: list[WaterfallItem]
    total: ReportedUsage
    by_field: list[ReportedUsage]
    by_class: list[ReportedUsage] = Field(description="by the tenants' present price class")
    by_centre: list[ReportedUsage]
    submitted_jobs: int
    waits: list[ReportedWaits]
    waiting_reasons_now: dict[str, int] = Field(
        description="why jobs wait as it is asked for, and how many; reasons are not kept"
    )
    ends: dict[str, int] = Field(description="attempts that ended in the month, by cause")
    failures: int = Field(description="of these, by the park's fault: node, centre, broker")
