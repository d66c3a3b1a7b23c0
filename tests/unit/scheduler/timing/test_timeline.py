"""Free cards over time: what fits when, found as fast as it is found by looking everywhere."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.timing.timeline import STEPS_MAX, Timeline
from tests.builders import HOUR_MS


def test_what_ends_gives_its_cards_back_when_it_ends() -> None:
    timeline = Timeline(5, 1, [(20, 2), (10, 4), (20, 1), (3, 1)])

    assert timeline.steps() == [(5, 2), (10, 6), (20, 9)]


def test_the_earliest_is_where_so_much_is_free_for_so_long() -> None:
    timeline = Timeline(0, 2, [(10, 2), (30, 4)])
    timeline.take(3, 10, 20)

    assert timeline.steps() == [(0, 2), (10, 1), (20, 4), (30, 8)]
    assert timeline.earliest(1, 100, 0) == 0
    assert timeline.earliest(2, 10, 0) == 0
    assert timeline.earliest(2, 11, 0) == 20
    assert timeline.earliest(5, 1, 0) == 30
    assert timeline.earliest(9, 1, 0) is None


def test_it_is_not_before_it_is_asked_for() -> None:
    timeline = Timeline(0, 4, [])
    timeline.take(4, 10, 20)

    assert timeline.earliest(4, 3, 7) == 7
    assert timeline.earliest(4, 4, 7) == 20
    assert timeline.earliest(4, 4, 25) == 25


def test_the_same_is_found_later_once_somebody_has_taken_it() -> None:
    timeline = Timeline(0, 4, [])
    timeline.take(1, 50, 60)
    assert timeline.earliest(4, 10, 0) == 0

    timeline.take(1, 0, 10)

    assert timeline.earliest(4, 10, 0) == 10
    assert timeline.bound(4, 10) == 10
    assert timeline.bound(2, 10) == 0, "nothing is known of it"


asks = st.tuples(st.integers(1, 9), st.integers(1, 30), st.integers(0, 40))


@settings(max_examples=100)
@given(
    st.integers(0, 4),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=4),
    st.lists(asks, max_size=20),
)
def test_it_finds_what_looking_at_every_moment_finds(
    free: int, releases: list[tuple[int, int]], wanted: list[tuple[int, int, int]]
) -> None:
    timeline = Timeline(0, free, releases)
    left = [free + sum(cards for at, cards in releases if at <= moment) for moment in range(700)]
    for cards, length, from_ms in wanted:
        expected = next(
            (t for t in range(from_ms, 660) if min(left[t : t + length]) >= cards), None
        )
        assert timeline.earliest(cards, length, from_ms) == expected
        if expected is not None:
            timeline.take(cards, expected, expected + length)
            for moment in range(expected, expected + length):
                left[moment] -= cards


def test_a_profile_of_many_jobs_stays_short_and_says_nearly_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = Timeline(0, 512, [])
    starts = filled(short)
    assert len(short.steps()) <= STEPS_MAX
    assert short.steps()[-1][1] == 512

    monkeypatch.setattr("scheduler.timing.timeline.STEPS_MAX", 1_000_000)
    exact = Timeline(0, 512, [])
    exact_starts = filled(exact)
    assert len(exact.steps()) > 4 * STEPS_MAX
    assert sum(starts) == pytest.approx(sum(exact_starts), rel=0.02)


def test_neighbours_are_merged_where_that_wastes_least_and_never_three() -> None:
    """Each time a long step and two short ones: of these the first is made one with the long."""
    begins = [1_000 * hour + more for hour in range(200) for more in (0, 980, 990)]
    timeline = Timeline(0, 0, [(begin + 1, 1) for begin in begins])

    timeline.take(1, 1_000_000, 1_000_001)

    assert timeline.steps()[1:5] == [(1, 1), (991, 3), (1_001, 4), (1_991, 6)]
    assert timeline.earliest(2, 1, 0) == 991, "it is free at 981"


def filled(timeline: Timeline) -> list[int]:
    """When each of many jobs starts that take turns."""
    random = Random(1)
    starts = []
    for _ in range(5_000):
        cards = random.choice((1, 1, 2, 4, 8, 8, 16, 64))
        length_ms = random.choice((600_000, HOUR_MS, 24 * HOUR_MS, random.randrange(HOUR_MS)))
        at_ms = timeline.earliest(cards, length_ms, 0)
        assert at_ms is not None
        timeline.take(cards, at_ms, at_ms + length_ms)
        starts.append(at_ms)
    return starts
