"""What holds of quotas on the tree, whatever is declared, runs and waits."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.facts.state import State
from scheduler.model.entitlements import branches
from scheduler.model.job import Job, ReasonCode
from scheduler.model.plan import Answers, Verdict
from scheduler.model.policy import DEFAULT, Policy
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import a_park, a_pool, a_state, a_tenant, submit
from tests.entitled import a_cohort, a_project, entitled
from tests.preemptive import (
    MIN_RUN_MS,
    NOW_MS,
    POOL,
    SAVES,
    TURNS,
    gone,
    normal,
    run,
    stop,
    wants,
)
from tests.rest import comes_to_rest
from tests.unit.scheduler.test_planner_invariants import lease, states
from tests.unit.scheduler.test_preemption_invariants import lease_all

POLICIES = st.sampled_from([DEFAULT, TURNS])
BRANCHES = ("fish/", "fish/a", "ship/", "ship/b", "steel/")


@settings(max_examples=25)
@given(entitled(states()), POLICIES)
def test_no_plan_breaks_a_rule_that_is_counted_anew(state: State, policy: Policy) -> None:
    result = plan(state, 7, policy)

    _, flaws = verified(state, result, 7, policy)
    assert flaws == ()
    for grant in result.grants:
        lease(state, grant, 7)


@st.composite
def owned(draw: st.DrawFn, cards_per_node: int = 1) -> State:
    """Tenants in a cohort and in none, and projects, own some of the cards of small nodes."""
    count = draw(st.integers(2, 10))
    park = a_park(a_pool(POOL, count, cards_per_node))
    state = a_state(
        a_tenant("fish", cohort_id="coast"),
        a_tenant("ship", cohort_id="coast"),
        a_tenant("steel"),
        park=park,
    )
    a_cohort(state, "coast")
    a_project(state, "fish", "a")
    a_project(state, "ship", "b")
    left = count * cards_per_node
    tree = state.tree
    own = draw(st.integers(0, left))
    parts = [draw(st.integers(0, own))]
    parts += [draw(st.integers(0, own - parts[0]))]
    levels: list[tuple[dict[str, Any], str, int]] = [
        (tree.cohorts, "coast", own),
        (tree.tenants, "fish", parts[0]),
        (tree.tenants, "ship", parts[1]),
        (tree.projects, "fish/a", draw(st.integers(0, parts[0]))),
        (tree.projects, "ship/b", draw(st.integers(0, parts[1]))),
        (tree.tenants, "steel", draw(st.integers(0, left - own))),
    ]
    for level, name, cards in levels:
        nominal = (("npu", cards),) if cards else ()
        level[name] = replace(level[name], nominal_cards=nominal)
    tree.version += 1  # as if all had been declared
    return state


@st.composite
def busy(draw: st.DrawFn) -> State:
    """Nodes of one card each, of which most run something."""
    state = draw(owned())
    assert state.park is not None
    count, first = state.park.pools[0].node_count, 0
    while first < count:
        cards = draw(st.integers(1, count - first))
        job = job_of(draw(st.sampled_from(BRANCHES)), f"r{first:02}", cards)
        if draw(st.integers(0, 4)):
            job = replace(job, checkpoint=draw(st.sampled_from([None, SAVES])))
            run(state, job, *[0] * first, *[1] * cards, at_ms=draw(st.integers(0, 5)))
        first += cards
    for number in range(draw(st.integers(1, 6))):
        job = job_of(draw(st.sampled_from(BRANCHES)), f"w{number}", draw(st.integers(1, count)))
        submit(state, replace(job, submitted_at_ms=wants().submitted_at_ms))
    return state


def job_of(branch: str, job_id: str, cards: int) -> Job:
    tenant_id, _, project_id = branch.partition("/")
    return replace(normal(job_id, cards), tenant_id=tenant_id, project=project_id or "default")


@settings(max_examples=100)
@given(busy(), POLICIES)
def test_who_stays_within_any_of_its_branches_is_served_at_once_where_cells_are_feasible(
    state: State, policy: Policy
) -> None:
    """Whoever has used up what is that of those above it, in two plans.

    What starts by the first counts in the second. The bound is the patience of who asks and the
    least run of who is stopped: both are over.
    """
    served: set[str] = set()
    for now_ms in (NOW_MS, NOW_MS + 2):
        result = plan(state, now_ms, policy)
        assert verified(state, result, now_ms, policy)[1] == ()
        served |= {grant.job_id for grant in result.grants}
        served |= {job_id for job_id, one in result.verdicts.items() if _is_making_room(one)}
        lease_all(state, result, now_ms)
        for eviction in result.evictions:
            stop(state, eviction, at_ms=now_ms)
            gone(state, eviction.attempt_id, now_ms + 1)

    waiting = {job.id for job in _promised(state) if job.id.startswith("w")}
    assert waiting <= served


def _is_making_room(verdict: Verdict) -> bool:
    return verdict.reasons[0].code is ReasonCode.MAKING_ROOM


def _promised(state: State) -> Iterator[Job]:
    """Those of branches of which all jobs together are within what is their own."""
    jobs = [record.job for record in state.jobs.values()]
    for branch, own in branches(state.tree):
        of_branch = [job for job in jobs if branch in _path(state, job)]
        if sum(job.device_count for job in of_branch) <= own.nominal["npu"]:
            yield from of_branch


def _path(state: State, job: Job) -> tuple[str, ...]:
    assert state.park is not None
    entitlements = state.entitled.in_force(state.tree, state.park)
    return entitlements.path(job.tenant_id, job.project)


@settings(max_examples=25)
@given(busy(), POLICIES)
def test_nobody_is_stopped_in_circles(state: State, policy: Policy) -> None:
    """Where nobody comes and nothing ends, there comes a plan that stops nobody any more.

    Then all run who stay within any of their branches.
    """
    rounds = comes_to_rest(state, policy)

    then_ms = NOW_MS + (rounds + 1) * (MIN_RUN_MS + 10)
    lease_all(state, plan(state, then_ms, policy), then_ms)
    running = {attempt.job_id for attempt in state.live.values()}
    assert {job.id for job in _promised(state)} <= running


@settings(max_examples=25)
@given(busy(), POLICIES)
def test_both_ways_of_asking_find_the_same(state: State, policy: Policy) -> None:
    whole, grants = (plan(state, NOW_MS, policy, answers) for answers in Answers)

    assert whole.evictions == grants.evictions
    assert whole.grants == grants.grants
