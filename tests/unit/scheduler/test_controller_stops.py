"""When the broker stops what runs, and what it makes of a centre's silence."""

from dataclasses import replace

from cluster.driver import AttemptEnd
from scheduler.controller import Settings
from scheduler.facts import events as ev
from scheduler.model.job import Checkpoint, EndCause, JobState, Priority, ReasonCode
from scheduler.planning.victims import SOON_MS
from tests.builders import TENANT
from tests.hand import (
    Hand,
    a_hand,
    a_run,
    east,
    ended,
    here,
    runs,
    say,
    state_of,
    submit,
)

SUSPECT_MS = Settings().suspect_after_ms
LOST_MS = Settings().lost_after_ms


# Stops.


def stops(hand: Hand) -> list[tuple[EndCause, int]]:
    return [(e.cause, e.grace_ms) for e in hand.log.events if isinstance(e, ev.StopDecided)]


def test_a_cancelled_run_is_told_to_stop_until_it_has() -> None:
    hand = a_run()
    hand.ask(ev.CancelRequested(at_ms=3_000, job_id="j1", by="u"))

    hand.step(3_000)
    hand.step(3_500)

    assert stops(hand) == [(EndCause.CANCELLED, Settings().stop_grace_ms)]
    assert east(hand).stopped == ["j1.1", "j1.1"]
    assert state_of(hand) is JobState.STOPPING
    stopped = replace(ended("j1.1", 2_000, 4_000), end=AttemptEnd.STOPPED, exit_code=143)
    say(hand, 4_000, stopped)
    assert state_of(hand) is JobState.CANCELLED
    assert east(hand).stopped == ["j1.1", "j1.1"]


def test_a_job_that_saves_itself_has_its_own_grace() -> None:
    hand = a_run(replace(here(), checkpoint=Checkpoint(dir="ckpt", grace_ms=77_000)))
    hand.ask(ev.CancelRequested(at_ms=3_000, job_id="j1", by="u"))

    hand.step(3_000)

    assert stops(hand) == [(EndCause.CANCELLED, 77_000)]


def test_a_run_is_stopped_at_its_limit_and_not_before() -> None:
    hand = a_run(here(limit_ms=10_000))

    hand.step(11_999)
    assert stops(hand) == []
    hand.step(12_000)

    assert stops(hand) == [(EndCause.LIMIT, Settings().stop_grace_ms)]
    assert east(hand).stopped == ["j1.1"]


def test_what_is_cancelled_before_it_is_seen_is_stopped_and_not_launched_again() -> None:
    hand = a_hand()
    submit(hand, here())
    hand.ask(ev.CancelRequested(at_ms=1_100, job_id="j1", by="u"))

    hand.step(1_100)

    assert east(hand).launched == ["j1.1"]
    assert east(hand).stopped == ["j1.1"]


METER_MS = Settings().meter_every_ms


def run_short_of_money(*, hard_stop: bool) -> Hand:
    """`j1` may run for ten hours, and its hold is for as long as the meter has run once."""
    hand = a_run()
    hand.ask(ev.HardStopSet(at_ms=0, tenant_id="steel", is_on=hard_stop))
    hand.step(2_000)
    state = hand.controller.state
    state.funds["steel"].hold(8 * METER_MS - state.live["j1.1"].hold_left_micros)
    state.funds["steel"].available_micros = 8 * METER_MS - 1
    state.live["j1.1"].hold_left_micros = 8 * METER_MS
    say(hand, 2_000 + METER_MS, runs("j1.1", 2_000))
    return hand


def test_a_run_goes_on_below_zero_and_its_tenant_is_told() -> None:
    hand = run_short_of_money(hard_stop=False)

    told = [e for e in hand.log.events if isinstance(e, ev.HoldExtended | ev.Overdrawn)]

    at_ms = 2_000 + METER_MS
    assert told == [
        ev.HoldExtended(at_ms=at_ms, attempt_id="j1.1", number=1, amount_micros=8 * METER_MS),
        ev.Overdrawn(at_ms=at_ms, tenant_id="steel", short_micros=1),
    ]
    assert stops(hand) == []


def test_a_run_is_stopped_for_want_of_money_only_where_its_tenant_has_chosen_so() -> None:
    hand = run_short_of_money(hard_stop=True)

    assert stops(hand) == [(EndCause.FUNDS, Settings().stop_grace_ms)]
    assert east(hand).stopped == ["j1.1"]
    stopped = replace(ended("j1.1", 2_000, METER_MS + 5_000), end=AttemptEnd.STOPPED)
    say(hand, METER_MS + 5_000, stopped)
    (end,) = [e for e in hand.log.events if isinstance(e, ev.Ended)]
    assert (end.cause, state_of(hand)) == (EndCause.FUNDS, JobState.FAILED)


# Silence.


def heard(hand: Hand) -> set[str]:
    return hand.controller.state.heard_centre_ids


def keep_north(hand: Hand, *moments_ms: int) -> None:
    """Only north goes on speaking."""
    for now_ms in moments_ms:
        hand.say("north", now_ms)
        hand.step(now_ms)


def test_a_silent_centre_is_suspected_and_trusted_again_when_it_speaks() -> None:
    hand = a_run()

    keep_north(hand, 1_999 + SUSPECT_MS)
    assert heard(hand) == {"east", "north"}
    keep_north(hand, 2_000 + SUSPECT_MS)
    assert heard(hand) == {"north"}
    assert state_of(hand) is JobState.RUNNING, "and keeps its work"
    say(hand, 3_000 + SUSPECT_MS, runs("j1.1", 2_000))

    assert heard(hand) == {"east", "north"}


def test_after_long_silence_its_work_is_given_up_and_charged_to_nobody_beyond_its_last_word() -> (
    None
):
    hand = a_run(replace(here(), retry_count=1))

    keep_north(hand, 1_999 + LOST_MS)
    assert state_of(hand) is JobState.RUNNING
    keep_north(hand, 2_000 + LOST_MS)

    (end,) = [event for event in hand.log.events if isinstance(event, ev.Ended)]
    assert (end.cause, end.at_ms) == (EndCause.CENTRE, 2_000)
    assert end.detail == f"its centre was silent for {LOST_MS // 1_000} s"
    assert hand.device_ms == 0
    assert state_of(hand) is JobState.QUEUED


def test_where_nobody_is_heard_of_nobodys_work_is_given_up() -> None:
    hand = a_run()

    for now_ms in range(3_000, 3 * LOST_MS, LOST_MS // 4):
        hand.step(now_ms)

    assert state_of(hand) is JobState.RUNNING
    assert heard(hand) == set()


def test_silence_counts_from_the_lead_for_whoever_just_took_over() -> None:
    hand = a_run()

    hand.take_over(2 * LOST_MS)
    keep_north(hand, 2 * LOST_MS + 1, 3 * LOST_MS - 1)
    assert state_of(hand) is JobState.RUNNING
    keep_north(hand, 3 * LOST_MS)

    assert state_of(hand) is JobState.FAILED


# Preemption.


def a_full_centre() -> Hand:
    """`j1` is `low` and holds all of `east` since 2 s; `new` has waited for it for a while."""
    hand = a_run(replace(here(cards=16), priority=Priority.LOW))
    say(hand, 700_000, runs("j1.1", 2_000))
    submit(hand, replace(here("new", 16), submitted_at_ms=600_000), 700_000)
    assert [cause for cause, _ in stops(hand)] == [EndCause.PREEMPTED]
    return hand


def test_low_work_is_stopped_for_who_waits_above_it_which_then_runs() -> None:
    hand = a_full_centre()

    (stop,) = [e for e in hand.log.events if isinstance(e, ev.StopDecided)]
    assert (stop.cause, stop.for_job_id) == (EndCause.PREEMPTED, "new")
    assert east(hand).stopped == ["j1.1"]
    assert hand.log.waiting["new"].reasons[0].code is ReasonCode.MAKING_ROOM
    stopped = replace(ended("j1.1", 2_000, 700_500), end=AttemptEnd.STOPPED, exit_code=143)
    say(hand, 701_000, stopped)

    assert state_of(hand) is JobState.QUEUED
    assert state_of(hand, "new") is JobState.LEASED
    assert stops(hand) == [(EndCause.PREEMPTED, Settings().stop_grace_ms)], "and nothing else"


def test_what_is_borrowed_is_given_back_within_five_minutes_whatever_its_grace() -> None:
    slow = Checkpoint(dir="c", signal="SIGUSR1", grace_ms=3_600_000)
    owner = replace(TENANT, nominal_cards=(("npu", 16),))
    hand = Hand(tenants=(owner, replace(TENANT, id="fish")))
    hand.all_say(1_000)
    hand.step(1_000)
    submit(hand, replace(here(cards=16), tenant_id="fish", checkpoint=slow))
    say(hand, 2_000, runs("j1.1", 2_000))
    say(hand, 700_000, runs("j1.1", 2_000))

    submit(hand, replace(here("new", 16), submitted_at_ms=600_000), 700_000)

    assert stops(hand) == [(EndCause.PREEMPTED, SOON_MS)]


def test_who_is_cancelled_while_it_makes_room_does_not_come_back() -> None:
    hand = a_full_centre()
    hand.ask(ev.CancelRequested(at_ms=700_100, job_id="j1", by="u"))
    hand.step(700_100)

    stopped = replace(ended("j1.1", 2_000, 700_500), end=AttemptEnd.STOPPED, exit_code=143)
    say(hand, 701_000, stopped)

    assert state_of(hand) is JobState.CANCELLED


def test_who_ends_well_while_it_makes_room_is_done() -> None:
    hand = a_full_centre()

    say(hand, 701_000, ended("j1.1", 2_000, 700_500))

    assert state_of(hand) is JobState.SUCCEEDED


def test_nobody_is_stopped_where_nobody_was_heard_of_since_the_lead() -> None:
    hand = a_run(replace(here(cards=16), priority=Priority.LOW))
    hand.all_say(690_000)
    hand.step(690_000)
    hand.ask(ev.Submitted(at_ms=600_000, job=replace(here("new", 16), submitted_at_ms=600_000)))

    hand.take_over(700_000)
    hand.step(700_000)

    assert hand.controller.plan.evictions, "it is what the plan would do"
    assert stops(hand) == []
