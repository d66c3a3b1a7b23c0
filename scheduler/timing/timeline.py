"""Free cards over time, as a step function that work to come takes its part of.

The profile of conservative backfill (Mu'alem, Feitelson, "Utilization, predictability, workloads,
and user runtime estimates in scheduling the IBM SP2 with backfilling", 2001), in cards.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable

STEPS_MAX = 512
"""With more, neighbours are merged where that wastes least, so that a search stays short."""


class Timeline:
    """`_free[i]` cards from `_at_ms[i]` until the next step; the last step lasts for ever.

    It only fills: where so many cards were first free for so long, they are no sooner later. That
    is remembered, with the version it was found in, so that equal jobs do not search anew.
    """

    def __init__(self, now_ms: int, free: int, releases: Iterable[tuple[int, int]]) -> None:
        """`releases` says when how many cards come free; what is due comes free at once."""
        given: dict[int, int] = defaultdict(int)
        for at_ms, cards in releases:
            given[max(at_ms, now_ms)] += cards
        self._at_ms = [now_ms]
        self._free = [free + given.pop(now_ms, 0)]
        for at_ms in sorted(given):
            self._at_ms.append(at_ms)
            self._free.append(self._free[-1] + given[at_ms])
        self._lowest = self._free[0]
        self._version = 0
        self._found: dict[tuple[int, int], tuple[int, int | None]] = {}

    def steps(self) -> list[tuple[int, int]]:
        """From when on how many cards are free."""
        return list(zip(self._at_ms, self._free, strict=True))

    @property
    def lowest(self) -> int:
        """Never are fewer cards free."""
        return self._lowest

    def free_at(self, at_ms: int) -> int:
        """How many cards are free then."""
        return self._free[bisect_right(self._at_ms, at_ms) - 1]

    def bound(self, cards: int, length_ms: int) -> int | None:
        """What is known already of `earliest`: it is then or later; None if it never comes."""
        return self._found.get((cards, length_ms), (0, self._at_ms[0]))[1]

    def earliest(self, cards: int, length_ms: int, from_ms: int) -> int | None:
        """The first moment from which so many are free for so long; None if that never comes."""
        if cards <= self._lowest:
            return from_ms
        key = (cards, length_ms)
        version, found_ms = self._found.get(key, (-1, self._at_ms[0]))
        if version != self._version and found_ms is not None:
            found_ms = self._search(cards, length_ms, found_ms)
            self._found[key] = (self._version, found_ms)
        if found_ms is None or from_ms <= found_ms:
            return found_ms
        return self._search(cards, length_ms, from_ms)

    def take(self, cards: int, start_ms: int, end_ms: int) -> None:
        """So many are in use from then until then."""
        first, last = self._step_at(start_ms), self._step_at(end_ms)
        left = [free - cards for free in self._free[first:last]]
        self._free[first:last] = left
        self._lowest = min(self._lowest, *left)
        self._version += 1
        if len(self._at_ms) > STEPS_MAX:
            self._shorten()

    def _search(self, cards: int, length_ms: int, from_ms: int) -> int | None:
        at_ms, free, count = self._at_ms, self._free, len(self._at_ms)
        index = bisect_right(at_ms, from_ms) - 1
        while index < count:
            if free[index] >= cards:
                start_ms = max(at_ms[index], from_ms)
                end_ms = start_ms + length_ms
                index += 1
                while index < count and at_ms[index] < end_ms and free[index] >= cards:
                    index += 1
                if index == count or at_ms[index] >= end_ms:
                    return start_ms
            index += 1
        return None

    def _step_at(self, at_ms: int) -> int:
        """The index of the step that begins then, which is made where there was none."""
        index = bisect_left(self._at_ms, at_ms)
        if index == len(self._at_ms) or self._at_ms[index] != at_ms:
            self._at_ms.insert(index, at_ms)
            self._free.insert(index, self._free[index - 1])
        return index

    def _shorten(self) -> None:
        """Give two neighbours the lower of their cards, where the loss is below the median."""
        losses = [self._loss(index) for index in range(len(self._at_ms) - 2)]
        limit = sorted(losses)[len(losses) // 2]
        at_ms, free = [self._at_ms[0]], [self._free[0]]
        is_merged = False
        for index, loss in enumerate(losses, start=1):
            is_merged = not is_merged and loss <= limit
            if is_merged:
                free[-1] = min(free[-1], self._free[index])
            else:
                at_ms.append(self._at_ms[index])
                free.append(self._free[index])
        self._at_ms, self._free = [*at_ms, self._at_ms[-1]], [*free, self._free[-1]]

    def _loss(self, index: int) -> int:
        """Card-milliseconds that nobody could use any more, were this step one with the next."""
        before, after = self._free[index], self._free[index + 1]
        higher = index if before > after else index + 1
        return abs(after - before) * (self._at_ms[higher + 1] - self._at_ms[higher])
