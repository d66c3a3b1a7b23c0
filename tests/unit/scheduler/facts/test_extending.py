"""Holds that do not suffice: extended in time, below zero where need be, or a stop that was chosen.

Eight cards cost 8,000 micro-yuan a second, 28.80 yuan an hour, until the price doubles.
"""

import pytest

from accounting.ledger import TransferKind
from scheduler.facts import events as ev
from scheduler.facts.alerts import alerts
from scheduler.facts.extending import ahead
from scheduler.facts.metering import book, slices
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, JobState
from tests.builders import (
    HOUR_MS,
    PARK_PRICES,
    YUAN,
    a_job,
    a_lease,
    a_placement,
    a_state,
    happen,
    shanghai,
    submit,
)
from tests.unit.scheduler.facts.test_metering import a_list

BEGIN_MS = shanghai("2026-10-10T10:00")
TICK_MS = 300_000
HOUR_MICROS = 28_800_000
GRACE_MS = 10_000


def a_run(
    *,
    hours: int,
    held_micros: int,
    left_micros: int,
    hard_stop: bool = False,
    checkpoint: Checkpoint | None = None,
) -> State:
    """`j1` runs since `BEGIN_MS`, and may for so many hours; so much is left beside its hold."""
    state = a_state(prices=(PARK_PRICES, a_list("dearer", BEGIN_MS + HOUR_MS, 7_200_000)))
    submit(state, a_job(limit_ms=hours * HOUR_MS, checkpoint=checkpoint))
    lease = a_lease("j1", a_placement("east-npu", 8), at_ms=BEGIN_MS, hold_micros=held_micros)
    happen(state, lease, ev.Started(at_ms=BEGIN_MS, attempt_id="j1.1"))
    state.funds["steel"].available_micros = left_micros
    happen(state, ev.HardStopSet(at_ms=0, tenant_id="steel", is_on=hard_stop))
    return state


def tick(state: State, now_ms: int) -> list[ev.Event]:
    """The meter is read."""
    attempt = state.live["j1.1"]
    happen(state, *slices(state, attempt, now_ms, now_ms))
    found: list[ev.Event] = [*ahead(state, attempt, now_ms, TICK_MS, GRACE_MS)]
    happen(state, *found)
    told = [*alerts(state, GRACE_MS, now_ms)]
    happen(state, *told)
    return found + told


def an_extension(number: int, amount_micros: int, at_ms: int) -> ev.HoldExtended:
    return ev.HoldExtended(
        at_ms=at_ms, attempt_id="j1.1", number=number, amount_micros=amount_micros
    )


def test_a_hold_for_the_whole_limit_is_never_extended() -> None:
    state = a_run(hours=1, held_micros=HOUR_MICROS, left_micros=0)

    for now_ms in range(BEGIN_MS + TICK_MS, BEGIN_MS + HOUR_MS + 1, TICK_MS):
        assert tick(state, now_ms) == []
    assert state.live["j1.1"].hold_left_micros == 0


def test_a_hold_is_extended_by_a_stretch_before_it_is_used_up() -> None:
    """Ten hours at 28.80 were held; from the second hour on they cost 57.60."""
    state = a_run(hours=10, held_micros=10 * HOUR_MICROS, left_micros=10**12)
    now_ms = BEGIN_MS + 5 * HOUR_MS + HOUR_MS // 2  # 28.80 and 259.20 were used: all of it

    before = tick(state, now_ms - 2 * TICK_MS)
    extended = tick(state, now_ms - TICK_MS + 1)

    assert before == []
    assert extended == [an_extension(1, 2 * HOUR_MICROS - 4_799_984, now_ms - TICK_MS + 1)]
    assert state.live["j1.1"].hold_left_micros == 2 * HOUR_MICROS
    assert tick(state, now_ms) == []


def test_the_last_stretch_reaches_as_far_as_the_limit() -> None:
    state = a_run(hours=2, held_micros=2 * HOUR_MICROS, left_micros=10**12)

    (extended,) = tick(state, BEGIN_MS + HOUR_MS + HOUR_MS // 2)

    # Half an hour is left, of twice the price; all that was held is used.
    assert extended == an_extension(1, HOUR_MICROS, BEGIN_MS + HOUR_MS + HOUR_MS // 2)


def test_what_was_held_for_one_slice_is_not_held_again_for_the_next() -> None:
    state = a_run(hours=1, held_micros=HOUR_MICROS // 2, left_micros=10**12)
    late_ms = BEGIN_MS + HOUR_MS + 1_000

    events = [*slices(state, state.live["j1.1"], late_ms, late_ms)]

    assert [one for one in events if isinstance(one, ev.HoldExtended)] == [
        an_extension(1, HOUR_MICROS // 2, late_ms),
        an_extension(2, 16_000, late_ms),
    ]


def test_what_was_used_beyond_the_hold_is_held_before_it_is_posted() -> None:
    state = a_run(hours=1, held_micros=HOUR_MICROS, left_micros=10**12)
    late_ms = BEGIN_MS + HOUR_MS + 1_000

    attempt = state.live["j1.1"]
    events = [*slices(state, attempt, late_ms, late_ms)]

    assert [event.kind for event in events] == ["metered", "hold_extended", "metered"]
    assert events[1] == an_extension(1, 16_000, late_ms)
    (transfer,) = book(state, events[1], late_ms).transfers
    assert (transfer.kind, transfer.reference) == (TransferKind.EXTEND, "j1.1+1")
    assert (transfer.debit_account, transfer.amount_micros) == ("tenant:steel:available", 16_000)


def test_a_poor_tenants_hold_reaches_until_the_meter_is_read_again() -> None:
    state = a_run(hours=10, held_micros=2 * HOUR_MICROS, left_micros=5 * YUAN)
    now_ms = BEGIN_MS + HOUR_MS + HOUR_MS // 2

    (extended,) = tick(state, now_ms)

    assert extended == an_extension(1, 4_800_000, now_ms)
    assert state.funds["steel"].available_micros == 200_000


def test_a_job_goes_on_below_zero_and_that_is_told_once() -> None:
    state = a_run(hours=10, held_micros=2 * HOUR_MICROS, left_micros=1_800_000)
    now_ms = BEGIN_MS + HOUR_MS + HOUR_MS // 2

    first, second = tick(state, now_ms), tick(state, now_ms + TICK_MS)

    told = ev.Overdrawn(at_ms=now_ms, tenant_id="steel", short_micros=3 * YUAN)
    assert first == [an_extension(1, 4_800_000, now_ms), told]
    assert second == [an_extension(2, 4_800_000, now_ms + TICK_MS)]
    assert state.apply(told) is not None, "that is told once"
    assert state.jobs["j1"].state is JobState.RUNNING


def test_who_has_paid_is_told_again_when_it_is_below_zero_again() -> None:
    state = a_run(hours=10, held_micros=2 * HOUR_MICROS, left_micros=0)
    now_ms = BEGIN_MS + HOUR_MS + HOUR_MS // 2
    tick(state, now_ms)

    paid = ev.Credited(at_ms=0, tenant_id="steel", amount_micros=4_800_000, reference="bank-1")
    happen(state, paid)

    told = ev.Overdrawn(at_ms=now_ms + TICK_MS, tenant_id="steel", short_micros=4_800_000)
    assert tick(state, now_ms + TICK_MS)[1:] == [told]


def test_the_hard_stop_ends_a_job_while_its_hold_still_covers_its_grace() -> None:
    state = a_run(hours=10, held_micros=2 * HOUR_MICROS, left_micros=0, hard_stop=True)
    now_ms = BEGIN_MS + HOUR_MS + HOUR_MS // 2 - TICK_MS + 1_000

    found = tick(state, now_ms)

    stop = ev.StopDecided(at_ms=now_ms, attempt_id="j1.1", cause=EndCause.FUNDS, grace_ms=GRACE_MS)
    assert found == [stop]
    assert state.live["j1.1"].hold_left_micros == 16_000 * 299
    ended = ev.Ended(
        at_ms=now_ms + GRACE_MS, attempt_id="j1.1", cause=EndCause.FUNDS, exit_code=None
    )
    happen(state, *slices(state, state.live["j1.1"], now_ms + GRACE_MS, now_ms + GRACE_MS), ended)
    assert state.funds["steel"].available_micros == 16_000 * 289
    assert state.final_states["j1"] is JobState.FAILED


@pytest.mark.parametrize("checkpoint", [None, Checkpoint(dir="ckpt", grace_ms=HOUR_MS)])
def test_the_hard_stop_comes_early_enough_for_the_whole_grace(
    checkpoint: Checkpoint | None,
) -> None:
    """Whenever the meter is read, what is held reaches until it is read again, and stopped then."""
    state = a_run(
        hours=10,
        held_micros=9 * HOUR_MICROS,
        left_micros=0,
        hard_stop=True,
        checkpoint=checkpoint,
    )
    grace_ms = checkpoint.grace_ms if checkpoint else GRACE_MS
    used_up_ms = BEGIN_MS + 5 * HOUR_MS
    last_ms = used_up_ms - TICK_MS - grace_ms

    before = tick(state, last_ms)
    (stop,) = tick(state, last_ms + 1_000)
    happen(state, *slices(state, state.live["j1.1"], used_up_ms, used_up_ms))

    assert before == []
    assert isinstance(stop, ev.StopDecided)
    assert (stop.cause, stop.grace_ms) == (EndCause.FUNDS, grace_ms)
    assert state.funds["steel"].available_micros == 0
    assert state.live["j1.1"].hold_left_micros == 0


def test_the_hard_stop_stops_nobody_who_can_pay() -> None:
    state = a_run(hours=10, held_micros=2 * HOUR_MICROS, left_micros=4_960_000, hard_stop=True)
    now_ms = BEGIN_MS + HOUR_MS + HOUR_MS // 2

    assert tick(state, now_ms) == [an_extension(1, 4_960_000, now_ms)]


def test_what_is_to_stop_is_not_held_for_ahead() -> None:
    state = a_run(hours=10, held_micros=2 * HOUR_MICROS, left_micros=10**12)
    now_ms = BEGIN_MS + HOUR_MS + HOUR_MS // 2
    stop = ev.StopDecided(at_ms=now_ms, attempt_id="j1.1", cause=EndCause.CANCELLED, grace_ms=5)
    happen(state, stop)

    assert tick(state, now_ms) == []


@pytest.mark.parametrize(("number", "amount_micros"), [(2, 5), (0, 5), (1, 0), (1, -5)])
def test_an_extension_is_the_next_one_and_more_than_nothing(
    number: int, amount_micros: int
) -> None:
    state = a_run(hours=10, held_micros=2 * HOUR_MICROS, left_micros=100)

    refusal = state.apply(an_extension(number, amount_micros, BEGIN_MS))

    assert refusal is not None
    assert refusal.startswith("the hold of attempt j1.1 is")
    assert state.funds["steel"].available_micros == 100


def test_an_extension_told_twice_is_once_and_all_is_released_once() -> None:
    state = a_run(hours=10, held_micros=0, left_micros=100)
    extension = an_extension(1, 70, BEGIN_MS)
    happen(state, extension)

    assert state.apply(extension) is not None
    ended = ev.Ended(at_ms=BEGIN_MS, attempt_id="j1.1", cause=EndCause.FINISHED, exit_code=0)
    (release,) = book(state, ended, BEGIN_MS).transfers
    assert (release.kind, release.amount_micros) == (TransferKind.RELEASE, 70)
    happen(state, ended)
    assert state.apply(extension) is not None
    assert (state.funds["steel"].available_micros, state.funds["steel"].held_micros) == (100, 0)


def test_a_hard_stop_is_of_somebody_who_is_known() -> None:
    refusal = a_state().apply(ev.HardStopSet(at_ms=0, tenant_id="nobody", is_on=True))

    assert refusal == "there is no tenant nobody"


def test_nobody_is_told_twice_or_without_need() -> None:
    told = ev.Overdrawn(at_ms=0, tenant_id="steel", short_micros=1)

    assert a_state().apply(told) is not None
