"""How busy centres were over time: a picture of few points from many changes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accounting.money import divide_half_up
from accounting.usage.waterfall import Step, Waterfall, Weight, level

POINTS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """From `at_ms` until the next point, in TFLOPS."""

    at_ms: int
    allocated: int
    online: int
    stated: int


def course(steps: Iterable[Step], from_ms: int, to_ms: int) -> list[Point]:
    """The pools of `steps` together over [`from_ms`, `to_ms`).

    Each change, or evenly spaced averages where there were more than `POINTS_MAX` changes.
    """
    levels = _levels(steps, from_ms, to_ms)
    if len(levels) <= POINTS_MAX:
        return [_point(at_ms, now, 1) for at_ms, now in levels]
    return _averages(levels, from_ms, to_ms)


def _levels(steps: Iterable[Step], from_ms: int, to_ms: int) -> list[tuple[int, Waterfall]]:
    """What all pools add up to, from each moment on at which one of them changed."""
    now: dict[str, Waterfall] = {}
    by_time: defaultdict[int, list[Step]] = defaultdict(list)
    for step in sorted(steps, key=lambda step: step.at_ms):
        if step.at_ms < to_ms:
            by_time[max(step.at_ms, from_ms)].append(step)
    levels = []
    for at_ms in sorted(by_time):
        for step in by_time[at_ms]:
            now[step.pool_id] = level(step, Weight.P)
        levels.append((at_ms, sum(now.values(), start=Waterfall())))
    return levels


def _averages(levels: Sequence[tuple[int, Waterfall]], from_ms: int, to_ms: int) -> list[Point]:
    width_ms = -(-(to_ms - from_ms) // POINTS_MAX)
    sums: defaultdict[int, Waterfall] = defaultdict(Waterfall)
    ends = (*(at_ms for at_ms, _ in levels[1:]), to_ms)
    for (begin_ms, now), end_ms in zip(levels, ends, strict=True):
        at_ms = begin_ms
        while at_ms < end_ms:
            bucket = (at_ms - from_ms) // width_ms
            until_ms = min(end_ms, from_ms + (bucket + 1) * width_ms)
            sums[bucket] += now.times(until_ms - at_ms)
            at_ms = until_ms
    return [
        _point(
            from_ms + bucket * width_ms,
            total,
            min(to_ms, from_ms + (bucket + 1) * width_ms) - from_ms - bucket * width_ms,
        )
        for bucket, total in sorted(sums.items())
    ]


def _point(at_ms: int, total: Waterfall, span_ms: int) -> Point:
    return Point(
        at_ms=at_ms,
        allocated=divide_half_up(total.allocated, span_ms),
        online=divide_half_up(total.healthy, span_ms),
        stated=divide_half_up(total.stated, span_ms),
    )
