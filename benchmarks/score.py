"""What a schedule is worth: waits, slowdowns, utilisation, fairness between tenants.

A schedule has one row per uninterrupted run. A job's wait is its time from submission to its last
end without its runs; bounded slowdown is `max(1, jct / max(run, 10 s))`; percentiles are by nearest
rank; Jain's index is over the tenants' mean slowdowns, 1 where all fare alike.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.traces import MS_PER_S, ms_of, read_rows, seconds_of, write_rows

Number = TypeVar("Number", int, float)

SHORT_MS = 10_000
"""Runs shorter than this count as if they took so long, so that trivial jobs do not rule."""
SIZE_CLASSES = (
    (1, "1 device"),
    (8, "2-8 devices"),
    (64, "9-64 devices"),
    (512, "65-512 devices"),
    (1 << 60, "over 512 devices"),
)
COLUMNS = ("job_id", "tenant", "submit_s", "start_s", "end_s", "devices", "pool", "attempt")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One uninterrupted run of a job; `shares` are its nodes and cards, which no file says."""

    job_id: str
    tenant: str
    submit_ms: int
    start_ms: int
    end_ms: int
    device_count: int
    pool: str
    attempt: int
    shares: tuple[tuple[str, int], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Seconds are means or percentiles over jobs."""

    jobs: int
    mean_wait_s: float
    p95_wait_s: float
    p99_wait_s: float
    mean_bsld: float
    mean_jct_s: float
    util_arrivals: float
    jain_bsld: float
    preemptions: int


Measured = tuple[tuple[RunRow, ...], dict[str, object]]
"""A schedule, and what it came to."""


def score(rows: Sequence[RunRow], capacity: int) -> Score:
    """Measure a schedule on `capacity` devices."""
    runs_by_job: dict[str, list[RunRow]] = defaultdict(list)
    for row in rows:
        runs_by_job[row.job_id].append(row)
    waits: list[int] = []
    jcts: list[int] = []
    slowdowns: dict[str, list[float]] = defaultdict(list)
    for runs in runs_by_job.values():
        run_ms = sum(run.end_ms - run.start_ms for run in runs)
        jct_ms = max(run.end_ms for run in runs) - runs[0].submit_ms
        jcts.append(jct_ms)
        waits.append(jct_ms - run_ms)
        slowdowns[runs[0].tenant].append(max(1.0, jct_ms / max(run_ms, SHORT_MS)))
    job_count = len(runs_by_job)
    return Score(
        jobs=job_count,
        mean_wait_s=sum(waits) / job_count / MS_PER_S,
        p95_wait_s=nearest_rank(waits, 95) / MS_PER_S,
        p99_wait_s=nearest_rank(waits, 99) / MS_PER_S,
        mean_bsld=sum(map(sum, slowdowns.values())) / job_count,
        mean_jct_s=sum(jcts) / job_count / MS_PER_S,
        util_arrivals=utilisation_while_arriving(rows, capacity),
        jain_bsld=jain([sum(values) / len(values) for values in slowdowns.values()]),
        preemptions=len(rows) - job_count,
    )


def waits_by_class(rows: Sequence[RunRow]) -> dict[str, list[int]]:
    """How long jobs waited, in ms, by how many devices they take: 1, up to 8, 64, 512, more."""
    classes: dict[str, list[int]] = {label: [] for _, label in SIZE_CLASSES}
    for row, wait_ms in _waits(rows):
        label = next(label for most, label in SIZE_CLASSES if row.device_count <= most)
        classes[label].append(wait_ms)
    return {label: waits for label, waits in classes.items() if waits}


def waits_by_tenant(rows: Sequence[RunRow]) -> dict[str, list[int]]:
    """How long the jobs of each waited, in ms."""
    tenants: dict[str, list[int]] = defaultdict(list)
    for row, wait_ms in _waits(rows):
        tenants[row.tenant].append(wait_ms)
    return tenants


def _waits(rows: Sequence[RunRow]) -> Iterator[tuple[RunRow, int]]:
    """A row of each job, and how long it waited in all."""
    runs_by_job: dict[str, list[RunRow]] = defaultdict(list)
    for row in rows:
        runs_by_job[row.job_id].append(row)
    for runs in runs_by_job.values():
        jct_ms = max(run.end_ms for run in runs) - runs[0].submit_ms
        yield runs[0], jct_ms - sum(run.end_ms - run.start_ms for run in runs)


def utilisation_while_arriving(rows: Sequence[RunRow], capacity: int) -> float:
    """The share of device time in use between the first and the last submission."""
    first_ms = min(row.submit_ms for row in rows)
    last_ms = max(row.submit_ms for row in rows)
    if last_ms == first_ms:
        return 0.0
    used = sum(row.device_count * max(0, min(row.end_ms, last_ms) - row.start_ms) for row in rows)
    return used / (capacity * (last_ms - first_ms))


def nearest_rank(values: Iterable[Number], percent: int) -> Number:
    """The smallest value with at least `percent` of all at or below it."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent * len(ordered) / 100) - 1)]


def jain(values: Sequence[float]) -> float:
    """Jain's fairness index (Jain, Chiu, Hawe 1984)."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def write_schedule(path: Path, rows: Iterable[RunRow]) -> None:
    write_rows(path, COLUMNS, (_cells(row) for row in rows))


def _cells(row: RunRow) -> tuple[object, ...]:
    times = (seconds_of(at_ms) for at_ms in (row.submit_ms, row.start_ms, row.end_ms))
    return (row.job_id, row.tenant, *times, row.device_count, row.pool, row.attempt)


def read_schedule(path: Path) -> tuple[RunRow, ...]:
    return tuple(
        RunRow(
            job_id=row["job_id"],
            tenant=row["tenant"],
            submit_ms=ms_of(row["submit_s"]),
            start_ms=ms_of(row["start_s"]),
            end_ms=ms_of(row["end_s"]),
            device_count=int(row["devices"]),
            pool=row["pool"],
            attempt=int(row["attempt"]),
        )
        for row in read_rows(path)
    )
