"""Other gangs with which a job is content, as a user writes them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.schemas.values import MAX_LIMIT_MS, GangCount, Identifier, Limit, listed, number

MAX_VARIANTS = 8
"""Of one job."""

SIZES_MAX = 8
"""Of an elastic job, as the planner has them."""

SPEED_MIN, SPEED_MAX = 0.001, 1_000
Speed = Annotated[float, Field(ge=SPEED_MIN, le=SPEED_MAX), BeforeValidator(number)]


class VariantSpec(BaseModel):
    """A gang that the job takes where it cannot have the one that it asks first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    devices: GangCount = Field(description="cards of the whole gang")
    device: Annotated[list[Identifier], BeforeValidator(listed), Field(max_length=16)] = Field(
        default=[], description="acceptable device kinds, the preferred first; empty: the job's own"
    )
    nodes: GangCount | None = Field(
        default=None, description="more than one: whole nodes; as few as it takes if not given"
    )
    members: GangCount | None = Field(
        default=None, description="processes of the gang; one a node if not given"
    )
    limit: Limit | None = Field(
        default=None,
        description="the longest that it may run so; if not given the job's own, over `speed` "
        "where that is less than 1",
    )
    speed: Speed | None = Field(
        default=None,
        description="how fast it runs so, against how it asks first, such as 0.6; learned from "
        "what has run if not given",
    )

    @property
    def speed_permille(self) -> int | None:
        return None if self.speed is None else round(self.speed * 1_000)

    def limit_ms(self, own_ms: int) -> int:
        """Whatever takes as long as that in the first gang is done within it in this."""
        if self.limit is not None:
            return self.limit
        permille = self.speed_permille or 1_000
        return min(MAX_LIMIT_MS, -(-own_ms // permille) * 1_000 if permille < 1_000 else own_ms)


Variants = Annotated[
    list[VariantSpec],
    Field(
        max_length=MAX_VARIANTS,
        description="other gangs with which it is content, the preferred first",
    ),
]
MinDevices = Annotated[
    GangCount | None,
    Field(description="elastic: also half its cards, and so on, down to so many"),
]
StepDevices = Annotated[
    GangCount | None,
    Field(description="of an elastic job: its sizes are so many cards apart, and no halves"),
]


class Gang(Protocol):
    """What of a job file says whether it can be elastic."""

    @property
    def devices(self) -> int: ...
    @property
    def device(self) -> Sequence[str]: ...
    @property
    def nodes(self) -> int | None: ...
    @property
    def members(self) -> int | None: ...
    @property
    def min_devices(self) -> int | None: ...
    @property
    def step_devices(self) -> int | None: ...
    @property
    def variants(self) -> Sequence[VariantSpec]: ...
    @property
    def checkpoint(self) -> object: ...


def check_forms(gang: Gang) -> None:
    """Raise `ValueError` where its variants, or its sizes, are none."""
    check_different(gang.devices, gang.device, gang.variants)
    if gang.min_devices is not None:
        check_elastic(gang, gang.min_devices)
    elif gang.step_devices is not None:
        raise ValueError("step_devices: give min_devices, the fewest, as well")


def check_different(devices: int, device: Sequence[str], variants: Sequence[VariantSpec]) -> None:
    """Raise `ValueError` where two of the gangs have as many cards of the same kind.

    Then nobody could tell in which of them a job runs that has such cards.
    """
    first = VariantSpec.model_construct(devices=devices, device=list(device))
    for (before, one), (after, other) in combinations(enumerate((first, *variants)), 2):
        mine, others = one.device or device, other.device or device
        shared = set(mine) & set(others) if mine and others else {*mine, *others} or {"any kind"}
        if one.devices == other.devices and shared:
            which = f"variant {before}" if before else "the job itself"
            kinds = " or ".join(sorted(shared))
            raise ValueError(
                f"variants: variant {after} is {other.devices} cards of {kinds}, and so is "
                f"{which}: leave one out, or the kind in one of them"
            )


def check_elastic(gang: Gang, least: int) -> None:
    """Raise `ValueError` where a job that says `min_devices` cannot run on fewer cards."""
    if gang.variants:
        raise ValueError("min_devices: give min_devices or variants, not both")
    if gang.checkpoint is None:
        raise ValueError(
            "min_devices: an elastic job goes on from a checkpoint on other cards: give checkpoint"
        )
    if gang.step_devices is None:
        _check_halves(gang, least)
    else:
        _check_steps(gang, least, gang.step_devices)


def _check_halves(gang: Gang, least: int) -> None:
    odd = [f"{name} {count}" for name, count in _counts(gang) if count % 2]
    if odd:
        raise ValueError(f"min_devices: sizes are halves, and {odd[0]} has none: give step_devices")
    if gang.devices < 2 * least:
        half = gang.devices // 2
        raise ValueError(
            f"min_devices: the next size below {gang.devices} cards is {half}: give {half} or "
            "less, or step_devices"
        )
    smallest = _smallest_half(gang)
    if least < smallest:
        raise ValueError(
            f"min_devices: halves of its cards, nodes and members end at {smallest}: give "
            f"{smallest} or more"
        )


def _check_steps(gang: Gang, least: int, step: int) -> None:
    """Each size has whole nodes and members, and there are not more of them than may be."""
    if least >= gang.devices:
        raise ValueError(
            f"min_devices: the fewest, {least}, is not less than its devices, {gang.devices}: "
            "give less, or leave out min_devices and step_devices"
        )
    sizes = range(gang.devices, least - 1, -step)
    if sizes[-1] != least:
        raise ValueError(
            f"step_devices: {gang.devices} cards, less {step} each time, are never {least}: "
            "give another step_devices or min_devices"
        )
    if len(sizes) > SIZES_MAX:
        raise ValueError(
            f"step_devices: that would be {len(sizes)} sizes, and {SIZES_MAX} is the most: give a "
            "larger step_devices, or a larger min_devices"
        )
    for name, count in _counts(gang):
        if step * count % gang.devices:
            raise ValueError(
                f"step_devices: {step} cards are no whole part of {name} {count} on {gang.devices} "
                "cards: give another step_devices"
            )


def _counts(gang: Gang) -> list[tuple[str, int]]:
    named = [("devices", gang.devices), ("nodes", gang.nodes), ("members", gang.members)]
    return [(name, count) for name, count in named if count is not None]


def _smallest_half(gang: Gang) -> int:
    """The smallest of its sizes."""
    counts = [count for _, count in _counts(gang)]
    for _ in range(SIZES_MAX - 1):
        if any(count % 2 for count in counts):
            break
        counts = [count // 2 for count in counts]
    return counts[0]
