"""Guarantees of whole nodes: who may be within quotas on which nodes; worked out by hand."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.facts.state import State
from scheduler.model.job import Job, Priority, ReasonCode, Role
from scheduler.model.plan import Eviction, Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.model.promises import promise_problems
from scheduler.model.tenancy import Tenant
from scheduler.planning.growth import GROW_AFTER_MS
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import a_park, a_pool, a_state, a_tenant, submit
from tests.entitled import a_cohort
from tests.preemptive import (
    MIN_RUN_MS,
    NODE,
    NOW_MS,
    POOL,
    SECOND,
    TURNS,
    gone,
    high,
    low,
    normal,
    run,
    stop,
    stopped,
    wants,
)
from tests.rest import comes_to_rest
from tests.unit.scheduler.test_preemption_invariants import lease_all

SIZE = 4


def of(job: Job, tenant_id: str) -> Job:
    return replace(job, tenant_id=tenant_id)


def guaranteed(nodes: int, *tenants: Tenant, count: int = 3) -> State:
    """Of so many nodes of four cards steel is guaranteed some."""
    steel = a_tenant("steel", nominal_nodes=((POOL, nodes),) if nodes else ())
    return a_state(steel, *tenants, park=a_park(a_pool(POOL, count, SIZE)))


def owner(tenant_id: str, cards: int) -> Tenant:
    return a_tenant(tenant_id, nominal_cards=(("npu", cards),))


def gang(nodes: int, job_id: str = "new") -> Job:
    return wants(job_id, nodes * SIZE)


def test_who_is_within_its_own_quota_on_too_many_nodes_gives_way_to_a_guaranteed_gang() -> None:
    """Fish and ship own two cards each: on one node they would not be in the way."""
    state = guaranteed(2, owner("fish", 2), owner("ship", 2))
    run(state, of(high("f", 2), "fish"), 2, at_ms=1)
    run(state, of(high("s", 2), "ship"), 0, 2, at_ms=2)
    submit(state, gang(2))

    assert stopped(plan(state, NOW_MS)) == ["s.1"], "the third node is free"


@pytest.mark.parametrize("priority", list(Priority))
def test_a_job_of_less_than_a_node_is_where_it_may_take_what_is_borrowed(
    priority: Priority,
) -> None:
    """Beside fish on the second node it would borrow: the gang there is stopped for the first."""
    fish = a_tenant("fish", nominal_nodes=((POOL, 1),))
    state = guaranteed(1, fish, a_tenant("ship"), count=2)
    run(state, of(normal("f", 1), "fish"), 0, 1)
    run(state, of(normal("s", 7), "ship"), 4, 3)
    submit(state, wants("new", 2, priority))

    result = plan(state, NOW_MS)

    assert result.evictions == (Eviction("s.1", "new", (NODE,)),)
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()


def test_who_is_beside_a_borrower_is_within_no_more_than_that_is() -> None:
    """One node is open, and fish's first job is on it."""
    state = guaranteed(3, owner("fish", 2), owner("ship", 1), count=4)
    run(state, of(normal("one", 1), "fish"), 1, at_ms=1)
    run(state, of(normal("two", 1), "fish"), 0, 1, at_ms=2)
    run(state, of(normal("s", 1), "ship"), 0, 1, at_ms=3)
    submit(state, gang(3))

    assert sorted(stopped(plan(state, NOW_MS))) == ["s.1", "two.1"]


def test_on_the_nodes_that_are_open_nobody_gives_way() -> None:
    state = guaranteed(2, owner("fish", 2), owner("ship", 2), count=4)
    run(state, of(high("f", 2), "fish"), 2, at_ms=1)
    run(state, of(high("s", 2), "ship"), 0, 2, at_ms=2)
    run(state, of(high("b", 8), "ship"), 0, 0, 4, 4, at_ms=3)
    submit(state, gang(2))

    assert stopped(plan(state, NOW_MS)) == ["b.1"]


def test_who_borrows_parts_of_guaranteed_nodes_is_evicted() -> None:
    state = guaranteed(3, a_tenant("fish"))
    for number in range(3):
        run(state, of(high(f"f{number}", 1), "fish"), *[0] * number, 1, at_ms=number)
    submit(state, gang(3))

    assert stopped(plan(state, NOW_MS)) == ["f2.1", "f1.1", "f0.1"]


def test_small_work_of_a_tenant_is_on_what_it_is_guaranteed() -> None:
    """On two nodes of its own, so that only one is open, on which fish is."""
    state = guaranteed(2, owner("fish", 2))
    run(state, normal("a", 1), 1, at_ms=1)
    run(state, normal("b", 1), 0, 1, at_ms=2)
    run(state, of(normal("f", 2), "fish"), 0, 0, 2, at_ms=3)
    submit(state, of(wants("theirs", 2, Priority.HIGH), "fish"))

    assert plan(state, NOW_MS).evictions == ()
    state.tree.declare_tenant(owner("fish", 4))
    submit(state, of(wants("full", 4), "fish"))
    assert plan(state, NOW_MS).evictions == (), "nothing of steel's is borrowed"


def test_beside_a_guarantee_an_owner_takes_only_where_it_keeps_it() -> None:
    """One node is open, and fish is on it: ship takes there, and not where steel's would be."""
    state = guaranteed(1, owner("fish", 2), owner("ship", 2), a_tenant("coal"), count=2)
    run(state, of(normal("f", 2), "fish"), 2, at_ms=1)
    run(state, of(normal("first", 2), "coal"), 2, at_ms=2)
    run(state, of(normal("second", 4), "coal"), 0, 4, at_ms=3)
    submit(state, of(wants("s", 2), "ship"))

    assert plan(state, NOW_MS).evictions == (Eviction("first.1", "s", (NODE,)),)


def test_a_plan_that_stops_work_where_a_guarantee_would_be_broken_is_not_carried_out() -> None:
    state = guaranteed(1, owner("fish", 2), owner("ship", 2), a_tenant("coal"), count=2)
    run(state, of(normal("f", 2), "fish"), 2, at_ms=1)
    run(state, of(normal("second", 4), "coal"), 0, 4, at_ms=3)
    submit(state, of(wants("s", 2), "ship"))
    wrong = Plan(grants=(), verdicts={}, evictions=(Eviction("second.1", "s", (SECOND,)),))

    _, flaws = verified(state, wrong, NOW_MS, DEFAULT)

    assert flaws == ("attempt second.1 for job s: it does not stand below that job",)


def test_what_one_job_is_given_in_a_plan_counts_for_the_next() -> None:
    """Each of the two would be within on an open node, of which there is one."""
    state = guaranteed(1, owner("fish", 3), owner("ship", 3), a_tenant("coal"), count=2)
    run(state, of(normal("first", 4), "coal"), 4, at_ms=1)
    run(state, of(normal("second", 4), "coal"), 0, 4, at_ms=2)
    submit(state, of(wants("f", 3), "fish"), of(wants("s", 3), "ship"))

    assert len(plan(state, NOW_MS).evictions) == 1


def test_what_grew_onto_guaranteed_nodes_borrows_and_goes_on_small_beside_them() -> None:
    """Fish owns the one node that is open; all three are its while nobody wants the others."""
    state = guaranteed(2, owner("fish", SIZE))
    elastic = replace(of(normal("f", 2 * SIZE), "fish"), min_device_count=SIZE)
    run(state, elastic, SIZE)
    assert [(one.attempt_id, one.job_id) for one in plan(state, GROW_AFTER_MS).evictions] == [
        ("f.1", "f")
    ]
    gone(state, "f.1", GROW_AFTER_MS)
    lease_all(state, plan(state, GROW_AFTER_MS), GROW_AFTER_MS)
    now_ms = GROW_AFTER_MS + MIN_RUN_MS
    submit(state, replace(gang(2), submitted_at_ms=GROW_AFTER_MS))

    (growth,) = plan(state, now_ms).evictions
    assert (growth.attempt_id, growth.job_id) == ("f.2", "new")
    stop(state, growth, at_ms=now_ms)
    gone(state, "f.2", now_ms + 1)
    result = plan(state, now_ms + 1)

    assert [one.placement.card_count for one in result.grants] == [2 * SIZE, SIZE]
    lease_all(state, result, now_ms + 1)
    assert plan(state, now_ms + 10 * GROW_AFTER_MS).evictions == (), "it comes to rest"


def of_roles(job_id: str, tenant_id: str, cards: int) -> Job:
    """Two members with so many cards each, which may be beside what others run."""
    roles = (Role(name="w", count=2, card_count=cards),)
    job = of(wants(job_id, 2 * cards, Priority.LOW), tenant_id)
    return replace(job, roles=roles, member_count=2, node_count=None)


def two_beside_steel() -> State:
    """Steel has two of four nodes, and is a little on two more; ship borrows what they leave."""
    fish = a_tenant("fish", nominal_nodes=((POOL, 2),))
    state = guaranteed(2, fish, a_tenant("ship"), count=4)
    run(state, high("s1", 1), 1, at_ms=1)
    run(state, high("s2", 1), 0, 1, at_ms=2)
    run(state, normal("s3", 3), 0, 0, 3, at_ms=3)
    run(state, normal("s4", 3), 0, 0, 0, 3, at_ms=4)
    run(state, of(normal("b1", 3), "ship"), 3, at_ms=10)
    run(state, of(normal("b2", 3), "ship"), 0, 3, at_ms=11)
    return state


def test_bundles_are_within_only_beside_what_leaves_their_nodes_to_them() -> None:
    """Beside steel's best they would borrow; what steel has beyond its nodes is borrowed."""
    state = two_beside_steel()
    submit(state, of_roles("new", "fish", 3))

    result = plan(state, NOW_MS)

    assert sorted(stopped(result)) == ["s3.1", "s4.1"]
    assert verified(state, result, NOW_MS, DEFAULT)[1] == ()


def test_bundles_that_would_borrow_beside_others_stop_nobody_for_it() -> None:
    state = two_beside_steel()
    submit(state, of_roles("new", "fish", 3))
    both = (NODE, SECOND)
    evictions = tuple(Eviction(one, "new", both) for one in ("b1.1", "b2.1"))

    _, flaws = verified(state, Plan(grants=(), verdicts={}, evictions=evictions), NOW_MS, DEFAULT)

    assert len(flaws) == 2, "neither stands below that job"


def test_bundles_on_more_nodes_than_are_left_to_them_stop_nobody() -> None:
    """Either node could be fish's own, but not both."""
    fish = a_tenant("fish", nominal_nodes=((POOL, 1),), nominal_cards=(("npu", 2),))
    state = guaranteed(2, fish, a_tenant("ship"))
    for number in range(3):
        run(state, of(high(f"b{number}", 4), "ship"), *[0] * number, 4, at_ms=number)
    submit(state, of_roles("new", "fish", 3))

    assert stopped(plan(state, NOW_MS)) == []


@pytest.mark.parametrize(("theirs", "stops"), [(normal, []), (low, ["b1.1", "b2.1"])])
def test_bundles_that_would_borrow_there_stop_what_a_class_may_stop(
    theirs: Callable[[str, int], Job], stops: list[str]
) -> None:
    """Fish's own two members would take back what ship borrows, but not on two nodes."""
    fish = a_tenant("fish", nominal_nodes=((POOL, 1),), nominal_cards=(("npu", 2),))
    state = guaranteed(2, fish, a_tenant("ship"))
    for number in range(3):
        run(state, of(theirs(f"b{number}", 4), "ship"), *[0] * number, 4, at_ms=number)
    submit(state, replace(of_roles("new", "fish", 3), priority=Priority.HIGH))

    assert sorted(stopped(plan(state, NOW_MS))) == stops


def test_more_nodes_than_a_pool_has_are_not_promised() -> None:
    state = guaranteed(2, a_tenant("fish", nominal_nodes=((POOL, 2), ("gone", 1))))
    assert state.park is not None

    problems = [*promise_problems(state.tree, state.park)]

    assert problems == [
        "tenant fish: nominal_nodes names gone; the park has east-npu",
        f"nominal_nodes of {POOL} are 4 over all tenants, and it has 3",
        "nominal_cards of npu are 16 over all tenants, and the park has 12",
        "nominal_tflops are 5008 over all tenants, and the park has 3756",
    ]


def test_where_more_is_guaranteed_than_is_left_of_a_pool_each_still_takes_its_own() -> None:
    """A park file may have fewer nodes than before; tenants that it does not name stay."""
    state = guaranteed(2, a_tenant("fish", nominal_nodes=((POOL, 1),)), a_tenant("coal"), count=2)
    run(state, of(high("first", 4), "coal"), 4, at_ms=1)
    run(state, of(high("second", 4), "coal"), 0, 4, at_ms=2)
    submit(state, of(gang(1), "fish"))

    assert stopped(plan(state, NOW_MS)) == ["second.1"]


# Always.


def into_a_cohort(state: State, cards: int) -> None:
    """Ship may use up by borrowing what is steel's in it."""
    a_cohort(state, "coast", nominal_cards=(("npu", cards),))
    for tenant_id in ("steel", "ship"):
        state.tree.declare_tenant(replace(state.tenants[tenant_id], cohort_id="coast"))


@st.composite
def crowded(draw: st.DrawFn) -> State:
    """Work of all tenants, on nodes as it happened; what is promised can be kept."""
    count = draw(st.integers(2, 5))
    nodes = draw(st.integers(1, count))
    left = (count - nodes) * SIZE
    fish = draw(st.integers(0, left))
    ship = draw(st.integers(0, left - fish))
    owners = [owner(one, own) for one, own in (("fish", fish), ("ship", ship)) if own]
    others = [a_tenant(one) for one, own in (("fish", fish), ("ship", ship)) if not own]
    state = guaranteed(nodes, *owners, *others, count=count)
    if draw(st.booleans()):
        into_a_cohort(state, nodes * SIZE + ship + draw(st.integers(0, left - fish - ship)))
    number = 0
    for node in range(count):
        free = SIZE
        while free and draw(st.integers(0, 3)):
            cards = draw(st.integers(1, free))
            job = draw(st.sampled_from([normal, high]))(f"r{number:02}", cards)
            tenant_id = draw(st.sampled_from(["fish", "ship"]))
            run(state, of(job, tenant_id), *[0] * node, cards, at_ms=draw(st.integers(0, 5)))
            number, free = number + 1, free - cards
    return state


@settings(max_examples=50)
@given(crowded(), st.sampled_from([DEFAULT, TURNS]))
def test_a_gang_of_as_many_nodes_as_are_guaranteed_is_always_served(
    state: State, policy: Policy
) -> None:
    """At once, as all that runs has run for long enough."""
    ((_, nodes),) = state.tenants["steel"].nominal_nodes
    submit(state, gang(nodes))

    result = plan(state, NOW_MS, policy)

    if not result.grants:
        (reason,) = result.verdicts["new"].reasons
        assert reason.code is ReasonCode.MAKING_ROOM
    assert verified(state, result, NOW_MS, policy)[1] == ()


@settings(max_examples=25)
@given(crowded(), st.lists(st.integers(1, SIZE), max_size=5), st.sampled_from([DEFAULT, TURNS]))
def test_beside_guarantees_nobody_is_stopped_in_circles(
    state: State, sizes: list[int], policy: Policy
) -> None:
    for number, cards in enumerate(sizes):
        tenant_id = ("fish", "ship", "steel")[number % 3]
        submit(state, of(wants(f"w{number}", cards), tenant_id))
        elastic = replace(normal(f"e{number}", SIZE * cards), min_device_count=cards)
        submit(state, of(replace(elastic, submitted_at_ms=NOW_MS), tenant_id))
        submit(state, of_roles(f"g{number}", tenant_id, cards))
    comes_to_rest(state, policy, GROW_AFTER_MS + 10)
