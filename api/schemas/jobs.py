"""The wire: what the HTTP interface takes and gives; the SDK and the command line use it too."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from api.schemas.array_spec import Array, ArrayTaskView
from api.schemas.checkpoint_spec import CheckpointSpec
from api.schemas.role_spec import RoleName, Roles, either_way, roles_problems, spelled_out
from api.schemas.values import (
    Command,
    Datasets,
    DeviceUnit,
    EnvValue,
    GangCount,
    Identifier,
    Limit,
    Ms,
    Name,
    Predecessors,
    QuoteId,
    Sha256,
    VisiblePath,
    listed,
    whole,
)
from api.schemas.variant_spec import MinDevices, StepDevices, Variants, check_forms

MAX_ENV_COUNT = 256
MAX_BATCH = 1_000
MAX_PAGE = 500

PLANNED_START = "when it would start, if nobody else came and all ran as long as is likely"
PLANNED_DEVICES = "on how many cards; null where it is content with what it asks alone"
IS_PROMISED = (
    "whether cards are kept for it: who comes to be ahead moves it, and what overstays its forecast"
)
DETAIL_ZH = "the detail in Chinese, where there is one; empty where a list of jobs is told"
_BY_WHEN = "by when {} start that are told so, by how the last came out; null: too few did"
START_P50, START_P90 = _BY_WHEN.format("half"), _BY_WHEN.format("nine of ten")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class Wire(BaseModel):
    """Anything on the wire; an unknown field is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class JobSpec(Wire):
    """A training job, as in a job file: the same fields in YAML, JSON and the API."""

    model_config = ConfigDict(json_schema_extra=either_way)

    command: Command = Field(
        description="run by `sh -c` in the working directory, once for each member; each role may "
        "have its own"
    )
    devices: GangCount = Field(description="cards of the whole gang; with roles the sum of theirs")
    name: Name | None = Field(
        default=None, description="to know it by; the beginning of the command if not given"
    )
    device: Annotated[list[Identifier], BeforeValidator(listed), Field(max_length=16)] = Field(
        default=[], description="acceptable device kinds, the preferred first; empty: any"
    )
    nodes: GangCount | None = Field(
        default=None, description="more than one: whole nodes; as few as it takes if not given"
    )
    members: GangCount | None = Field(
        default=None, description="processes of the gang; one a node if not given"
    )
    limit: Limit = Field(
        default=3_600_000,
        validate_default=False,
        description="the longest that it may run: enforced, and what planning relies on",
        json_schema_extra={"default": "1h"},
    )
    priority: Literal["low", "normal", "high"] = Field(
        default="normal", description="which goes first, and at which price"
    )
    project: Identifier = Field(default="default", description="the tenant's own; a line on bills")
    field: Identifier | None = Field(
        default=None, description="the industry it is reported by; the tenant's if not given"
    )
    centres: Annotated[list[Identifier], BeforeValidator(listed), Field(max_length=16)] = Field(
        default=[], description="only in these centres; empty: any"
    )
    env: Annotated[dict[str, EnvValue], Field(max_length=MAX_ENV_COUNT)] = Field(
        default={}, description="variables of each member; BRAIN_* and RAY_* are the broker's"
    )
    workdir: VisiblePath | None = Field(
        default=None, description="a path that the centre sees; a local folder is uploaded first"
    )
    archive: Sha256 | None = Field(default=None, description="an uploaded working directory")
    retries: Annotated[int, Field(ge=0, le=100), BeforeValidator(whole)] = Field(
        default=0, description="new attempts after the park's own failures, not after the program's"
    )
    checkpoint: CheckpointSpec | None = Field(
        default=None, description="how it saves itself before it is stopped"
    )
    after: Predecessors = Field(
        default=[], description="held until these jobs or arrays have succeeded; else it never runs"
    )
    after_any: Predecessors = Field(
        default=[], description="held until these jobs or arrays have ended, however they did"
    )
    array: Array | None = Field(
        default=None, description="many jobs of this one, which differ by BRAIN_ARRAY_INDEX"
    )
    data: Datasets = Field(
        default=[],
        description="datasets that it reads: where they may be, and are soon, it runs",
    )
    data_class: Identifier | None = Field(
        default=None, description="of what else it reads; none if it may be anywhere"
    )
    topology: Literal["rack", "pool"] = Field(
        default="pool", description="rack: never on nodes of several racks, which it avoids anyway"
    )
    variants: Variants = []
    min_devices: MinDevices = None
    step_devices: StepDevices = None

    roles: Roles = Field(
        default=[], description="members that are not alike; ranks go through them in this order"
    )
    ends_with: RoleName | None = Field(
        default=None, description="a role whose success is the job's; null: all must succeed"
    )

    _spelled_out = model_validator(mode="before")(spelled_out)

    @model_validator(mode="after")
    def _agrees(self) -> "JobSpec":
        is_spread = self.nodes is not None or self.members is not None
        for problem in roles_problems(
            self.roles, self.devices, self.ends_with, is_spread=is_spread
        ):
            raise ValueError(problem)
        if self.roles and (self.variants or self.min_devices or self.step_devices):
            raise ValueError(
                "roles: a gang of roles has one size: leave out variants, min_devices, step_devices"
            )
        if not self.command.strip():
            raise ValueError("command: say what to run")
        if self.workdir is not None and self.archive is not None:
            raise ValueError("give workdir or archive, not both")
        for name in self.env:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"env: {name[:40]!r} is no variable name")
            if name.startswith(("BRAIN_", "RAY_")):
                raise ValueError(f"env: {name[:40]} is set by the broker; choose another name")
        check_forms(self)
        return self


class JobAsked(JobSpec):
    """A job of a tenant: operators name it, a tenant's own key says which it is."""

    tenant: Identifier | None = Field(
        default=None, description="who is charged: needed with an operator's key alone"
    )


class JobCreate(JobAsked):
    """A job to submit."""

    quote_id: QuoteId | None = Field(default=None, description="a quote: it is as old as that")


class JobBatch(Wire):
    """Many jobs in one durable write; an array, or who takes a quote, is submitted alone."""

    jobs: Annotated[list[JobCreate], Field(min_length=1, max_length=MAX_BATCH)]

    @model_validator(mode="after")
    def _has_no_array(self) -> "JobBatch":
        if any(job.array or job.quote_id for job in self.jobs):
            raise ValueError(
                "jobs: an array, or who takes a quote, is submitted by itself: POST /v1/jobs"
            )
        return self


class JobAccepted(Wire):
    """A job of a batch, in the queue."""

    id: str
    state: str = "queued"


class JobsAccepted(Wire):
    """All jobs of a batch, in its order."""

    items: list[JobAccepted]


class ReasonView(Wire):
    """One blocker of a waiting job, in words and in numbers."""

    code: str = Field(description="from a closed list: docs/job-file.md")
    where: str = Field(description="a pool, centre or tenant; or the word that is unknown")
    need: int = Field(description="what the job needs, in `unit`")
    free: int = Field(description="what there is of it")
    gap: int = Field(description="what is short")
    unit: str = Field(description="cards, cores, tflops, jobs or micro-yuan")
    until_ms: int | None = Field(default=None, description="until when, where that is known")
    detail: str = Field(default="", description="more, such as the words that are known")
    text: str = Field(default="", description="all of it as a sentence")
    text_zh: str = Field(default="", description="the sentence in Chinese")


class Activity(Wire):
    """Card-milliseconds that were metered: active, inactive and unmeasured add up to allocated."""

    allocated_device_ms: int
    active_device_ms: int | None = Field(
        description="how long cards computed; null where nobody measured it"
    )
    inactive_device_ms: int | None = Field(description="measured, and not active; null likewise")
    unmeasured_device_ms: int = Field(description="of this nobody knows what the cards did")


class ActivityLine(Activity):
    """The same of what a project had of one device kind in one centre; credits not deducted."""

    tenant: str
    project: str
    field: str
    centre: str
    device: str
    unit: Literal["card", "core"] = "card"


class AttemptView(Wire):
    """One try to run the job."""

    id: str = Field(description="`<job id>.<number>`")
    centre: str
    pool: str
    device: str
    nodes: list[dict[str, Any]] = Field(
        description="`node_id` and `card_count` of each node; with roles also its `members`, by "
        'their numbers in each role: `{"worker": "0-3"}`'
    )
    leased_at_ms: Ms = Field(description="when the decision was committed")
    started_at_ms: Ms | None
    ended_at_ms: Ms | None
    cause: str | None = Field(
        description="finished, user_error, cancelled, preempted, limit, funds, budget, node, "
        "centre or broker; what the last three ended is not billed"
    )
    exit_code: int | None = Field(description="the first that is not 0; negative: the signal")
    detail: str
    detail_zh: str = Field(default="", description=DETAIL_ZH)
    saved_at_ms: Ms | None = Field(
        default=None,
        description="when a file in its checkpoint folder was last written, as its centre sees "
        "it: what it did since is lost where it is stopped; null where none was seen",
    )
    activity: Activity | None = Field(
        default=None, description="what it has used so far; null where a list of jobs is told"
    )


class JobView(Wire):
    """A job and how it stands."""

    id: str
    tenant: str
    state: str = Field(
        description="queued, held, leased, starting, running, stopping, or how it ended"
    )
    spec: JobSpec
    array: ArrayTaskView | None = Field(default=None, description="where it is a task of an array")
    submitted_at_ms: Ms
    started_at_ms: Ms | None
    ended_at_ms: Ms | None
    position: int | None = Field(description="place in the queue, from 1")
    planned_start_ms: Ms | None = Field(description=PLANNED_START)
    planned_pool: str | None = Field(default=None, description="where that would be")
    planned_devices: int | None = Field(default=None, description=PLANNED_DEVICES)
    start_p50_ms: Ms | None = Field(default=None, description=START_P50)
    start_p90_ms: Ms | None = Field(default=None, description=START_P90)
    is_start_promised: bool = Field(default=False, description=IS_PROMISED)
    end_cause: str | None = Field(description="the cause of the last attempt")
    detail: str
    detail_zh: str = Field(default="", description=DETAIL_ZH)
    reasons: list[ReasonView] = Field(description="why it waits: the first is the one that counts")
    attempts: list[AttemptView] = Field(default=[], description="each try to run it, in order")
    cost: str | None = Field(
        default=None,
        description="yuan, tax included: what was metered so far and no package covers, less what "
        "was given back; null where a list of jobs is told",
    )


class JobPage(Wire):
    """A page of jobs, newest first; `next` is the cursor of the next page."""

    items: list[JobView]
    next: str | None = Field(default=None, description="the `cursor` of the next page")


class DataNote(Wire):
    """What data of a job does to where it may be, or how soon it is there."""

    dataset: str | None = Field(default=None, description="which; null: its class is told of")
    data_class: str | None = Field(default=None, description="the class of the data, if any")
    centres: list[str] = Field(description="where it lies; of a class: where it may be, alone")
    transfer_ms: dict[str, int] = Field(
        default={}, description="how long it takes to come to other centres that it may be in"
    )
    text: str = Field(description="all of it as a sentence")
    text_zh: str = Field(description="the sentence in Chinese")


class UsageLine(Wire):
    """What one tenant used of one device kind in one centre at one price."""

    tenant: str
    project: str
    field: str
    centre: str
    device: str
    qos: str = Field(description="the job's priority")
    unit: DeviceUnit = Field(default="card", description="what `device_ms` is of")
    device_ms: int = Field(description="card-milliseconds, or core-milliseconds, exact")
    card_hours: str = Field(description="卡时, to six decimals; 0 of cores")
    core_hours: str = Field(default="0", description="核时, to six decimals; 0 of cards")
    p_hours: str = Field(description="P·时, to six decimals")
    price: str = Field(description="yuan a card-hour, or a core-hour, tax included")
    amount: str = Field(description="yuan, rounded once for this line")
    amount_fen: int
    cause: str | None = Field(default=None, description="why it was given back: then negative")


class DisputedTime(Wire):
    """Time of an attempt in which its centre was not heard of: not billed until it is known."""

    tenant: str
    project: str
    job: str
    attempt: str
    centre: str
    device: str
    unit: DeviceUnit = Field(default="card", description="what `cards` counts: cards or cores")
    cards: int
    from_ms: Ms
    to_ms: Ms
    device_ms: int = Field(description="card-milliseconds, or core-milliseconds")


class UsageView(Wire):
    """Usage in a window; amounts in yuan with two decimals, as text."""

    from_ms: Ms
    to_ms: Ms
    lines: list[UsageLine]
    device_ms: int = Field(description="card-milliseconds of all lines")
    card_hours: str
    core_ms: int = Field(default=0, description="core-milliseconds of all lines")
    core_hours: str = Field(default="0", description="核时")
    p_hours: str
    amount: str
    amount_fen: int
    activity: Activity | None = Field(default=None, description="of all cards; credits are in it")
    core_activity: Activity | None = Field(default=None, description="of cores, where there are")
    activity_lines: list[ActivityLine] = Field(
        default=[], description="by tenant, project, field, centre and device kind"
    )
    disputed: list[DisputedTime] = Field(
        default=[], description="in none of the sums: the centre is silent, nobody knows what ran"
    )


class Problem(BaseModel):
    """RFC 9457 problem details; `reasons` where a job could never run."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str = Field(description="what kind of problem")
    status: int = Field(description="the HTTP status")
    detail: str = Field(default="", description="what is wrong with this request")
    title_zh: str = Field(default="", description="the title in Chinese")
    detail_zh: str = Field(default="", description="the detail in Chinese, where there is one")
    errors: list[dict[str, Any]] = Field(
        default=[],
        description="`field`, `in`, `problem` and `fix` of each, and `problem_zh`, `fix_zh`",
    )
    reasons: list[ReasonView] = Field(default=[], description="why a job could never run")
