"""What is borrowed up to a limit is taken back by who owns it, until it runs; by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Priority, ReasonCode, Topology
from scheduler.model.plan import Plan
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.sharing.allowance import Allowances
from tests.builders import a_park, a_pool, a_state, a_tenant, happen, submit
from tests.entitled import a_cohort, a_project
from tests.preemptive import (
    NODE,
    NOW_MS,
    POOL,
    gone,
    low,
    normal,
    run,
    stop,
    stopped,
    wants,
)
from tests.unit.scheduler.model.test_entitlements import THREE_NODES, lends, of
from tests.unit.scheduler.planning.test_verifier_rooms import of_new
from tests.unit.scheduler.test_used_up_branches import WEST, run_in

FOUR, EIGHT, SIXTEEN, NONE = (("npu", 4),), (("npu", 8),), (("npu", 16),), (("npu", 0),)


def a_lender() -> State:
    """Of 24 cards 16 are steel's, which lends 4: fish has 12, and steel wants the 4 back."""
    state = lends(4)
    run(state, of(normal("f", 8), "fish"), 8)
    run(state, of(normal("g", 4), "fish"), 0, 4)
    run(state, normal("own", 8), 0, 0, 8)
    run(state, normal("own2", 4), 0, 4)
    submit(state, wants("new", 4))
    return state


def beside_a_keeper() -> State:
    """Ship lends nothing of its 8; fish has all else, of which 8 are steel's."""
    state = a_state(
        a_tenant("steel", nominal_cards=EIGHT),
        a_tenant("ship", nominal_cards=EIGHT, lending_cards=NONE),
        a_tenant("fish"),
        park=THREE_NODES,
    )
    run(state, of(normal("f", 8), "fish"), 8)
    run(state, of(normal("g", 8), "fish"), 0, 8)
    submit(state, wants())
    return state


def a_member() -> State:
    """The coast may have 16, which fish has; 8 of them are ship's."""
    state = a_coast()
    run(state, of(normal("f", 8), "fish"), 8)
    run(state, of(normal("g", 8), "fish"), 0, 8)
    submit(state, of(wants(), "ship"))
    return state


def a_coast() -> State:
    state = a_state(
        a_tenant("fish", cohort_id="coast"),
        a_tenant("ship", cohort_id="coast", nominal_cards=EIGHT),
        a_tenant("steel", nominal_cards=EIGHT),
        park=THREE_NODES,
    )
    a_cohort(state, "coast", nominal_cards=SIXTEEN, borrowing_cards=NONE)
    return state


def a_part() -> State:
    """Steel may have 16, which its project `b` has; 8 of them are those of `a`."""
    steel = a_tenant("steel", nominal_cards=SIXTEEN, borrowing_cards=NONE)
    state = a_state(steel, a_tenant("fish"), park=THREE_NODES)
    a_project(state, "steel", "a", nominal_cards=EIGHT)
    a_project(state, "steel", "b")
    run(state, of(normal("f", 8), "steel/b"), 8)
    run(state, of(normal("g", 8), "steel/b"), 0, 8)
    submit(state, of(wants(), "steel/a"))
    return state


def planned(state: State, now_ms: int) -> Plan:
    result = plan(state, now_ms)
    assert verified(state, result, now_ms, DEFAULT)[1] == ()
    return result


@pytest.mark.parametrize("park", [a_lender, beside_a_keeper, a_member, a_part])
def test_an_owner_takes_back_what_is_borrowed_up_to_a_limit(park: Callable[[], State]) -> None:
    state = park()
    (eviction,) = planned(state, NOW_MS).evictions
    (prospect,) = what_if(state, NOW_MS, state.jobs["new"].job)
    assert [one.job_id + ".1" for one in prospect.stopped] == [eviction.attempt_id]
    stop(state, eviction)
    submit(state, of(wants("late", 4), "fish"))

    meanwhile = planned(state, NOW_MS + 1)
    assert meanwhile.verdicts["new"].reasons[0].code == ReasonCode.MAKING_ROOM
    assert meanwhile.evictions == ()
    gone(state, eviction.attempt_id, NOW_MS + 2)
    assert planned(state, NOW_MS + 2).grants[0].job_id == "new"


def test_nobody_is_stopped_where_a_limit_would_forbid_the_job_even_then() -> None:
    """Steel has all that it may have: what a lower class of another holds is no help."""
    steel = a_tenant("steel", nominal_cards=EIGHT, borrowing_cards=NONE)
    state = a_state(steel, a_tenant("fish"), park=THREE_NODES)
    run(state, normal("own", 8), 8)
    run(state, of(low("f", 8), "fish"), 0, 8)
    run(state, of(low("g", 8), "fish"), 0, 0, 8)
    submit(state, wants(priority=Priority.HIGH))

    assert planned(state, NOW_MS).evictions == ()


@pytest.mark.parametrize("topology", Topology)
def test_a_gang_that_a_limit_alone_forbids_takes_from_its_own_branch(topology: Topology) -> None:
    """Two nodes are free, and fish has all that it may borrow on the other two."""
    park = a_park(a_pool(POOL, 4, 8, nodes_per_rack=2))
    state = a_state(a_tenant("fish", borrowing_cards=SIXTEEN), park=park)
    run(state, of(low("f", 8), "fish"), 8)
    run(state, of(low("g", 8), "fish"), 0, 8)
    submit(state, of(replace(wants("new", 16), topology=topology), "fish"))
    result = planned(state, NOW_MS)

    assert sorted(stopped(result)) == ["f.1", "g.1"]
    for eviction in result.evictions:
        stop(state, eviction)
    for attempt_id in stopped(result):
        gone(state, attempt_id, NOW_MS + 1)
    assert "new" in [one.job_id for one in planned(state, NOW_MS + 1).grants]


@pytest.mark.parametrize("nodes", [(4,), (4, 4), (0, 4)])
def test_on_a_node_with_room_for_both_a_limit_is_taken_from_its_own_branch(
    nodes: tuple[int, ...],
) -> None:
    """Of two nodes fish has half of the first, all that it borrows; steel's jobs are in no way."""
    fish, steel = a_tenant("fish", borrowing_cards=FOUR), a_tenant("steel")
    state = a_state(fish, steel, park=a_park(a_pool(POOL, 2, 8)))
    run(state, of(low("f", 4), "fish"), 4)
    for number, cards in enumerate(nodes):
        if cards:
            run(state, low(f"x{number}", 4), *[0] * number, 4, at_ms=9)
    submit(state, of(wants("new", 4), "fish"))

    (eviction,) = planned(state, NOW_MS).evictions

    assert (eviction.attempt_id, eviction.node_ids) == ("f.1", (NODE,))
    (prospect,) = what_if(state, NOW_MS, state.jobs["new"].job)
    assert [one.job_id for one in prospect.stopped] == ["f"]
    stop(state, eviction)
    assert planned(state, NOW_MS + 1).grants == ()
    gone(state, "f.1", NOW_MS + 2)
    assert [one.job_id for one in planned(state, NOW_MS + 2).grants] == ["new"]


@pytest.mark.parametrize("topology", Topology)
def test_a_gang_is_on_a_node_that_a_limit_has_cleared_and_on_free_ones(topology: Topology) -> None:
    """Fish has the third of four nodes, and may have two; both of the first rack are free."""
    park = a_park(a_pool(POOL, 4, 8, nodes_per_rack=2))
    state = a_state(a_tenant("fish", borrowing_cards=SIXTEEN), park=park)
    run(state, of(low("f", 8), "fish"), 0, 0, 8)
    submit(state, of(replace(wants("new", 16), topology=topology), "fish"))

    (eviction,) = planned(state, NOW_MS).evictions

    assert (eviction.attempt_id, len(eviction.node_ids)) == ("f.1", 2)
    assert f"{POOL}-n003" in eviction.node_ids
    stop(state, eviction)
    gone(state, "f.1", NOW_MS + 1)
    assert "new" in [one.job_id for one in planned(state, NOW_MS + 1).grants]


def test_of_a_gang_s_branch_no_more_is_stopped_than_a_limit_needs() -> None:
    """Fish may have 24 cards, and has 16: it gives the later 8 for a gang of 16."""
    limit = (("npu", 24),)
    state = a_state(a_tenant("fish", borrowing_cards=limit), park=a_park(a_pool(POOL, 4, 8)))
    run(state, of(low("f", 8), "fish"), 8)
    run(state, of(low("g", 8), "fish"), 0, 8, at_ms=1)
    submit(state, of(wants("new", 16), "fish"))

    assert stopped(planned(state, NOW_MS)) == ["g.1"]


def test_of_nodes_that_are_alike_a_limit_is_asked_about_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On each of 20 nodes fish and steel have a card each, and fish may have no more."""
    fish, steel = a_tenant("fish", borrowing_cards=(("npu", 20),)), a_tenant("steel")
    state = a_state(fish, steel, park=a_park(a_pool(POOL, 20, 2)))
    for node in range(20):
        run(state, low(f"s{node}", 1), *[0] * node, 1)
        run(state, of(low(f"f{node}", 1), "fish"), *[0] * node, 1)
    submit(state, of(wants("new", 1), "fish"))
    asked, is_within = [], Allowances.is_within

    def counted(self: Allowances, *what: Any) -> bool:
        asked.append(what)
        return is_within(self, *what)

    monkeypatch.setattr(Allowances, "is_within", counted)

    assert len(planned(state, NOW_MS).evictions) == 1
    assert len(asked) < 20


def test_room_in_a_limit_that_was_made_for_another_is_not_counted_on() -> None:
    """In each centre fish has half of what it may borrow; what was freed in the west is taken."""
    pools = a_pool(POOL, 1, 8), a_pool(WEST, 1, 8)
    state = a_state(a_tenant("fish", borrowing_cards=EIGHT), park=a_park(*pools))
    run(state, of(low("f", 4), "fish"), 4)
    run_in(WEST, state, of(low("g", 4), "fish"), 0)
    submit(state, of(replace(wants("new", 4), centre_ids=("west",)), "fish"))
    (eviction,) = planned(state, NOW_MS).evictions
    stop(state, eviction)
    submit(state, of(replace(wants("late", 4), centre_ids=("east",)), "fish"))

    assert stopped(planned(state, NOW_MS + 1)) == ["f.1"]


def test_who_is_stopped_beside_what_a_limit_needs_is_a_flaw() -> None:
    state = a_state(a_tenant("fish", borrowing_cards=FOUR), park=a_park(a_pool(POOL, 1, 8)))
    for name in ("f", "g"):
        run(state, of(low(name, 2), "fish"), 2)
    submit(state, of(wants("new", 2), "fish"))
    bent = Plan(grants=(), verdicts={}, evictions=tuple(of_new("f.1", "g.1")))

    _, flaws = verified(state, bent, NOW_MS, DEFAULT)

    assert flaws == ("f.1, g.1 for job new: that job has room without stopping f.1",)


def test_of_a_rack_that_is_half_free_nobody_is_stopped_where_another_is_free() -> None:
    """Cards are not in its way, and what is stopped there would not be enough for the limit."""
    park = a_park(a_pool(POOL, 4, 8, nodes_per_rack=2))
    state = a_state(
        a_tenant("fish", borrowing_cards=EIGHT), a_tenant("steel", nominal_cards=EIGHT), park=park
    )
    run(state, of(low("f", 4), "fish"), 0, 4)
    submit(state, of(replace(wants("new", 16), topology=Topology.RACK), "fish"))

    assert planned(state, NOW_MS).evictions == ()


def test_who_has_cards_but_no_room_in_a_limit_yet_waits_for_what_stops() -> None:
    """Beside what stops for it on its node something else ends, of who is not of the coast."""
    state = a_coast()
    run(state, of(normal("f", 4), "fish"), 4)
    run(state, normal("x", 4), 4)
    run(state, of(normal("g", 8), "fish"), 0, 8)
    run(state, of(normal("h", 4), "fish"), 0, 0, 4)
    run(state, normal("y", 4), 0, 0, 4)
    submit(state, of(wants("new", 4), "ship"))
    (eviction,) = planned(state, NOW_MS).evictions
    stop(state, eviction)
    for attempt_id in ("x.1", "y.1"):
        gone(state, attempt_id, NOW_MS + 1)

    meanwhile = planned(state, NOW_MS + 1)
    assert meanwhile.verdicts["new"].reasons[0].code == ReasonCode.MAKING_ROOM
    gone(state, eviction.attempt_id, NOW_MS + 2)
    assert "new" in [one.job_id for one in planned(state, NOW_MS + 2).grants]


def test_room_in_a_limit_that_is_made_for_an_owner_is_no_borrower_s() -> None:
    """Half of it is there, and on another node cards are free."""
    state = a_coast()
    a_cohort(state, "coast", nominal_cards=(("npu", 12),), borrowing_cards=NONE)
    for branch, cards in (("f1", (4,)), ("f2", (4,)), ("h", (0, 0, 4))):
        run(state, of(normal(branch, 4), "fish"), *cards)
    run(state, normal("x", 4), 0, 0, 4)
    run(state, normal("y", 8), 0, 8)
    state.tree.declare_tenant(a_tenant("steel", nominal_cards=(("npu", 12),)))
    submit(state, of(wants(), "ship"))
    result = planned(state, NOW_MS)
    assert sorted(stopped(result)) == ["f1.1", "f2.1"]
    for eviction in result.evictions:
        stop(state, eviction)
    gone(state, "f1.1", NOW_MS + 1)
    happen(
        state, ev.Ended(at_ms=NOW_MS + 1, attempt_id="x.1", cause=EndCause.FINISHED, exit_code=0)
    )
    submit(state, of(wants("late", 4), "fish"))

    assert planned(state, NOW_MS + 2).grants == (), "f1 waits as well"
    assert planned(state, NOW_MS + 2).verdicts["late"].reasons[0].code == ReasonCode.COHORT_QUOTA
