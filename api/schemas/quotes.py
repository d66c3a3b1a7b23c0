"""What the leader is asked about a job, on the wire: what would be, and how it stands."""

from typing import Literal

from pydantic import Field

from api.schemas.jobs import (
    IS_PROMISED,
    PLANNED_DEVICES,
    PLANNED_START,
    START_P50,
    START_P90,
    DataNote,
    JobAsked,
    JobSpec,
    JobView,
    ReasonView,
    Wire,
)
from api.schemas.values import Ms

COST = "yuan to its limit, at the prices published; tax included"


class QuoteCreate(JobAsked):
    """A job that is asked about."""

    keep: bool = Field(
        default=False,
        description="whether its place in the queue, and what it would get, are kept until "
        "`expires_at_ms`: of a tenant one at a time",
    )


class QuoteOption(Wire):
    """One pool that could hold the job as it asks first, or as one of its variants."""

    centre: str
    pool: str
    device: str
    devices: int = Field(ge=1, description="cards that it would have there")
    start_ms: Ms | None = Field(description=PLANNED_START)
    start_p50_ms: Ms | None = Field(default=None, description=START_P50)
    start_p90_ms: Ms | None = Field(default=None, description=START_P90)
    is_start_promised: bool = Field(description="whether cards would be kept for it from then on")
    stops: int = Field(
        ge=0, description="so many jobs that run would be stopped for it, and go on later"
    )
    stops_own: list[str] = Field(default=[], description="those of them that are the tenant's own")
    stops_others: dict[str, int] = Field(
        default={}, description="how many are other tenants', by their price class"
    )
    is_borrowing: bool = Field(
        description="whether other tenants, whose nominal quota it would use, may take the cards "
        "back: then it is stopped, and goes back to the queue"
    )
    transfer_ms: int = Field(
        default=0,
        ge=0,
        description="how long its data takes to come there: the job fetches it once it has started",
    )
    end_ms: Ms | None = Field(description="when its limit would end it then")
    likely_end_ms: Ms | None = Field(
        default=None,
        description="when it would end then, by how long its like have run; null: nothing like it",
    )
    cost: str | None = Field(description=COST)
    reasons: list[ReasonView] = Field(description="why not now; empty where it would start now")


class Quote(Wire):
    """What a job would meet that was submitted now; nothing was submitted."""

    id: str = Field(description="`quote_id` of the job that takes it, and then that job's id")
    at_ms: Ms = Field(description="the moment it holds for")
    expires_at_ms: Ms = Field(description="a job may take it before that")
    is_kept: bool = Field(
        default=False, description="whether its place is kept, and what its job would get"
    )
    tenant: str = Field(description="who would be charged")
    options: list[QuoteOption] = Field(
        description="where it would go comes first: where it could start now, else where it would "
        "be promised a start, else the soonest, its data there; of equals the preferred. Of a job "
        "with variants: where it could start now in the first of them that can, else where it is "
        "likely to be over first"
    )
    summary: str = Field(description="a sentence")
    summary_zh: str = Field(description="the same in Chinese")


class QuoteTerms(Wire):
    """What was quoted, as a job that takes it is held against."""

    id: str
    tenant: str
    at_ms: Ms
    expires_at_ms: Ms = Field(description="a job may take it before that")
    spec: JobSpec = Field(description="the job that was asked about")
    pool: str = Field(description="where it would have gone")
    start_ms: Ms | None = Field(description=PLANNED_START)
    cost: str | None = Field(description=COST)
    is_kept: bool = Field(
        description="whether its place is kept, until it expires or is taken; false once given up"
    )
    job_id: str | None = Field(description="the job, or the array, that took it")


class QuoteList(Wire):
    """Quotes of which the place in the queue is kept, the first to expire first."""

    items: list[QuoteTerms]


class HonouredQuote(Wire):
    """What became of a quote when its job was submitted."""

    id: str
    is_kept: bool | None = Field(
        description="whether the start is no later than was quoted; null: nobody knows just now"
    )
    quoted_pool: str
    quoted_start_ms: Ms | None
    quoted_cost: str | None = Field(description="yuan to its limit, as quoted")
    pool: str | None = Field(description="where it would go now")
    start_ms: Ms | None = Field(description=PLANNED_START)
    cost: str | None = Field(description=COST)
    text: str = Field(description="all of it as a sentence")
    text_zh: str = Field(description="the sentence in Chinese")


class JobSubmitted(JobView):
    """A job in the queue."""

    quote: HonouredQuote | None = Field(default=None, description="of the quote that it took")


class AlternativeView(Wire):
    """One change with which a job would start sooner."""

    change: Literal["cards", "limit", "place", "topology", "priority"]
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


class TermView(Wire):
    """One of the terms by which the queue is ordered."""

    name: Literal[
        "nominal_quota",
        "priority",
        "starving",
        "level",
        "cohort_share",
        "fair_share",
        "project_share",
        "patient",
        "due",
    ]
    value: str = Field(
        description="within, beyond or none; low, normal or high; yes or no; 0 to 4; P.h; a time "
        "in milliseconds"
    )
    place: int | None = Field(
        default=None,
        ge=1,
        description="of a share: which of the branches beside one another comes first, by it",
    )
    count: int | None = Field(
        default=None, ge=1, description="of a share: so many of those branches have jobs waiting"
    )
    text: str = Field(description="as a sentence")
    text_zh: str = Field(description="the sentence in Chinese")


class QueueItem(Wire):
    """A waiting job at its place, and the terms that brought it there."""

    position: int = Field(ge=1, description="place among all that wait")
    terms: list[TermView] = Field(
        description="by which its turn is decided: the first in which two jobs differ counts"
    )
    job: JobView


class QueueView(Wire):
    """Those that wait, in their order."""

    at_ms: Ms = Field(description="the moment it holds for")
    waiting: int = Field(ge=0, description="so many jobs wait in all")
    items: list[QueueItem]


class PoolUseView(Wire):
    """Who holds the cards of a pool that could hold the job."""

    centre: str
    pool: str
    device: str
    cards: int = Field(description="all that it has")
    needs: int = Field(description="cards of it that the job would have")
    free: int
    down: int = Field(
        description="on nodes that are down, in maintenance, outside their hours or not heard of"
    )
    yours: int = Field(description="held by the job's tenant")
    others: dict[str, int] = Field(description="held by other tenants, by their price class")
    reasons: list[ReasonView] = Field(description="all that is in the job's way there")


class QueueStanding(Wire):
    """Where a waiting job stands in the queue, by what, and who holds what it waits for."""

    at_ms: Ms = Field(description="the moment it holds for")
    job_id: str
    position: int = Field(ge=1, description="place among those that wait")
    waiting: int = Field(ge=1, description="so many jobs wait in all")
    ahead_yours: int = Field(ge=0, description="so many of those ahead are of the job's tenant")
    terms: list[TermView] = Field(
        description="by which its turn is decided: the first in which two jobs differ counts"
    )
    pools: list[PoolUseView] = Field(description="in its order of preference")


class SlipCause(Wire):
    """One thing that was not so when the job was told its start first."""

    code: str = Field(
        description="leeway, overstayed, started_since, ahead_since, nodes_down, maintenance or "
        "centre_silent"
    )
    count: int = Field(ge=0, description="so many runs or jobs")
    yours: int = Field(ge=0, description="so many of them are of the job's tenant")
    cards: int = Field(ge=0, description="with so many cards, or cores")
    over_ms: int | None = Field(
        default=None, description="the longest has gone on for so long beyond what was counted on"
    )
    until_ms: Ms | None = Field(default=None, description="until when they are counted on now")
    text: str = Field(description="all of it as a sentence")
    text_zh: str = Field(description="the sentence in Chinese")


class StartSlip(Wire):
    """That a job is told to start later than it was told first in this wait, and why."""

    told_at_ms: Ms = Field(description="when it was told first")
    told_start_ms: Ms = Field(description="when it was to start then")
    told_pool: str = Field(description="where")
    start_ms: Ms | None = Field(description="when it is to start now; null: nobody knows")
    causes: list[SlipCause] | None = Field(
        description="what of it is established; empty: nothing is; null: only the broker that "
        "leads knows, and it is busy or elsewhere"
    )
    text: str = Field(description="as a sentence, without the causes")
    text_zh: str = Field(description="the sentence in Chinese")


class Explanation(Wire):
    """Why a job waits, or where it went and why."""

    job_id: str
    state: str
    position: int | None
    planned_start_ms: Ms | None = Field(description=PLANNED_START)
    planned_pool: str | None = Field(default=None, description="where that would be")
    planned_devices: int | None = Field(default=None, description=PLANNED_DEVICES)
    start_p50_ms: Ms | None = Field(default=None, description=START_P50)
    start_p90_ms: Ms | None = Field(default=None, description=START_P90)
    is_start_promised: bool = Field(default=False, description=IS_PROMISED)
    slip: StartSlip | None = Field(
        default=None,
        description="where it waits, and is to start clearly later than it was told first: by a "
        "minute at least, and by a sixteenth of what it was to wait",
    )
    reasons: list[ReasonView] = Field(
        description="all that is in its way, each once; where `standing` is not known the first "
        "of each pool"
    )
    standing: QueueStanding | None = Field(
        default=None,
        description="its place, the terms that decide it, and for each pool who holds it and all "
        "that is in the way there; null where it does not wait, or the leader is busy or elsewhere",
    )
    data: list[DataNote] = Field(
        default=[], description="its classes of data, and its datasets, while it is not over"
    )
    summary: str = Field(description="a sentence or two")
    summary_zh: str = Field(description="the same in Chinese")
    earlier: str = Field(
        default="", description="of who waits again, what became of the attempt before"
    )
    earlier_zh: str = Field(default="", description="the same in Chinese")
