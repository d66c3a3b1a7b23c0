"""What waits in one pool is in nobody's way in another, and a long queue in nobody's at all."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cluster.inventory import Pool
from scheduler.facts import events as ev
from scheduler.facts.invariants import check
from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.plan import Answers, Grant
from scheduler.model.policy import DEFAULT, Policy
from scheduler.placing.placement import candidate_pools, shape_of
from scheduler.planning.planner import plan
from tests.builders import HOUR_MS, a_job, a_park, a_pool, a_state, a_tenant, happen, submit
from tests.preemptive import TURNS, low, run
from tests.unit.scheduler.test_planner_invariants import jobs, lease, parks

BLOCKED_COUNT = 10_000
NOW_MS = 7
OTHERS = ("blocked", "more")
"""Tenants of their own: quotas, money and shares are no pool's, and one tenant has one of each."""


@st.composite
def two_kinds(draw: st.DrawFn) -> State:
    """Jobs wait for `npu` or `dcu`, and some of the cards are in use; of `npu` no node is online.

    Who starts there counts as served, and so goes behind others on `dcu`: only a pool that takes
    nobody is in nobody's way.
    """
    tenants = [a_tenant(name) for name in ("acme", "blue", "coal", *OTHERS)]
    state = a_state(*tenants, park=draw(parks()))
    submit(state, *(of_one_kind(draw(jobs(number))) for number in range(draw(st.integers(1, 8)))))
    for grant in plan(state, 6).grants:
        if draw(st.booleans()):
            lease(state, grant, 6)
    later = range(8, 8 + draw(st.integers(1, 8)))
    submit(state, *(of_one_kind(draw(jobs(number))) for number in later))
    assert state.park is not None
    for pool in state.park.pools:
        if pool.device_kind_id == "npu":
            go_down(state, pool)
    return state


def go_down(state: State, pool: Pool) -> None:
    assert state.park is not None
    left = sorted(state.online_node_ids - {*state.park.node_ids(pool.id)})
    event = ev.NodesChanged(at_ms=6, centre_id=pool.centre_id, online_node_ids=tuple(left))
    happen(state, event)


def of_one_kind(job: Job) -> Job:
    return replace(job, device_kind_ids=(job.device_kind_ids or ("npu",))[:1])


def grants_in(state: State, kind_id: str, policy: Policy) -> list[Grant]:
    found = plan(state, NOW_MS, policy).grants
    return [grant for grant in found if grant.placement.device_kind_id == kind_id]


@given(
    two_kinds(),
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    st.sampled_from([DEFAULT, TURNS, replace(DEFAULT, preemption=None)]),
)
def test_who_waits_for_one_kind_never_delays_who_waits_for_another(
    state: State, sizes: list[int], policy: Policy
) -> None:
    """Jobs of other tenants come, as high as may be, for `npu` alone: on `dcu` nothing changes."""
    assert state.park is not None
    waiting = [record.job for record in state.queue.records()]
    before = grants_in(state, "dcu", policy)
    others = [
        a_job(f"x{number}", tenant_id=OTHERS[number % 2], device_count=size, priority=job.priority)
        for number, (size, job) in enumerate(zip(sizes, waiting * len(sizes), strict=False))
    ]
    submit(state, *(job for job in others if candidate_pools(shape_of(job), state.park)))

    assert grants_in(state, "dcu", policy) == before


def a_long_queue() -> tuple[State, Job]:
    """A node of each of two kinds: one is taken for an hour, and 10,000 wait for it."""
    state = a_state(
        a_tenant("steel", max_cards=1_000_000),
        a_tenant("fish"),
        park=a_park(a_pool("east-npu", 1, 8), a_pool("north-dcu", 1, 8)),
    )
    run(state, replace(low("old"), limit_ms=HOUR_MS), 8)
    for number in range(BLOCKED_COUNT):  # all that must hold is checked once, not at each
        job = a_job(f"b{number:05}", device_count=1 + number % 8, submitted_at_ms=1)
        assert state.apply(ev.Submitted(at_ms=1, job=job)) is None
    check(state)
    last = a_job("last", tenant_id="fish", device_kind_ids=("dcu",), submitted_at_ms=2)
    return state, last


def test_one_that_could_start_behind_10_000_that_could_not_starts_at_once() -> None:
    state, last = a_long_queue()
    submit(state, last)

    for answers in Answers:
        assert [grant.job_id for grant in plan(state, 3, answers=answers).grants] == ["last"]


def test_all_10_000_have_a_reason_and_a_planned_start() -> None:
    state, _ = a_long_queue()

    verdicts = plan(state, 3).verdicts

    assert len(verdicts) == BLOCKED_COUNT
    assert all(verdict.reasons and verdict.start for verdict in verdicts.values())
    starts = Counter(verdict.start.at_ms for verdict in verdicts.values() if verdict.start)
    assert min(starts) == HOUR_MS
