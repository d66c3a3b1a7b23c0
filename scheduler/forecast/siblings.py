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
from typing import Protocol, TypeVar

NEAREST = 16
"""So many runs count, those that were submitted nearest to the job."""
NEAR_MS = 300_000
"""A run that was submitted so long before or after the job counts half."""
WHOLE = 1 << 20
"""The weight of a run that was submitted with it, and of all that its group ever ran."""
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

    def reckoned_ms(self, submitted_at_ms: int, now_ms: int) -> int:
        """Of a job submitted then; some run must have ended."""
        mean_ms, inverse = self.sum_ms // self.ended_count, self.sum_inverse // self.ended_count
        ended = [(WHOLE, mean_ms, inverse)]
        running: list[tuple[int, int]] = []
        for at_ms, _, run in nearest(self.runs, submitted_at_ms):
            weight = WHOLE * NEAR_MS // (NEAR_MS + abs(at_ms - submitted_at_ms))
            if run.length_ms is not None:
                ended.append((weight, run.length_ms, _inverse(run.length_ms)))
            else:
                had_ms = max(0, now_ms - run.started_at_ms) * run.speed_permille // 1_000
                running.append((weight, had_ms))
        total_ms = sum(weight * length_ms for weight, length_ms, _ in ended)
        total_inverse = sum(weight * one for weight, _, one in ended)
        # What has run for longer than the short ones is none of them.
        known = [(WHOLE, mean_ms, _inverse(mean_ms)), *ended[1:]]
        for weight, had_ms in running:
            length_ms, one = _if_longer(known, had_ms)
            total_ms += weight * length_ms
            total_inverse += weight * one
        return isqrt(total_ms * INVERSE // total_inverse)


def nearest(entries: Sequence[tuple[int, str, Item]], at_ms: int) -> list[tuple[int, str, Item]]:
    """The few submitted nearest to a moment, the nearest first; of two as near the earlier."""
    high = bisect_left(entries, (at_ms, ""))
    few = [*entries[max(0, high - NEAREST) : high][::-1], *entries[high : high + NEAREST]]
    return sorted(few, key=lambda one: abs(one[0] - at_ms))[:NEAREST]


def _if_longer(ended: Sequence[tuple[int, int, int]], had_ms: int) -> tuple[int, int]:
    """How long what has run for so long does, and its inverse, both in the mean."""
    longer = [one for one in ended if one[1] > had_ms]
    if not longer:
        return 2 * had_ms, _inverse(2 * had_ms)
    weights = sum(weight for weight, _, _ in longer)
    return (
        sum(weight * length_ms for weight, length_ms, _ in longer) // weights,
        sum(weight * one for weight, _, one in longer) // weights,
    )


def _inverse(length_ms: int) -> int:
    return INVERSE // max(SHORT_MS, length_ms)
