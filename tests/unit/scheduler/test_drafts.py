"""When the loop draws up no plan, and when it does again."""

from dataclasses import replace

from scheduler.drafts import NOTHING_NEW, Drafts
from scheduler.model.plan import Answers
from scheduler.model.policy import DEFAULT
from scheduler.storage.told import Told
from tests.builders import submit
from tests.hand import a_hand, here
from tests.hand import submit as ask
from tests.preemptive import NOW_MS, PATIENCE_MS, a_pool_of, low, run, stopped, wants


def test_after_news_nothing_that_was_found_out_before_holds() -> None:
    drafts, state = Drafts(DEFAULT, Answers.GRANTS, Told(1_000)), a_pool_of()
    run(state, low("low"), 8)
    before, _ = drafts.next(state, NOW_MS, has_news=False)
    submit(state, replace(wants(), submitted_at_ms=NOW_MS))
    at_once, _ = drafts.next(state, NOW_MS, has_news=True)

    later, _ = drafts.next(state, NOW_MS + PATIENCE_MS, has_news=False)

    assert before is NOTHING_NEW
    assert (stopped(at_once), stopped(later)) == ([], ["low.1"])


def test_who_waits_is_told_as_often_though_nothing_happens() -> None:
    hand = a_hand()
    ask(hand, here("j1", 16))
    ask(hand, here("j2", 16))
    told_ms = hand.controller.settings.explain_every_ms

    hand.step(1_001)
    unchanged = hand.controller.plan
    hand.step(1_000 + told_ms)

    assert unchanged is NOTHING_NEW
    assert [*hand.controller.plan.verdicts] == ["j2"]


def test_who_is_new_is_told_though_nothing_can_start() -> None:
    hand = a_hand()
    ask(hand, here("j1", 16))
    hand.step(1_001)

    ask(hand, here("j2", 16), 1_002)

    assert hand.log.waiting["j2"].reasons
