"""Where a park's capacity went: stated, healthy, schedulable, allocated, active; by P and cards.

And apart from them by cores, which have no P and are no cards. Each level sums exactly to the one
above it, in card-, core- or TFLOPS-milliseconds. A rate is what was
allocated of what was not in planned maintenance: maintenance leaves the denominator, failure does
not, since it is the park's to answer for.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import assert_never

from accounting.money import MS_PER_HOUR, divide_half_up
from accounting.units import Unit, unit_of
from accounting.usage.activity import Division, divide

BASIS_POINTS = 10_000
MINUTE_MS = 60_000


class Weight(StrEnum):
    """What a device counts: its TFLOPS; one for a card and nothing for a core; or the reverse."""

    P = "p"
    CARDS = "cards"
    CORES = "cores"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a pool stood from `at_ms` until its next step, in cards of `tflops` each, or in cores.

    `online_cards` are healthy, `maintenance_cards` those of them in planned maintenance. What is
    allocated on nodes that went down counts as down: nobody can use it. `reserved_cards` are free
    and kept for somebody who was promised them.
    """

    pool_id: str
    at_ms: int
    tflops: int
    registered_cards: int
    online_cards: int
    allocated_cards: int
    maintenance_cards: int = 0
    reserved_cards: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """Levels over a window: TFLOPS-milliseconds by P, card-milliseconds by cards, or of cores.

    Or, at one moment, TFLOPS and cards, or cores. Of what was allocated `measured` was watched, and
    of that `active` computed.
    """

    stated: int = 0
    healthy: int = 0
    schedulable: int = 0
    allocated: int = 0
    reserved: int = 0
    measured: int = 0
    active: int = 0

    @property
    def down(self) -> int:
        return self.stated - self.healthy

    @property
    def maintenance(self) -> int:
        return self.healthy - self.schedulable

    @property
    def idle(self) -> int:
        return self.schedulable - self.allocated - self.reserved

    @property
    def division(self) -> Division:
        """What was allocated, as active, inactive and unmeasured."""
        return divide(self.allocated, self.measured, self.active)

    @property
    def utilisation_bp(self) -> int:
        """Basis points: 8200 is 82.00 %; 0 where there was nothing to use."""
        return ratio_bp(self.allocated, self.stated - self.maintenance)

    def __add__(self, other: "Waterfall") -> "Waterfall":
        return Waterfall(
            stated=self.stated + other.stated,
            healthy=self.healthy + other.healthy,
            schedulable=self.schedulable + other.schedulable,
            allocated=self.allocated + other.allocated,
            reserved=self.reserved + other.reserved,
            measured=self.measured + other.measured,
            active=self.active + other.active,
        )

    def watched(self, measured: int, active: int) -> "Waterfall":
        """The same, of which so much is known.

        What was measured on nodes that were in maintenance or down meanwhile counts there.
        """
        measured = min(measured, self.allocated)
        return replace(self, measured=measured, active=min(active, measured))

    def times(self, factor: int) -> "Waterfall":
        return Waterfall(
            stated=self.stated * factor,
            healthy=self.healthy * factor,
            schedulable=self.schedulable * factor,
            allocated=self.allocated * factor,
            reserved=self.reserved * factor,
            measured=self.measured * factor,
            active=self.active * factor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The highest rate of the full minutes in a window, and the first of them that had it."""

    utilisation_bp: int
    at_ms: int


def ratio_bp(part: int, whole: int) -> int:
    """`part` of `whole` in basis points, rounded half up; 0 of nothing."""
    return divide_half_up(part * BASIS_POINTS, whole) if whole else 0


def waterfall(steps: Iterable[Step], from_ms: int, to_ms: int, weight: Weight) -> Waterfall:
    """All pools of `steps` added up over [`from_ms`, `to_ms`); steps come in any order."""
    (total,) = waterfalls(steps, (from_ms, to_ms), weight)
    return total


def waterfalls(steps: Iterable[Step], edges: Sequence[int], weight: Weight) -> list[Waterfall]:
    """The same between each of `edges` and the next."""
    totals = [Waterfall()] * (len(edges) - 1)
    for pool_steps in _by_pool(steps):
        for step, begin_ms, end_ms in _held(pool_steps, edges[0], edges[-1]):
            now = level(step, weight)
            for number, from_ms, to_ms in _pieces(begin_ms, end_ms, edges):
                totals[number] += now.times(to_ms - from_ms)
    return totals


Watched = Mapping[tuple[str, int], tuple[int, int]]
"""What was measured and what was active of a pool in an hour, weighed as the levels are."""


def watched_waterfalls(
    steps_by_pool: Mapping[str, Iterable[Step]],
    edges: Sequence[int],
    weight: Weight,
    watched: Watched,
) -> list[Waterfall]:
    """The same of all these pools, with their activity; `edges` but the first and last are hours'.

    Each hour of a pool is limited by itself, so that pools, and hours, add up whatever is asked.
    """
    hours = {*edges, *range(-(-edges[0] // MS_PER_HOUR) * MS_PER_HOUR, edges[-1], MS_PER_HOUR)}
    fine, totals = sorted(hours), [Waterfall()] * (len(edges) - 1)
    for pool_id, steps in steps_by_pool.items():
        for begin_ms, level_of_hour in zip(fine, waterfalls(steps, fine, weight), strict=False):
            hour_ms = begin_ms - begin_ms % MS_PER_HOUR
            known = level_of_hour.watched(*watched.get((pool_id, hour_ms), (0, 0)))
            totals[bisect_right(edges, begin_ms) - 1] += known
    return totals


def _pieces(begin_ms: int, end_ms: int, edges: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """An interval inside `edges`, cut at each: after which of them each piece lies, and it."""
    first = bisect_right(edges, begin_ms) - 1
    for number in range(first, bisect_left(edges, end_ms)):
        yield number, max(begin_ms, edges[number]), min(end_ms, edges[number + 1])


def peaks(steps: Iterable[Step], edges: Sequence[int], weight: Weight) -> list[Peak | None]:
    """The highest rate of those at each full minute, between each of `edges` and the next.

    Of all pools of `steps` together; None where there is no such minute.
    """
    bests: list[Peak | None] = [None] * (len(edges) - 1)
    for now, begin_ms, end_ms in _together(steps, edges[0], edges[-1], weight):
        for number, from_ms, to_ms in _pieces(begin_ms, end_ms, edges):
            minute_ms = -(-from_ms // MINUTE_MS) * MINUTE_MS
            if minute_ms < to_ms:
                bests[number] = _higher(bests[number], now, minute_ms)
    return bests


def _higher(best: Peak | None, now: Waterfall, at_ms: int) -> Peak:
    if best is not None and now.utilisation_bp <= best.utilisation_bp:
        return best
    return Peak(utilisation_bp=now.utilisation_bp, at_ms=at_ms)


def _together(
    steps: Iterable[Step], from_ms: int, to_ms: int, weight: Weight
) -> Iterator[tuple[Waterfall, int, int]]:
    """What all pools come to, from when until when, in order of time."""
    changes: defaultdict[int, Waterfall] = defaultdict(Waterfall)
    for pool_steps in _by_pool(steps):
        for step, begin_ms, end_ms in _held(pool_steps, from_ms, to_ms):
            changes[begin_ms] += level(step, weight)
            changes[end_ms] += level(step, weight).times(-1)
    now = Waterfall()
    for begin_ms, end_ms in pairwise(sorted(changes)):
        now += changes[begin_ms]
        yield now, begin_ms, end_ms


def level(step: Step, weight: Weight) -> Waterfall:
    """How a pool stood at a moment, in TFLOPS, in cards, or in cores."""
    unit = _counted(step.tflops, weight)
    schedulable_cards = step.online_cards - step.maintenance_cards
    allocated_cards = min(step.allocated_cards, schedulable_cards)
    return Waterfall(
        stated=step.registered_cards * unit,
        healthy=step.online_cards * unit,
        schedulable=schedulable_cards * unit,
        allocated=allocated_cards * unit,
        reserved=min(step.reserved_cards, schedulable_cards - allocated_cards) * unit,
    )


def _counted(tflops: int, weight: Weight) -> int:
    match weight:
        case Weight.P:
            return tflops
        case Weight.CARDS:
            return int(unit_of(tflops) is Unit.CARD)
        case Weight.CORES:
            return int(unit_of(tflops) is Unit.CORE)
        case _:
            assert_never(weight)


def _by_pool(steps: Iterable[Step]) -> Iterator[Sequence[Step]]:
    """Each pool's steps in order of time."""
    by_pool: defaultdict[str, list[Step]] = defaultdict(list)
    for step in sorted(steps, key=lambda step: (step.pool_id, step.at_ms)):
        by_pool[step.pool_id].append(step)
    yield from by_pool.values()


def _held(steps: Sequence[Step], from_ms: int, to_ms: int) -> Iterator[tuple[Step, int, int]]:
    """Each step with the part of the window over which it stood; the last one goes on."""
    ends = (*(step.at_ms for step in steps[1:]), to_ms)
    for step, end in zip(steps, ends, strict=True):
        begin_ms, end_ms = max(step.at_ms, from_ms), min(end, to_ms)
        if begin_ms < end_ms:
            yield step, begin_ms, end_ms
