"""Pools with hours: what is not begun for a close that comes before, and what one is told late."""

from dataclasses import replace

from cluster.hours import hours_of
from scheduler.facts import events as ev
from scheduler.facts.opening import by_hours
from scheduler.model.job import Checkpoint, EndCause, JobState
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    happen,
    submit,
)
from tests.hand import Hand, runs
from tests.hand import submit as ask

POOL = "east-npu"
DAYTIME = hours_of(["daily 08:00-20:00"])
"""The moment 0 is 08:00 of a Thursday in the park."""
CLOSES_MS = 12 * HOUR_MS
PARK = a_park(replace(a_pool(POOL, 2, 8), hours=DAYTIME))
SAVES_ITSELF = Checkpoint(dir="out", signal="SIGTERM", grace_ms=60_000)


# The broker was away.


def test_who_was_not_told_before_the_close_is_told_once_the_broker_is_back() -> None:
    hand = Hand(park=PARK)
    hand.all_say(1_000)
    hand.step(1_000)
    ask(hand, a_job(limit_ms=72 * HOUR_MS, checkpoint=SAVES_ITSELF))
    hand.say("east", 2_000, runs("j1.1", 2_000))
    hand.step(2_000)

    hand.take_over(CLOSES_MS + HOUR_MS)
    for now_ms in (CLOSES_MS + HOUR_MS, CLOSES_MS + HOUR_MS + 1_000):
        hand.all_say(now_ms)
        hand.step(now_ms)

    (stop,) = [one for one in hand.log.events if isinstance(one, ev.StopDecided)]
    assert (stop.attempt_id, stop.cause, stop.grace_ms) == ("j1.1", EndCause.PREEMPTED, 60_000)
    assert hand.controller.state.state_of("j1") is JobState.STOPPING


def test_what_began_outside_the_present_hours_goes_on_and_so_does_who_cannot_save_itself() -> None:
    state = a_state(park=a_park(a_pool(POOL, 2, 8)))
    submit(state, a_job("j1", limit_ms=72 * HOUR_MS, checkpoint=SAVES_ITSELF, device_count=1))
    submit(state, a_job("j2", limit_ms=72 * HOUR_MS, device_count=1))
    submit(state, a_job("j3", limit_ms=72 * HOUR_MS, checkpoint=SAVES_ITSELF, device_count=1))
    now_ms = CLOSES_MS + 2 * HOUR_MS
    happen(state, a_lease("j2", a_placement(POOL, 1)), a_lease("j3", a_placement(POOL, 1)))
    happen(state, a_lease("j1", a_placement(POOL, 1), at_ms=CLOSES_MS + HOUR_MS))
    happen(state, ev.ParkDeclared(at_ms=now_ms, park=PARK))

    told = [one for one in by_hours(state, now_ms) if isinstance(one, ev.StopDecided)]

    assert [one.attempt_id for one in told] == ["j3.1"]
