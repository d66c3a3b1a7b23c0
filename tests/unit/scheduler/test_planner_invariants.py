"""What every plan keeps, in parks and queues that nobody thought of: Hypothesis thinks of them."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from functools import cache

from hypothesis import assume, example, given, note, settings
from hypothesis import strategies as st

from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Placement, Priority, Topology
from scheduler.model.plan import Grant, Plan
from scheduler.model.policy import DEFAULT, EASY, POLICY_BY_NAME, Policy
from scheduler.model.tree import Quota
from scheduler.placing.bundles import seats
from scheduler.placing.placement import Fit, candidate_pools, fit, shape_of
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    a_dataset,
    a_job,
    a_lease,
    a_park,
    a_pool,
    a_state,
    a_tenant,
    divide,
    group,
    happen,
    of_roles,
    promised_ms,
    submit,
    with_data,
)

Jobs = Callable[[int], st.SearchStrategy[Job]]
TENANTS = ("acme", "blue", "coal")
STEPS_MAX = 400


# Each is made once: one that is made in a strategy is checked, named and looked through anew each
# time, which took four fifths of all these tests.
sometimes = st.sampled_from([False, False, True])
mostly = st.sampled_from([True, True, False])
comes_ms = st.sampled_from([1, 1_000, 2 * HOUR_MS])
pools = st.tuples(st.integers(1, 4), st.sampled_from([1, 2, 4]), st.sampled_from([None, 2, 3]))
tenants = st.tuples(st.sampled_from([2, 8, 64]), st.sampled_from([None, "coast"]))
group_quotas = st.sampled_from([None, 3, 9])
project_quotas = st.sampled_from([None, 1, 4])
counts = st.integers(0, 14)
balances = st.sampled_from([0, 10_000, 10**12])
fields = st.fixed_dictionaries(
    {
        "tenant_id": st.sampled_from(TENANTS),
        "project": st.sampled_from(["default", "other"]),
        "device_count": st.sampled_from([1, 1, 2, 3, 4, 8, 12]),
        "device_kind_ids": st.sampled_from([(), ("npu",), ("dcu",), ("dcu", "npu")]),
        "centre_ids": st.sampled_from([(), (), (), ("north",)]),
        "node_count": st.sampled_from([None, None, 1, 2]),
        "limit_ms": st.sampled_from([1, 1_000, HOUR_MS, 10 * HOUR_MS]),
        "priority": st.sampled_from(Priority),
        "submitted_at_ms": st.integers(0, 5),
        "data_ids": st.sampled_from([(), (), ("d",)]),
        "topology": st.sampled_from(Topology),
    }
)


@cache
def some(ids: tuple[str, ...], min_size: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(ids), min_size=min_size, unique=True)


@cache
@st.composite
def parks(draw: st.DrawFn, kinds: tuple[str, ...] = ("npu", "dcu")) -> Park:
    pool_ids = tuple(f"{centre}-{kind}" for centre in ("east", "north") for kind in kinds)
    chosen = draw(some(pool_ids, min_size=1))
    park = a_park(*(a_pool(pool_id, *draw(pools)) for pool_id in sorted(chosen)))
    return with_data(a_dataset("d", "east", ms=draw(comes_ms)), park=park)


members = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([0, 1, 1, 2, 3, 4])), min_size=1, max_size=3
).filter(lambda some: any(cards for _, cards in some))


@cache
@st.composite
def jobs(draw: st.DrawFn, number: int) -> Job:
    """Some are of several roles."""
    job = a_job(f"j{number:02}", **draw(fields))
    if job.node_count is None and draw(sometimes):
        return of_roles(job, *draw(members))
    return job


@st.composite
def states(draw: st.DrawFn, policy: Policy = DEFAULT, of: Jobs = jobs) -> State:
    """Some work runs, some nodes are down, some centres are silent, and jobs wait."""
    drawn = [(tenant_id, *draw(tenants)) for tenant_id in TENANTS]
    known = [a_tenant(one, max_cards=quota, cohort_id=cohort) for one, quota, cohort in drawn]
    state = a_state(*known, park=draw(parks()))
    if draw(st.booleans()):
        group(state, "coast", draw(group_quotas))
        divide(state, "acme", default=draw(project_quotas), other=None)
    count = draw(counts)
    submit(state, *(draw(of(number)) for number in range(count)))
    for grant in plan(state, 6, policy).grants:
        if draw(st.booleans()):
            lease(state, grant, 6)
    submit(state, *(draw(of(number)) for number in range(count, count + 6)))
    assert state.park is not None
    for centre in state.park.centres:
        nodes = tuple(sorted(node.id for pool in centre.pools for node in pool.nodes()))
        online = tuple(draw(some(nodes)))
        state.apply(ev.NodesChanged(at_ms=6, centre_id=centre.id, online_node_ids=online))
        is_heard = draw(mostly)
        state.apply(ev.CentreLinkChanged(at_ms=6, centre_id=centre.id, is_heard=is_heard))
    for funds in state.funds.values():
        funds.available_micros = draw(balances)
    return state


def lease(state: State, grant: Grant, at_ms: int) -> str:
    leased = a_lease(
        grant.job_id,
        grant.placement,
        at_ms=at_ms,
        number=state.jobs[grant.job_id].attempt_count + 1,
        hold_micros=grant.hold_micros,
    )
    happen(state, leased)
    return leased.attempt_id


policies = st.sampled_from(sorted(POLICY_BY_NAME)).map(POLICY_BY_NAME.__getitem__)


@given(states(), policies)
def test_every_grant_fits_beside_all_others_and_above_no_limit(
    state: State, policy: Policy
) -> None:
    """`State` refuses what is not free or not paid, and `check` holds stated capacities."""
    for grant in plan(state, 7, policy).grants:
        lease(state, grant, 7)

    assert state.park is not None
    held, before = Counter[Quota](), Counter[Quota]()
    for attempt in state.live.values():
        job = state.jobs[attempt.job_id].job
        for quota in state.tree.quotas(job.tenant_id, job.project):
            held[quota] += attempt.placement.card_count
            before[quota] += attempt.placement.card_count if attempt.leased_at_ms < 7 else 0
    for quota, cards in held.items():
        assert cards <= max(before[quota], quota.most), f"{quota.branch} holds too much"
    for centre in state.park.centres:
        assert state.holdings.allocated_tflops[centre.id] <= centre.stated_tflops


@given(states(), policies)
def test_every_gang_is_whole_and_where_it_asked_to_be(state: State, policy: Policy) -> None:
    assert state.park is not None
    for grant in plan(state, 7, policy).grants:
        job, placement = state.jobs[grant.job_id].job, grant.placement
        pool = state.park.pool_by_id[placement.pool_id]
        node_ids = [share.node_id for share in placement.shares]

        assert placement.card_count == job.device_count
        assert len(set(node_ids)) == len(node_ids)
        assert set(node_ids) <= set(state.park.node_ids(pool.id)) & state.online_node_ids
        assert (placement.centre_id, placement.device_kind_id) == (
            pool.centre_id,
            pool.device_kind_id,
        )
        assert placement.centre_id in state.heard_centre_ids
        assert not job.device_kind_ids or pool.device_kind_id in job.device_kind_ids
        assert not job.centre_ids or pool.centre_id in job.centre_ids
        assert job.node_count in {None, len(node_ids)}
        if job.roles:
            check_seats(job, placement)
        elif len(node_ids) > 1:
            assert {share.card_count for share in placement.shares} == {pool.cards_per_node}


def check_seats(job: Job, placement: Placement) -> None:
    """Each member has a seat on one node, and no card is left over."""
    node_ids = seats(job.roles, placement.shares)
    assert node_ids is not None
    cards = [role.card_count for role in job.roles for _ in range(role.count)]
    here = Counter[str]()
    for node_id, count in zip(node_ids, cards, strict=True):
        here[node_id] += count
    assert here == {share.node_id: share.card_count for share in placement.shares}


@given(states(), policies)
def test_whoever_waits_has_an_answer_and_whoever_starts_has_none(
    state: State, policy: Policy
) -> None:
    result = plan(state, 7, policy)

    granted = [grant.job_id for grant in result.grants]
    assert len(set(granted)) == len(granted)
    assert sorted([*granted, *result.verdicts]) == sorted(state.queue)
    for job_id, verdict in result.verdicts.items():
        assert verdict.reasons, f"{job_id} waits and nobody says why"
        assert verdict.start is None or verdict.start.at_ms > 7


@given(states(), policies)
def test_a_plan_depends_on_the_state_and_nothing_else(state: State, policy: Policy) -> None:
    before = deepcopy(state.snapshot())

    first = plan(state, 7, policy)

    assert state.snapshot() == before
    assert plan(state, 7, policy) == first
    assert plan(State.restored(before), 7, policy) == first


@given(states())
def test_nothing_waits_that_could_start_alone_unless_somebody_is_ahead(state: State) -> None:
    """Work is not held back without need: what is left fits nobody who could pay and may."""
    result = plan(state, 7)
    assume(all(promised_ms(verdict) is None for verdict in result.verdicts.values()))
    for grant in result.grants:
        lease(state, grant, 7)

    assert plan(state, 7).grants == ()


# Promises.


@st.composite
def queues(draw: st.DrawFn) -> list[tuple[Job, int]]:
    """Jobs for 8 cards, each with how long it really runs, which its limit bounds.

    The second often has to wait for the first; those behind it are small enough to pass it.
    """
    sizes = [draw(st.integers(3, 6)), draw(st.integers(3, 8))]
    sizes += draw(st.lists(st.sampled_from([1, 1, 2, 2, 8]), max_size=10))
    limits_ms = [draw(st.sampled_from([1, 9, 10, 30, 30])) for _ in sizes]
    submitted_ms = [draw(st.sampled_from([0, 0, 0, 0, 1, 7])) for _ in sizes]
    return [
        (
            a_job(
                f"j{number:02}",
                device_count=size,
                limit_ms=limit_ms,
                submitted_at_ms=at_ms,
            ),
            draw(st.sampled_from([limit_ms, limit_ms, 1])),
        )
        for number, (size, limit_ms, at_ms) in enumerate(
            zip(sizes, limits_ms, submitted_ms, strict=True)
        )
    ]


TWO_SHARE_WHAT_IS_SPARE_ONCE = [
    (a_job("j00", device_count=5, limit_ms=10), 10),
    (a_job("j01", device_count=6, limit_ms=10), 10),
    (a_job("j02", device_count=2, limit_ms=30), 30),
    (a_job("j03", device_count=1, limit_ms=30), 30),
]


@settings(max_examples=250)
@example(TWO_SHARE_WHAT_IS_SPARE_ONCE, (1, 8))
@given(queues(), st.sampled_from([(1, 8), (1, 8), (2, 4), (4, 2)]))
def test_who_is_first_starts_no_later_than_it_was_ever_promised(
    queue: list[tuple[Job, int]], nodes: tuple[int, int]
) -> None:
    pool = a_pool("east-npu", *nodes)
    queue = [(job, ran) for job, ran in queue if isinstance(fit(shape_of(job), pool), Fit)]
    state = a_state(park=a_park(pool))
    promised: dict[str, int] = {}
    ends: dict[str, int] = {}
    for now_ms in range(STEPS_MAX):
        happen(
            state, *(ended(attempt_id, now_ms) for attempt_id, at in ends.items() if at == now_ms)
        )
        submit(state, *(job for job, _ in queue if job.submitted_at_ms == now_ms))
        result = plan(state, now_ms, EASY)
        ends |= start(state, result, now_ms, {job.id: ran for job, ran in queue})
        note(f"{now_ms}: {[grant.job_id for grant in result.grants]} {result.verdicts}")
        check_promises(promised, result, now_ms)
        if len(state.final_states) == len(queue):
            return
    raise AssertionError("somebody starves")


def ended(attempt_id: str, at_ms: int) -> ev.Ended:
    return ev.Ended(at_ms=at_ms, attempt_id=attempt_id, cause=EndCause.FINISHED, exit_code=0)


def start(state: State, result: Plan, now_ms: int, runs_ms: dict[str, int]) -> dict[str, int]:
    """When each that starts now will end."""
    ends = {}
    for grant in result.grants:
        attempt_id = lease(state, grant, now_ms)
        happen(state, ev.Started(at_ms=now_ms, attempt_id=attempt_id))
        ends[attempt_id] = now_ms + runs_ms[grant.job_id]
    return ends


def check_promises(promised: dict[str, int], result: Plan, now_ms: int) -> None:
    """The head of the queue has a promise, which never moves back, and it is kept."""
    for grant in result.grants:
        assert now_ms <= promised.get(grant.job_id, now_ms), f"{grant.job_id} starts late"
    head = next(iter(result.verdicts), None)
    if head is not None:
        start_ms = promised_ms(result.verdicts[head])
        assert start_ms is not None, f"{head} is first and is promised nothing"
        assert start_ms <= promised.get(head, start_ms), f"{head} was promised an earlier start"
        promised[head] = start_ms


# Placement alone.


@given(st.integers(1, 40), st.sampled_from([None, 1, 2, 3, 4]), parks())
def test_a_fit_is_the_whole_gang_in_whole_nodes(
    cards: int, node_count: int | None, park: Park
) -> None:
    shape = shape_of(a_job(device_count=cards, node_count=node_count, device_kind_ids=()))
    for pool in candidate_pools(shape, park):
        answer = fit(shape, pool)
        if isinstance(answer, Fit):
            assert answer.node_count * answer.card_count == cards
            assert answer.node_count <= pool.node_count
            assert answer.card_count <= pool.cards_per_node
            assert answer.node_count == 1 or answer.card_count == pool.cards_per_node
        else:
            assert answer.where == pool.id
