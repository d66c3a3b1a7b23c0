"""What fails in a real park without stopping the rest: the plan, and the checkpoint."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text
from typing_extensions import override

from scheduler import drafts
from scheduler.controller import Controller, Settings
from scheduler.facts.log import Deposed, MemoryLog
from scheduler.facts.record import Snapshot
from scheduler.facts.state import State
from scheduler.model.job import JobState, Priority
from scheduler.model.plan import Answers, Plan
from scheduler.model.policy import Policy
from scheduler.planning.planner import plan
from scheduler.sturdy import UNPLANNED_MS, SturdyController
from tests.builders import a_job, a_park, a_pool, a_tenant
from tests.hand import Hand, a_run, ended, here, runs, say, state_of, submit
from tests.unit.scheduler.facts.test_quotes import kept
from tests.unit.scheduler.test_leader_election import until
from tests.unit.scheduler.test_sifting import ask, leading, paid


def take_over(hand: Hand, now_ms: int) -> Controller:
    """A sturdy one leads on, in the same park."""
    hand.controller = SturdyController(hand.log, hand.centres, Settings(is_checked=True))
    hand.controller.lead(now_ms)
    return hand.controller


class Broken:
    """A planner with a defect, for as long as it is not mended."""

    def __init__(self) -> None:
        self.count = 0
        self.is_mended = False

    def __call__(self, state: State, now_ms: int, policy: Policy, answers: Answers) -> Plan:
        self.count += 1
        if self.is_mended:
            return plan(state, now_ms, policy, answers)
        raise ZeroDivisionError


def test_where_no_plan_can_be_drawn_up_all_else_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = a_run()
    take_over(hand, 3_000)
    broken = Broken()
    monkeypatch.setattr(drafts, "plan", broken)

    say(hand, 4_000, runs("j1.1", 2_000))
    submit(hand, here("j2"), 5_000)
    say(hand, 6_000, ended("j1.1", 2_000, 5_500))

    assert state_of(hand) is JobState.SUCCEEDED
    assert hand.device_ms == 8 * 3_500
    assert state_of(hand, "j2") is JobState.QUEUED
    assert not hand.log.inbox


def test_a_plan_that_cannot_be_drawn_up_is_told_as_a_flaw_and_tried_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hand = a_run()
    take_over(hand, 3_000)
    broken = Broken()
    monkeypatch.setattr(drafts, "plan", broken)
    submit(hand, here("j2"), 4_000)
    hand.all_say(4_500)

    cycles = [hand.step(4_000 + UNPLANNED_MS - 1), hand.step(4_000 + UNPLANNED_MS)]
    broken.is_mended = True
    hand.all_say(10_000)
    last = hand.step(4_000 + 2 * UNPLANNED_MS)

    assert [cycle.flaws for cycle in cycles] == [
        (),
        ("no plan can be drawn up: ZeroDivisionError()",),
    ]
    assert broken.count == 3
    assert "nothing starts, all else goes on" in caplog.text
    assert last.flaws == ()
    assert state_of(hand, "j2") is JobState.LEASED


class Full(MemoryLog):
    """Where no checkpoint can be kept."""

    error: Exception = OSError("no space left")
    count = 0

    @override
    def save(self, epoch: int, snapshot: Snapshot) -> None:
        self.count += 1
        raise self.error


def a_full_log() -> tuple[Hand, Full]:
    """With a checkpoint after each two events."""
    hand, log = a_run(), Full()
    log.events, log.epoch = hand.log.events, hand.log.epoch
    log.usage, hand.log = hand.log.usage, log
    settings = Settings(checkpoint_every=2)
    hand.controller = SturdyController(log, hand.centres, settings)
    hand.controller.lead(3_000)
    return hand, log


def test_a_checkpoint_that_cannot_be_kept_is_tried_again_later_and_stops_nobody() -> None:
    hand, log = a_full_log()

    for number in range(4):
        submit(hand, here(f"j{number + 2}"), 4_000 + number)
    hand.step(5_000)

    assert log.count == 2, "not with each event"
    assert len(hand.controller.state.queue) == 4
    assert not log.inbox


def test_who_is_deposed_over_a_checkpoint_leads_no_more() -> None:
    hand, log = a_full_log()
    log.error = Deposed()

    with pytest.raises(Deposed):
        submit(hand, here("j2"), 4_000)


FULL = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;"
    "CREATE TRIGGER full_disk BEFORE INSERT ON checkpoints"
    " FOR EACH ROW EXECUTE FUNCTION full_disk()"
)


def test_a_leader_goes_on_where_neither_plan_nor_checkpoint_can_be(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that has room for events, and none for a checkpoint; and a planner with a defect."""
    with database.begin() as connection:
        connection.execute(text(FULL))
    monkeypatch.setattr(drafts, "plan", Broken())

    with leading(database, settings=Settings(checkpoint_every=1)) as loop:
        for yuan in (1, 2, 3):
            ask(database, paid(yuan))
            until(lambda: not loop.log.requests(1))
        until(lambda: loop.flaw_count > 0)
        epoch = loop.controller and loop.controller.epoch

    assert (epoch, loop.failure_count) == (1, 0)


def test_a_plan_that_cannot_be_drawn_up_takes_nothing_from_who_has_cards_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hand = Hand(a_park(a_pool("east-npu", 1, 8)), [a_tenant("steel"), a_tenant("fish")])
    take_over(hand, 500)
    hand.all_say(1_000)
    hand.step(1_000)
    hand.ask(kept(a_job("q", device_count=8), 1_000))
    hand.step(1_000)
    broken = Broken()
    monkeypatch.setattr(drafts, "plan", broken)
    hand.all_say(2_000)
    hand.step(2_000)
    broken.is_mended = True

    high = a_job("high", tenant_id="fish", priority=Priority.HIGH, device_count=8)
    submit(hand, replace(high, submitted_at_ms=3_000), 3_000)
    hand.all_say(2_000 + UNPLANNED_MS)
    hand.step(2_000 + UNPLANNED_MS)
    submit(hand, a_job("q", device_count=8, submitted_at_ms=10_000), 10_000)

    assert broken.count > 1
    assert (state_of(hand, "high"), state_of(hand, "q")) == (JobState.QUEUED, JobState.LEASED)
