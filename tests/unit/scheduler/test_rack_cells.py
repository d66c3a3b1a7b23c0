"""Guarantees of whole racks: a gang in one rack is served however others' work is spread."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.facts.state import State
from scheduler.model.job import Job, ReasonCode, Role, Topology
from scheduler.model.plan import Eviction, Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.model.promises import promise_problems
from scheduler.model.tenancy import Tenant
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import a_park, a_pool, a_state, a_tenant, submit
from tests.preemptive import (
    NODE,
    NOW_MS,
    POOL,
    SECOND,
    TURNS,
    high,
    low,
    normal,
    run,
    stopped,
    wants,
)
from tests.rest import comes_to_rest
from tests.unit.scheduler.sharing.test_cells import of, of_roles, owner

SIZE = 4
NEAR = 2
"""So many nodes are in a rack."""
THIRD, FOURTH = f"{POOL}-n003", f"{POOL}-n004"


def racked(racks: int, *tenants: Tenant, count: int = 4, guarantees_racks: bool = True) -> State:
    """Steel is guaranteed so many racks of two nodes of four cards."""
    steel = a_tenant("steel", nominal_nodes=((POOL, racks * NEAR),))
    pool = replace(a_pool(POOL, count, SIZE, NEAR), guarantees_racks=guarantees_racks)
    return a_state(steel, *tenants, park=a_park(pool))


def in_one_rack(nodes: int = NEAR, job_id: str = "new") -> Job:
    return replace(wants(job_id, nodes * SIZE), topology=Topology.RACK)


def a_node_of_each_rack(state: State) -> None:
    """Fish is within its quota on the first rack, and so is ship, by cards, on the second."""
    run(state, of(high("f", SIZE), "fish"), SIZE, at_ms=1)
    run(state, of(high("s", SIZE), "ship"), 0, 0, SIZE, at_ms=2)


def test_a_gang_of_one_rack_finds_one_though_others_own_a_node_of_each() -> None:
    state = racked(1, owner("fish", SIZE), owner("ship", SIZE))
    a_node_of_each_rack(state)
    submit(state, in_one_rack())

    result = plan(state, NOW_MS)

    assert result.evictions == (Eviction("s.1", "new", (THIRD, FOURTH)),)
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()


def test_where_nodes_are_guaranteed_it_would_wait_for_one_of_them() -> None:
    """So many nodes are open as they own: neither borrows."""
    state = racked(1, owner("fish", SIZE), owner("ship", SIZE), guarantees_racks=False)
    a_node_of_each_rack(state)
    submit(state, in_one_rack())

    assert plan(state, NOW_MS).evictions == ()


def test_a_gang_that_need_not_be_in_one_rack_finds_its_guarantee_in_one() -> None:
    state = racked(1, owner("fish", SIZE), owner("ship", SIZE))
    a_node_of_each_rack(state)
    for number, cards in ((1, (0, SIZE)), (3, (0, 0, 0, SIZE))):
        run(state, of(high(f"b{number}", SIZE), "fish"), *cards, at_ms=3)
    submit(state, wants("new", NEAR * SIZE))

    assert sorted(stopped(plan(state, NOW_MS))) == ["b3.1", "s.1"]


def test_over_more_racks_than_one_it_takes_by_its_class_alone() -> None:
    """Steel's own three nodes would be of two racks, and each of the two is in use by owners."""
    state = racked(1, owner("fish", SIZE), a_tenant("ship"), count=6)
    run(state, of(normal("s", SIZE), "ship"), SIZE, at_ms=2)
    for number in range(1, 6):
        run(state, of(normal(f"b{number}", SIZE), "ship"), *[0] * number, SIZE, at_ms=3)
    submit(state, wants("new", 3 * SIZE))

    assert plan(state, NOW_MS).evictions == ()


def test_over_more_racks_than_one_it_takes_what_is_of_a_lower_class() -> None:
    state = racked(1, a_tenant("ship"))
    for number in range(4):
        job = (low if number else high)(f"b{number}", SIZE)
        run(state, of(job, "ship"), *[0] * number, SIZE, at_ms=3)
    submit(state, wants("new", 3 * SIZE))

    assert sorted(stopped(plan(state, NOW_MS))) == ["b1.1", "b2.1", "b3.1"]


def test_an_owner_in_a_rack_that_is_open_may_use_all_of_it() -> None:
    state = racked(1, owner("fish", 2 * SIZE), a_tenant("ship"))
    run(state, of(normal("f", SIZE), "fish"), SIZE, at_ms=1)
    run(state, of(normal("b", SIZE), "ship"), 0, SIZE, at_ms=2)
    run(state, of(normal("other", SIZE), "ship"), 0, 0, SIZE, at_ms=3)
    run(state, normal("mine", SIZE), 0, 0, 0, SIZE, at_ms=4)
    submit(state, of(wants("new", SIZE), "fish"))

    result = plan(state, NOW_MS)

    assert result.evictions == (Eviction("b.1", "new", (SECOND,)),), "the second rack is steel's"
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()
    wrong = Plan(grants=(), verdicts={}, evictions=(Eviction("other.1", "new", (THIRD,)),))
    _, flaws = verified(state, wrong, NOW_MS, DEFAULT)
    assert flaws == ("attempt other.1 for job new: it does not stand below that job",)


def test_who_is_in_the_way_where_it_is_takes_nothing_of_its_quota_from_others() -> None:
    """Fish's gang of a node is too much beside its four small jobs; once these stop, it is not.

    It would be in a second open rack, so it borrows; what fish has on the first stays its own.
    """
    state = racked(2, owner("fish", SIZE), owner("ship", SIZE + 1), count=7)
    run(state, of(high("a", 3), "ship"), 3, at_ms=0)
    run(state, of(high("f1", 1), "fish"), 1, at_ms=1)
    run(state, of(normal("f2", 1), "fish"), 0, 0, 1, at_ms=0)
    run(state, of(high("f3", 1), "fish"), 0, 0, 1, at_ms=0)
    run(state, of(normal("f4", 1), "fish"), 0, 0, 0, 1, at_ms=1)
    run(state, of(high("f5", 1), "fish"), 0, 0, 0, 1, at_ms=2)
    run(state, of(high("f6", SIZE), "fish"), 0, 0, 0, 0, SIZE, at_ms=0)
    submit(state, in_one_rack())

    result = plan(state, NOW_MS)

    assert sorted(stopped(result)) == ["f2.1", "f3.1", "f4.1", "f5.1"]
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()


def test_a_last_rack_that_is_smaller_is_nobodys_guarantee_and_in_nobodys_way() -> None:
    """Fish is in the last, so ship is in the one that is open, and not stopped."""
    state = racked(1, owner("fish", SIZE), owner("ship", SIZE), a_tenant("coal"), count=5)
    run(state, of(normal("f", SIZE), "fish"), *[0] * 4, SIZE, at_ms=1)
    run(state, of(normal("s", SIZE), "ship"), SIZE, at_ms=2)
    run(state, of(high("b", SIZE), "coal"), 0, 0, SIZE, at_ms=3)
    submit(state, in_one_rack())

    assert stopped(plan(state, NOW_MS)) == ["b.1"]


def test_parts_of_racks_and_more_than_there_are_are_not_promised() -> None:
    state = racked(1, a_tenant("fish", nominal_nodes=((POOL, 3),)), count=5)
    assert state.park is not None

    problems = [*promise_problems(state.tree, state.park)]

    assert problems == [
        f"tenant fish: nominal_nodes of {POOL} are 3, and it guarantees whole racks of 2 nodes",
        f"nominal_nodes of {POOL} are 5 over all tenants, and it has 4 in whole racks",
    ]


# Whose end makes room in several racks.


def spanned(nodes_per_rack: int) -> State:
    """Of two racks steel is guaranteed one, and fish the other; fish is on its last node."""
    pool = replace(a_pool(POOL, 2 * nodes_per_rack, SIZE, nodes_per_rack), guarantees_racks=True)
    own = (a_tenant(one, nominal_nodes=((POOL, nodes_per_rack),)) for one in ("steel", "fish"))
    state = a_state(*own, a_tenant("ship"), park=a_park(pool))
    last = [0] * (2 * nodes_per_rack - 1)
    run(state, of(normal("f", SIZE), "fish"), *last, SIZE, at_ms=1)
    return state


def workers(count: int) -> Job:
    """So many members, of which no two are on one node."""
    roles = (Role(name="w", count=count, card_count=3),)
    job = wants("new", 3 * count)
    return replace(job, roles=roles, member_count=count, node_count=None)


@pytest.mark.parametrize("job", [wants("new", 2 * SIZE), workers(2)], ids=["nodes", "roles"])
@pytest.mark.parametrize("topology", Topology)
def test_it_is_in_the_rack_that_is_its_own_though_the_gang_leaves_the_other_fuller(
    job: Job, topology: Topology
) -> None:
    """In that one, of which fish has a third, it would borrow, and stop nobody."""
    state = spanned(3)
    run(state, of(high("g", 4 * SIZE), "ship"), SIZE, SIZE, 0, SIZE, SIZE, at_ms=2)
    submit(state, replace(job, topology=topology))

    result = plan(state, NOW_MS)

    assert stopped(result) == ["g.1"]
    assert {*result.evictions[0].node_ids} < {NODE, SECOND, THIRD}
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()


@pytest.mark.parametrize("job", [wants("new", 3 * SIZE), workers(3)], ids=["nodes", "roles"])
def test_whom_its_rack_needs_is_stopped_though_the_others_make_room_elsewhere(job: Job) -> None:
    """The gang leaves three nodes of the other rack, but of its own two: the third is needed."""
    state = spanned(4)
    run(state, of(high("g", 5 * SIZE), "ship"), SIZE, SIZE, 0, 0, SIZE, SIZE, SIZE, at_ms=2)
    for number in (2, 3):
        run(state, of(high(f"h{number}", SIZE), "ship"), *[0] * number, SIZE, at_ms=2)
    submit(state, job)

    result = plan(state, NOW_MS)

    assert sorted(stopped(result)) == ["g.1", "h2.1"]
    assert {*result.evictions[0].node_ids} == {NODE, SECOND, THIRD}
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()


def test_a_part_of_a_node_is_of_one_that_is_cleared_in_its_own_rack() -> None:
    state = spanned(2)
    run(state, of(high("g", 3 * SIZE), "ship"), SIZE, SIZE, SIZE, at_ms=2)
    submit(state, wants("new", 2))

    result = plan(state, NOW_MS)

    assert result.evictions == (Eviction("g.1", "new", (NODE,)),)
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()


# Always.


KINDS = st.sampled_from([normal, high])
OTHERS = st.sampled_from(["fish", "ship"])


@st.composite
def crowded(draw: st.DrawFn) -> State:
    """Work of all tenants, on nodes as it happened; what is promised can be kept."""
    racks = draw(st.integers(1, 3))
    count = racks * NEAR + draw(st.integers(0, 1))
    own = draw(st.integers(1, racks))
    left = count * SIZE - own * NEAR * SIZE
    fish = draw(st.integers(0, left))
    ship = draw(st.integers(0, left - fish))
    owns = (("fish", fish), ("ship", ship))
    tenants = [owner(one, cards) if cards else a_tenant(one) for one, cards in owns]
    state = racked(own, *tenants, count=count)
    free = [SIZE] * count
    some = st.sets(st.integers(0, count - 1), min_size=2, max_size=4)
    for number, nodes in enumerate(draw(st.lists(some, max_size=2))):
        if all(free[node] for node in nodes):
            cards = [SIZE if node in nodes else 0 for node in range(count)]
            job = draw(KINDS)(f"m{number}", sum(cards))
            run(state, of(job, draw(OTHERS)), *cards, at_ms=draw(st.integers(0, 5)))
            free = [left - taken for left, taken in zip(free, cards, strict=True)]
    number = 0
    for node in range(count):
        while free[node] and draw(st.integers(0, 3)):
            taken = draw(st.integers(1, free[node]))
            job = draw(KINDS)(f"r{number:02}", taken)
            run(state, of(job, draw(OTHERS)), *[0] * node, taken, at_ms=draw(st.integers(0, 5)))
            number, free[node] = number + 1, free[node] - taken
    return state


@settings(max_examples=40)
@given(crowded(), st.sampled_from(Topology), st.sampled_from([DEFAULT, TURNS]))
def test_a_gang_of_a_guaranteed_rack_is_always_served(
    state: State, topology: Topology, policy: Policy
) -> None:
    """At once, as all that runs has run for long enough."""
    submit(state, replace(in_one_rack(), topology=topology))

    result = plan(state, NOW_MS, policy)

    if not result.grants:
        (reason,) = result.verdicts["new"].reasons
        assert reason.code is ReasonCode.MAKING_ROOM
        racks = {(int(n[-3:]) - 1) // NEAR for one in result.evictions for n in one.node_ids}
        assert len(racks) == 1 or topology is Topology.POOL
    assert verified(state, result, NOW_MS, policy)[1] == ()


@settings(max_examples=20)
@given(crowded(), st.lists(st.integers(1, SIZE), max_size=4), st.sampled_from([DEFAULT, TURNS]))
def test_beside_guaranteed_racks_nobody_is_stopped_in_circles(
    state: State, sizes: list[int], policy: Policy
) -> None:
    for number, cards in enumerate(sizes):
        tenant_id = ("fish", "ship", "steel")[number % 3]
        submit(state, of(wants(f"w{number}", cards), tenant_id))
        submit(state, of(in_one_rack(job_id=f"r{number}x"), tenant_id))
        submit(state, of_roles(f"g{number}", tenant_id, cards))
    comes_to_rest(state, policy)
