"""The books' months are those of Asia/Shanghai."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.calendar import iso_time, month_bounds, month_edges, month_of, next_month
from tests.builders import ms

MOMENTS = st.integers(0, ms("2100-01-01T00:00:00+08:00"))


def test_a_month_begins_at_midnight_in_shanghai() -> None:
    assert month_bounds("2026-10") == (
        ms("2026-09-30T16:00:00+00:00"),
        ms("2026-10-31T16:00:00+00:00"),
    )


def test_december_is_followed_by_january() -> None:
    assert next_month("2026-12") == "2027-01"
    assert month_bounds("2026-12")[1] == ms("2027-01-01T00:00:00+08:00")


def test_a_leap_years_february_has_29_days() -> None:
    from_ms, to_ms = month_bounds("2028-02")

    assert to_ms - from_ms == 29 * 24 * 3_600_000


def test_the_last_millisecond_of_a_month_is_inside_it() -> None:
    edge = ms("2026-11-01T00:00:00+08:00")

    assert month_of(edge - 1) == "2026-10"
    assert month_of(edge) == "2026-11"


def test_edges_lie_strictly_inside() -> None:
    from_ms, to_ms = month_bounds("2026-10")

    assert month_edges(from_ms, to_ms) == ()
    assert month_edges(from_ms - 1, to_ms + 1) == (from_ms, to_ms)
    assert month_edges(from_ms, from_ms) == ()


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-00", "2026-1", "26-10", "2026/10", "", "二〇二六-10", "9999-12"]
)
def test_what_is_no_month_is_refused_in_words(month: str) -> None:
    with pytest.raises(ValueError, match="is no month; write it like 2026-10"):
        month_bounds(month)


def test_times_are_written_with_their_offset() -> None:
    assert iso_time(ms("2026-10-31T12:00:00+00:00") + 7) == "2026-10-31T20:00:00.007+08:00"


@given(at_ms=MOMENTS)
def test_every_moment_lies_in_its_month(at_ms: int) -> None:
    from_ms, to_ms = month_bounds(month_of(at_ms))

    assert from_ms <= at_ms < to_ms


@given(from_ms=MOMENTS, length_ms=st.integers(0, 10**12))
def test_between_two_edges_there_is_one_month(from_ms: int, length_ms: int) -> None:
    cuts = [from_ms, *month_edges(from_ms, from_ms + length_ms), from_ms + length_ms]

    assert cuts == sorted(cuts)
    for begin, end in pairwise(cuts):
        assert month_of(begin) == month_of(max(begin, end - 1))
