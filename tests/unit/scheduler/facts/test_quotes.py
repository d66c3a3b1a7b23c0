"""Kept quotes in the state and in the loop: one a tenant, for a while, and never a job."""

from copy import deepcopy
from dataclasses import replace

import pytest

from scheduler.asking.loads import loads
from scheduler.facts import events as ev
from scheduler.facts.quotes import PAUSE_TIMES
from scheduler.facts.state import State
from scheduler.model.fairshare import decayed
from scheduler.model.job import Job, JobState
from scheduler.planning.planner import plan
from scheduler.storage.codec import decode_snapshot, decode_wish, encode, encode_snapshot
from scheduler.storage.rows import Owners, tenant_of_wish
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    an_array,
    happen,
    refused,
    submit,
)
from tests.hand import Hand, a_hand, east, here, state_of

MINUTE_MS = 60_000
VALID_MS = 5 * MINUTE_MS


def kept(job: Job, at_ms: int = 0, valid_ms: int = VALID_MS) -> ev.QuoteKept:
    return ev.QuoteKept(at_ms=at_ms, until_ms=at_ms + valid_ms, job=job)


def over(quote_id: str, at_ms: int, tenant_id: str = "steel") -> ev.QuoteEnded:
    return ev.QuoteEnded(at_ms=at_ms, tenant_id=tenant_id, quote_id=quote_id)


def cards_kept(quote_id: str, tflops: int, at_ms: int, *node_ids: str) -> ev.QuoteCardsKept:
    return ev.QuoteCardsKept(
        at_ms=at_ms, tenant_id="steel", quote_id=quote_id, tflops=tflops, node_ids=node_ids
    )


def note_cards(state: State, now_ms: int) -> None:
    """What the leader writes down of a plan."""
    result = plan(state, now_ms)
    happen(state, *state.quotes.news(result.verdicts, state.park, now_ms))


def one_node(*more: str) -> State:
    """8 cards; `steel` and `fish` want them."""
    tenants = [a_tenant(name) for name in ("steel", "fish", *more)]
    return a_state(*tenants, park=a_park(a_pool("east-npu", 1, 8)))


# In the state.


def test_a_tenant_has_one_quote_kept_at_a_time() -> None:
    state = one_node()
    happen(state, kept(a_job("q")))

    assert refused(state, kept(a_job("r"), 1)) == (
        "quote q is kept for tenant steel until 1970-01-01T08:05:00.000+08:00: submit its job with "
        "it, or give it up (brain quote --drop q)"
    )
    happen(state, kept(a_job("s", tenant_id="fish"), 1))


@pytest.mark.parametrize("is_taken", [False, True])
def test_the_next_is_kept_twelve_times_as_long_later(is_taken: bool) -> None:
    state = one_node()
    happen(state, kept(a_job("q")))
    if is_taken:
        happen(state, ev.Submitted(at_ms=MINUTE_MS, job=a_job("q")))
    else:
        happen(state, over("q", MINUTE_MS))
    free_ms = MINUTE_MS + PAUSE_TIMES * MINUTE_MS

    assert refused(state, kept(a_job("r"), free_ms - 1)) == (
        "a quote was kept for tenant steel a while ago: the next may be from "
        "1970-01-01T08:13:00.000+08:00 on"
    )
    happen(state, kept(a_job("s", tenant_id="fish"), MINUTE_MS), kept(a_job("r"), free_ms))


@pytest.mark.parametrize("is_taken", [False, True])
def test_what_was_kept_counts_as_used_and_costs_nothing(is_taken: bool) -> None:
    state = one_node()
    happen(state, kept(a_job("q", device_count=8)))
    paid = deepcopy(state.funds)
    happen(state, cards_kept("q", 800, MINUTE_MS), cards_kept("q", 0, 2 * MINUTE_MS))
    happen(state, cards_kept("q", 400, 3 * MINUTE_MS))
    end_ms = 4 * MINUTE_MS
    job = a_job("q", device_count=8)
    happen(state, ev.Submitted(at_ms=end_ms, job=job) if is_taken else over("q", end_ms))

    assert decayed(state.shares["steel"], end_ms) == (800 + 400) * MINUTE_MS
    assert decayed(state.shares["fish"], end_ms) == 0
    assert state.funds == paid


def test_cards_that_are_kept_are_reserved_in_their_pool_until_somebody_has_them() -> None:
    state = one_node()
    (idle,) = loads(state)
    happen(state, kept(a_job("q", device_count=2)))
    note_cards(state, 1)
    (reserved,) = loads(state)
    happen(state, over("q", MINUTE_MS))
    (over_again,) = loads(state)

    assert (idle.reserved_cards, over_again.reserved_cards) == (0, 0)
    assert reserved.reserved_cards == 2
    assert reserved.allocated_cards == 0


def test_nothing_counts_after_it_was_to_end_however_late_that_is_noted() -> None:
    state = one_node()
    happen(state, kept(a_job("q")), cards_kept("q", 100, 0), over("q", HOUR_MS))

    assert decayed(state.shares["steel"], HOUR_MS) == 100 * VALID_MS
    assert refused(state, kept(a_job("r"), HOUR_MS + PAUSE_TIMES * VALID_MS - 1))
    happen(state, kept(a_job("r"), HOUR_MS + PAUSE_TIMES * VALID_MS))


def test_a_quote_is_no_job_that_could_be_leased_or_cancelled() -> None:
    state = one_node()
    happen(state, kept(a_job("q", device_count=8)))

    assert refused(state, a_lease("q", a_placement("east-npu", 8))) == "job q does not wait"
    assert "over or was never here" in refused(
        state, ev.CancelRequested(at_ms=1, job_id="q", by="u")
    )


def test_one_that_is_not_kept_has_no_end() -> None:
    state = one_node()
    happen(state, kept(a_job("q")))

    for fact in (over("r", 1), over("q", 1, "fish"), cards_kept("r", 100, 1)):
        assert "is not kept, or no longer" in refused(state, fact)


def test_no_quote_is_kept_for_what_is_no_job_by_itself() -> None:
    state = one_node()
    submit(state, a_job("a"))
    (task, *_) = an_array(2)

    for job in (task, a_job("b", after_ids=("a",))):
        assert refused(state, kept(job)) == (
            "no quote is kept for an array, or for a job that follows others"
        )
    assert refused(state, kept(a_job("a"))) == "job a is known already"
    assert refused(state, kept(a_job("b", tenant_id="nobody"))) == "there is no tenant nobody"


def test_who_comes_when_its_quote_is_over_is_a_job_like_any_other() -> None:
    state = one_node()
    happen(state, kept(a_job("q")), over("q", VALID_MS))

    submit(state, a_job("q"))

    assert state.state_of("q") is JobState.QUEUED


def test_a_refused_submission_leaves_the_quote() -> None:
    state = one_node()
    happen(state, kept(a_job("q")))

    refused(state, ev.Submitted(at_ms=1, job=a_job("q", after_ids=("gone",))))

    assert len(state.quotes) == 1


def test_other_jobs_of_its_tenant_leave_a_quote_where_it_stands() -> None:
    state = one_node()
    happen(state, kept(a_job("q")))

    submit(state, a_job("other", submitted_at_ms=1))

    assert list(state.queue) == ["q", "other"]
    assert state.quotes.has(a_job("q"))
    assert not state.quotes.has(a_job("other"))


def test_another_tenants_job_takes_no_quote() -> None:
    state = one_node()
    happen(state, kept(a_job("q")))

    taken = ev.Submitted(at_ms=1, job=a_job("q", tenant_id="fish"))

    assert refused(state, taken) == "job q is known already"


def test_a_checkpoint_knows_what_is_kept() -> None:
    state = one_node()
    happen(state, kept(a_job("p")), over("p", MINUTE_MS), kept(a_job("q", tenant_id="fish"), 5))
    happen(state, ev.QuoteCardsKept(at_ms=6, tenant_id="fish", quote_id="q", tflops=7))

    restored = State.restored(decode_snapshot(encode_snapshot(state.snapshot())))

    assert restored.snapshot() == state.snapshot()
    assert len(restored.quotes) == 1
    assert "may be from" in refused(restored, kept(a_job("r"), MINUTE_MS + 1))
    happen(restored, over("q", 9, "fish"))


# In the loop.


def test_the_leader_lets_a_quote_expire_and_says_what_it_kept() -> None:
    hand = a_hand()
    hand.ask(kept(here("q"), 1_000))

    first = hand.step(1_000)
    again = hand.step(2_000)
    hand.all_say(1_000 + VALID_MS)
    last = hand.step(1_000 + VALID_MS)

    (_, news) = first.events
    assert isinstance(news, ev.QuoteCardsKept)
    assert (news.at_ms, news.quote_id, news.tflops > 0) == (1_000, "q", True)
    assert (again.events, first.waiting) == ((), {})
    assert ev.QuoteEnded(at_ms=1_000 + VALID_MS, tenant_id="steel", quote_id="q") in last.events
    assert not hand.controller.state.jobs


def test_a_job_that_takes_its_quote_is_leased_in_that_step() -> None:
    hand = a_hand()
    hand.ask(kept(here("q"), 1_000))
    hand.step(1_000)
    hand.ask(ev.Submitted(at_ms=2_000, job=here("q")))

    hand.step(2_000)

    assert state_of(hand, "q") is JobState.LEASED
    assert east(hand).launched == ["q.1"]
    assert hand.controller.state.shares["steel"].used > 0


def test_the_next_leader_keeps_what_was_kept() -> None:
    hand = a_hand()
    hand.ask(kept(here("q"), 1_000))
    hand.step(1_000)
    before = hand.controller.state.snapshot()

    hand.take_over(3_000)

    assert hand.controller.state.snapshot() == before
    hand.all_say(3_000)
    assert not any(isinstance(fact, ev.QuoteCardsKept) for fact in hand.step(3_000).events)
    hand.all_say(1_000 + VALID_MS)
    hand.step(1_000 + VALID_MS)
    assert len(hand.controller.state.quotes) == 0


def test_a_job_may_take_its_quote_in_the_very_step_in_which_it_would_expire() -> None:
    hand = a_hand()
    hand.ask(kept(here("q"), 1_000))
    hand.step(1_000)
    late_ms = 1_000 + VALID_MS
    hand.all_say(late_ms)
    hand.ask(ev.Submitted(at_ms=late_ms - 1, job=here("q")))

    cycle = hand.step(late_ms)

    assert not any(isinstance(fact, ev.QuoteEnded) for fact in cycle.events)
    assert state_of(hand, "q") is JobState.LEASED


def test_a_wish_that_comes_too_late_keeps_nothing() -> None:
    hand = a_hand()
    hand.ask(kept(here("q"), 1_000, valid_ms=500))

    hand.step(2_000)

    assert len(hand.controller.state.quotes) == 0


def test_wishes_for_quotes_pass_through_the_inbox() -> None:
    for wish in (kept(a_job("q")), over("q", 5)):
        assert decode_wish(encode(wish)) == wish


def test_a_kept_quote_is_its_tenants_own_affair() -> None:
    facts = (kept(a_job("q")), cards_kept("q", 100, 1), over("q", 5))

    assert [Owners({}).tenant_of(fact) for fact in facts] == ["steel"] * 3
    assert [tenant_of_wish(wish) for wish in (facts[0], over("q", 5))] == ["steel"] * 2


def test_a_quote_is_told_to_nobody_as_a_job() -> None:
    hand: Hand = a_hand()
    hand.ask(kept(here("q"), 1_000))
    hand.ask(ev.Submitted(at_ms=1_000, job=replace(here("j"), submitted_at_ms=1)))

    cycle = hand.step(1_000)

    assert {*cycle.waiting, *cycle.states} <= {"j"}
    assert "q" not in hand.log.waiting
