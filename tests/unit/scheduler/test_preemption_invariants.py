"""What holds of every stop, whoever runs and waits."""

from dataclasses import replace
from functools import cache

from hypothesis import given, note
from hypothesis import strategies as st

from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, Priority, ReasonCode, Topology
from scheduler.model.levels import STARVING_MS, level
from scheduler.model.plan import Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.placing.placement import Fit, FreeCards, candidate_pools, fit, shape_of
from scheduler.planning.planner import plan
from scheduler.sharing.starving import starving
from tests.builders import a_job, a_lease, happen, of_roles, submit
from tests.preemptive import LIMIT_MS, NOW_MS, SAVES, TURNS, a_pool_of, gone, run, stop, stopped
from tests.unit.scheduler.test_planner_invariants import members, sometimes

SUBMITTED = st.sampled_from([0, NOW_MS, -2 * STARVING_MS])
BEGAN = st.sampled_from([0, NOW_MS // 2, NOW_MS - 1])
pools = st.tuples(st.integers(1, 4), st.sampled_from([2, 4, 8]), st.sampled_from([None, 2, 3]))
running, waiting = st.integers(0, 12), st.integers(1, 8)
fields = st.fixed_dictionaries(
    {
        "tenant_id": st.sampled_from(["steel", "fish"]),
        "device_count": st.sampled_from([1, 1, 2, 3, 4, 8, 16]),
        "priority": st.sampled_from(Priority),
        "limit_ms": st.sampled_from([NOW_MS + 5_000, LIMIT_MS]),
        "checkpoint": st.sampled_from([None, SAVES]),
        "topology": st.sampled_from(Topology),
    }
)


@st.composite
def crowded(draw: st.DrawFn) -> State:
    """Work of every class runs for a shorter or longer time, and others wait."""
    state = a_pool_of(*draw(pools))
    assert state.park is not None
    for number in range(draw(running)):
        job = replace(draw(a_random_job(f"r{number:02}")), submitted_at_ms=draw(SUBMITTED))
        placement = _room_for(state, state.park, job)
        if placement:
            at_ms, is_starving = draw(BEGAN), draw(st.booleans())
            run(state, job, *placement, at_ms=at_ms, is_starving=is_starving)
    for number in range(draw(waiting)):
        job = draw(a_random_job(f"w{number:02}"))
        if isinstance(fit(shape_of(job), state.park.pools[0]), Fit):
            submit(state, replace(job, submitted_at_ms=draw(SUBMITTED)))
    return state


@cache
@st.composite
def a_random_job(draw: st.DrawFn, job_id: str) -> Job:
    """Some are of several roles."""
    job = a_job(job_id, **draw(fields))
    return of_roles(job, *draw(members)) if draw(sometimes) else job


def _room_for(state: State, park: Park, job: Job) -> list[int]:
    """How many cards of each node it would get, if there is room now."""
    (pool,) = candidate_pools(shape_of(job), park)
    wanted = fit(shape_of(job), pool)
    if not isinstance(wanted, Fit):
        return []
    cards = [0] * pool.node_count
    node_ids = park.node_ids(pool.id)
    if wanted.bundles:
        free = FreeCards(pool.cards_per_node, [(one, state.free_cards[one]) for one in node_ids])
        for share in free.find(wanted) or ():
            cards[node_ids.index(share.node_id)] = share.card_count
        return cards if any(cards) else []
    for index, node_id in enumerate(node_ids):
        has_room = state.free_cards[node_id] >= wanted.card_count
        if has_room and sum(map(bool, cards)) < wanted.node_count:
            cards[index] = wanted.card_count
    return cards if sum(map(bool, cards)) == wanted.node_count else []


POLICIES = st.sampled_from([DEFAULT, TURNS])


@given(crowded(), POLICIES)
def test_each_stop_is_for_one_above_and_each_is_needed(state: State, policy: Policy) -> None:
    result = plan(state, NOW_MS, policy)

    starve = starving(state, NOW_MS).job_ids
    evicted = stopped(result)
    assert len(set(evicted)) == len(evicted)
    for eviction in result.evictions:
        attempt = state.live[eviction.attempt_id]
        victim, taker = state.jobs[attempt.job_id].job, state.jobs[eviction.job_id].job
        assert victim.priority.rank <= taker.priority.rank
        if victim.priority is taker.priority:
            assert policy.is_shared
            assert victim.checkpoint is not None
            assert attempt.job_id not in starve
            assert level(attempt.served_card_ms(NOW_MS)) > level(0) or eviction.job_id in starve
        else:
            assert victim.priority is Priority.LOW or policy.is_shared
        assert eviction.job_id in result.verdicts
        (reason,) = result.verdicts[eviction.job_id].reasons
        assert reason.code is ReasonCode.MAKING_ROOM


@given(crowded(), POLICIES)
def test_who_was_made_room_for_gets_it_and_nobody_is_stopped_twice(
    state: State, policy: Policy
) -> None:
    """And nothing goes round in circles: what has just begun is not stopped again."""
    first = plan(state, NOW_MS, policy)
    for eviction in first.evictions:
        stop(state, eviction)
    lease_all(state, first, NOW_MS)
    again = plan(state, NOW_MS + 1, policy)
    note(f"{first} {again}")
    assert {e.job_id for e in again.evictions}.isdisjoint(e.job_id for e in first.evictions)
    for eviction in first.evictions:
        gone(state, eviction.attempt_id, NOW_MS + 2)

    then = plan(state, NOW_MS + 3, policy)

    granted = {grant.job_id for grant in then.grants}
    assert {eviction.job_id for eviction in first.evictions} <= granted
    lease_all(state, then, NOW_MS + 3)
    fresh = {attempt.id for attempt in state.live.values() if attempt.leased_at_ms >= NOW_MS}
    assert fresh.isdisjoint(stopped(plan(state, NOW_MS + 4, policy)))


def lease_all(state: State, result: Plan, at_ms: int) -> None:
    for grant in result.grants:
        number = state.jobs[grant.job_id].attempt_count + 1
        lease = a_lease(grant.job_id, grant.placement, at_ms=at_ms, number=number)
        happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))
