"""The potential: it falls with each stop, so that stopping comes to an end."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, Priority
from scheduler.model.plan import Eviction, Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.model.tenancy import Tenant
from scheduler.planning.planner import plan
from scheduler.planning.potential import STANDINGS
from scheduler.planning.verifier import verified
from scheduler.sharing.standing import ALL, NOTHING, Merit, Standing
from tests.builders import a_lease, a_park, a_placement, a_pool, a_state, a_tenant, happen, submit
from tests.entitled import a_cohort, a_project
from tests.preemptive import (
    NODE,
    NOW_MS,
    POOL,
    SAVES,
    TURNS,
    a_pool_of,
    gone,
    high,
    low,
    normal,
    of_fish,
    owned_by,
    run,
    stop,
    stopped,
    wants,
)
from tests.rest import comes_to_rest, held
from tests.unit.scheduler.test_preemption_invariants import crowded

POLICIES = st.sampled_from([DEFAULT, TURNS])
MINUTE_MS = 60_000
BRANCHES = ("fish/", "fish/a", "ship/", "ship/b", "steel/", "steel/")


def test_it_says_how_much_of_the_park_does_not_run_with_each_standing() -> None:
    """Of 8 cards of 313 TFLOPS 4 are steel's, and its `a` runs on them; `b` of fish has 2."""
    state = owned_by(steel=4)
    run(state, low("a", 4), 4)
    run(state, of_fish(high("b", 2)), 2)

    vector, _ = held(state, NOW_MS, DEFAULT)

    found = {one: left for one, left in zip(STANDINGS, vector, strict=True) if left < 8 * 313}
    low_rank, high_rank = Priority.LOW.rank, Priority.HIGH.rank
    assert found == {
        Standing(ALL, Merit(low_rank, 0)): 4 * 313,
        Standing(NOTHING, Merit(high_rank, 0)): 6 * 313,
    }
    assert [*STANDINGS] == sorted(STANDINGS, reverse=True)


def one_node_up(*tenants: Tenant) -> State:
    """Of two nodes of 4 cards one is down: what is owned does not all find room."""
    state = a_state(*tenants, park=a_park(a_pool(POOL, 2, 4)))
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=(NODE,)))
    return state


def with_a_small_and_a_large_job_each() -> State:
    """Steel and fish own 3 cards each; `t` and `d`, of 4, borrow whatever else runs."""
    own = (("npu", 3),)
    state = one_node_up(a_tenant("steel", nominal_cards=own), a_tenant("fish", nominal_cards=own))
    run(state, high("t", 4), 4)
    submit(state, wants("x", 3, Priority.LOW), of_fish(wants("z", 3, Priority.LOW)))
    submit(state, of_fish(wants("d", 4, Priority.HIGH)))
    return state


def test_two_tenants_do_not_take_turns_for_ever_by_what_they_own_and_their_class() -> None:
    """`z` takes back from `t`; `d` of fish would then take from `z`, `x` from `d`, `t` from `x`."""
    state = with_a_small_and_a_large_job_each()

    assert stopped(plan(state, NOW_MS)) == ["t.1"]
    assert comes_to_rest(state, DEFAULT) == 1
    assert [*state.live] == ["z.1"]


def test_a_job_beyond_its_quota_takes_nothing_from_what_its_own_tenant_owns() -> None:
    """Within it, once the other is gone, it does."""
    for cards, expected in ((4, []), (3, ["x.1"])):
        state = one_node_up(a_tenant("steel", nominal_cards=(("npu", 3),)))
        run(state, low("x", 3), 3)
        submit(state, wants("t", cards, Priority.HIGH))

        assert stopped(plan(state, NOW_MS)) == expected


def test_what_it_leaves_within_is_no_reason_to_take_nothing_from_others() -> None:
    """`t` is too large for what steel owns: `x` stays within it, and `y` of fish is borrowed."""
    state = owned_by(steel=4, nodes=2)
    run(state, low("x", 4), 4)
    run(state, of_fish(low("y", 8)), 0, 8)
    submit(state, wants("t", 8, Priority.HIGH))

    assert stopped(plan(state, NOW_MS)) == ["y.1"]


def test_who_takes_back_by_a_small_form_is_in_that_form() -> None:
    """Larger it would borrow what it stopped another for, who could do the same to it."""
    state = owned_by(steel=4)
    run(state, normal("mine", 2), 2)
    run(state, of_fish(normal("theirs", 6)), 6)
    elastic = replace(wants("new", 4), min_device_count=2, checkpoint=SAVES)
    submit(state, elastic)
    (eviction,) = plan(state, NOW_MS).evictions
    stop(state, eviction)
    gone(state, eviction.attempt_id, NOW_MS + 1)

    (grant,) = plan(state, NOW_MS + 2).grants

    assert (grant.job_id, grant.placement.card_count) == ("new", 2)


def test_nor_does_it_stop_another_for_ever_where_it_may_be_on_other_kinds() -> None:
    """In no form is it within on all; on what it stopped another for it is in the smaller one."""
    state = a_state(
        a_tenant("steel", nominal_cards=(("npu", 4),)),
        a_tenant("fish", nominal_cards=(("npu", 1),)),
        park=a_park(a_pool(POOL, 2, 4), a_pool("east-gpu", 1, 2)),
    )
    online = (NODE, "east-gpu-n001")
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=online))
    submit(state, high("gpu", 2))
    lease = a_lease("gpu", a_placement("east-gpu", 2))
    happen(state, lease, ev.Started(at_ms=0, attempt_id=lease.attempt_id))
    run(state, low("mine", 4, SAVES), 4)
    elastic = replace(wants("new", 2, Priority.HIGH), min_device_count=1, checkpoint=SAVES)
    submit(state, of_fish(replace(elastic, device_kind_ids=("npu", "gpu"))))

    assert comes_to_rest(state, DEFAULT) == 1
    assert state.live["new.1"].placement.card_count == 1


def with_two_of_one_quota() -> State:
    """Steel owns 4 cards and runs on 2 of them; with `small` no room is left for `large`."""
    steel = a_tenant("steel", nominal_cards=(("npu", 4),))
    state = a_state(steel, a_tenant("fish"), park=a_park(a_pool(POOL, 2, 4)))
    run(state, low("mine", 2), 2)
    run(state, of_fish(low("beside", 2)), 2)
    run(state, of_fish(low("theirs", 2)), 0, 2, at_ms=5)
    run(state, of_fish(high("stays", 2)), 0, 2)
    submit(state, wants("small", 2))
    return state


def test_who_asks_comes_after_its_equals_for_whom_the_plan_makes_room() -> None:
    """As if it was within, it took from `mine`, which is, and then borrowed."""
    state = with_two_of_one_quota()
    submit(state, wants("then-large", 4))

    assert stopped(plan(state, NOW_MS)) == ["theirs.1"]


def test_and_after_those_for_whom_room_was_made_before() -> None:
    state = with_two_of_one_quota()
    (eviction,) = plan(state, NOW_MS).evictions
    stop(state, eviction)
    submit(state, wants("large", 4))

    assert stopped(plan(state, NOW_MS + 1)) == []


@pytest.mark.parametrize(("steel", "expected"), [(4, []), (0, ["u.1"])])
def test_a_class_counts_elsewhere_for_who_is_within_its_own_branches(
    steel: int, expected: list[str]
) -> None:
    """Steel could take back from `v`, `v` would take from `u`, and a better `u` from steel."""
    own = (("npu", 4),)
    state = one_node_up(
        a_tenant("steel", cohort_id="coast", nominal_cards=own if steel else ()),
        a_tenant("ship", cohort_id="coast"),
        a_tenant("fish", nominal_cards=own),
    )
    a_cohort(state, "coast", nominal_cards=own)
    run(state, of_fish(low("u", 4)), 4)
    submit(state, replace(wants("v", 4, Priority.HIGH), tenant_id="ship"))

    assert stopped(plan(state, NOW_MS)) == expected


def test_what_a_tenant_owns_beyond_its_cohort_is_taken_back_by_others() -> None:
    """Fish owns all in TFLOPS, of which its cohort owns 4 cards; steel owns the other 4."""
    state = a_state(
        a_tenant("fish", cohort_id="coast", nominal_tflops=8 * 313),
        a_tenant("steel", nominal_cards=(("npu", 4),)),
        park=a_park(a_pool(POOL, 1, 8), a_pool("east-gpu", 1, 8)),
    )
    a_cohort(state, "coast", nominal_cards=(("npu", 4),))
    run(state, of_fish(high("theirs", 8)), 8)
    submit(state, replace(wants("mine", 4, Priority.LOW), device_kind_ids=("npu",)))

    assert stopped(plan(state, NOW_MS)) == ["theirs.1"]


def test_a_stop_by_which_the_potential_does_not_fall_is_a_flaw() -> None:
    """One alone stands below: steel's own `x`, of a lower class than `t`."""
    state = one_node_up(a_tenant("steel", nominal_cards=(("npu", 3),)))
    run(state, low("x", 3), 3)
    submit(state, wants("t", 4, Priority.HIGH))
    bent = Plan(grants=(), verdicts={}, evictions=(Eviction("x.1", "t", (NODE,)),))

    found, flaws = verified(state, bent, NOW_MS, DEFAULT)

    assert found.evictions == ()
    assert flaws == ("x.1 for job t: the potential does not fall",)


# Always.


@st.composite
def scarce(draw: st.DrawFn) -> State:
    """More is owned than is up: not all who are within their quotas find room at a time."""
    count, cards = draw(st.integers(1, 3)), draw(st.sampled_from([2, 4]))
    up = draw(st.integers(1, count))
    state = a_state(
        a_tenant("fish", cohort_id="coast"),
        a_tenant("ship", cohort_id=draw(st.sampled_from([None, "coast"]))),
        a_tenant("steel"),
        park=a_park(a_pool(POOL, count, cards)),
    )
    a_cohort(state, "coast")
    a_project(state, "fish", "a")
    a_project(state, "ship", "b")
    _own(draw, state, count * cards)
    free = [cards] * up
    for number in range(draw(st.integers(0, 4))):
        job = draw(_a_job(f"r{number}", cards))
        node = next((n for n in range(up) if free[n] >= job.device_count), None)
        if node is not None:
            free[node] -= job.device_count
            run(state, job, *[0] * node, job.device_count, at_ms=draw(st.integers(0, 5)))
    if up < count:
        online = tuple(f"{POOL}-n{number:03}" for number in range(1, up + 1))
        happen(state, ev.NodesChanged(at_ms=6, centre_id="east", online_node_ids=online))
    for number in range(draw(st.integers(1, 6))):
        job = draw(_a_job(f"w{number}", cards))
        submit(state, replace(job, submitted_at_ms=wants().submitted_at_ms))
    return state


def _own(draw: st.DrawFn, state: State, left: int) -> None:
    """What the parts own their whole owns as well, or says nothing of it."""
    tree = state.tree
    steel = draw(st.integers(0, left))
    coast = draw(st.integers(0, left - steel))
    fish = draw(st.integers(0, coast))
    ship = draw(st.integers(0, coast - fish))
    owns: list[tuple[dict[str, Any], str, int]] = [
        (tree.cohorts, "coast", draw(st.sampled_from([0, coast]))),
        (tree.tenants, "fish", draw(st.sampled_from([0, fish]))),
        (tree.tenants, "ship", draw(st.sampled_from([0, ship]))),
        (tree.projects, "fish/a", draw(st.integers(0, fish))),
        (tree.projects, "ship/b", draw(st.integers(0, ship))),
        (tree.tenants, "steel", steel),
    ]
    for branches, name, cards in owns:
        nominal = (("npu", cards),) if cards else ()
        branches[name] = replace(branches[name], nominal_cards=nominal)
    tree.version += 1  # as if all had been declared


@st.composite
def _a_job(draw: st.DrawFn, job_id: str, cards: int) -> Job:
    tenant_id, _, project_id = draw(st.sampled_from(BRANCHES)).partition("/")
    return replace(
        normal(job_id, draw(st.integers(1, cards)), draw(st.sampled_from([None, SAVES, SAVES]))),
        tenant_id=tenant_id,
        project=project_id or "default",
        priority=draw(st.sampled_from(Priority)),
    )


@given(scarce(), POLICIES)
def test_stops_come_to_an_end_where_not_all_find_what_they_own(
    state: State, policy: Policy
) -> None:
    """The potential falls each time (see `rest`), so nothing that ran comes twice."""
    comes_to_rest(state, policy)


@given(crowded())
def test_where_nobody_owns_anything_the_potential_bounds_how_often_others_are_stopped(
    state: State,
) -> None:
    """From the best class down: who asks was there, or was stopped by one above, of few cards."""
    assert state.park is not None
    asking = Counter(record.job.priority.rank for record in state.queue.records())
    cards, most = state.park.pools[0].card_count, 0
    for rank in sorted((priority.rank for priority in Priority), reverse=True):
        most += asking[rank] + most * cards

    assert comes_to_rest(state, DEFAULT) <= most


@pytest.mark.parametrize(
    ("since_ms", "expected"),
    [(NOW_MS, {"elastic": 4, "other": 4}), (NOW_MS - 5 * MINUTE_MS, {"elastic": 8})],
)
def test_who_made_room_for_a_part_takes_nothing_that_is_freed_for_another(
    since_ms: int, expected: dict[str, int]
) -> None:
    """An elastic job has four cards of a node freed for it, another the other four, for a while."""
    state = a_pool_of()
    run(state, low("one", 4), 4)
    run(state, low("two", 4), 4)
    submit(state, replace(wants("elastic"), min_device_count=4, checkpoint=SAVES))
    submit(state, wants("other", 4))
    for attempt_id, job_id, at_ms in (("two.1", "other", since_ms), ("one.1", "elastic", NOW_MS)):
        stop(state, Eviction(attempt_id, job_id, (NODE,)), at_ms=at_ms)
        gone(state, attempt_id, at_ms + 1)

    grants = plan(state, NOW_MS + 2).grants

    assert {one.job_id: one.placement.card_count for one in grants} == expected


@pytest.mark.parametrize("other", ["other", "an-other"])
def test_who_made_room_for_all_of_it_starts_whole_beside_another(other: str) -> None:
    """What is freed for the other, served before or after it, stays its own."""
    state = a_pool_of()
    run(state, low("one", 4), 4)
    run(state, low("two", 4), 4)
    submit(state, replace(wants("elastic", 4), min_device_count=1, checkpoint=SAVES))
    submit(state, wants(other, 4))
    evictions = plan(state, NOW_MS).evictions
    assert {one.job_id for one in evictions} == {"elastic", other}
    for one in evictions:
        stop(state, one, at_ms=NOW_MS)
        gone(state, one.attempt_id, NOW_MS + 1)

    grants = plan(state, NOW_MS + 2).grants

    assert {one.job_id: one.placement.card_count for one in grants} == {"elastic": 4, other: 4}
