"""How fast a job is in each of its forms, and what it has had and is likely to take there."""

from dataclasses import replace

from scheduler.facts.state import State
from scheduler.forecast.speeds import LEAST, PERMILLE_MAX, at_speed, speeds
from scheduler.model.job import EndCause, Job, Placement
from scheduler.planning.planner import plan
from tests.builders import HOUR_MS, a_job, a_placement, a_state, submit
from tests.unit.scheduler.model.test_variants import (
    DCU,
    NPU,
    PARK,
    SAVES,
    a_queue,
    either,
    end,
    fill,
    on_dcu,
    run,
)


def has_run(state: State, job: Job, placement: Placement, hours: list[int]) -> None:
    for number, length in enumerate(hours):
        one = replace(job, id=f"{placement.pool_id}{placement.card_count}x{number}")
        submit(state, one)
        run(state, one.id, placement)
        end(state, f"{one.id}.1", length * HOUR_MS)


def test_a_speed_is_as_its_user_says() -> None:
    job = either("j", on_dcu(16, speed=600))

    assert speeds(job, a_queue().history, PARK) == (1_000, 600)


def test_without_a_word_it_is_as_the_stated_power() -> None:
    """16 cards of 400 TFLOPS against 8 of 313."""
    assert speeds(either(), a_queue().history, PARK) == (1_000, 2_555)
    assert speeds(either(device_kind_ids=()), a_queue().history, PARK) == (1_000, 2_000)


def test_a_speed_is_learned_from_what_ran_in_both_forms() -> None:
    state, job = a_queue(), either()
    has_run(state, job, a_placement(NPU, 8), [3, 9, 3])
    has_run(state, job, a_placement(DCU, 8, 8), [2, 2, 7])

    assert LEAST == 3
    assert speeds(job, state.history, PARK) == (1_000, 1_500)
    assert speeds(replace(job, name="other"), state.history, PARK) == (1_000, 2_555)


def test_each_form_is_learned_by_its_own_cards_and_kind() -> None:
    state, job = a_queue(), either("j", on_dcu(8), on_dcu(16))
    has_run(state, job, a_placement(NPU, 8), [4, 4, 4])
    has_run(state, job, a_placement(DCU, 8), [2, 2, 2])
    has_run(state, job, a_placement(DCU, 8, 8), [1, 1, 1])

    assert speeds(job, state.history, PARK) == (1_000, 2_000, 4_000)


def test_too_few_runs_tell_nothing() -> None:
    state, job = a_queue(), either()
    has_run(state, job, a_placement(NPU, 8), [3, 3, 3])
    has_run(state, job, a_placement(DCU, 8, 8), [2, 2])

    assert speeds(job, state.history, PARK) == (1_000, 2_555)


def test_a_speed_has_bounds() -> None:
    state = a_queue()
    cards = either("j", on_dcu(1), device_count=100_000, device_kind_ids=())

    assert speeds(cards, state.history, PARK) == (1_000, 1)
    cards = either("j", on_dcu(100_000), device_count=1, device_kind_ids=())
    assert speeds(cards, state.history, PARK) == (1_000, PERMILLE_MAX)


def test_what_takes_so_long_first_takes_longer_where_it_is_slower() -> None:
    assert at_speed(HOUR_MS, 500) == 2 * HOUR_MS
    assert at_speed(1, 3) == 334


def test_a_promise_goes_by_the_speed_of_each_form() -> None:
    """It runs for 3 h as it asks first, from 13 h on; at half the speed for 6 h, from 11 h on."""
    half = on_dcu(16, hours=99, speed=500)
    job = replace(either("j", half, limit_ms=99 * HOUR_MS), user="else")
    state = a_state(park=PARK)
    has_run(state, job, a_placement(NPU, 8), [3])
    submit(state, replace(job, submitted_at_ms=9 * HOUR_MS))
    fill(state, NPU, hours=13)
    fill(state, DCU, hours=11)

    start = plan(state, 9 * HOUR_MS).verdicts["j"].start

    assert start is not None
    assert (start.pool_id, start.at_ms) == (NPU, 13 * HOUR_MS)


def test_what_ran_in_a_variant_counts_by_its_speed_for_all_forms() -> None:
    """Six hours at half the speed are three in its first form."""
    job = either("j", on_dcu(16, hours=99, speed=500), limit_ms=99 * HOUR_MS)
    state = a_state(park=PARK)

    has_run(state, job, a_placement(DCU, 8, 8), [6])

    assert state.history.forecast_ms(job, 9 * HOUR_MS) == 3 * HOUR_MS


def test_what_runs_in_a_variant_is_foretold_by_its_speed() -> None:
    job = either("j", on_dcu(16, hours=99, speed=500), limit_ms=99 * HOUR_MS)
    state = a_state(park=PARK)
    has_run(state, job, a_placement(NPU, 8), [3])
    submit(state, job)

    run(state, "j", a_placement(DCU, 8, 8), at_ms=9 * HOUR_MS)

    assert state.live["j.1"].ends.likely_ms == 15 * HOUR_MS


def test_what_it_has_done_counts_in_another_form() -> None:
    """Four hours at half the speed are two of its three; the last takes an hour, or two so."""
    job = either("j", on_dcu(16, hours=99, speed=500), limit_ms=99 * HOUR_MS, checkpoint=SAVES)
    state = a_state(park=PARK)
    has_run(state, job, a_placement(NPU, 8), [3])
    submit(state, job)
    run(state, "j", a_placement(DCU, 8, 8), at_ms=10 * HOUR_MS)
    end(state, "j.1", 14 * HOUR_MS, EndCause.PREEMPTED)

    run(state, "j", a_placement(NPU, 8), at_ms=20 * HOUR_MS, number=2)

    record = state.jobs["j"]
    assert (record.had_ms, record.served_card_ms) == (2 * HOUR_MS, 64 * HOUR_MS)
    assert state.live["j.2"].ends.likely_ms == 21 * HOUR_MS
    end(state, "j.2", 21 * HOUR_MS, EndCause.PREEMPTED)
    assert record.had_ms == 3 * HOUR_MS


def test_what_it_has_done_is_more_time_where_it_is_slower() -> None:
    """Two of its three hours are done, and so four of the six that it takes there."""
    job = either("j", on_dcu(16, hours=99, speed=500), limit_ms=99 * HOUR_MS, checkpoint=SAVES)
    state = a_state(park=PARK)
    has_run(state, job, a_placement(NPU, 8), [3])
    submit(state, job)
    run(state, "j", a_placement(NPU, 8), at_ms=10 * HOUR_MS)
    end(state, "j.1", 12 * HOUR_MS, EndCause.PREEMPTED)

    run(state, "j", a_placement(DCU, 8, 8), at_ms=20 * HOUR_MS, number=2)

    assert state.live["j.2"].ends.likely_ms == 22 * HOUR_MS


def test_a_run_that_goes_on_tells_nothing_of_speed() -> None:
    any_kind = replace(on_dcu(16), device_kind_ids=())
    state, job = a_queue(), either("j", any_kind, device_kind_ids=(), checkpoint=SAVES)
    for number in range(LEAST):
        one = replace(job, id=f"r{number}")
        submit(state, one)
        run(state, one.id, a_placement(NPU, 8))
        end(state, f"{one.id}.1", HOUR_MS, EndCause.PREEMPTED)
        run(state, one.id, a_placement(DCU, 8, 8), at_ms=HOUR_MS, number=2)
        end(state, f"{one.id}.2", 2 * HOUR_MS)
    has_run(state, job, a_placement(NPU, 8), [2, 2, 2])

    assert speeds(job, state.history, PARK) == (1_000, 2_000)


def test_an_older_checkpoint_says_what_was_done_by_its_cards() -> None:
    state = a_queue(a_job("j", checkpoint=SAVES))
    run(state, "j", a_placement(NPU, 8))
    end(state, "j.1", HOUR_MS, EndCause.PREEMPTED)
    snapshot = state.snapshot()
    for record in snapshot.jobs:
        record.done_ms = 0

    assert State.restored(snapshot).jobs["j"].had_ms == HOUR_MS
