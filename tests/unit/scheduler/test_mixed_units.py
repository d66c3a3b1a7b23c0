"""Branches that own cards of a kind, TFLOPS over all kinds, or both: stopping ends all the same."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, Priority
from scheduler.model.policy import Policy
from scheduler.model.promises import promise_problems
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
from tests.preemptive import SAVES, wants
from tests.rest import comes_to_rest
from tests.unit.scheduler.test_entitlements_invariants import BRANCHES, POLICIES, job_of

CARDS, TFLOPS = st.sampled_from([0, 0, 1, 2, 3]), st.sampled_from([None, None, 313, 989, 1_302])
BRANCH, PRIORITY = st.sampled_from(BRANCHES), st.sampled_from(Priority)
CHECKPOINT, NODES, WAITING = st.sampled_from([None, SAVES]), st.integers(1, 5), st.integers(1, 6)


@st.composite
def owned(draw: st.DrawFn) -> State:
    """Nodes of one card of two kinds; of what is drawn that which could be promised."""
    pools = (a_pool("east-npu", draw(NODES), 1), a_pool("east-gpu", draw(NODES), 1))
    members = (a_tenant(one, cohort_id="coast") for one in ("fish", "ship"))
    state = a_state(*members, a_tenant("steel"), park=a_park(*pools))
    a_cohort(state, "coast")
    a_project(state, "fish", "a")
    a_project(state, "ship", "b")
    tree = state.tree
    levels: tuple[dict[str, Any], ...] = (tree.cohorts, tree.tenants, tree.projects)
    for level in levels:
        for name, one in sorted(level.items()):
            cards = tuple((kind, own) for kind in ("gpu", "npu") if (own := draw(CARDS)))
            level[name] = replace(one, nominal_cards=cards, nominal_tflops=draw(TFLOPS))
            assert state.park is not None
            if [*promise_problems(tree, state.park)]:
                level[name] = one
    tree.version += 1  # as if all had been declared
    return state


@st.composite
def busy(draw: st.DrawFn) -> State:
    state = draw(owned())
    assert state.park is not None
    for pool in state.park.pools:
        first, kind = 0, pool.device_kind_id
        while first < pool.node_count:
            cards = draw(st.integers(1, pool.node_count - first))
            job = replace(_drawn(draw, f"{kind}{first}", cards, kind), checkpoint=draw(CHECKPOINT))
            placement, at_ms = a_placement(pool.id, *[0] * first, *[1] * cards), draw(NODES)
            if draw(NODES) > 1:
                submit(state, job)
                lease = a_lease(job.id, placement, at_ms=at_ms)
                happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))
            first += cards
    for number in range(draw(WAITING)):
        pool = draw(st.sampled_from(state.park.pools))
        cards = draw(st.integers(1, pool.node_count))
        job = _drawn(draw, f"w{number}", cards, pool.device_kind_id)
        submit(state, replace(job, submitted_at_ms=wants().submitted_at_ms))
    return state


def _drawn(draw: st.DrawFn, job_id: str, cards: int, kind_id: str) -> Job:
    job = job_of(draw(BRANCH), job_id, cards)
    return replace(job, device_kind_ids=(kind_id,), priority=draw(PRIORITY))


@settings(max_examples=25)
@given(busy(), POLICIES)
def test_in_cards_and_in_tflops_nobody_is_stopped_in_circles(state: State, policy: Policy) -> None:
    comes_to_rest(state, policy)
