"""What one step takes in, decides, commits, and only then tells the centres."""

from dataclasses import replace

import pytest

from cluster.driver import AttemptEnd, AttemptPhase, AttemptReport
from scheduler.controller import Controller, Settings
from scheduler.facts import events as ev
from scheduler.facts.events import Event
from scheduler.facts.log import Deposed, Request
from scheduler.facts.state import State
from scheduler.forecast.punctuality import Foretold
from scheduler.model.job import EndCause, JobState, ReasonCode
from tests.builders import HOUR_MS, a_job, a_tenant
from tests.hand import (
    PRICES,
    Hand,
    HandCentre,
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
METER_MS = Settings().meter_every_ms


def events(hand: Hand, kind: type[Event]) -> list[Event]:
    return [event for event in hand.log.events if isinstance(event, kind)]


# Requests.


def test_each_request_is_taken_once_and_what_does_not_fit_is_told_why() -> None:
    hand = a_hand()
    good = hand.ask(ev.Submitted(at_ms=1_000, job=here()))
    bad = hand.ask(ev.Submitted(at_ms=1_000, job=a_job("j2", tenant_id="nobody")))

    cycle = hand.step(1_000)

    assert cycle.request_ids == (good, bad)
    assert dict(cycle.refused) == {bad: "there is no tenant nobody"}
    assert not hand.log.inbox
    assert [type(event) for event in cycle.events] == [ev.Submitted, ev.Leased]


def test_a_lease_says_what_its_job_was_told_first() -> None:
    hand = a_run(here(cards=16))
    submit(hand, here("j2", cards=16), 5_000)
    said = hand.log.waiting["j2"].start
    say(hand, 9_000, ended("j1.1", 2_000, 8_000))

    first, second = (event for event in events(hand, ev.Leased) if isinstance(event, ev.Leased))

    assert first.foretold is None, "it never waited"
    assert said is not None
    assert second.foretold == Foretold(5_000, said.at_ms)


def publish(hand: Hand, list_id: str, from_ms: int, asked_at_ms: int) -> str:
    prices = replace(PRICES, id=list_id, from_ms=from_ms)
    return hand.ask(ev.PriceListPublished(at_ms=asked_at_ms, price_list=prices))


def test_a_price_list_whose_beginning_is_past_when_it_is_taken_is_refused() -> None:
    hand = a_run()
    slow_clock = publish(hand, "p2", from_ms=HOUR_MS - 540_000, asked_at_ms=HOUR_MS - 600_000)
    in_time = publish(hand, "p3", from_ms=HOUR_MS, asked_at_ms=HOUR_MS - 600_000)

    cycle = hand.step(HOUR_MS)

    assert set(cycle.refused) == {slow_clock}
    assert "p2 would begin in the past: at 1970-01-01T08:51" in cycle.refused[slow_clock]
    assert in_time not in cycle.refused
    [published] = [e for e in cycle.events if isinstance(e, ev.PriceListPublished)]
    assert (published.price_list.id, published.at_ms) == ("p3", HOUR_MS)


def test_before_the_first_job_a_price_list_may_begin_in_the_past() -> None:
    hand = a_hand()
    early = publish(hand, "p2", from_ms=500, asked_at_ms=400)

    assert early not in hand.step(HOUR_MS).refused


def test_a_step_takes_no_more_requests_than_its_limit() -> None:
    hand = a_hand()
    hand.controller.settings = replace(hand.controller.settings, request_limit=2)
    asked = [hand.ask(ev.Submitted(at_ms=1_000, job=here(f"j{n}", 1))) for n in range(3)]

    assert hand.step(1_000).request_ids == tuple(asked[:2])
    assert hand.step(1_000).request_ids == tuple(asked[2:])


def test_a_payment_of_nothing_is_refused_and_breaks_nothing() -> None:
    hand = a_hand()
    nothing = ev.Credited(at_ms=1_000, tenant_id="steel", amount_micros=0, reference="r")
    request_id = hand.ask(nothing)

    assert hand.step(1_000).refused == {request_id: "an amount paid in is more than zero"}


def test_where_nothing_happens_nothing_is_written() -> None:
    hand = a_run()
    written = len(hand.log.events)

    cycles = [hand.step(now_ms) for now_ms in (2_001, 2_002)]

    assert [cycle.is_empty for cycle in cycles] == [True, True]
    assert len(hand.log.events) == written


# Launches.


def test_a_lease_is_told_until_the_centre_is_seen_to_know_it() -> None:
    hand = a_hand()
    submit(hand, here())
    assert east(hand).launched == ["j1.1"]

    hand.step(1_100)
    assert east(hand).launched == ["j1.1", "j1.1"]
    starting = AttemptReport(attempt_id="j1.1", phase=AttemptPhase.STARTING)
    say(hand, 1_200, starting)
    hand.step(1_300)

    assert east(hand).launched == ["j1.1", "j1.1"]
    assert state_of(hand) is JobState.STARTING


def test_a_deposed_leader_tells_nobody_anything() -> None:
    hand = a_hand()
    old = hand.controller
    hand.take_over(1_000)
    hand.ask(ev.Submitted(at_ms=1_000, job=here()))
    written = len(hand.log.events)

    with pytest.raises(Deposed):
        old.step(1_000)

    assert east(hand).launched == []
    assert len(hand.log.events) == written


def test_an_attempt_is_named_after_its_job_and_its_number_and_bears_the_epoch() -> None:
    hand = a_run()
    hand.take_over(3_000)
    say(hand, 3_100, replace(runs("j1.1", 2_000), phase=AttemptPhase.ENDED, end=AttemptEnd.STOPPED))
    assert state_of(hand) is JobState.FAILED, "no retry was asked for"

    submit(hand, here("j2"), 3_200)

    leases = [event for event in hand.log.events if isinstance(event, ev.Leased)]
    assert [(lease.attempt_id, lease.epoch) for lease in leases] == [("j1.1", 1), ("j2.1", 2)]


def test_what_failed_to_launch_is_tried_again_under_the_next_number() -> None:
    hand = a_hand()
    submit(hand, here())
    refused = AttemptReport(
        attempt_id="j1.1", phase=AttemptPhase.ENDED, end=AttemptEnd.REFUSED, detail="no space"
    )

    say(hand, 2_000, refused)
    assert state_of(hand) is JobState.QUEUED
    say(hand, 10_000)

    assert east(hand).launched == ["j1.1", "j1.2"]
    assert east(hand).forgotten == ["j1.1"]


# Runs and ends.


def test_a_run_is_started_metered_and_ended_once_however_often_it_is_told() -> None:
    hand = a_run()

    for now_ms in (3_000, 4_000):
        say(hand, now_ms, runs("j1.1", 2_000))
    for now_ms in (12_000, 13_000):
        say(hand, now_ms, ended("j1.1", 2_000, 11_000))

    assert len(events(hand, ev.Started)) == len(events(hand, ev.Ended)) == 1
    assert state_of(hand) is JobState.SUCCEEDED
    assert hand.device_ms == 8 * 9_000
    assert east(hand).forgotten == ["j1.1", "j1.1"]


def test_a_run_that_began_and_ended_unseen_is_told_whole() -> None:
    hand = a_hand()
    submit(hand, here())

    say(hand, 9_000, ended("j1.1", 3_000, 8_000))

    kinds = [event.kind for event in hand.log.events[-4:]]
    assert kinds == ["launching", "started", "metered", "ended"]
    assert hand.device_ms == 8 * 5_000


def test_work_is_metered_now_and_then_and_only_as_far_as_its_centre_was_heard_of() -> None:
    hand = a_run()

    say(hand, 2_000 + METER_MS - 1, runs("j1.1", 2_000))
    assert hand.device_ms == 0
    say(hand, 2_000 + METER_MS, runs("j1.1", 2_000))
    assert hand.device_ms == 8 * METER_MS
    hand.say("north", 2_000 + 3 * METER_MS)
    hand.step(2_000 + 3 * METER_MS)

    assert hand.device_ms == 8 * METER_MS, "east has said nothing since"


def test_a_takeover_neither_loses_nor_repeats_usage() -> None:
    hand = a_run()
    say(hand, 2_000 + METER_MS, runs("j1.1", 2_000))

    hand.take_over(3_000 + METER_MS)
    hand.step(3_000 + METER_MS)
    say(hand, 2_000 + 4 * METER_MS, runs("j1.1", 2_000))
    say(hand, 2_000 + 5 * METER_MS, ended("j1.1", 2_000, 1_000 + 5 * METER_MS))

    assert hand.device_ms == 8 * (5 * METER_MS - 1_000)


def test_an_end_is_never_before_what_was_already_counted() -> None:
    hand = a_run()
    say(hand, 2_000 + METER_MS, runs("j1.1", 2_000))

    say(hand, 3_000 + METER_MS, ended("j1.1", 2_000, 2_500))

    assert hand.device_ms == 8 * METER_MS
    (end,) = events(hand, ev.Ended)
    assert end.at_ms == 2_000 + METER_MS


def test_what_a_centre_no_longer_reports_is_lost_when_it_was_last_heard_of_with_it() -> None:
    hand = a_run()
    say(hand, 7_000, runs("j1.1", 2_000))

    say(hand, 9_000)

    (end,) = [event for event in hand.log.events if isinstance(event, ev.Ended)]
    assert (end.cause, end.at_ms, end.detail) == (EndCause.NODE, 7_000, "its centre lost it")
    assert hand.device_ms == 8 * 5_000


def test_what_a_centre_has_never_reported_is_not_lost() -> None:
    hand = a_hand()
    submit(hand, here())

    say(hand, 5_000)

    assert state_of(hand) is JobState.LEASED


def test_a_report_from_before_the_lead_proves_no_absence() -> None:
    hand = a_run()
    hand.say("east", 2_500)

    hand.take_over(3_000)
    hand.step(3_000)

    assert state_of(hand) is JobState.RUNNING


def test_what_runs_that_the_log_has_ended_is_stopped_at_once() -> None:
    hand = a_hand()

    say(hand, 5_000, runs("stray.1", 4_000))

    assert east(hand).stopped == ["stray.1"]
    assert east(hand).forgotten == []


def test_a_centre_that_is_not_in_the_park_is_not_listened_to() -> None:
    hand = a_hand()
    report = east(hand).report
    assert report is not None
    hand.centres["west"] = HandCentre("west", replace(report, centre_id="west"))
    hand.take_over(1_000)

    hand.step(2_000)

    assert "west" not in hand.controller.state.heard_centre_ids


# What is told.


def test_who_must_wait_is_told_why_and_where_in_the_queue() -> None:
    hand = a_hand()
    submit(hand, here("j1", 16))
    submit(hand, here("j2", 16))
    submit(hand, here("j3", 8))

    first, second = hand.log.waiting["j2"], hand.log.waiting["j3"]
    assert (first.position, second.position) == (1, 2)
    assert [reason.code for reason in first.reasons] == [ReasonCode.DEVICES_BUSY]


def test_pools_are_told_when_they_stand_otherwise_and_only_then() -> None:
    hand = a_hand()
    hand.ask(ev.Submitted(at_ms=1_000, job=here()))

    (load,) = hand.step(1_000).loads
    hand.ask(ev.TenantDeclared(at_ms=1_000, tenant=a_tenant("other")))
    unmoved = hand.step(1_001).loads

    assert (load.pool_id, load.allocated_cards, load.online_cards) == ("east-npu", 8, 16)
    assert unmoved == ()


def test_a_cycle_says_how_each_job_that_it_touched_stands() -> None:
    hand = a_hand()
    hand.ask(ev.Submitted(at_ms=1_000, job=here("j1")))
    hand.ask(ev.Submitted(at_ms=1_000, job=here("j2", 16)))

    assert hand.step(1_000).states == {"j1": JobState.LEASED, "j2": JobState.QUEUED}


# Memory.


def test_a_leader_that_took_over_knows_what_the_one_before_knew() -> None:
    hand = a_run()
    old = hand.controller

    new = hand.take_over(5_000)

    assert new.epoch == old.epoch + 1
    assert new.state.snapshot() == old.state.snapshot()


def test_a_checkpoint_is_kept_after_so_many_events_and_counts_those_replayed() -> None:
    hand = a_hand()
    count = len(hand.log.events)
    assert hand.log.checkpoint_seq == 0

    hand.take_over(1_000)
    hand.controller.settings = replace(hand.controller.settings, checkpoint_every=count + 2)
    submit(hand, here())

    assert hand.log.checkpoint_seq == len(hand.log.events) == count + 2
    assert State.restored(hand.log.replay()[0]).live.keys() == {"j1.1"}


def test_a_log_that_does_not_fit_itself_is_not_led() -> None:
    hand = a_run()
    hand.log.events.append(ev.Launching(at_ms=9_000, attempt_id="nobody.1"))

    with pytest.raises(AssertionError, match="does not fit"):
        Controller(hand.log, {}).lead(9_000)


def test_the_same_wish_under_two_requests_happens_once() -> None:
    hand = a_hand()
    wish = ev.Submitted(at_ms=1_000, job=here())
    for request_id in ("one", "two"):
        hand.log.ask(Request(id=request_id, wish=wish))

    cycle = hand.step(1_000)

    assert dict(cycle.refused) == {"two": "job j1 is known already"}
    assert len(events(hand, ev.Leased)) == 1


def test_what_is_only_metered_rewrites_no_job() -> None:
    hand = a_run()
    now_ms = 2_000 + METER_MS
    hand.say("east", now_ms, runs("j1.1", 2_000))
    hand.say("north", now_ms)

    cycle = hand.step(now_ms)

    assert [event.kind for event in cycle.events] == ["metered"]
    assert cycle.states == {}
