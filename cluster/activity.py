"""How much of its cards' time a member computes: counted in its run's folder, by one sort of meter.

A count only ever goes up, and lies on the node's disk: whoever is killed and started again goes on
from it. What nobody watched is in no count, so that it is unknown and never idle.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from cluster.driver import Activity
from cluster.run_files import read_json, write_json


class MeterKind(StrEnum):
    """What measures the members of a node.

    `PROCESSOR`: the processor time of a member's processes, a card for each core. `CARDS`: what the
    node's own meter says of each card, if there is one.
    """

    PROCESSOR = "processor"
    CARDS = "cards"


def of_processor(card_count: int, lasted_ms: int, cpu_ms: int) -> Activity:
    """Of a member with so many cores, of which no more are counted than it was given."""
    measured_ms = card_count * max(0, lasted_ms)
    return Activity(measured_ms=measured_ms, active_ms=max(0, min(cpu_ms, measured_ms)))


def of_cards(busy_permille: Sequence[int | None], lasted_ms: int) -> Activity:
    """Of cards that were so busy for so long; None where the meter does not say."""
    known = [permille for permille in busy_permille if permille is not None]
    return Activity(
        measured_ms=lasted_ms * len(known),
        active_ms=sum(lasted_ms * permille for permille in known) // 1_000,
    )


def keep(run: Path, activity: Activity) -> None:
    counts = {"measured_ms": activity.measured_ms, "active_ms": activity.active_ms}
    write_json(run / "measured", counts)


def kept(run: Path) -> Activity | None:
    """What was counted last of this run."""
    match read_json(run / "measured"):
        case {"measured_ms": int(measured_ms), "active_ms": int(active_ms)}:
            return Activity(measured_ms=measured_ms, active_ms=active_ms)
        case _:
            return None


def at_end(
    claimed: Mapping[str, object], started_ms: int | None, ended: Mapping[str, object]
) -> Activity | None:
    """What the shim itself has counted of a member that is over, where processor time counts."""
    match claimed, ended:
        case (
            {"meter": MeterKind.PROCESSOR, "cards": list(cards)},
            {"cpu_ms": int(cpu_ms), "ended_at_ms": int(ended_ms)},
        ) if started_ms is not None:
            return of_processor(len(cards), ended_ms - started_ms, cpu_ms)
        case _:
            return None
