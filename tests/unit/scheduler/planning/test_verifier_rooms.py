"""Stops that make no room, or more than is needed, or for one who could not start then."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.facts.queue import JobQueue
from scheduler.facts.state import State
from scheduler.model.job import Job, Topology
from scheduler.model.levels import STARVING_MS
from scheduler.model.plan import Eviction, Plan
from scheduler.model.policy import DEFAULT, Policy, Preemption
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import a_park, a_pool, a_state, a_tenant, happen, submit
from tests.preemptive import (
    LIMIT_MS,
    NODE,
    NOW_MS,
    POOL,
    SECOND,
    TURNS,
    a_pool_of,
    low,
    normal,
    of_fish,
    run,
    stop,
    stopped,
    wants,
)

TWO = a_park(a_pool(POOL, 2, 8))


def flaws_of(state: State, *stops: Eviction, policy: Policy = DEFAULT) -> Sequence[str]:
    """Of a plan of these stops alone; no stop is carried out for who is named."""
    bent = Plan(grants=(), verdicts={}, evictions=stops)
    found, flaws = verified(state, bent, NOW_MS, policy)
    named = {one.job_id for one in stops if any(f"job {one.job_id}:" in flaw for flaw in flaws)}
    assert found.evictions == tuple(one for one in stops if one.job_id not in named)
    return flaws


def of_new(*attempt_ids: str, node_ids: tuple[str, ...] = (NODE,)) -> list[Eviction]:
    return [Eviction(attempt_id, "new", node_ids) for attempt_id in attempt_ids]


def two_on_a_node(*wanted: Job, cards: int = 4) -> State:
    state = a_pool_of(1)
    run(state, low("a", cards), cards)
    run(state, low("b", cards), cards)
    submit(state, *wanted)
    return state


# The size of the room.


def test_what_is_stopped_for_one_must_suffice() -> None:
    state = two_on_a_node(wants("new", 8))

    assert flaws_of(state, *of_new("a.1", "b.1")) == ()
    (flaw,) = flaws_of(state, *of_new("a.1"))
    assert flaw == f"a.1 for job new: node {NODE} has 4 cards free then, not 8"


@pytest.mark.parametrize(("cards", "wanted"), [(4, 4), (2, 6)])
def test_nobody_is_stopped_without_whom_there_is_room(cards: int, wanted: int) -> None:
    """By the other alone, and by what is free beside it."""
    state = two_on_a_node(wants("new", wanted), cards=cards)

    assert flaws_of(state, *of_new("b.1")) == ()
    (flaw,) = flaws_of(state, *of_new("a.1", "b.1"))
    assert flaw == "a.1, b.1 for job new: that job has room without stopping a.1"


def test_what_is_freed_is_of_one_alone() -> None:
    state = two_on_a_node(wants("new", 4), wants("more", 8))

    (flaw,) = flaws_of(state, *of_new("a.1"), Eviction("b.1", "more", (NODE,)))

    assert flaw == f"b.1 for job more: node {NODE} has 4 cards free then, not 8"


def test_what_others_have_claimed_already_is_room_for_nobody() -> None:
    """Four cards are free, and with the two of `a` they are kept for `first`."""
    state = two_on_a_node(wants("first", 6), cards=2)
    stop(state, Eviction("a.1", "first", (NODE,)))
    submit(state, wants("new", 2))

    result = plan(state, NOW_MS)

    assert stopped(result) == ["b.1"]
    assert verified(state, result, NOW_MS, DEFAULT) == (result, ())


def test_room_is_made_for_a_job_once() -> None:
    state = two_on_a_node(wants("new", 8))
    stop(state, Eviction("a.1", "new", (NODE,)))

    (flaw,) = flaws_of(state, *of_new("b.1"))

    assert flaw == "b.1 for job new: room was made for that job already"


# Where it would be.


RACKS = a_park(a_pool(POOL, 4, 8, nodes_per_rack=2), a_pool("north-npu", 1, 8))
THIRD = f"{POOL}-n003"


@pytest.mark.parametrize(
    ("topology", "node_ids", "flaw"),
    [
        (Topology.POOL, (NODE, THIRD), None),
        (Topology.POOL, (NODE,), "[8] cards are not the gang of 16"),
        (Topology.POOL, (NODE, SECOND, THIRD), "[8, 8, 0] cards are not the gang of 16"),
        (Topology.POOL, (NODE, "north-npu-n001"), "node north-npu-n001 is not one of the pool"),
        (Topology.RACK, (NODE, THIRD), "it asked for nodes of one rack"),
        (Topology.RACK, (NODE, SECOND), None),
    ],
)
def test_cleared_is_what_the_whole_gang_needs(
    topology: Topology, node_ids: tuple[str, ...], flaw: str | None
) -> None:
    state = a_state(a_tenant("steel"), park=RACKS)
    run(state, low("a"), 8)
    submit(state, replace(wants("new", 16), topology=topology))

    found = flaws_of(state, *of_new("a.1", node_ids=node_ids))

    assert len(found) == (flaw is not None)
    assert flaw is None or flaw in found[0]


def test_a_node_that_is_down_is_cleared_for_nobody() -> None:
    state = two_on_a_node(wants("new", 8))
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=()))

    assert "is online" in flaws_of(state, *of_new("a.1", "b.1"))[0]


# Who could not start then.


def test_nobody_is_stopped_for_who_has_no_quota() -> None:
    state = a_state(a_tenant("steel", max_cards=8), a_tenant("fish"), park=TWO)
    run(state, of_fish(low("a")), 8)
    run(state, normal("own"), 0, 8)
    submit(state, wants("new"))

    assert "steel may take 0 cards more" in flaws_of(state, *of_new("a.1"))[0]


@pytest.mark.parametrize(("tenant_id", "is_wrong"), [("fish", True), ("steel", False)])
def test_a_limit_counts_what_is_stopped_as_gone(tenant_id: str, is_wrong: bool) -> None:
    limited = a_tenant("steel", borrowing_cards=(("npu", 8),))
    state = a_state(limited, a_tenant("fish"), park=TWO)
    run(state, replace(low("a"), tenant_id=tenant_id), 8)
    run(state, replace(normal("own"), tenant_id="steel" if is_wrong else "fish"), 0, 8)
    submit(state, wants("new"))

    found = flaws_of(state, *of_new("a.1"))

    flaw = "a.1 for job new: steel would claim 16 cards of npu, and may 8"
    assert found == ((flaw,) if is_wrong else ())


def test_a_limit_counts_all_that_a_plan_stops_as_gone() -> None:
    """Who starts behind those for whom both are stopped would be too much beside one of them."""
    limited = a_tenant("steel", borrowing_cards=(("npu", 6),))
    state = a_state(limited, park=a_park(a_pool(POOL, 5, 2)))
    run(state, low("a", 1), 1)
    run(state, low("b", 4), 0, 2, 2)
    submit(state, wants("first", 2), wants("second", 2), low("late", 1))

    result = plan(state, NOW_MS)

    assert stopped(result) == ["a.1", "b.1"]
    assert [one.job_id for one in result.grants] == ["late"]
    assert verified(state, result, NOW_MS, DEFAULT) == (result, ())


def test_nobody_is_stopped_for_who_cannot_pay() -> None:
    state = two_on_a_node(wants("new", 4), wants("more", 4))
    state.funds["steel"].available_micros = 2 * 4 * LIMIT_MS - 1

    (flaw,) = flaws_of(state, *of_new("a.1"), Eviction("b.1", "more", (NODE,)))

    hold = 4 * LIMIT_MS
    assert flaw == (f"b.1 for job more: it holds {hold} micro-yuan, and its tenant has {hold - 1}")


def test_nobody_is_stopped_where_there_is_no_price() -> None:
    state = a_state(a_tenant("steel"), park=TWO, prices=())
    run(state, low("a"), 8)
    submit(state, wants("new"))

    assert "price" in flaws_of(state, *of_new("a.1"))[0]


# Who starves.


def starved(job: Job) -> Job:
    return replace(job, submitted_at_ms=NOW_MS - 3 * STARVING_MS)


@pytest.mark.parametrize("policy", [DEFAULT, TURNS])
@pytest.mark.parametrize("job", [wants("new"), starved(wants("new"))], ids=["new", "starved"])
def test_it_is_told_rightly_whether_who_starts_starves(job: Job, policy: Policy) -> None:
    state = a_pool_of(1)
    submit(state, job)
    right = plan(state, NOW_MS, policy)
    (grant,) = right.grants
    assert grant.is_starving == (policy is TURNS and job.submitted_at_ms < 0)

    bent = replace(right, grants=(replace(grant, is_starving=not grant.is_starving),))

    assert verified(state, right, NOW_MS, policy) == (right, ())
    assert "it starves, or does not" in verified(state, bent, NOW_MS, policy)[1][0]


def test_who_has_not_waited_for_long_stops_nobody_as_one_that_starves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Equals, but for a broken index of those who starve."""
    eager = replace(TURNS, preemption=Preemption(is_shared=True, min_run_ms=0))
    state = a_pool_of(1)
    run(state, normal("old"), 8, at_ms=NOW_MS - 1)
    submit(state, wants("new"))
    assert plan(state, NOW_MS, eager).evictions == ()
    monkeypatch.setattr(JobQueue, "starving", lambda self, _: [*self.records()])

    result = plan(state, NOW_MS, eager)

    assert stopped(result) == ["old.1"]
    _, (flaw,) = verified(state, result, NOW_MS, eager)
    assert flaw == "attempt old.1 for job new: that job does not starve"


# What is kept for a quote.


def test_cards_that_are_kept_for_a_quote_are_given_to_nobody() -> None:
    state = a_pool_of(1)
    submit(state, wants("new"))
    early = plan(state, NOW_MS).grants
    quote = replace(wants("quote"), tenant_id="fish", submitted_at_ms=0)
    happen(state, ev.QuoteKept(at_ms=NOW_MS, until_ms=NOW_MS + 300_000, job=quote))
    right = plan(state, NOW_MS)
    assert right.grants == (), "the quote is older"

    found, flaws = verified(state, replace(right, grants=early), NOW_MS, DEFAULT)

    assert found.grants == ()
    assert f"node {NODE} has 0 cards free, not 8" in flaws[0]
