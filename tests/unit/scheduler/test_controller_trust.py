"""What the controller believes of clocks, silence and memory, and what it does not."""

from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.model.job import EndCause, JobState
from tests.builders import HOUR_MS, TENANT, a_job
from tests.hand import Hand, ended, runs

MINUTE_MS = 60_000
CARDS = 8


def a_running_job(hand: Hand, at_ms: int = 1_000, **skew: int) -> str:
    """`j1` runs in the centre that is returned, from half a second after its lease."""
    hand.all_say(at_ms)
    hand.ask(ev.Submitted(at_ms=at_ms, job=a_job("j1", limit_ms=10 * HOUR_MS)))
    hand.step(at_ms)
    centre_id = hand.controller.state.live["j1.1"].placement.centre_id
    hand.say(centre_id, at_ms + 1_000, runs("j1.1", at_ms + 500 + skew.get("skew_ms", 0)))
    hand.step(at_ms + 1_000)
    return centre_id


@pytest.mark.parametrize("skew_ms", [-MINUTE_MS, -2_000, 0, 500, 30_000])
def test_a_job_is_charged_for_as_long_as_its_centre_measured(skew_ms: int) -> None:
    hand = Hand()
    centre_id = a_running_job(hand, 10 * HOUR_MS, skew_ms=skew_ms)
    begin_ms = 10 * HOUR_MS + 500 + skew_ms

    hand.say(centre_id, 10 * HOUR_MS + 52_000, ended("j1.1", begin_ms, begin_ms + 50_000))
    hand.step(10 * HOUR_MS + 52_000)

    assert hand.controller.state.state_of("j1") is JobState.SUCCEEDED
    assert hand.device_ms == CARDS * 50_000


def test_a_start_before_the_lease_by_the_brokers_clock_is_no_reason_to_wait() -> None:
    hand = Hand()
    hand.all_say(HOUR_MS)
    hand.ask(ev.Submitted(at_ms=HOUR_MS, job=a_job("j1")))
    hand.step(HOUR_MS)
    centre_id = hand.controller.state.live["j1.1"].placement.centre_id

    hand.say(centre_id, HOUR_MS // 2, runs("j1.1", HOUR_MS // 2))
    hand.step(HOUR_MS // 2)

    assert hand.controller.state.state_of("j1") is JobState.RUNNING


@pytest.mark.parametrize("is_takeover", [True, False])
def test_what_runs_keeps_the_price_class_of_its_lease(is_takeover: bool) -> None:
    hand = Hand()
    centre_id = a_running_job(hand)
    other_class = replace(TENANT, price_class="gold")

    hand.ask(ev.TenantDeclared(at_ms=HOUR_MS, tenant=other_class))
    if is_takeover:
        hand.take_over(HOUR_MS)
    hand.step(HOUR_MS)
    hand.say(centre_id, 2 * HOUR_MS, ended("j1.1", 1_500, 2 * HOUR_MS))
    hand.step(2 * HOUR_MS)

    prices = {usage.price_micros for usage in hand.log.usage.values()}
    assert hand.controller.state.tenants[TENANT.id] == other_class
    assert prices == {3_600_000}
    assert hand.device_ms == CARDS * (2 * HOUR_MS - 1_500)


def test_a_new_leader_leases_nothing_where_it_has_heard_nobody() -> None:
    hand = Hand()
    hand.all_say(1_000)
    hand.step(1_000)
    hand.ask(ev.Submitted(at_ms=HOUR_MS, job=a_job("j1")))
    hand.take_over(HOUR_MS)

    hand.step(HOUR_MS)
    assert hand.controller.state.state_of("j1") is JobState.QUEUED

    hand.all_say(HOUR_MS + 10)
    hand.step(HOUR_MS + 10)
    assert hand.controller.state.state_of("j1") is JobState.LEASED


def test_a_centre_that_nobody_drives_is_silent() -> None:
    hand = Hand()
    centre_id = a_running_job(hand)
    hand.ask(ev.Submitted(at_ms=5_000, job=a_job("j2", centre_ids=(centre_id,))))
    others = [other for other in hand.centres if other != centre_id]
    hand.take_over(5_000, centre_id)

    for now_ms in range(6_000, HOUR_MS, MINUTE_MS):
        for other in others:
            hand.say(other, now_ms)
        hand.step(now_ms)

    state = hand.controller.state
    assert centre_id not in state.heard_centre_ids
    assert not state.live, "its work was given up, and nothing new went there"
    ends = [event for event in hand.log.events if isinstance(event, ev.Ended)]
    assert [end.cause for end in ends] == [EndCause.CENTRE]
