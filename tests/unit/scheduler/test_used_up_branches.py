"""Owners in branches whose own others of them have used up, by borrowing; worked out by hand."""

from dataclasses import replace

import pytest

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, Priority
from scheduler.model.plan import Plan
from scheduler.model.policy import DEFAULT
from scheduler.model.tenancy import Tenant
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import (
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)
from tests.entitled import a_cohort, a_project
from tests.preemptive import NOW_MS, POOL, gone, high, normal, run, stop, stopped, wants
from tests.unit.scheduler.model.test_entitlements import THREE_NODES, TWO_KINDS, of
from tests.unit.scheduler.planning.test_verifier import stop_flaws

EIGHT, SIXTEEN = (("npu", 8),), (("npu", 16),)
TEN_OF_ONE = a_park(a_pool(POOL, 10, 1))
TWO_CENTRES = a_park(a_pool(POOL, 2, 8), a_pool("west-npu", 2, 8))
WEST = "west-npu"


def member(tenant_id: str, cards: int = 0) -> Tenant:
    own = (("npu", cards),) if cards else ()
    return a_tenant(tenant_id, cohort_id="coast", nominal_cards=own)


def coast(ship: Tenant, *others: Tenant, cards: int = 16) -> State:
    """Fish and ship are of the coast, which has so many cards; fish has none of its own."""
    state = a_state(member("fish"), ship, a_tenant("steel"), *others, park=THREE_NODES)
    a_cohort(state, "coast", nominal_cards=(("npu", cards),))
    return state


def planned(state: State) -> Plan:
    result = plan(state, NOW_MS)
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()
    return result


def run_in_halves(state: State, *branches: str) -> None:
    """Of each node the first branch has one half, the second the other."""
    for number in range(3):
        for branch in branches:
            name = f"{branch.replace('/', '-')}{number}"
            run(state, of(normal(name, 4), branch), *[0] * number, 4, at_ms=number)


def test_a_guaranteed_node_is_cleared_though_another_has_used_up_what_is_the_cohort_s() -> None:
    """Fish has 12 of the 16, and half of no node is enough; ship is guaranteed one."""
    ship = a_tenant("ship", cohort_id="coast", nominal_nodes=((POOL, 1),))
    state = coast(ship)
    run_in_halves(state, "fish", "steel")
    submit(state, of(wants(), "ship"))

    result = planned(state)
    assert sorted(stopped(result)) == ["fish2.1", "steel2.1"]
    (prospect,) = what_if(state, NOW_MS, state.jobs["new"].job)
    assert [one.job_id for one in prospect.stopped] == ["fish2", "steel2"]
    assert not prospect.is_borrowing, "once it runs fish borrows, and not it"
    for eviction in result.evictions:
        stop(state, eviction)
    for eviction in result.evictions:
        gone(state, eviction.attempt_id, NOW_MS + 1)
    assert "new" in [grant.job_id for grant in plan(state, NOW_MS + 1).grants]


def test_a_project_s_guarantee_holds_though_another_has_used_up_what_is_the_tenant_s() -> None:
    state = a_state(a_tenant("steel", nominal_cards=SIXTEEN), a_tenant("fish"), park=THREE_NODES)
    a_project(state, "steel", "a", nominal_cards=EIGHT)
    a_project(state, "steel", "b")
    run_in_halves(state, "steel/b", "fish")
    submit(state, of(wants(), "steel/a"))

    assert sorted(stopped(planned(state))) == ["fish0.1", "steel-b0.1"]


def test_a_project_s_guarantee_holds_though_all_above_it_is_used_up() -> None:
    """Of the coast's 16 fish has 12 and project `b` 4; ship's 8 are those of `a`."""
    state = coast(member("ship", 8))
    a_project(state, "ship", "a", nominal_cards=EIGHT)
    a_project(state, "ship", "b")
    run(state, of(normal("b", 4), "ship/b"), 4)
    run(state, normal("s0", 4), 4, at_ms=2)
    run(state, of(normal("f", 8), "fish"), 0, 8)
    run(state, of(normal("g", 4), "fish"), 0, 0, 4)
    run(state, normal("s1", 4), 0, 0, 4)
    submit(state, of(wants(), "ship/a"))

    assert sorted(stopped(planned(state))) == ["b.1", "s0.1"], "as few cards of others as can be"


def in_two_centres() -> State:
    """Fish has all of the coast's cards in the west, and steel all of the east."""
    state = a_state(member("fish"), member("ship", 8), a_tenant("steel"), park=TWO_CENTRES)
    a_cohort(state, "coast", nominal_cards=SIXTEEN)
    for number in (0, 1):
        run(state, normal(f"s{number}"), *[0] * number, 8, at_ms=number)
        run_in(WEST, state, of(normal(f"f{number}"), "fish"), number)
    return state


def run_in(pool_id: str, state: State, job: Job, number: int) -> None:
    """All of it is on the node of this number there."""
    submit(state, job)
    cards = [*[0] * number, job.device_count]
    lease = a_lease(job.id, a_placement(pool_id, *cards), at_ms=number)
    happen(state, lease, ev.Started(at_ms=number, attempt_id=lease.attempt_id))


def test_where_another_of_the_cohort_has_nothing_it_takes_what_outsiders_borrow() -> None:
    state = in_two_centres()
    submit(state, of(replace(wants(), centre_ids=("east",)), "ship"))

    assert stopped(planned(state)) == ["s0.1"]


def test_who_has_used_it_up_gives_back_before_others_do() -> None:
    """In the second of the two centres; a quote tells the same first."""
    state = in_two_centres()
    submit(state, of(wants(), "ship"))

    assert stopped(planned(state)) == ["f0.1"]
    prospects = what_if(state, NOW_MS, state.jobs["new"].job)
    assert [[one.job_id for one in prospect.stopped] for prospect in prospects] == [["f0"], ["s0"]]


def test_of_outsiders_only_so_much_is_taken_as_its_own_branches_cannot_give() -> None:
    """Fish's gang of two would not be enough for three, and steel's would."""
    state = a_state(member("fish"), member("ship", 3), a_tenant("steel"), park=TEN_OF_ONE)
    a_cohort(state, "coast", nominal_cards=(("npu", 4),))
    run(state, of(high("f", 2), "fish"), 1, 1)
    for number in range(2, 10):
        run(state, normal(f"s{number}", 1), *[0] * number, 1, at_ms=number)
    submit(state, of(wants(cards=3), "ship"))

    assert sorted(stopped(planned(state))) == ["f.1", "s2.1"]


def test_on_a_node_as_well() -> None:
    """Steel's two would make room for five, and so do fish's three with one of them."""
    state = coast(member("ship", 5), cards=6)
    run(state, of(normal("f", 3), "fish"), 3)
    run(state, normal("s", 2), 2)
    run(state, normal("t", 3), 3)
    run(state, normal("u"), 0, 8, at_ms=NOW_MS)
    run(state, normal("v"), 0, 0, 8, at_ms=NOW_MS)
    submit(state, of(wants(cards=5), "ship"))

    assert sorted(stopped(planned(state))) == ["f.1", "s.1"]


def test_what_another_cohort_owns_is_spared() -> None:
    """Steel's half of each node is steel's own: it waits until fish has what it can give."""
    state = coast(member("ship", 8))
    state.tree.declare_tenant(a_tenant("steel", nominal_cards=EIGHT))
    run(state, of(normal("f"), "fish"), 8)
    run(state, of(normal("g", 4), "fish"), 0, 4, at_ms=NOW_MS)
    run(state, normal("s", 4), 0, 4)
    run(state, normal("t", 4), 0, 0, 4)
    run(state, of(normal("h", 4), "fish"), 0, 0, 4, at_ms=NOW_MS)
    state.tree.declare_tenant(member("fish", 8))
    submit(state, of(wants(priority=Priority.HIGH), "ship"))

    assert stopped(planned(state)) == [], "what is fish's own and steel's is in the way"


def test_who_is_beyond_its_own_takes_nothing_by_being_new() -> None:
    """Ship runs 4 of its 8: with 8 more it is beyond them, and the cohort's are used up."""
    state = coast(member("ship", 8), cards=12)
    run_in_halves(state, "fish", "steel")
    gone(state, "fish0.1", NOW_MS - 1)
    run(state, of(normal("own", 4), "ship"), 4)
    submit(state, of(wants("new", priority=Priority.HIGH), "ship"))

    assert "new" not in [one.job_id for one in planned(state).evictions]


def test_who_is_within_its_tenant_s_alone_is_not_within_its_project_s_by_its_class() -> None:
    """Of ship's 12 `a` has 4, which it runs: all else that might give way began a moment ago."""
    state = coast(member("ship", 12), cards=12)
    a_project(state, "ship", "a", nominal_cards=(("npu", 4),))
    a_project(state, "ship", "b")
    run(state, of(normal("a", 4), "ship/a"), 4)
    run(state, of(normal("b", 4), "ship/b"), 4)
    run(state, of(normal("f"), "fish"), 0, 8, at_ms=NOW_MS)
    run(state, normal("s"), 0, 0, 8, at_ms=NOW_MS)
    submit(state, of(wants("new", 4, Priority.HIGH), "ship/a"))

    assert stopped(planned(state)) == []


def test_what_a_tenant_owns_beyond_what_its_cohort_does_takes_nothing_of_others() -> None:
    """Ship may have 16 by TFLOPS, and the coast 8 cards of the kind: those ship has already."""
    ship = a_tenant("ship", cohort_id="coast", nominal_tflops=16 * 313)
    state = coast(ship, cards=8)
    run(state, of(normal("own"), "ship"), 8)
    run(state, normal("s"), 0, 8)
    run(state, normal("t"), 0, 0, 8)
    submit(state, of(wants(), "ship"))

    assert stopped(planned(state)) == []


def test_what_a_cohort_has_in_tflops_may_be_used_up_on_another_kind() -> None:
    """By fish, on gpus; ship owns npus, which steel has borrowed."""
    state = a_state(member("fish"), member("ship", 8), a_tenant("steel"), park=TWO_KINDS)
    a_cohort(state, "coast", nominal_tflops=4 * 989)
    run_in("east-gpu", state, of(normal("f", 4), "fish"), 0)
    run(state, normal("s"), 8)
    run(state, normal("t"), 0, 8, at_ms=1)
    submit(state, of(wants(), "ship"))

    assert stopped(planned(state)) == ["s.1"]


# Whose turn it is.


def test_work_within_a_cohort_s_does_not_go_before_who_is_within_its_part_of_it() -> None:
    """A stream of it would go before `a` for ever: each takes a card before it has four."""
    state = a_state(member("fish", 4), member("ship", 2), a_tenant("steel"), park=TEN_OF_ONE)
    a_cohort(state, "coast", nominal_cards=(("npu", 6),))
    a_project(state, "fish", "a", nominal_cards=(("npu", 4),))
    a_project(state, "fish", "default")
    run(state, of(normal("f", 1), "fish"), 1)
    run(state, of(normal("s", 2), "ship"), 0, 1, 1)
    run(state, normal("x", 4), 0, 0, 0, 1, 1, 1, 1, at_ms=NOW_MS - 1)
    submit(state, of(wants("small", 1), "fish"), of(wants("new", 4), "fish/a"))

    result = planned(state)

    assert stopped(result) == ["f.1"]
    assert result.grants == ()


def test_who_owns_a_card_goes_first_though_its_cohort_has_none_left() -> None:
    """Before a gang for which the card that is free would be kept."""
    state = a_state(member("fish", 1), member("ship"), a_tenant("steel"), park=TEN_OF_ONE)
    a_cohort(state, "coast", nominal_cards=(("npu", 1),))
    run(state, of(normal("s", 9), "ship"), *[1] * 9, at_ms=NOW_MS - 60_000)
    submit(state, wants("wide", 10), of(wants("new", 1), "fish"))

    assert [grant.job_id for grant in planned(state).grants] == ["new"]


def test_it_is_within_more_than_who_is_within_another_cohort_s_alone() -> None:
    steel = a_tenant("steel", cohort_id="hills")
    state = a_state(member("fish", 1), member("ship"), steel, park=TEN_OF_ONE)
    a_cohort(state, "coast", nominal_cards=(("npu", 8),))
    a_cohort(state, "hills", nominal_cards=(("npu", 2),))
    run(state, of(normal("s", 9), "ship"), *[1] * 9, at_ms=NOW_MS - 60_000)
    submit(state, wants("first", 1), of(wants("new", 1), "fish"))

    assert [grant.job_id for grant in planned(state).grants] == ["new"]


# The second look.


@pytest.mark.parametrize(("own", "is_allowed"), [(8, True), (7, False)])
def test_a_plan_takes_of_outsiders_for_who_is_within_its_part_alone(
    own: int, is_allowed: bool
) -> None:
    state = coast(member("ship", own), cards=8)
    run(state, high("old"), 8)
    run(state, of(normal("f"), "fish"), 0, 8)
    submit(state, of(wants(), "ship"))

    assert (stop_flaws(state) == ()) is is_allowed
