"""Where a park's capacity went: stated, healthy, schedulable, allocated; by P and by cards.

Each level sums exactly to the one above it, in card- or TFLOPS-milliseconds. A rate is what was
allocated of what was not in planned maintenance: maintenance leaves the denominator, failure does
not, since it is the park's to answer for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from accounting.money import divide_half_up

BASIS_POINTS = 10_000


class Weight(StrEnum):
    """What a card counts: its TFLOPS, or one."""

    P = "p"
    CARDS = "cards"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a pool stood from `at_ms` until its next step, in cards of `tflops` each.

    `online_cards` are healthy, `maintenance_cards` those of them in planned maintenance. What is
    allocated on nodes that went down counts as down: nobody can use it.
    """

    pool_id: str
    at_ms: int
    tflops: int
    registered_cards: int
    online_cards: int
    allocated_cards: int
    maintenance_cards: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """Levels over a window: TFLOPS-milliseconds by P, card-milliseconds by cards.

    Or, at one moment, TFLOPS and cards.
    """

    stated: int = 0
    healthy: int = 0
    schedulable: int = 0
    allocated: int = 0

    @property
    def down(self) -> int:
        return self.stated - self.healthy

    @property
    def maintenance(self) -> int:
        return self.healthy - self.schedulable

    @property
    def idle(self) -> int:
        return self.schedulable - self.allocated

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
        )

    def times(self, factor: int) -> "Waterfall":
        return Waterfall(
            stated=self.stated * factor,
            healthy=self.healthy * factor,
            schedulable=self.schedulable * factor,
            allocated=self.allocated * factor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The highest rate in a window, and the first moment at which it was reached."""

    utilisation_bp: int
    at_ms: int


def ratio_bp(part: int, whole: int) -> int:
    """`part` of `whole` in basis points, rounded half up; 0 of nothing."""
    return divide_half_up(part * BASIS_POINTS, whole) if whole else 0


def waterfall(steps: Iterable[Step], from_ms: int, to_ms: int, weight: Weight) -> Waterfall:
    """All pools of `steps` added up over [`from_ms`, `to_ms`); steps come in any order."""
    total = Waterfall()
    for pool_steps in _by_pool(steps):
        for step, begin_ms, end_ms in _held(pool_steps, from_ms, to_ms):
            total += level(step, weight).times(end_ms - begin_ms)
    return total


def peak(steps: Iterable[Step], from_ms: int, to_ms: int, weight: Weight) -> Peak | None:
    """The highest rate of all pools of `steps` together; None where none of them stood then."""
    changes: defaultdict[int, Waterfall] = defaultdict(Waterfall)
    for pool_steps in _by_pool(steps):
        for step, begin_ms, end_ms in _held(pool_steps, from_ms, to_ms):
            changes[begin_ms] += level(step, weight)
            changes[end_ms] += level(step, weight).times(-1)
    now, best = Waterfall(), None
    for at_ms in sorted(changes):
        now += changes[at_ms]
        rate = now.utilisation_bp
        if at_ms < to_ms and (best is None or rate > best.utilisation_bp):
            best = Peak(utilisation_bp=rate, at_ms=at_ms)
    return best


def level(step: Step, weight: Weight) -> Waterfall:
    """How a pool stood at a moment, in TFLOPS or in cards."""
    unit = step.tflops if weight is Weight.P else 1
    schedulable_cards = step.online_cards - step.maintenance_cards
    return Waterfall(
        stated=step.registered_cards * unit,
        healthy=step.online_cards * unit,
        schedulable=schedulable_cards * unit,
        allocated=min(step.allocated_cards, schedulable_cards) * unit,
    )


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
