"""How starts came out against what was foretold, and so by when half and nine of ten will.

A planned start is one number, and nothing in a plan says how far off it may be: forecasts err,
others come, nodes fail. But how far off the last ones were is known. By split conformal prediction
(Papadopoulos et al., "Inductive confidence machines for regression", 2002; Angelopoulos and Bates,
"A gentle introduction to conformal prediction", 2021) the quantile of their errors holds for the
next as well, whatever made them, as long as days are alike. The error is the ratio of the actual
wait to the foretold one, among the last that were foretold a wait of about this length.

Those who wait together are late together, and say together no more than one. So what is alike is
not a start but a burst of them: each counts as one, however many it has (Lee, Barber and Willett,
"Distribution-free inference with hierarchical data", 2023).
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

WINDOW = 200
"""So many starts count, the last that were foretold a wait of about this length."""
ENOUGH = 20
"""With fewer nothing is said."""
MEDIAN_PERMILLE = 500
LIKELY_PERMILLE = 900
MINUTE_MS = 60_000
BURST_MS = 60 * MINUTE_MS
"""What was foretold within one such hour is one burst."""
BURST_WEIGHT = 1_000_000
SHORTEST_MS = MINUTE_MS
"""A shorter wait is taken for so long: what ends at any moment ends neither now nor never."""
PERMILLE = 1_000


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a job was told first, at `at_ms`: when it starts, by when half do, and nine of ten."""

    at_ms: int
    start_ms: int
    p90_ms: int | None = None
    p50_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """How long a start was still away when it was foretold, at `told_ms`, and how long it was."""

    foretold_ms: int
    waited_ms: int
    told_ms: int = 0

    @property
    def permille(self) -> int:
        return _rounded_up(self.waited_ms * PERMILLE, max(SHORTEST_MS, self.foretold_ms))


@dataclass(slots=True)
class Score:
    """How many starts had been foretold, how many with quantiles, and how many came by then."""

    count: int = 0
    by_planned: int = 0
    p90_count: int = 0
    by_p90: int = 0
    by_p50: int = 0


class Punctuality:
    """The last starts that had been foretold, by the length of the wait, oldest first."""

    def __init__(self, starts: Iterable[Start] = (), score: Score | None = None) -> None:
        self.score = score or Score()
        self._starts: dict[int, list[Start]] = defaultdict(list)
        for start in starts:
            self._add(start)

    def starts(self) -> Iterator[Start]:
        """In an order from which the same comes out again."""
        for bucket in sorted(self._starts):
            yield from self._starts[bucket]

    def note(self, foretold: Foretold, started_ms: int) -> None:
        """A job that was told so has started."""
        told_ms = foretold.at_ms
        ahead_ms, waited_ms = foretold.start_ms - told_ms, started_ms - told_ms
        self._add(Start(max(0, ahead_ms), max(0, waited_ms), told_ms))
        self.score.count += 1
        self.score.by_planned += started_ms <= foretold.start_ms
        if foretold.p90_ms is not None:
            self.score.p90_count += 1
            self.score.by_p90 += started_ms <= foretold.p90_ms
        if foretold.p50_ms is not None:
            self.score.by_p50 += started_ms <= foretold.p50_ms

    def outlook(self) -> "Quantiles":
        """What the last starts say of the next."""
        known = {
            bucket: _quantiles(starts)
            for bucket, starts in self._starts.items()
            if len(starts) >= ENOUGH
        }
        return Quantiles(known)

    def _add(self, start: Start) -> None:
        starts = self._starts[_bucket(start.foretold_ms)]
        starts.append(start)
        del starts[:-WINDOW]


class Likely(NamedTuple):
    """By when half start that are told so, and nine of ten."""

    p50_ms: int
    p90_ms: int


@dataclass(frozen=True, slots=True)
class Quantiles:
    """By length of the foretold wait, how many thousandths of it half and nine of ten had waited.

    That is at most.
    """

    permille: dict[int, tuple[int, int]]

    def of(self, start_ms: int, now_ms: int) -> Likely | None:
        """By when those start that are foretold this; None where too few have.

        Nine of ten no sooner than foretold; half may well be.
        """
        wait_ms = max(0, start_ms - now_ms)
        permille = self.permille.get(_bucket(wait_ms))
        if permille is None:
            return None
        half_ms, late_ms = (
            now_ms + _rounded_up(max(SHORTEST_MS, wait_ms) * one, PERMILLE) for one in permille
        )
        return Likely(half_ms, max(start_ms, late_ms))


def _bucket(wait_ms: int) -> int:
    """Below 2 minutes, 8, 32, ...: four times as long each."""
    return (wait_ms // MINUTE_MS).bit_length() // 2


def _rounded_up(number: int, by: int) -> int:
    """Whoever is late by a moment is late."""
    return -(-number // by)


def _quantiles(starts: list[Start]) -> tuple[int, int]:
    """The smallest at or below which half of these bursts are; and nine of ten, and of one more.

    Each burst counts as one, in equal parts for each of its starts. The second is a promise, and
    holds with the next one in it; the first is an estimate.
    """
    ordered = sorted(starts, key=lambda start: start.permille)
    sizes = Counter(map(_burst, ordered))
    below = [*accumulate(_rounded_up(BURST_WEIGHT, sizes[_burst(start)]) for start in ordered)]
    half, most = (
        bisect_left(below, _rounded_up(count * BURST_WEIGHT * part, PERMILLE), hi=len(below) - 1)
        for count, part in ((len(sizes), MEDIAN_PERMILLE), (len(sizes) + 1, LIKELY_PERMILLE))
    )
    return ordered[half].permille, ordered[most].permille


def _burst(start: Start) -> int:
    return start.told_ms // BURST_MS
