"""Nominal quotas: when owners take, whose turn it is, what is told, and what always holds."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Priority, ReasonCode
from scheduler.model.levels import STARVING_MS
from scheduler.model.plan import Answers
from scheduler.model.policy import DEFAULT, Policy
from scheduler.model.tenancy import Project
from scheduler.planning.planner import plan
from tests.builders import (
    a_lease,
    a_park,
    a_pool,
    a_state,
    a_tenant,
    divide,
    happen,
    submit,
)
from tests.preemptive import (
    LIMIT_MS,
    MIN_RUN_MS,
    NOW_MS,
    PATIENCE_MS,
    POOL,
    SAVES,
    TURNS,
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

# When.


@pytest.mark.parametrize(
    ("began_ms", "at_ms", "count"),
    [
        (0, NOW_MS, 1),
        (0, NOW_MS - 1, 0),
        (NOW_MS - MIN_RUN_MS, NOW_MS, 1),
        (NOW_MS - MIN_RUN_MS + 1, NOW_MS, 0),
    ],
)
def test_owners_have_patience_and_let_others_begin(began_ms: int, at_ms: int, count: int) -> None:
    state = owned_by(steel=8)
    run(state, of_fish(normal("old")), 8, at_ms=began_ms)
    submit(state, wants())

    assert len(plan(state, at_ms).evictions) == count


# Whose turn.


def test_who_is_within_its_quota_comes_before_a_higher_class_that_is_not() -> None:
    state = owned_by(steel=8)
    submit(state, of_fish(wants("theirs", priority=Priority.HIGH)))
    submit(state, wants("mine", priority=Priority.LOW))

    assert [grant.job_id for grant in plan(state, NOW_MS).grants] == ["mine"]


def test_what_was_granted_in_the_plan_counts() -> None:
    """One of the two is within the quota, not both."""
    state = owned_by(steel=8, nodes=2)
    run(state, of_fish(normal("one")), 8, at_ms=1)
    run(state, of_fish(normal("two")), 0, 8, at_ms=2)
    submit(state, wants("a"), wants("b"))

    assert [eviction.job_id for eviction in plan(state, NOW_MS).evictions] == ["a"]


def test_a_second_job_comes_after_others_once_the_first_has_used_the_quota() -> None:
    state = owned_by(steel=8, nodes=2)
    submit(state, wants("a"), wants("b"), of_fish(wants("c")))

    assert [grant.job_id for grant in plan(state, NOW_MS).grants] == ["a", "c"]


@pytest.mark.parametrize("answers", Answers)
def test_owners_behind_one_that_is_none_any_more_are_found(answers: Answers) -> None:
    """`had` fills the quota from another lane, but for one card."""
    state = owned_by(steel=4)
    submit(state, replace(wants("had", 3), submitted_at_ms=0))
    state.queue.discard("had")
    state.jobs["had"].served_card_ms = LIMIT_MS
    state.queue.add(state.jobs["had"])
    submit(state, replace(wants("big", 4), submitted_at_ms=1), wants("small", 1))
    submit(state, of_fish(wants("theirs", 5, Priority.HIGH)))

    granted = [grant.job_id for grant in plan(state, NOW_MS, answers=answers).grants]

    assert granted[:2] == ["had", "small"]


def test_who_starves_comes_first_among_owners() -> None:
    state = owned_by(steel=8)
    submit(state, wants("new", 8))
    submit(state, replace(wants("old", 8), submitted_at_ms=-3 * STARVING_MS, limit_ms=2 * LIMIT_MS))
    state.queue.discard("old")
    state.jobs["old"].reckoned_ms = 2 * LIMIT_MS  # so that it is due after `new`
    state.queue.add(state.jobs["old"])

    assert [grant.job_id for grant in plan(state, NOW_MS, TURNS).grants] == ["old"]


@pytest.mark.parametrize("answers", Answers)
def test_an_owner_behind_a_larger_job_of_its_tenant_is_found(answers: Answers) -> None:
    state = owned_by(steel=4, nodes=1)
    run(state, of_fish(normal("one", 4)), 4, at_ms=1)
    run(state, of_fish(normal("two", 4)), 4, at_ms=2)
    submit(state, wants("big", 8), replace(wants("small", 4), submitted_at_ms=NOW_MS - PATIENCE_MS))

    assert stopped(plan(state, NOW_MS, answers=answers)) == ["two.1"]


@pytest.mark.parametrize("answers", Answers)
def test_a_higher_class_behind_an_owner_takes_from_its_own_tenant(answers: Answers) -> None:
    """Of what runs nothing is borrowed but one card, which is held by what has only begun."""
    state = owned_by(steel=8)
    own = Project(tenant_id="steel", id="default", name="all", nominal_cards=(("npu", 8),))
    happen(state, ev.ProjectDeclared(at_ms=0, project=own))
    run(state, low("old", 7), 7)
    run(state, of_fish(normal("begun", 1)), 1, at_ms=NOW_MS)
    submit(state, wants("small", 1, Priority.LOW), wants("large", 7, Priority.HIGH))

    assert stopped(plan(state, NOW_MS, answers=answers)) == ["old.1"]


# Afterwards.


def test_who_was_stopped_does_not_take_it_back() -> None:
    state = owned_by(steel=8)
    run(state, of_fish(high("old")), 8)
    submit(state, wants())
    (eviction,) = plan(state, NOW_MS).evictions
    stop(state, eviction)
    gone(state, "old.1", NOW_MS + 1)
    (grant,) = plan(state, NOW_MS + 1).grants
    assert grant.job_id == "new"
    happen(state, a_lease("new", grant.placement, at_ms=NOW_MS + 1))
    happen(state, ev.Started(at_ms=NOW_MS + 1, attempt_id="new.1"))

    later = plan(state, NOW_MS + 5 * MIN_RUN_MS)

    assert later.evictions == ()
    assert "old" in later.verdicts


def test_a_quota_that_is_changed_holds_at_once() -> None:
    state = owned_by()
    run(state, of_fish(normal("old")), 8)
    submit(state, wants())
    assert plan(state, NOW_MS).evictions == ()

    tenant = a_tenant("steel", nominal_cards=(("npu", 8),))
    happen(state, ev.TenantDeclared(at_ms=NOW_MS, tenant=tenant))

    assert stopped(plan(state, NOW_MS)) == ["old.1"]


# What is told.


def test_a_quote_says_whether_owners_may_take_the_cards_back() -> None:
    state = owned_by(fish=8)
    (mine,) = what_if(state, NOW_MS, wants())
    (theirs,) = what_if(state, NOW_MS, of_fish(wants()))
    assert (mine.is_borrowing, theirs.is_borrowing) == (True, False)

    (both,) = what_if(owned_by(steel=8, fish=8, nodes=2), NOW_MS, wants())
    assert not both.is_borrowing
    (alone,) = what_if(owned_by(steel=4), NOW_MS, wants())
    assert not alone.is_borrowing, "beyond its own quota, and nobody else has one"


def test_beyond_what_is_its_own_tenants_nobody_else_takes_it_back() -> None:
    """Its project owns nothing, and no other project does."""
    state = owned_by(steel=8)
    divide(state, "steel", default=None)

    (prospect,) = what_if(state, NOW_MS, wants())

    assert not prospect.is_borrowing


def test_a_quote_says_that_an_owner_would_stop_others() -> None:
    state = owned_by(steel=8)
    run(state, of_fish(high("old")), 8)

    (prospect,) = what_if(state, NOW_MS, wants())

    assert (len(prospect.stopped), prospect.is_borrowing) == (1, False)


# Always.


@st.composite
def lent(draw: st.DrawFn) -> State:
    """Nodes of one card each; two tenants own some of them, three use them, and all is `normal`."""
    count = draw(st.integers(2, 12))
    steel = draw(st.integers(1, count))
    fish = draw(st.integers(0, count - steel))
    nominal = {"steel": steel, "fish": fish, "coal": 0}
    tenants = (
        a_tenant(tenant_id, nominal_cards=(("npu", cards),) if cards else ())
        for tenant_id, cards in nominal.items()
    )
    state = a_state(*tenants, park=a_park(a_pool(POOL, count, 1)))
    first = 0
    while first < count:
        cards = draw(st.integers(1, count - first))
        job = normal(f"r{first:02}", cards, draw(st.sampled_from([None, SAVES])))
        job = replace(job, tenant_id=draw(st.sampled_from(sorted(nominal))))
        if draw(st.integers(0, 4)):
            run(state, job, *[0] * first, *[1] * cards, at_ms=draw(st.integers(0, 5)))
        first += cards
    for number in range(draw(st.integers(1, 6))):
        job = wants(f"w{number}", draw(st.integers(1, count)))
        submit(state, replace(job, tenant_id=draw(st.sampled_from(sorted(nominal)))))
    return state


@given(lent())
def test_who_stays_within_its_quota_is_served_at_once_where_cells_are_feasible(
    state: State,
) -> None:
    """The bound is the patience of who asks and the least run of who is stopped: both are over."""
    result = plan(state, NOW_MS)

    making_room = {
        job_id
        for job_id, verdict in result.verdicts.items()
        if verdict.reasons[0].code is ReasonCode.MAKING_ROOM
    }
    served = making_room | {grant.job_id for grant in result.grants}
    for tenant in state.tenants.values():
        nominal = dict(tenant.nominal_cards).get("npu", 0)
        waiting = [r.job for r in state.queue.records() if r.job.tenant_id == tenant.id]
        needed = sum(job.device_count for job in waiting)
        if state.held_cards[tenant.id] + needed <= nominal:
            assert {job.id for job in waiting} <= served


@given(lent(), st.sampled_from([DEFAULT, TURNS]))
def test_only_what_is_borrowed_is_taken_and_only_by_owners(state: State, policy: Policy) -> None:
    result = plan(state, NOW_MS, policy)

    takers = {eviction.job_id for eviction in result.evictions}
    for tenant_id in {state.jobs[job_id].job.tenant_id for job_id in takers}:
        nominal = dict(state.tenants[tenant_id].nominal_cards).get("npu", 0)
        taken = _cards(state, (j for j in takers if state.jobs[j].job.tenant_id == tenant_id))
        if policy is DEFAULT:
            assert 0 < state.held_cards[tenant_id] + taken <= nominal
    for eviction in result.evictions:
        victim = state.jobs[state.live[eviction.attempt_id].job_id].job
        nominal = dict(state.tenants[victim.tenant_id].nominal_cards).get("npu", 0)
        is_beyond = state.held_cards[victim.tenant_id] > nominal
        assert is_beyond or policy.is_shared


@given(lent(), st.sampled_from([DEFAULT, TURNS]))
def test_both_ways_of_asking_find_the_same(state: State, policy: Policy) -> None:
    whole, grants = (plan(state, NOW_MS, policy, answers) for answers in Answers)

    assert whole.evictions == grants.evictions
    assert whole.grants == grants.grants


def _cards(state: State, job_ids: Iterable[str]) -> int:
    return sum(state.jobs[job_id].job.device_count for job_id in job_ids)
