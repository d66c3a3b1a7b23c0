"""Ids of jobs sort by time, and differ within a millisecond."""

from random import Random

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from api.clock import ALPHABET, TIME_BITS, SteadyClock, new_job_id, new_job_ids

HOUR_MS = 3_600_000
NS = 1_000_000

times = st.integers(0, (1 << TIME_BITS) - 1)


@given(times, times, st.integers())
def test_ids_sort_by_time(one_ms: int, other_ms: int, seed: int) -> None:
    random = Random(seed)

    one, other = new_job_id(one_ms, random), new_job_id(other_ms, random)

    assert one_ms == other_ms or (one < other) == (one_ms < other_ms)


def test_an_id_is_j_and_26_characters_nobody_confuses() -> None:
    made = new_job_id(1_800_000_000_000, Random(1))

    assert made.startswith("j")
    assert len(made) == 27
    assert set(made[1:]) <= set(ALPHABET)
    assert not set("ilou") & set(ALPHABET)


def test_jobs_submitted_together_keep_their_order_and_are_distinct() -> None:
    ids = new_job_ids(1_800_000_000_000, 1_000, Random(2))

    assert ids == sorted(set(ids))
    assert len(ids) == 1_000


def test_the_clock_counts_milliseconds_since_1970() -> None:
    with time_machine.travel("2026-01-01T00:00:00.250Z", tick=False):
        assert 0 <= SteadyClock()() - 1_767_225_600_250 < HOUR_MS


@pytest.mark.parametrize(("set_by_ms", "passed_ms"), [(-HOUR_MS, 9_900), (HOUR_MS, 10_100)])
def test_a_clock_that_is_set_is_followed_slowly(set_by_ms: int, passed_ms: int) -> None:
    wall, monotonic = [5 * HOUR_MS * NS], [7 * NS]
    clock = SteadyClock(lambda: wall[0], lambda: monotonic[0])
    before_ms = clock()

    wall[0] += (10_000 + set_by_ms) * NS
    monotonic[0] += 10_000 * NS

    assert clock() - before_ms == passed_ms


def test_a_clock_that_is_right_keeps_time() -> None:
    wall, monotonic = [5 * HOUR_MS * NS], [7 * NS]
    clock = SteadyClock(lambda: wall[0], lambda: monotonic[0])

    wall[0] += 10_000 * NS
    monotonic[0] += 10_000 * NS

    assert clock() == 5 * HOUR_MS + 10_000
