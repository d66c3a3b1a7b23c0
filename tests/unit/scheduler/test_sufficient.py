"""What is told to be in a job's way is all of it: were it gone, the job would start."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import replace

from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from accounting.prices.rating import PriceBook
from cluster.hours import Hours, hours_of
from cluster.inventory import Pool
from scheduler.asking.ranking import ranking
from scheduler.facts import events as ev
from scheduler.facts.opening import by_hours
from scheduler.facts.state import State
from scheduler.model.budget import Budget
from scheduler.model.job import EndCause, Job, Reason, ReasonCode
from scheduler.model.plan import Grant
from scheduler.model.policy import DEFAULT
from scheduler.planning.desk import Desk
from scheduler.planning.explain import MONEY_CODES, QUOTA_CODES
from scheduler.planning.planner import plan
from tests.builders import PARK_PRICES, a_lease, happen
from tests.entitled import entitled, lift
from tests.unit.scheduler.test_planner_invariants import states

NOW_MS = 7
UNCOUNTED = {ReasonCode.BACKOFF, ReasonCode.MAKING_ROOM, ReasonCode.NO_PRICE}
"""Of these there is no amount that is short."""
HOURS = [
    None,
    hours_of(["thu 08:00-09:00", "sun 00:00-24:00"]),
    hours_of(["thu 09:00-20:00", "sun 00:00-24:00"]),
]
"""The moment is Thursday 08:00: for ever, for an hour to come, and not yet."""


@st.composite
def budgeted(draw: st.DrawFn, states: st.SearchStrategy[State]) -> State:
    """The same, and some tenants have used up a budget, of theirs or of a project's."""
    state = draw(states)
    for tenant_id in sorted(state.tenants):
        for project in draw(st.sampled_from([(), (), (None,), ("default",), (None, "default")])):
            budget = Budget(
                tenant_id=tenant_id, project=project, amount_micros=5, is_hard_stop=True
            )
            happen(state, ev.BudgetSet(at_ms=1, budget=budget))
        state.funds[tenant_id].spending.add("1970-01", "default", draw(st.integers(4, 6)))
    return state


@st.composite
def hindered(draw: st.DrawFn, states: st.SearchStrategy[State]) -> State:
    """The same; pools have hours, nodes are drained, kinds have no price, and work is stopped."""
    state = draw(states)
    assert state.park is not None
    set_hours(state, {pool.id: draw(st.sampled_from(HOURS)) for pool in state.park.pools})
    nodes = sorted(state.park.node_by_id)
    drained = draw(st.lists(st.sampled_from(nodes), max_size=3, unique=True))
    if drained:
        happen(state, ev.NodesDrained(at_ms=NOW_MS, node_ids=tuple(drained)))
    lacking = draw(st.sampled_from(["", "", "npu", "dcu"]))
    set_prices(state, [one for one in PARK_PRICES.on_demand if one[0] != lacking])
    for attempt_id in sorted(state.live):
        if draw(st.sampled_from([False, False, True])):
            happen(state, stopped(attempt_id))
    return state


def set_hours(state: State, hours_by_pool: Mapping[str, Hours | None]) -> None:
    """The centres offer their pools then alone."""
    assert state.park is not None
    centres = []
    for centre in state.park.centres:
        pools = [replace(one, hours=hours_by_pool.get(one.id, one.hours)) for one in centre.pools]
        centres.append(replace(centre, pools=tuple(pools)))
    state.park = replace(state.park, centres=tuple(centres))
    happen(state, *by_hours(state, NOW_MS))


def set_prices(state: State, on_demand: Iterable[tuple[str, int]]) -> None:
    """These are the prices, and always were."""
    state.prices = PriceBook((replace(PARK_PRICES, on_demand=tuple(on_demand)),))


def remove(state: State, reason: Reason, pool: Pool, job: Job) -> None:
    """What the reason names is no longer so, and nothing else."""
    if reason.code in QUOTA_CODES:
        widen(state, reason, job)
        return
    if reason.code in MONEY_CODES:
        pay(state, reason, job)
        return
    match reason.code:
        case ReasonCode.BACKOFF:
            state.jobs[job.id].not_before_ms = 0
        case ReasonCode.DEVICES_BUSY | ReasonCode.FRAGMENTED | ReasonCode.MAKING_ROOM:
            live = state.live.values()
            happen(state, *[over(one.id) for one in live if one.placement.pool_id == pool.id])
        case ReasonCode.NODES_DOWN:
            mend(state, pool)
        case ReasonCode.CENTRE_SILENT:
            happen(state, heard(pool.centre_id))
        case ReasonCode.NEARER_DATA:
            bring_data(state, pool.centre_id)
        case ReasonCode.OUTSIDE_HOURS:
            set_hours(state, {pool.id: None})
        case _:
            assert reason.code is ReasonCode.RESERVED, "kept for one that is ahead"


def pay(state: State, reason: Reason, job: Job) -> None:
    """There is as much more as is short; what has no price costs nothing."""
    if reason.code is ReasonCode.BUDGET:
        raise_budget(state, reason, job)
    elif reason.code is ReasonCode.FUNDS:
        state.funds[job.tenant_id].available_micros += reason.gap
    else:
        set_prices(state, [("npu", 0), ("dcu", 0)])


def widen(state: State, reason: Reason, job: Job) -> None:
    """The quota has as much more as is short."""
    if reason.unit != "cards":
        lift(state, reason)
    for branch, max_cards, code, where, _ in state.tree.quotas(job.tenant_id, job.project):
        if (code, where) != (reason.code, reason.where):
            continue
        more = max_cards + reason.gap
        if code is ReasonCode.COHORT_QUOTA:
            cohort = replace(state.tree.cohorts[where], max_cards=more)
            happen(state, ev.CohortDeclared(at_ms=NOW_MS, cohort=cohort))
        elif code is ReasonCode.PROJECT_QUOTA:
            project = replace(state.tree.projects[branch], max_cards=more)
            happen(state, ev.ProjectDeclared(at_ms=NOW_MS, project=project))
        else:
            tenant = replace(state.tenants[branch], max_cards=more)
            happen(state, ev.TenantDeclared(at_ms=NOW_MS, tenant=tenant))


def raise_budget(state: State, reason: Reason, job: Job) -> None:
    """More may be spent than was."""
    for watched in state.funds[job.tenant_id].spending.watched:
        if watched.budget.where == reason.where:
            more = watched.budget.amount_micros - reason.free + 1
            happen(state, ev.BudgetSet(at_ms=1, budget=replace(watched.budget, amount_micros=more)))


def bring_data(state: State, centre_id: str) -> None:
    """All data lies there."""
    assert state.park is not None
    here = (replace(one, centre_ids=(centre_id,)) for one in state.park.datasets)
    state.park = replace(state.park, datasets=tuple(here))


def over(attempt_id: str) -> ev.Ended:
    return ev.Ended(at_ms=NOW_MS, attempt_id=attempt_id, cause=EndCause.FINISHED, exit_code=0)


def stopped(attempt_id: str) -> ev.StopDecided:
    return ev.StopDecided(
        at_ms=NOW_MS, attempt_id=attempt_id, cause=EndCause.PREEMPTED, grace_ms=30_000
    )


def mend(state: State, pool: Pool) -> None:
    """All of its nodes are online and in nobody's maintenance."""
    assert state.park is not None
    own = {*state.park.node_ids(pool.id)}
    if not own <= state.online_node_ids:
        online = tuple(sorted(own | state.online_node_ids))
        happen(
            state, ev.NodesChanged(at_ms=NOW_MS, centre_id=pool.centre_id, online_node_ids=online)
        )
    if drained := sorted(own & state.drains.node_ids):
        happen(state, ev.NodesDrained(at_ms=NOW_MS, node_ids=tuple(drained), is_drained=False))


def heard(centre_id: str) -> ev.CentreLinkChanged:
    return ev.CentreLinkChanged(at_ms=NOW_MS, centre_id=centre_id, is_heard=True)


def waits_for_nearer_data(state: State, job_id: str, pool: Pool) -> bool:
    """A preference, which is told once nothing else is in the way there."""
    verdict = plan(state, NOW_MS).verdicts.get(job_id)
    told = verdict.reasons if verdict else ()
    return (ReasonCode.NEARER_DATA, pool.id) in {(one.code, one.where) for one in told}


def granted_ahead(state: State, job_id: str) -> list[Grant]:
    assert state.park is not None
    desk = Desk(state, state.park, NOW_MS, DEFAULT)
    answers = desk.answers(until=lambda one: one.job.id == job_id)
    return [answer for _, answer in answers if isinstance(answer, Grant)]


@settings(max_examples=100)
@given(states(), st.data())
def test_once_all_that_is_told_of_a_pool_is_gone_the_job_starts(
    state: State, data: st.DataObject
) -> None:
    check_sufficient(state, data)


@settings(max_examples=25)
@given(entitled(states()), st.data())
def test_so_it_is_where_branches_own_borrow_and_lend(state: State, data: st.DataObject) -> None:
    check_sufficient(state, data)


@settings(max_examples=60)
@given(hindered(budgeted(states())), st.data())
def test_so_it_is_where_budgets_are_used_up_pools_closed_and_prices_lacking(
    state: State, data: st.DataObject
) -> None:
    check_sufficient(state, data)


@settings(max_examples=25)
@given(hindered(budgeted(entitled(states()))))
def test_each_reason_is_told_once_with_what_is_short_and_in_the_same_order_again(
    state: State,
) -> None:
    for job_id in plan(state, NOW_MS).verdicts:
        found = ranking(state, NOW_MS, job_id)
        assert found is not None
        for use in found.pools:
            assert len({*use.reasons}) == len(use.reasons)
            assert [one for one in use.reasons if one.code not in UNCOUNTED and not one.gap] == []
        again = ranking(deepcopy(state), NOW_MS, job_id)
        assert again is not None
        assert again.pools == found.pools


def check_sufficient(state: State, data: st.DataObject) -> None:
    """It is told its place as well: who starts ahead of it has started, and nobody else waits."""
    waiting = [*plan(state, NOW_MS).verdicts]
    assume(waiting)
    job_id = data.draw(st.sampled_from(waiting))
    found = ranking(state, NOW_MS, job_id)
    assert found is not None
    assume(found.pools)
    use = data.draw(st.sampled_from(found.pools))
    note(f"{state.jobs[job_id].job} in {use.pool.id}: {use.reasons}")

    for grant in granted_ahead(state, job_id):
        lease = a_lease(
            grant.job_id,
            grant.placement,
            at_ms=NOW_MS,
            number=state.jobs[grant.job_id].attempt_count + 1,
            hold_micros=grant.hold_micros,
        )
        happen(state, lease)
    for other_id in list(state.queue):
        if other_id != job_id:
            happen(state, ev.CancelRequested(at_ms=NOW_MS, job_id=other_id, by="u"))
    job = state.jobs[job_id].job
    for reason in use.reasons:
        remove(state, reason, use.pool, job)
    if waits_for_nearer_data(state, job_id, use.pool):
        bring_data(state, use.pool.centre_id)

    result = plan(state, NOW_MS)
    assert job_id in {grant.job_id for grant in result.grants}, result.verdicts[job_id]
