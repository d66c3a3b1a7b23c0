"""The hours of the week in which a centre offers a pool: cooperative capacity, lent at times.

Days and times are those of the park, UTC+8 all year round.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HINT = "write it like mon-fri 20:00-08:00, sat,sun 00:00-24:00 or daily 19:00-07:00"

_DAY = 24 * 60
_WEEK = 7 * _DAY
_MINUTE_MS = 60_000
_WEEK_MS = _WEEK * _MINUTE_MS
_A_MONDAY_MS = (4 * _DAY - 8 * 60) * _MINUTE_MS
"""Monday 1970-01-05 began then in UTC+8."""
_SPAN = re.compile(r"([a-z,-]+) +(\d\d):([0-5]\d)-(\d\d):([0-5]\d)", re.ASCII)

Span = tuple[int, int]
"""Minutes since Monday 00:00, the end not included; the last may end in the next week."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a pool is offered, as written, and in `spans` in order, which do not touch."""

    texts: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def longest_ms(self) -> int:
        """How long the longest span is."""
        return max(end - begin for begin, end in self.spans) * _MINUTE_MS

    def closes_ms(self, at_ms: int) -> int | None:
        """The end of the span that this moment lies in; None where it lies in none."""
        return next((end for begin, end in self._from(at_ms) if begin <= at_ms), None)

    def opens_ms(self, at_ms: int, length_ms: int = 0) -> int | None:
        """The first moment from then on with so much of a span before it; None if there is none."""
        rests = ((max(begin, at_ms), end) for begin, end in self._from(at_ms))
        return next((begin for begin, end in rests if begin + length_ms <= end), None)

    def _from(self, at_ms: int) -> Iterator[Span]:
        """In milliseconds, the spans that are not over then, in order, for a week and more."""
        week_ms = at_ms - (at_ms - _A_MONDAY_MS) % _WEEK_MS
        for start_ms in (week_ms - _WEEK_MS, week_ms, week_ms + _WEEK_MS):
            for begin, end in self.spans:
                if start_ms + end * _MINUTE_MS > at_ms:
                    yield start_ms + begin * _MINUTE_MS, start_ms + end * _MINUTE_MS


def hours_of(texts: Iterable[str]) -> Hours:
    """Read hours as people write them; raises `ValueError`, which says what is wrong."""
    written = tuple(" ".join(text.lower().split()) for text in texts)
    is_offered = [False] * _WEEK
    for begin, end in (span for text in written for span in _spans(text)):
        for minute in range(begin, end):
            is_offered[minute % _WEEK] = True
    if all(is_offered):
        raise ValueError("these hours are all of the week: leave them out")
    return Hours(written, tuple(_runs(is_offered)))


def _runs(is_offered: list[bool]) -> Iterator[Span]:
    """Each run of minutes, of which the last may go on into the next week."""
    for begin in range(_WEEK):
        if is_offered[begin] and not is_offered[begin - 1]:
            end = begin
            while is_offered[end % _WEEK]:
                end += 1
            yield begin, end


def _spans(text: str) -> Iterator[Span]:
    """Of one text, a span for each of its days."""
    matched = _SPAN.fullmatch(text)
    if matched is None:
        raise ValueError(f"{text[:40]!r} are no hours: {HINT}")
    hour, minute, end_hour, end_minute = map(int, matched.groups()[1:])
    begin, end = hour * 60 + minute, end_hour * 60 + end_minute
    if begin >= _DAY or end > _DAY or begin == end:
        raise ValueError(f"{text[:40]!r} go from no time of the day to another: {HINT}")
    length = end - begin if end > begin else end - begin + _DAY
    for day in _days(matched[1]):
        yield day * _DAY + begin, day * _DAY + begin + length


def _days(words: str) -> Iterator[int]:
    for word in words.split(","):
        first, _, last = ("mon-sun" if word == "daily" else word).partition("-")
        if not {first, last or first} <= {*DAYS}:
            raise ValueError(f"{word[:40]!r} are no days: {HINT}")
        day = DAYS.index(first)
        yield day
        while DAYS[day] != (last or first):
            day = (day + 1) % len(DAYS)
            yield day
