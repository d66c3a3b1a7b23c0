"""The months of the books and their verification, on the wire."""

from typing import Literal

from pydantic import Field

from api.schemas.jobs import Wire
from api.schemas.values import Ms, Standing


class ClosedStatement(Wire):
    """A tenant's statement of a closed month: what it comes to, and the checksum of its bytes."""

    tenant: str
    gross: str = Field(description="yuan, tax included")
    gross_fen: int
    sha256: str
    standing: Standing = Field(
        default="open", description="what was said about it last, by its tenant or by finance"
    )


class GrantedTwice(Wire):
    """What was granted in a dispute, and of the same usage given back by the park after that."""

    tenant: str
    month: str = Field(description="of the disputed statement")
    decision: int = Field(ge=1, description="its place among all words about that statement")
    granted: str = Field(description="yuan that it granted")
    given_back: str = Field(description="yuan, corrections of the month that was closed")


class MonthView(Wire):
    """A month of the books; its statements are there once it is closed."""

    month: str
    state: Literal["open", "closed"]
    closed_at_ms: Ms | None = None
    statements: list[ClosedStatement] = Field(description="a tenant sees its own alone")
    granted_twice: list[GrantedTwice] = Field(
        default_factory=list,
        description="told where it is closed: both stand, see whether both are meant",
    )


class MonthList(Wire):
    """All months with usage, the newest first."""

    months: list[MonthView]


class VerifiedChain(Wire):
    """A chain that is whole: of a tenant, or of the park (`tenant` is null)."""

    tenant: str | None = None
    facts: int = Field(ge=0)
    head: str = Field(description="the hash of its last link, in hexadecimal")


class MisfitView(Wire):
    """What is not as it was written."""

    part: str = Field(description="which chain, or `daily roots`, `statements`, `balances`")
    row: str = Field(description="the first row that does not fit; empty where rows are gone")
    what: str


class DifferenceView(Wire):
    """What the event log or the books have alone, or what comes out otherwise."""

    part: str = Field(description="which table of the books, or `balances`")
    row: str
    what: str
    count: int = Field(ge=1, description="so many of this sort there are; some are told")


class ReconciliationLine(Wire):
    """One line of a reconciliation: how far it is, a difference, or at last how many there are."""

    events: int | None = Field(default=None, description="so many events were played again")
    difference: DifferenceView | None = None
    differences: int | None = Field(default=None, description="how many in all; the last line")


class AttemptSide(Wire):
    """What one side has of an attempt: the log with the books, or the diary of its centre."""

    state: str = Field(description="running, starting or ended; in the log also why it ended")
    centre: str
    device: str = Field(description="empty where it was stopped before it was ordered")
    nodes: dict[str, int] = Field(description="how many cards of each node")
    started_at_ms: Ms | None = None
    ended_at_ms: Ms | None = None
    used_to_ms: Ms | None = Field(default=None, description="where its usage in the books ends")


class CentreDifference(Wire):
    """An attempt of which its centre says otherwise than the log; null: one side has it not."""

    centre: str
    attempt: str
    job: str
    tenant: str
    sort: str = Field(
        description="`unknown`: it ran at the centre, and no log has it; `goes_on`: it runs there, "
        "and the log has ended it; `gone`: the log has it as running, and the centre knows nothing "
        "of it; `over`: it has ended there, and the log has it as running; `start`, `time`: it "
        "began at another moment, or ran longer or shorter, by more than ten seconds; `place`: "
        "other devices, nodes or cards; `usage`: it is billed beyond its end; `never_ran`: it is "
        "billed, and the centre, which has all its ends since then, has it not"
    )
    log: AttemptSide | None
    diary: AttemptSide | None


class CentreCompared(Wire):
    """A centre, and whether its diary came."""

    id: str
    is_compared: bool
    why_not: str | None = Field(
        description="`silent`: no diary came within eight seconds; `old_release`: its agent keeps "
        "none; `no_link`: it is not in the park file; `busy`: the leader took longer than that"
    )
    heard_at_ms: Ms | None = Field(description="its last report; null: none since this one leads")
    attempts: int = Field(ge=0, description="so many are in its diary")
    whole_since_ms: Ms | None = Field(description="no end after it is missing in the diary")
    clock_ahead_ms: int | None = Field(description="its clock less the broker's, and the way here")


class CentresReconciled(Wire):
    """The log and the books, beside what the centres themselves have kept."""

    centres: list[CentreCompared]
    differences: list[CentreDifference] = Field(description="at most 1,000 are told")
    count: int = Field(ge=0, description="how many differences there are")


class Verdict(Wire):
    """All was looked at."""

    is_intact: bool
    chains: int = Field(ge=0, description="how many are whole")
    facts: int = Field(ge=0, description="how many they have")
    misfits: int = Field(ge=0)
    root: str | None = Field(
        default=None, description="the newest daily root, in hexadecimal: keep it elsewhere"
    )
    root_day: str | None = None


class VerificationLine(Wire):
    """One line of a verification: one of the three; a verdict is the last."""

    chain: VerifiedChain | None = None
    misfit: MisfitView | None = None
    verdict: Verdict | None = None
