"""Half-life and weight, with the figures worked by hand."""

from copy import deepcopy
from dataclasses import replace
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.inventory import SHARE_HALF_LIFE_MS
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.fairshare import (
    COMMITTED_MS,
    Share,
    change_half_life,
    change_rate,
    decayed,
    had,
)
from tests.builders import PARK, a_state, a_tenant, happen

DAY_MS = 24 * 3_600_000
HOUR_MS = 3_600_000


def test_use_halves_every_day() -> None:
    share = Share(used=1_000.0, at_ms=0)

    assert SHARE_HALF_LIFE_MS == DAY_MS
    assert decayed(share, 0) == 1_000.0
    assert decayed(share, DAY_MS) == pytest.approx(500.0)
    assert decayed(share, 3 * DAY_MS) == pytest.approx(125.0)
    assert decayed(share, DAY_MS // 2) == pytest.approx(1_000 / 2**0.5)


def test_what_is_held_adds_up_and_decays_as_it_does() -> None:
    """The integral of 2^(-t / day) over a day is half a day, divided by ln 2."""
    share = Share(rate=313, at_ms=0)

    assert decayed(share, DAY_MS) == pytest.approx(313 * DAY_MS / (2 * log(2)))
    assert decayed(share, 2 * DAY_MS) == pytest.approx(313 * DAY_MS * 3 / (4 * log(2)))


def test_over_a_short_time_use_is_rate_times_time() -> None:
    assert decayed(Share(rate=8 * 313), 1_000) == pytest.approx(8 * 313 * 1_000, rel=1e-5)


def test_a_moment_counts_to_its_last_digit() -> None:
    """Of what was used within it, half a moment's decay is lost: 1 - x/2 of x, beside x squared."""
    lost = log(2) / DAY_MS / 2

    assert decayed(Share(rate=1), 1) == pytest.approx(1.0 - lost, rel=1e-12)


def test_whoever_holds_for_ever_ends_at_a_level() -> None:
    """Where a day's decay of the level is what a day of holding adds."""
    level = 313 * DAY_MS / log(2)

    assert decayed(Share(rate=313), 60 * DAY_MS) == pytest.approx(level)
    assert decayed(Share(rate=313, used=level), DAY_MS) == pytest.approx(level)


def test_a_lease_and_its_end_leave_the_use_of_the_time_between() -> None:
    share = Share()

    change_rate(share, 313, 0)
    change_rate(share, 400, HOUR_MS)
    change_rate(share, -313, 2 * HOUR_MS)
    change_rate(share, -400, 2 * HOUR_MS)

    assert share.rate == 0
    assert share.at_ms == 2 * HOUR_MS
    assert share.used == pytest.approx((2 * 313 + 400) * HOUR_MS, rel=0.05)
    assert share.used < (2 * 313 + 400) * HOUR_MS, "the first hour has decayed a little"


def test_what_happened_before_what_is_known_counts_from_what_is_known() -> None:
    share = Share(at_ms=HOUR_MS)

    change_rate(share, 313, 0)

    assert (share.used, share.rate, share.at_ms) == (0.0, 313, HOUR_MS)
    assert had(share, 0) == had(share, HOUR_MS)


def test_nobody_holds_less_than_nothing() -> None:
    with pytest.raises(AssertionError, match="less than nothing"):
        change_rate(Share(rate=312), -313, 0)


def test_time_does_not_run_back() -> None:
    with pytest.raises(AssertionError, match="ran back by 1 ms"):
        decayed(Share(at_ms=1), 0)


def test_what_is_held_counts_an_hour_ahead() -> None:
    assert COMMITTED_MS == HOUR_MS
    assert had(Share(used=600.0), 0) == 600.0
    assert had(Share(rate=2), 0) == 2 * HOUR_MS
    assert had(Share(used=100.0, rate=2), 0) == 100 + 2 * HOUR_MS


@given(
    st.lists(st.integers(1, DAY_MS), min_size=1, max_size=8),
    st.floats(0, 1e15),
    st.integers(0, 10**7),
)
def test_in_how_many_steps_time_passes_makes_no_difference(
    steps_ms: list[int], used: float, rate: int
) -> None:
    """Decay is exact, not a sum of small steps: it depends on when, not on how often one looks."""
    share, whole = (Share(used=used, rate=rate) for _ in range(2))
    now_ms = 0

    for step_ms in steps_ms:
        now_ms += step_ms
        change_rate(share, 0, now_ms)

    assert share.used == pytest.approx(decayed(whole, now_ms), rel=1e-9, abs=1e-6)


# By another half-life.


def test_what_was_had_before_has_decayed_by_the_half_life_of_then() -> None:
    share = Share(used=1_000.0)

    change_half_life(share, DAY_MS // 2, DAY_MS)

    assert share.used == pytest.approx(500.0)
    assert decayed(share, 2 * DAY_MS) == pytest.approx(125.0)


def test_use_decays_as_the_park_says_from_when_it_says_so() -> None:
    """Of who is there already, of who comes, and of a state that a checkpoint keeps."""
    state = a_state()
    state.shares["steel"].used = 1_000.0
    brief = replace(PARK, share_half_life_ms=HOUR_MS)
    happen(state, ev.ParkDeclared(at_ms=0, park=brief))
    happen(state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("fish")))

    for one in (state, State.restored(state.snapshot())):
        assert decayed(one.shares["steel"], HOUR_MS) == pytest.approx(500.0)
        assert {share.half_life_ms for share in one.shares.values()} == {HOUR_MS}


def test_a_park_that_is_declared_again_changes_nothing_of_what_was_had() -> None:
    state = a_state()
    before = deepcopy(state.shares)

    happen(state, ev.ParkDeclared(at_ms=DAY_MS, park=PARK))

    assert state.shares == before
