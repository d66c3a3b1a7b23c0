"""The wire: what the HTTP interface takes and gives; the SDK and the command line use it too."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from api.durations import duration_text, parse_duration_ms

MAX_COMMAND_LENGTH = 65_536
MAX_ENV_COUNT = 256
MAX_LIMIT_MS = 366 * 24 * 3_600_000
MIN_LIMIT_MS = 1_000
MAX_GRACE_MS = 3_600_000
MAX_DEVICE_COUNT = 100_000
MAX_BATCH = 1_000
MAX_PAGE = 500
MAX_MS = 4_102_444_800_000  # the beginning of the year 2100

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def _duration_schema(longest_ms: int, pattern: str, example: str) -> WithJsonSchema:
    """For callers: the usual spellings, all of which are inside the limits."""
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": longest_ms // 1_000},
                {"type": "string", "pattern": pattern},
            ],
            "description": "seconds, or text with units: d, h, m, s, ms",
            "examples": [example],
        },
        mode="validation",
    )


def without_control_characters(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


def _relative_path(text: str) -> str:
    without_control_characters(text)
    if text.startswith(("/", "~")) or ".." in text.split("/") or "\\" in text:
        raise ValueError("give a path inside the working directory, without '..'")
    return text


def _visible_path(text: str) -> str:
    without_control_characters(text)
    if ".." in text.split("/"):
        raise ValueError("give a path without '..'")
    return text


Text = Annotated[str, AfterValidator(without_control_characters)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)]
RelativePath = Annotated[
    str, StringConstraints(min_length=1, max_length=1_024), AfterValidator(_relative_path)
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
VisiblePath = Annotated[
    str, StringConstraints(min_length=1, max_length=1_024), AfterValidator(_visible_path)
]
Limit = Annotated[
    int,
    BeforeValidator(parse_duration_ms),
    Field(ge=MIN_LIMIT_MS, le=MAX_LIMIT_MS),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    _duration_schema(
        MAX_LIMIT_MS, "^([1-9][0-9]{0,2}[smh]|[1-9][0-9]?d|[1-9][0-9]?h[1-9][0-9]?m)$", "4h"
    ),
]
Grace = Annotated[
    int,
    BeforeValidator(parse_duration_ms),
    Field(ge=0, le=MAX_GRACE_MS),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    _duration_schema(MAX_GRACE_MS, "^([1-9][0-9]{0,2}s|[1-5]?[0-9]m)$", "60s"),
]
Yuan = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")]
Micros = Annotated[int, Field(description="micro-yuan: 1,000,000 = 1 CNY")]
Ms = Annotated[int, Field(description="milliseconds since 1970-01-01T00:00:00Z")]


class Wire(BaseModel):
    """Anything on the wire; an unknown field is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckpointSpec(Wire):
    """How the job saves itself before it is stopped."""

    dir: RelativePath
    signal: Literal["SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT", "SIGHUP"] | None = None
    grace: Grace = Field(default=60_000, validate_default=False)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _whole(value: object) -> object:
    """Refuse `true` and `"8"`; accept 8 and 8.0, as JSON knows one kind of number."""
    if isinstance(value, bool | str):
        raise ValueError("a whole number is needed")
    return value


Count = Annotated[int, BeforeValidator(_whole)]
Permille = Annotated[Count, Field(ge=0, le=100_000)]


class JobSpec(Wire):
    """A training job, as in a job file: the same fields in YAML, JSON and the API."""

    command: Annotated[str, StringConstraints(min_length=1, max_length=MAX_COMMAND_LENGTH)]
    devices: Annotated[Count, Field(ge=1, le=MAX_DEVICE_COUNT)]
    name: Name | None = None
    device: Annotated[list[Identifier], BeforeValidator(_listed), Field(max_length=16)] = []
    nodes: Annotated[Count, Field(ge=1, le=MAX_DEVICE_COUNT)] | None = None
    members: Annotated[Count, Field(ge=1, le=MAX_DEVICE_COUNT)] | None = Field(
        default=None, description="processes of the gang; one a node if not given"
    )
    limit: Limit = Field(default=3_600_000, validate_default=False)
    priority: Literal["low", "normal", "high"] = "normal"
    project: Identifier = "default"
    field: Identifier | None = None
    centres: Annotated[list[Identifier], BeforeValidator(_listed), Field(max_length=16)] = []
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
            if "\x00" in value or len(value) > 32_768:
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
