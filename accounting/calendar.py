"""The books' calendar: months of Asia/Shanghai, UTC+8 all year round."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
MONTH_COUNT_MAX = 12 * 200
"""No interval of the books is longer; a month later than 2169 is a typing error."""
MONTHS_KNOWN = 4_096
"""Of so many days it is kept in which month they are, and of so many months when they begin."""

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_OFFSET_MS = SHANGHAI.utcoffset(None) // _MILLISECOND
_DAY_MS = 24 * 3_600_000


def month_of(at_ms: int) -> str:
    """The month of a moment, as `2026-10`."""
    return _month_of_day((at_ms + _OFFSET_MS) // _DAY_MS)


@lru_cache(maxsize=MONTHS_KNOWN)
def _month_of_day(day: int) -> str:
    """Of the so manyth day here since 1970: every slice of the books asks for its month."""
    return _local(day * _DAY_MS).strftime("%Y-%m")


def day_of(at_ms: int) -> str:
    """The day of a moment, as `2026-10-31`."""
    return _local(at_ms).strftime("%Y-%m-%d")


@lru_cache(maxsize=MONTHS_KNOWN)
def month_bounds(month: str) -> tuple[int, int]:
    """The half-open interval [from, to) of a month; raises `ValueError` for what is none."""
    matched = _MONTH.fullmatch(month)
    if matched is None or not 1970 <= int(matched[1]) < 2170:
        raise ValueError(f"{month[:20]!r} is no month; write it like 2026-10")
    first = datetime(int(matched[1]), int(matched[2]), 1, tzinfo=SHANGHAI)
    return _ms(first), _ms(_next_month(first))


def last_moment(month: str) -> int:
    """The last millisecond of a month: whether something is valid in it, is asked of then."""
    return month_bounds(month)[1] - 1


def next_month(month: str) -> str:
    """The month after: `2026-12` is followed by `2027-01`."""
    return month_of(month_bounds(month)[1])


def month_edges(from_ms: int, to_ms: int) -> tuple[int, ...]:
    """The moments strictly inside (`from_ms`, `to_ms`) at which a month begins."""
    edges: list[int] = []
    edge = month_bounds(month_of(from_ms))[1]
    while edge < to_ms:
        edges.append(edge)
        assert len(edges) < MONTH_COUNT_MAX, f"[{from_ms}, {to_ms}) is longer than 200 years"
        edge = month_bounds(month_of(edge))[1]
    return tuple(edges)


def iso_time(at_ms: int) -> str:
    """A moment as people in the park write it: `2026-10-31T20:00:00.000+08:00`."""
    return _local(at_ms).isoformat(timespec="milliseconds")


def utc_time(at_ms: int) -> str:
    """The same for programs: `2026-10-31T12:00:00.000Z`."""
    return (_EPOCH + at_ms * _MILLISECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(at_ms: int) -> datetime:
    return (_EPOCH + at_ms * _MILLISECOND).astimezone(SHANGHAI)


def _next_month(first: datetime) -> datetime:
    # 31 days after the first of any month lie within the next one.
    return (first + timedelta(days=31)).replace(day=1)


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
