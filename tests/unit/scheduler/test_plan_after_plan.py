"""What is kept from one plan to the next, against the plan of a state that has seen none."""

from copy import deepcopy
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause
from scheduler.model.plan import Answers, Plan
from scheduler.model.policy import DEFAULT, EASY, FIFO, Policy
from scheduler.planning.planner import plan
from tests.builders import HOUR_MS, happen, submit
from tests.preemptive import NOW_MS, TURNS
from tests.unit.scheduler.planning.test_settled import with_many_alike
from tests.unit.scheduler.test_planner_invariants import ended, jobs, lease, states
from tests.unit.scheduler.test_preemption_invariants import crowded

STEPS_MAX = 4
POLICIES = st.sampled_from([DEFAULT, DEFAULT, TURNS, EASY, FIFO])
LATER_MS = st.sampled_from([0, 1, 1_000, 20_000, HOUR_MS])


@st.composite
def parks_in_use(draw: st.DrawFn) -> State:
    return draw(st.one_of(states(), crowded()))


@settings(max_examples=30)
@given(st.data(), parks_in_use(), POLICIES)
def test_plan_after_plan_is_what_it_were_if_nothing_was_kept(
    data: st.DataObject, state: State, policy: Policy
) -> None:
    now_ms = NOW_MS
    with_many_alike(state, data)
    if data.draw(st.booleans()):
        all_is_well(state)
    for step in range(STEPS_MAX):
        now_ms += data.draw(LATER_MS)

        result = plan(state, now_ms, policy)

        assert result == plan(anew(state), now_ms, policy)
        brief = plan(state, now_ms, policy, Answers.GRANTS)
        assert brief.grants == result.grants
        assert brief.evictions == result.evictions
        go_on(data, state, result, now_ms)
        submit(state, replace(data.draw(jobs(50 + step)), tenant_id=min(state.tenants)))


def anew(state: State) -> State:
    """The same, of which nothing was planned; they share the park alone, which nothing changes."""
    return State.restored(deepcopy(state.snapshot(), {id(state.park): state.park}))


def go_on(data: st.DataObject, state: State, result: Plan, now_ms: int) -> None:
    """Some of what was planned is done, and what runs ends, or is stopped, or is cut off."""
    for grant in result.grants:
        if data.draw(st.booleans()):
            attempt_id = lease(state, grant, now_ms)
            if data.draw(st.booleans()):
                happen(state, ev.Started(at_ms=now_ms, attempt_id=attempt_id))
    for attempt_id, attempt in sorted(state.live.items()):
        what = data.draw(st.sampled_from(["runs", "runs", "starts", "ends", "stops"]))
        if what == "starts" and attempt.started_at_ms is None:
            happen(state, ev.Started(at_ms=now_ms, attempt_id=attempt_id))
        elif what == "ends":
            happen(state, ended(attempt_id, now_ms))
        elif what == "stops" and attempt.stop_cause is None:
            cause = data.draw(st.sampled_from([EndCause.LIMIT, EndCause.PREEMPTED]))
            happen(
                state,
                ev.StopDecided(at_ms=now_ms, attempt_id=attempt_id, cause=cause, grace_ms=5_000),
            )
    if data.draw(st.integers(0, 3)) == 0:
        change_nodes(data, state, now_ms)


def all_is_well(state: State) -> None:
    """All nodes are online, all centres are heard of, and everybody can pay."""
    assert state.park is not None
    for centre in state.park.centres:
        nodes = tuple(node.id for pool in centre.pools for node in pool.nodes())
        state.apply(ev.NodesChanged(at_ms=6, centre_id=centre.id, online_node_ids=nodes))
        state.apply(ev.CentreLinkChanged(at_ms=6, centre_id=centre.id, is_heard=True))
    for funds in state.funds.values():
        funds.available_micros = 10**15


def change_nodes(data: st.DataObject, state: State, now_ms: int) -> None:
    assert state.park is not None
    centre = data.draw(st.sampled_from(state.park.centres))
    nodes = sorted(node.id for pool in centre.pools for node in pool.nodes())
    online = tuple(data.draw(st.lists(st.sampled_from(nodes), unique=True)))
    state.apply(ev.NodesChanged(at_ms=now_ms, centre_id=centre.id, online_node_ids=online))
