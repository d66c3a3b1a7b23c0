"""What is asked (`Job`), what is granted (`Placement`), and the words for how it stands."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class JobState(StrEnum):
    """Where a job is on its way; the last three are final."""

    QUEUED = "queued"
    HELD = "held"
    LEASED = "leased"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class EndCause(StrEnum):
    """Why an attempt ended; the last three are the park's fault and are not billed."""

    FINISHED = "finished"
    USER_ERROR = "user_error"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"
    LIMIT = "limit"
    FUNDS = "funds"
    BUDGET = "budget"
    NODE = "node"
    CENTRE = "centre"
    BROKER = "broker"


GRACE_MS = 10_000
"""What a job that says nothing of checkpoints has between TERM and KILL."""

FAULT_CAUSES = frozenset({EndCause.NODE, EndCause.CENTRE, EndCause.BROKER})
CUT_OFF_CAUSES = FAULT_CAUSES | {EndCause.PREEMPTED, EndCause.FUNDS, EndCause.BUDGET}
"""Ends that say nothing of how long a job would have run."""


class Priority(StrEnum):
    """A job's class; `low` may be preempted, each class has its own price multiplier."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @cached_property
    def rank(self) -> int:
        return list(Priority).index(self)


class Topology(StrEnum):
    """How near to one another the nodes of a gang must be: in one rack, or anywhere in its pool."""

    RACK = "rack"
    POOL = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How a job saves itself: into `dir`, within `grace_ms` of `signal`."""

    dir: str
    signal: str | None = None
    grace_ms: int = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayTask:
    """Which task of which array a job is: one of `count`, with indices from `lowest` to `highest`.

    No more than `at_most` of them are in the queue or run at once; None is any number.
    """

    id: str
    index: int
    count: int
    lowest: int
    highest: int
    at_most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Members of a gang that are alike: so many, with so many cards each, perhaps none.

    `command` None: they run the job's.
    """

    name: str
    count: int
    card_count: int
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Another gang with which a job is content, as its fields of the same names.

    `speed_permille` is how fast it would run so against how fast as its user asked first, in
    thousandths; None where that is to be learned.
    """

    device_kind_ids: tuple[str, ...]
    device_count: int
    limit_ms: int
    node_count: int | None = None
    member_count: int | None = None
    speed_permille: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request for a gang of devices, as its user stated it.

    `device_kind_ids` are acceptable kinds in order of preference, empty for any. `node_count`
    None lets the planner choose. `member_count` None means one process a node. `archive` is the
    sha256 of an uploaded working directory. `centre_ids` empty means any centre. It is held until
    those of `after_ids` have succeeded and those of `after_any_ids` have ended: jobs, or arrays,
    which stand for all their tasks. `array` is set where it is such a task itself.
    It reads the datasets `data_ids`; `data_class` is of what else it reads, None where that may be
    anywhere. `topology` is what it requires; it gets the narrowest that has room anyway.
    `roles` are of members that are not alike, in the order of their ranks; `device_count` is then
    the cards of all. `ends_with` names one whose members' success is that of the gang.
    It is content with each of `variants` as well, the preferred first, and where it is elastic with
    smaller sizes down to `min_device_count`: halves of it, or `step_device_count` apart (see
    `forms`).
    """

    id: str
    tenant_id: str
    project: str
    user: str
    name: str
    field: str
    command: str
    device_count: int
    device_kind_ids: tuple[str, ...]
    limit_ms: int
    priority: Priority
    submitted_at_ms: int
    node_count: int | None = None
    member_count: int | None = None
    centre_ids: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    archive: str | None = None
    workdir: str | None = None
    retry_count: int = 0
    checkpoint: Checkpoint | None = None
    after_ids: tuple[str, ...] = ()
    after_any_ids: tuple[str, ...] = ()
    array: ArrayTask | None = None
    data_ids: tuple[str, ...] = ()
    data_class: str | None = None
    topology: Topology = Topology.POOL
    roles: tuple[Role, ...] = ()
    ends_with: str | None = None
    variants: tuple[Variant, ...] = ()
    min_device_count: int | None = None
    step_device_count: int | None = None

    @property
    def has_forms(self) -> bool:
        """Whether it is content with anything but what it asks first."""
        return bool(self.variants) or self.min_device_count is not None

    @property
    def grace_ms(self) -> int:
        """How long it may take to stop."""
        return self.checkpoint.grace_ms if self.checkpoint else GRACE_MS

    @property
    def followed_ids(self) -> tuple[str, ...]:
        """Those that it waits for before it comes to the queue, each once."""
        return tuple(dict.fromkeys((*self.after_ids, *self.after_any_ids)))

    @property
    def longest_ms(self) -> int:
        """How long it may hold its devices: its limit, and then what it has to save itself."""
        return self.limit_ms + (self.checkpoint.grace_ms if self.checkpoint else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShare:
    """Cards of one node that a placement takes."""

    node_id: str
    card_count: int


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Which devices a gang gets: one centre, one pool, some nodes."""

    centre_id: str
    pool_id: str
    device_kind_id: str
    shares: tuple[NodeShare, ...]

    @cached_property
    def card_count(self) -> int:
        return sum(share.card_count for share in self.shares)


@dataclass(frozen=True, slots=True)
class PlannedStart:
    """When and where a waiting job would start: if nobody else came, and all ran as is likely.

    `is_promised` where cards are kept for it: who comes to be ahead moves it, and what overstays
    its forecast. `p50_ms` and `p90_ms` are when half and nine of ten have started that were told
    so; None where too few were. `card_count` is on how many cards, where it has several forms.
    """

    at_ms: int
    pool_id: str
    is_promised: bool = False
    p90_ms: int | None = None
    p50_ms: int | None = None
    card_count: int | None = None


class ReasonCode(StrEnum):
    """The closed list of why a job waits or is refused."""

    DEVICES_BUSY = "devices_busy"
    FRAGMENTED = "fragmented"
    NODES_DOWN = "nodes_down"
    CENTRE_SILENT = "centre_silent"
    CENTRE_CAPACITY = "centre_capacity"
    PARK_CAPACITY = "park_capacity"
    TENANT_QUOTA = "tenant_quota"
    PROJECT_QUOTA = "project_quota"
    COHORT_QUOTA = "cohort_quota"
    LENT_OUT = "lent_out"
    FUNDS = "funds"
    BUDGET = "budget"
    MAKING_ROOM = "making_room"
    RESERVED = "reserved"
    QUOTED = "quoted"
    BACKOFF = "backoff"
    NO_PRICE = "no_price"
    TOO_BIG = "too_big"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_CENTRE = "unknown_centre"
    UNKNOWN_TENANT = "unknown_tenant"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_PROJECT = "unknown_project"
    UNEVEN_GANG = "uneven_gang"
    MEMBER_TOO_BIG = "member_too_big"
    QUEUE_FULL = "queue_full"
    ARRAY_LIMIT = "array_limit"
    DEPENDENCY = "dependency"
    UNKNOWN_DATA = "unknown_data"
    UNKNOWN_DATA_CLASS = "unknown_data_class"
    DATA_NOT_ALLOWED = "data_not_allowed"
    NEARER_DATA = "nearer_data"
    NO_RACK = "no_rack"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One blocker: `need` against `free` in `unit`, at `where` (a pool, centre, tenant or park)."""

    code: ReasonCode
    where: str
    need: int = 0
    free: int = 0
    unit: str = "cards"
    until_ms: int | None = None
    detail: str = ""

    @property
    def gap(self) -> int:
        return max(0, self.need - self.free)
