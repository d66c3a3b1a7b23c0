"""The wire: what the HTTP interface takes and gives; the SDK and the command line use it too."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from api.values import (
    Count,
    Grace,
    Identifier,
    Limit,
    Ms,
    Name,
    RelativePath,
    Sha256,
    VisiblePath,
    listed,
)

MAX_COMMAND_LENGTH = 65_536
MAX_ENV_COUNT = 256
MAX_ENV_VALUE_LENGTH = 32_768
MAX_DEVICE_COUNT = 100_000
MAX_BATCH = 1_000
MAX_PAGE = 500

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class Wire(BaseModel):
    """Anything on the wire; an unknown field is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckpointSpec(Wire):
    """How the job saves itself before it is stopped."""

    dir: RelativePath
    signal: Literal["SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT", "SIGHUP"] | None = None
    grace: Grace = Field(default=60_000, validate_default=False)


class JobSpec(Wire):
    """A training job, as in a job file: the same fields in YAML, JSON and the API."""

    command: Annotated[str, StringConstraints(min_length=1, max_length=MAX_COMMAND_LENGTH)]
    devices: Annotated[Count, Field(ge=1, le=MAX_DEVICE_COUNT)]
    name: Name | None = None
    device: Annotated[list[Identifier], BeforeValidator(listed), Field(max_length=16)] = []
    nodes: Annotated[Count, Field(ge=1, le=MAX_DEVICE_COUNT)] | None = None
    members: Annotated[Count, Field(ge=1, le=MAX_DEVICE_COUNT)] | None = Field(
        default=None, description="processes of the gang; one a node if not given"
    )
    limit: Limit = Field(default=3_600_000, validate_default=False)
    priority: Literal["low", "normal", "high"] = "normal"
    project: Identifier = "default"
    field: Identifier | None = None
    centres: Annotated[list[Identifier], BeforeValidator(listed), Field(max_length=16)] = []
    env: Annotated[dict[str, str], Field(max_length=MAX_ENV_COUNT)] = {}
    workdir: VisiblePath | None = Field(
        default=None, description="a path that the centre sees; a local folder is uploaded first"
    )
    archive: Sha256 | None = Field(default=None, description="an uploaded working directory")
    retries: Annotated[Count, Field(ge=0, le=100)] = 0
    checkpoint: CheckpointSpec | None = None

    @model_validator(mode="after")
    def _agrees(self) -> "JobSpec":
        if "\x00" in self.command:
            raise ValueError("command must not contain NUL")
        if self.workdir is not None and self.archive is not None:
            raise ValueError("give workdir or archive, not both")
        for name, value in self.env.items():
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"env: {name[:40]!r} is no variable name")
            if name.startswith(("BRAIN_", "RAY_")):
                raise ValueError(f"env: {name[:40]} is set by the broker; choose another name")
            if "\x00" in value or len(value) > MAX_ENV_VALUE_LENGTH:
                raise ValueError(f"env: the value of {name} is too long or contains NUL")
        return self


class JobCreate(JobSpec):
    """A job to submit; operators may submit for a tenant, a tenant's own key says which it is."""

    tenant: Identifier | None = None


class JobBatch(Wire):
    """Many jobs in one durable write."""

    jobs: Annotated[list[JobCreate], Field(min_length=1, max_length=MAX_BATCH)]


class JobAccepted(Wire):
    """A job of a batch, in the queue."""

    id: str
    state: str = "queued"


class JobsAccepted(Wire):
    """All jobs of a batch, in its order."""

    items: list[JobAccepted]


class ReasonView(Wire):
    """One blocker of a waiting job, in words and in numbers."""

    code: str
    where: str
    need: int
    free: int
    gap: int
    unit: str
    until_ms: int | None = None
    detail: str = ""
    text: str = ""
    text_zh: str = ""


class AttemptView(Wire):
    """One try to run the job."""

    id: str
    centre: str
    pool: str
    device: str
    nodes: list[dict[str, Any]]
    leased_at_ms: Ms
    started_at_ms: Ms | None
    ended_at_ms: Ms | None
    cause: str | None
    exit_code: int | None
    detail: str


class JobView(Wire):
    """A job and how it stands."""

    id: str
    tenant: str
    state: str
    spec: JobSpec
    submitted_at_ms: Ms
    started_at_ms: Ms | None
    ended_at_ms: Ms | None
    position: int | None
    planned_start_ms: Ms | None
    end_cause: str | None
    detail: str
    reasons: list[ReasonView]
    attempts: list[AttemptView] = []


class JobPage(Wire):
    """A page of jobs, newest first; `next` is the cursor of the next page."""

    items: list[JobView]
    next: str | None = None


class Explanation(Wire):
    """Why a job waits, or where it went and why."""

    job_id: str
    state: str
    position: int | None
    planned_start_ms: Ms | None
    reasons: list[ReasonView]
    summary: str
    summary_zh: str


class PoolCapacity(Wire):
    """A pool's four capacities, in cards; times `tflops` each gives TFLOPS."""

    id: str
    device: str
    tflops: int
    nodes: int
    registered_cards: int
    online_cards: int
    schedulable_cards: int
    allocated_cards: int


class CentreCapacity(Wire):
    """A centre's capacities in TFLOPS FP16 (1,000 = 1 P), and whether it is heard of."""

    id: str
    name: str
    is_heard: bool
    heard_at_ms: Ms | None
    stated_tflops: int
    registered_tflops: int
    online_tflops: int
    schedulable_tflops: int
    allocated_tflops: int
    pools: list[PoolCapacity]


class CapacityView(Wire):
    """The park now."""

    at_ms: Ms
    park: str
    name: str
    note: str
    is_logical: bool
    stated_tflops: int
    registered_tflops: int
    online_tflops: int
    schedulable_tflops: int
    allocated_tflops: int
    queued_jobs: int
    running_jobs: int
    centres: list[CentreCapacity]


class UtilisationPoint(Wire):
    """One step of a centre's load, in TFLOPS."""

    at_ms: Ms
    centre: str
    allocated_tflops: int
    online_tflops: int
    stated_tflops: int


class UtilisationView(Wire):
    """Load over time, and its average and peak in the window; basis points (8200 = 82.00 %)."""

    from_ms: Ms
    to_ms: Ms
    points: list[UtilisationPoint]
    average_bp: dict[str, int]
    peak_bp: dict[str, int]
    peak_at_ms: dict[str, int]


class UsageLine(Wire):
    """What one tenant used of one device kind in one centre at one price."""

    tenant: str
    project: str
    centre: str
    device: str
    qos: str
    device_ms: int
    card_hours: str
    p_hours: str
    price: str
    amount: str
    amount_fen: int
    cause: str | None = Field(default=None, description="why it was given back: then negative")


class UsageView(Wire):
    """Usage in a window; amounts in yuan with two decimals, as text."""

    from_ms: Ms
    to_ms: Ms
    lines: list[UsageLine]
    device_ms: int
    card_hours: str
    p_hours: str
    amount: str
    amount_fen: int


class KeyCreate(Wire):
    """A key to make; the secret is shown once."""

    role: Literal["tenant", "operator", "finance", "agent"]
    tenant: Identifier | None = None
    centre: Identifier | None = None
    label: Name = "key"


class KeyView(Wire):
    """A key without its secret."""

    id: str
    role: str
    tenant: str | None
    centre: str | None = None
    label: str
    created_at_ms: Ms
    last_used_at_ms: Ms | None
    revoked_at_ms: Ms | None


class KeyCreated(KeyView):
    """The one moment at which the secret is shown."""

    secret: str


class Problem(BaseModel):
    """RFC 9457 problem details; `reasons` where a job could never run."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, Any]] = []
    reasons: list[ReasonView] = []
