"""How long a run the order of jobs reckons with: by the runs that were submitted nearest to it.

What is submitted one after the other runs for about as long. So runs count by how near to the job
they were submitted; what still runs counts as those that ran for longer, and all that its group
ever ran as one run more: where nothing near has run, little is known, and it may be short.

Among random run times the least mean slowdown is had by the mean of the time over the mean of its
inverse (Smith, "Various optimizers for single-stage production", 1956, with weights of one over the
run time; Rothkopf, "Scheduling with random service times", 1966). The root of that is as long as a
run, and is the run time where that is sure.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isqrt
from operator import itemgetter
from typing import NamedTuple, Protocol, TypeVar

NEAREST = 16
"""So many runs count, those that were submitted nearest to the job."""
NEAR_MS = 300_000
"""A run that was submitted so long before or after the job counts half."""
WHOLE = 1 << 20
"""The weight of a run that was submitted with it, and of all that its group ever ran."""
HALVED = WHOLE * NEAR_MS
"""The weight of a run is that over `NEAR_MS` and how far it was submitted from the job."""
SHORT_MS = 10_000
"""What is shorter counts as so short: nobody minds."""
INVERSE = 10**12

Item = TypeVar("Item")


class Run(Protocol):
    """One that was submitted, and begun, at some moment; it runs where it has no length."""

    @property
    def attempt_id(self) -> str: ...
    @property
    def submitted_at_ms(self) -> int: ...
    @property
    def started_at_ms(self) -> int: ...
    @property
    def length_ms(self) -> int | None: ...
    @property
    def speed_permille(self) -> int: ...


Entry = tuple[int, str, Run]
Ended = tuple[int, int, int | None]
"""How long a run took, its inverse, and when it was submitted; None is at no distance."""


@dataclass(slots=True)
class Siblings:
    """The runs of a group in the order of their submission, and what all that ended came to."""

    runs: list[Entry] = field(default_factory=list)
    ended_count: int = 0
    sum_ms: int = 0
    sum_inverse: int = 0

    def add(self, run: Run) -> None:
        insort(self.runs, (run.submitted_at_ms, run.attempt_id, run))
        if run.length_ms is not None:
            self.end(run.length_ms)

    def end(self, length_ms: int, count: int = 1) -> None:
        self.ended_count += count
        self.sum_ms += count * length_ms
        self.sum_inverse += count * _inverse(length_ms)

    def discard(self, run: Run) -> None:
        at = bisect_left(self.runs, (run.submitted_at_ms, run.attempt_id))
        del self.runs[at]
        if run.length_ms is not None:
            self.end(run.length_ms, -1)

    def around(self, first: int, now_ms: int) -> "Near":
        """The window that begins with the run of this number; some run must have ended."""
        mean_ms, inverse = self.sum_ms // self.ended_count, self.sum_inverse // self.ended_count
        ended: list[Ended] = [(mean_ms, _inverse(mean_ms), None)]
        running: list[tuple[int, int]] = []
        for at_ms, _, run in self.runs[first : first + NEAREST]:
            if run.length_ms is not None:
                ended.append((run.length_ms, _inverse(run.length_ms), at_ms))
            else:
                had_ms = max(0, now_ms - run.started_at_ms) * run.speed_permille // 1_000
                running.append((at_ms, had_ms))
        # Moments are not compared: of runs as long as the mean it does not matter which is first.
        ended.sort(key=itemgetter(0), reverse=True)
        lengths_ms = [-length_ms for length_ms, _, _ in ended]
        longer = [(at_ms, had_ms, bisect_left(lengths_ms, -had_ms)) for at_ms, had_ms in running]
        return Near(ended, longer, inverse - _inverse(mean_ms))


class Near(NamedTuple):
    """The runs of a window at some moment, for all jobs of which they are the nearest.

    `ended` are the longest first, and among them what all came to in the mean. Of each that runs
    it is known how many of those ran for longer than it has. `more_inverse` is by how much the mean
    of the inverse is above the inverse of the mean.
    """

    ended: list[Ended]
    running: list[tuple[int, int, int]]
    more_inverse: int

    def reckoned_ms(self, submitted_at_ms: int) -> int:
        """Of a job submitted then."""
        weights = total_ms = total_inverse = 0
        means = [(0, 0)]
        for length_ms, inverse, at_ms in self.ended:
            away_ms = 0 if at_ms is None else abs(at_ms - submitted_at_ms)
            weight = HALVED // (NEAR_MS + away_ms)
            weights += weight
            total_ms += weight * length_ms
            total_inverse += weight * inverse
            means.append((total_ms // weights, total_inverse // weights))
        total_inverse += WHOLE * self.more_inverse
        # What has run for longer than the short ones is none of them.
        for at_ms, had_ms, count in self.running:
            weight = HALVED // (NEAR_MS + abs(at_ms - submitted_at_ms))
            length_ms, inverse = means[count] if count else _half_over(had_ms)
            total_ms += weight * length_ms
            total_inverse += weight * inverse
        return isqrt(total_ms * INVERSE // total_inverse)


def first_near(entries: Sequence[tuple[int, str, Item]], at_ms: int) -> int:
    """Where those few begin that were submitted nearest to a moment; of two as near the earlier."""
    high = bisect_left(entries, (at_ms, ""))
    low, high = max(0, high - NEAREST), min(high, max(0, len(entries) - NEAREST))
    while low < high:
        middle = (low + high) // 2
        if at_ms - entries[middle][0] > entries[middle + NEAREST][0] - at_ms:
            low = middle + 1
        else:
            high = middle
    return low


def _half_over(had_ms: int) -> tuple[int, int]:
    """How long what has run for longer than all does, and its inverse."""
    return 2 * had_ms, _inverse(2 * had_ms)


def _inverse(length_ms: int) -> int:
    return INVERSE // max(SHORT_MS, length_ms)
