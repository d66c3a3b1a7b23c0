"""What Slurm says of itself: `sdiag`, `squeue` and the log of its controller."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

US_PER_MS = 1_000
US_PER_S = 1_000_000
QUEUE_FORMAT = "%j|%T|%S"
NO_START = "N/A"
FIGURE = re.compile(r"^\s*([A-Za-z][^:\n]*):\s+(?:\w.*\()?(\d+)\)?$", re.MULTILINE)
START = re.compile(
    r"^\[([-\dT:.]+)\] sched(?:: Allocate|/backfill: _start_job: Started) JobId=", re.MULTILINE
)


class Unreadable(Exception):
    """Slurm said something else than what this version of the benchmark can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Of `sdiag`, since it was reset. A cycle's time leaves out the pauses between its parts.

    The last cycle of backfill began at `backfill_at_s` since the epoch, and sought nodes `tried`
    times: for each job once in each of its partitions.
    """

    started: int
    main_mean_ms: float
    backfills: int
    backfill_at_s: int
    backfill_last_s: float
    tried: int


@dataclass(frozen=True, slots=True)
class Queue:
    """By `squeue`: names of jobs that have nodes, and of those that wait, how many with a start."""

    placed: tuple[str, ...]
    waiting: int
    with_start: int


def diagnosis(text: str) -> Diagnosis:
    """Raises `Unreadable` where a figure is missing."""
    main, found, backfill = text.partition("Backfilling stats")
    if not found:
        raise Unreadable(f"sdiag has no section on backfill: {text[:200]}")
    head, then = _figures(main), _figures(backfill)
    try:
        return Diagnosis(
            started=head["Jobs started"],
            main_mean_ms=head.get("Mean cycle", 0) / US_PER_MS,
            backfills=then["Total cycles"],
            backfill_at_s=then.get("Last cycle when", 0),
            backfill_last_s=then["Last cycle"] / US_PER_S,
            tried=then["Last depth cycle (try sched)"],
        )
    except KeyError as error:
        raise Unreadable(f"sdiag does not say {error}") from None


def _figures(text: str) -> dict[str, int]:
    return {name: int(value) for name, value in FIGURE.findall(text)}


def queue(text: str) -> Queue:
    """Of `squeue --noheader --format QUEUE_FORMAT`; raises `Unreadable` for any other line."""
    placed, starts = [], []
    for line in text.splitlines():
        words = line.split("|")
        if len(words) != 3:
            raise Unreadable(f"squeue says {line!r}")
        name, state, start = words
        if state == "PENDING":
            starts.append(start)
        else:
            placed.append(name)
    with_start = sum(start != NO_START for start in starts)
    return Queue(tuple(placed), len(starts), with_start)


def start_times(log: str) -> list[float]:
    """When jobs were given nodes, in seconds since the epoch, in order; of the controller's log."""
    return sorted(datetime.fromisoformat(moment).timestamp() for moment in START.findall(log))


def seconds_until(times: Sequence[float], since: float, percent: int) -> float:
    """From `since` until so many of a hundred of these, which are in order, have passed."""
    count = max(1, -(-len(times) * percent // 100))
    return times[count - 1] - since
