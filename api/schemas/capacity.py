"""The wire: how much there is of the park, and how much of it was in use when."""

from pydantic import Field

from api.schemas.jobs import Wire
from api.schemas.values import DeviceUnit, Ms


class PoolCapacity(Wire):
    """A pool's four capacities, in cards, or in cores; times `tflops` each gives TFLOPS."""

    id: str
    device: str = Field(description="the device kind")
    unit: DeviceUnit = Field(default="card", description="what `_cards` here are")
    tflops: int = Field(description="of one card, FP16; a core has 0")
    nodes: int
    registered_cards: int
    online_cards: int
    schedulable_cards: int
    allocated_cards: int
    drained_nodes: int = Field(default=0, description="in planned maintenance")
    hours: list[str] = Field(
        default_factory=list, description="when it is offered, UTC+8; at all times where empty"
    )


class CentreCapacity(Wire):
    """A centre's capacities in TFLOPS FP16 (1,000 = 1 P), and whether it is heard of."""

    id: str
    name: str
    is_heard: bool = Field(description="whether its agent reports")
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
    note: str = Field(description="what is assumed, as the park file says")
    is_logical: bool = Field(description="cards are counters on one machine, not hardware")
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
    average_bp: dict[str, int] = Field(description="by centre, and `park`")
    peak_bp: dict[str, int] = Field(
        description="the highest of each full minute; missing where none is"
    )
    peak_at_ms: dict[str, int] = Field(description="the first such minute")
    step_ms: int = Field(
        default=1, description="how close a pool's changes may be: of closer ones the last counts"
    )


ACTIVE = "allocated, and cards computed; null where nobody measured any of it"
INACTIVE = "measured, and not active; null likewise"
UNMEASURED = "allocated, and nobody knows what cards did"


class Levels(Wire):
    """A waterfall: each level is the sum of those below it; TFLOPS-ms by P, card-ms by cards."""

    stated: int
    healthy: int
    down: int
    maintenance: int
    schedulable: int
    allocated: int
    reserved: int = Field(description="free, and kept for quotes")
    idle: int
    active: int | None = Field(default=None, description=ACTIVE)
    inactive: int | None = Field(default=None, description=INACTIVE)
    unmeasured: int | None = Field(default=None, description=UNMEASURED)
    utilisation_bp: int = Field(description="allocated of what was not in maintenance; 8200 = 82 %")
    peak_bp: int | None = Field(description="the highest of each full minute; null where none is")
    peak_at_ms: int | None = Field(description="the first such minute")


class WaterfallItem(Wire):
    """Where the capacity of a part of the park went."""

    key: str = Field(description="`park`, or a centre, a pool, a device kind")
    from_ms: Ms
    to_ms: Ms
    p: Levels
    cards: Levels
    cores: Levels | None = Field(default=None, description="core-ms; null where there are no cores")


class Divided(Wire):
    """What was metered is active, inactive and unmeasured; TFLOPS-ms by P, card-ms by cards."""

    active: int | None = Field(description=ACTIVE)
    inactive: int | None = Field(description=INACTIVE)
    unmeasured: int = Field(description=UNMEASURED)


class UsedItem(Wire):
    """What was metered for a tenant, or in a field."""

    key: str
    from_ms: Ms
    to_ms: Ms
    tflops_ms: int
    device_ms: int = Field(description="card-milliseconds")
    core_ms: int = Field(default=0, description="core-milliseconds, which are in none of the rest")
    share_bp: int = Field(description="of the park's schedulable TFLOPS-ms in that time")
    p: Divided | None = None
    cards: Divided | None = None
    cores: Divided | None = Field(default=None, description="where it used any")


class WaterfallView(Wire):
    """Where capacity went, by one way to divide it; by tenant and field it is `used`."""

    from_ms: Ms
    to_ms: Ms
    by: str
    each: str
    items: list[WaterfallItem]
    used: list[UsedItem]
    step_ms: int = Field(description="levels are exact to this; peaks are of full minutes")
