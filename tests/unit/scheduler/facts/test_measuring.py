"""What a centre counts becomes facts: once, whatever is lost or repeated, and no more than held."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cluster.driver import Activity
from scheduler.facts import events as ev
from scheduler.facts.measured import Measured
from scheduler.facts.measuring import SAVED_APART_MS, measured, saved
from scheduler.facts.state import State
from tests.unit.scheduler.facts.test_metering import BEGIN_MS, CARDS, a_run
from tests.unit.scheduler.facts.test_metering import metered as metered_until

MINUTE_MS = 60_000


def count(state: State, told: Activity | None, minute: int) -> list[Measured]:
    """The meter is read in that minute of the run, while the centre says this."""
    attempt, to_ms = state.live["j1.1"], BEGIN_MS + minute * MINUTE_MS
    from_ms = attempt.metered_to_ms
    for event in metered_until(state, to_ms):
        assert state.apply(event) is None
    made = list(measured(attempt, told, from_ms, to_ms))
    for one in made:
        assert state.apply(one) is None
    return made


def of(minutes: int, active: int) -> Activity:
    """So many minutes of all cards were watched, and so many active."""
    return Activity(measured_ms=CARDS * minutes * MINUTE_MS, active_ms=CARDS * active * MINUTE_MS)


def test_what_is_new_is_a_fact_over_the_time_that_was_metered() -> None:
    state = a_run()

    first, second = count(state, of(5, 2), 5), count(state, of(9, 5), 10)

    assert [(one.from_ms, one.to_ms) for one in (*first, *second)] == [
        (BEGIN_MS, BEGIN_MS + 5 * MINUTE_MS),
        (BEGIN_MS + 5 * MINUTE_MS, BEGIN_MS + 10 * MINUTE_MS),
    ]
    assert second[0].measured_device_ms == CARDS * 4 * MINUTE_MS
    assert second[0].active_device_ms == CARDS * 3 * MINUTE_MS


def test_who_measures_nothing_makes_no_fact() -> None:
    state = a_run()

    assert count(state, None, 5) == []
    assert count(state, Activity(), 10) == []
    assert state.live["j1.1"].activity == Activity()


def test_a_count_that_fell_back_is_not_believed_until_it_is_ahead_again() -> None:
    state = a_run()
    count(state, of(5, 5), 5)

    assert count(state, of(1, 1), 10) == []
    assert count(state, of(6, 6), 15)[0].measured_device_ms == CARDS * MINUTE_MS


def test_no_more_is_taken_than_there_was_time_and_the_rest_comes_next() -> None:
    """A sample that was late leaves more to the next interval than that has."""
    state = a_run()
    count(state, of(4, 2), 5)

    late = count(state, of(10, 5), 10)
    last = count(state, of(10, 5), 15)

    assert (late[0].measured_device_ms, late[0].active_device_ms) == (
        CARDS * 5 * MINUTE_MS,
        CARDS * 5 * MINUTE_MS // 2,
    )
    assert state.live["j1.1"].activity == of(10, 5)
    assert last[0].to_ms == BEGIN_MS + 15 * MINUTE_MS


def test_the_same_fact_told_twice_is_refused() -> None:
    state = a_run()
    (fact,) = count(state, of(5, 2), 5)

    assert "is measured up to" in (state.apply(fact) or "")
    assert state.live["j1.1"].activity == of(5, 2)


def test_a_fact_about_more_than_was_held_is_refused() -> None:
    state = a_run()
    count(state, None, 5)
    to_ms = BEGIN_MS + 5 * MINUTE_MS
    held_ms = CARDS * 5 * MINUTE_MS

    def fact(measured_ms: int, active_ms: int, until_ms: int = to_ms) -> Measured:
        return Measured(
            at_ms=to_ms,
            attempt_id="j1.1",
            from_ms=BEGIN_MS,
            to_ms=until_ms,
            measured_device_ms=measured_ms,
            active_device_ms=active_ms,
        )

    assert "and not for more" in (state.apply(fact(held_ms + 1, 0)) or "")
    assert "and not for more" in (state.apply(fact(5, 6)) or "")
    assert "not metered" in (state.apply(fact(5, 5, to_ms + 1)) or "")
    assert state.apply(fact(held_ms, held_ms)) is None


@given(
    st.lists(st.tuples(st.integers(0, 4_000_000), st.integers(0, 4_000_000)), max_size=8),
    st.lists(st.integers(1, 9), min_size=8, max_size=8),
)
def test_whatever_is_told_no_more_counts_than_was_held(
    counts: list[tuple[int, int]], steps: list[int]
) -> None:
    state, minute, made = a_run(), 0, []
    for (measured_ms, active_ms), step in zip(counts, steps, strict=False):
        minute += step
        told = Activity(measured_ms=measured_ms, active_ms=min(active_ms, measured_ms))
        made += count(state, told, minute)

    activity = state.live["j1.1"].activity
    assert activity.measured_ms <= max([*(one for one, _ in counts), 0])
    assert activity.measured_ms <= CARDS * minute * MINUTE_MS
    assert activity.active_ms <= activity.measured_ms
    assert all(isinstance(one, ev.Event) for one in made)


def save(state: State, told: int | None, now: int) -> list[int]:
    """Of when checkpoints are noted, where the centre says this; in the least that they differ."""
    told_ms = None if told is None else BEGIN_MS + told * SAVED_APART_MS
    made = list(saved(state.live["j1.1"], told_ms, BEGIN_MS + now * SAVED_APART_MS))
    for one in made:
        assert state.apply(one) is None
    return [(one.saved_at_ms - BEGIN_MS) // SAVED_APART_MS for one in made]


def test_a_checkpoint_is_noted_once_and_none_from_before_the_start_or_yet_to_come() -> None:
    state = a_run()
    attempt = state.live["j1.1"]

    assert save(state, None, 5) == []
    assert save(state, -1, 5) == [], "an earlier attempt wrote it"
    assert attempt.kept_ms == BEGIN_MS
    assert save(state, 9, 5) == [5], "its clock is ahead"
    assert save(state, 5, 8) == []
    assert save(state, 7, 8) == [7]
    assert attempt.kept_ms == attempt.saved_at_ms == BEGIN_MS + 7 * SAVED_APART_MS


def test_of_checkpoints_that_follow_one_another_within_five_minutes_one_is_noted() -> None:
    attempt = a_run().live["j1.1"]

    def noted(told_ms: int) -> int:
        return len(list(saved(attempt, BEGIN_MS + told_ms, BEGIN_MS + told_ms)))

    assert (noted(5 * MINUTE_MS - 1), noted(5 * MINUTE_MS)) == (0, 1)


def test_a_checkpoint_that_does_not_fit_is_refused() -> None:
    state = a_run()
    attempt = state.live["j1.1"]
    (fact,) = saved(attempt, BEGIN_MS + 20 * MINUTE_MS, BEGIN_MS + 30 * MINUTE_MS)
    assert state.apply(fact) is None

    for wrong in (fact, replace(fact, saved_at_ms=fact.at_ms + 1)):
        assert "or is not yet" in (state.apply(wrong) or "")
    assert "does not run" in (state.apply(replace(fact, attempt_id="j1.2")) or "")
    assert attempt.saved_at_ms == fact.saved_at_ms
    assert list(saved(None, fact.at_ms, fact.at_ms)) == []
