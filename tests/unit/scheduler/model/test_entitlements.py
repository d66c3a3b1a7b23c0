"""Quotas on the tree, by kind and in TFLOPS: owned, borrowed, lent; worked out by hand."""

from dataclasses import replace

import pytest

from scheduler.facts.state import State
from scheduler.model.job import Job, Priority, Reason, ReasonCode
from scheduler.model.plan import Grant, Plan
from scheduler.model.policy import DEFAULT
from scheduler.placing.placement import impossible
from scheduler.planning.explain import begin_ms
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import (
    HOUR_MS,
    a_job,
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
from tests.preemptive import LIMIT_MS, NOW_MS, POOL, high, low, normal, run, stopped, wants

THREE_NODES = a_park(a_pool(POOL, 3, 8))
TWO_KINDS = a_park(a_pool(POOL, 2, 8), a_pool("east-gpu", 2, 4))
"""An npu has 313 TFLOPS, a gpu 989."""


def of(job: Job, branch: str) -> Job:
    tenant_id, _, project_id = branch.partition("/")
    return replace(job, tenant_id=tenant_id, project=project_id or "default")


def granted(state: State) -> list[str]:
    return [grant.job_id for grant in plan(state, NOW_MS).grants]


def why(state: State, job_id: str) -> list[tuple[str, str, int, int, str]]:
    reasons = plan(state, NOW_MS).verdicts[job_id].reasons
    return [(one.code, one.where, one.need, one.free, one.unit) for one in reasons]


def until(job_id: str, cards: int, hour: int) -> Job:
    return replace(normal(job_id, cards, checkpoint=None), limit_ms=hour * HOUR_MS, user="w")


def later(job_id: str) -> Job:
    """Of one whose jobs are not known yet."""
    return replace(wants(job_id, 2), submitted_at_ms=NOW_MS, user="v")


# What is owned.


def two_projects(**steel: int) -> State:
    """Steel has 16 cards, of which 8 are of its project `a`; fish has none."""
    nominal = (("npu", steel.get("nominal", 16)),)
    state = a_state(a_tenant("steel", nominal_cards=nominal), a_tenant("fish"), park=THREE_NODES)
    a_project(state, "steel", "a", nominal_cards=(("npu", 8),))
    a_project(state, "steel", "b")
    return state


def test_a_project_takes_back_what_another_of_its_tenant_has_borrowed() -> None:
    """Though its tenant has all that is its own, and the other is of a higher class."""
    state = two_projects()
    run(state, of(high("b1"), "steel/b"), 8, at_ms=1)
    run(state, of(high("b2"), "steel/b"), 0, 8, at_ms=2)
    run(state, of(normal("f"), "fish"), 0, 0, 8, at_ms=3)
    submit(state, of(wants(priority=Priority.LOW), "steel/a"))

    assert stopped(plan(state, NOW_MS)) == ["b2.1"], "not of fish: steel has its 16 cards"


def test_who_is_within_its_tenant_s_quota_is_stopped_for_no_other_tenant() -> None:
    """`b` uses what is `a`'s, and all of it is steel's."""
    state = two_projects()
    run(state, of(normal("b1"), "steel/b"), 8, 8)
    run(state, of(normal("f"), "fish"), 0, 0, 8)
    submit(state, of(wants(priority=Priority.HIGH), "fish"))

    assert plan(state, NOW_MS).evictions == ()


def test_what_is_a_project_s_own_is_the_best_of_its_tenant() -> None:
    """Of 8 cards of steel `a` has 8: what `b` runs is borrowed, though it is older and higher."""
    state = two_projects(nominal=8)
    run(state, of(high("b1"), "steel/b"), 8, at_ms=1)
    run(state, of(normal("a1"), "steel/a"), 0, 8, at_ms=2)
    run(state, of(normal("f"), "fish"), 0, 0, 8, at_ms=3)
    a_project(state, "steel", "b")
    state.tree.declare_tenant(a_tenant("fish", nominal_cards=(("npu", 16),)))
    submit(state, of(wants(), "fish"))

    assert stopped(plan(state, NOW_MS)) == ["b1.1"]


def test_what_another_tenant_owns_is_spared_though_it_would_cost_less() -> None:
    """`a` is within its project's quota and not steel's: of steel's alone it takes back."""
    state = two_projects(nominal=8)
    state.tree.declare_tenant(a_tenant("fish", nominal_cards=(("npu", 16),)))
    run(state, of(normal("b1"), "steel/b"), 8)
    run(state, of(low("f"), "fish"), 0, 8)
    run(state, of(high("beside"), "fish"), 0, 0, 8)
    submit(state, of(wants(), "steel/a"))

    assert stopped(plan(state, NOW_MS)) == ["b1.1"]


def cohorts(**own: int) -> State:
    """Fish and ship are of the coast, steel and iron of the hills; each cohort has so much."""
    state = a_state(
        a_tenant("fish", cohort_id="coast"),
        a_tenant("ship", cohort_id="coast", nominal_cards=(("npu", 8),)),
        a_tenant("steel", cohort_id="hills"),
        park=THREE_NODES,
    )
    a_cohort(state, "coast", nominal_cards=(("npu", own["coast"]),))
    a_cohort(state, "hills", nominal_cards=(("npu", own["hills"]),))
    return state


def test_a_tenant_takes_what_is_its_cohort_s_from_another_cohort() -> None:
    state = cohorts(coast=16, hills=8)
    run(state, of(high("s1"), "steel"), 8, at_ms=1)
    run(state, of(high("s2"), "steel"), 0, 8, at_ms=2)
    run(state, of(high("s3"), "steel"), 0, 0, 8, at_ms=3)
    submit(state, of(wants(priority=Priority.LOW), "fish"))

    assert stopped(plan(state, NOW_MS)) == ["s3.1"], "fish has no quota but its cohort's"


def test_beyond_its_cohort_s_quota_a_tenant_takes_back_inside_the_cohort_alone() -> None:
    state = cohorts(coast=16, hills=8)
    run(state, of(high("f1"), "fish"), 8, at_ms=1)
    run(state, of(high("f2"), "fish"), 0, 8, at_ms=2)
    run(state, of(high("s1"), "steel"), 0, 0, 8, at_ms=3)
    submit(state, of(wants(priority=Priority.LOW), "ship"))

    assert stopped(plan(state, NOW_MS)) == ["f2.1"]


def test_a_quota_in_tflops_is_of_all_kinds() -> None:
    """Steel's 8000 TFLOPS are 8 gpus, or 8 npus and 5 gpus."""
    state = a_state(a_tenant("steel", nominal_tflops=8_000), a_tenant("fish"), park=TWO_KINDS)
    run(state, of(normal("f"), "fish"), 8)
    run(state, of(normal("g"), "fish"), 0, 8)
    submit(state, wants("npus", 8))
    assert len(plan(state, NOW_MS).evictions) == 1

    gpus = replace(a_job("gpus", device_count=4, device_kind_ids=("gpu",)), limit_ms=LIMIT_MS)
    submit(state, gpus)
    happen(state, a_lease("gpus", a_placement("east-gpu", 4)))
    assert len(plan(state, NOW_MS).evictions) == 1, "3956 and 2504 are 6460 TFLOPS"
    state.tree.declare_tenant(a_tenant("steel", nominal_tflops=6_459))
    assert plan(state, NOW_MS).evictions == ()


def test_a_quota_of_a_kind_and_one_in_tflops_hold_together() -> None:
    tenant = a_tenant("steel", nominal_cards=(("npu", 8),), nominal_tflops=4 * 313)
    state = a_state(tenant, a_tenant("fish"), park=a_park(a_pool(POOL, 1, 8)))
    run(state, of(normal("f"), "fish"), 8)
    submit(state, wants("all", 8))
    assert plan(state, NOW_MS).evictions == ()

    submit(state, wants("half", 4))
    assert stopped(plan(state, NOW_MS)) == ["f.1"]


# What is borrowed.


@pytest.mark.parametrize("branch", ["steel", "steel/a", "cohort"])
def test_nobody_borrows_more_than_its_limit(branch: str) -> None:
    """Four of its own, and four more at most: 8 cards."""
    own = {"nominal_cards": (("npu", 4),), "borrowing_cards": (("npu", 4),)}
    tenant = own if branch == "steel" else {}
    state = a_state(a_tenant("steel", cohort_id="coast", **tenant), park=THREE_NODES)  # type: ignore[arg-type]
    a_cohort(state, "coast", **(own if branch == "cohort" else {}))  # type: ignore[arg-type]
    a_project(state, "steel", "a", **(own if branch == "steel/a" else {}))  # type: ignore[arg-type]
    run(state, of(normal("first", 6), "steel/a"), 6)
    submit(state, of(wants("more", 4), "steel/a"), of(wants("two", 2), "steel/a"))

    code = {"steel": ReasonCode.TENANT_QUOTA, "steel/a": ReasonCode.PROJECT_QUOTA}.get(branch)
    expected = code or ReasonCode.COHORT_QUOTA
    where = "coast" if branch == "cohort" else branch
    assert granted(state) == ["two"]
    assert why(state, "more") == [(expected, where, 4, 2, "cards of npu")]


def test_a_limit_in_tflops_counts_all_kinds() -> None:
    tenant = a_tenant("steel", borrowing_tflops=8 * 313)
    state = a_state(tenant, park=TWO_KINDS)
    run(state, normal("first", 4), 4)
    submit(state, replace(wants("gpu", 4), device_kind_ids=("gpu",)), wants("npu", 4))

    assert granted(state) == ["npu"]
    assert why(state, "gpu") == [(ReasonCode.TENANT_QUOTA, "steel", 4 * 989, 4 * 313, "tflops")]


def test_a_limit_of_one_kind_leaves_others_free() -> None:
    state = a_state(a_tenant("steel", borrowing_cards=(("npu", 0),)), park=TWO_KINDS)
    submit(state, replace(wants("any", 4), device_kind_ids=("npu", "gpu")))

    (grant,) = plan(state, NOW_MS).grants
    assert grant.placement.pool_id == "east-gpu"


def test_who_asks_for_more_than_it_may_ever_borrow_is_refused() -> None:
    state = a_state(a_tenant("steel", borrowing_cards=(("npu", 4),)), park=TWO_KINDS)

    def refused(*kinds: str) -> list[Reason]:
        job = a_job(device_count=8, device_kind_ids=kinds)
        return [*impossible(job, TWO_KINDS, state.tree, state.prices, 0)]

    (reason,) = refused("npu")
    assert (reason.code, reason.need, reason.free, reason.unit) == (
        ReasonCode.TENANT_QUOTA,
        8,
        4,
        "cards of npu",
    )
    assert not refused("npu", "gpu")


def test_a_limit_is_kept_for_the_first_that_waits_for_it() -> None:
    """At its end `first` gives its six back, and `big` takes eight: none is spare."""
    state = a_state(a_tenant("steel", borrowing_cards=(("npu", 8),)), park=THREE_NODES)
    run(state, until("first", 6, 2), 6)
    submit(state, wants("big", 8), later("long"))

    assert granted(state) == []
    (reason,) = plan(state, NOW_MS).verdicts["long"].reasons
    assert (reason.detail, reason.until_ms, reason.free) == ("kept for job big", 2 * HOUR_MS, 0)
    start = plan(state, NOW_MS).verdicts["big"].start
    assert start is not None
    assert start.at_ms == 2 * HOUR_MS
    submit(state, replace(later("short"), limit_ms=HOUR_MS))
    assert granted(state) == ["short"]


def test_who_may_not_be_on_a_kind_gets_no_answer_of_one_who_may() -> None:
    """Both ask for the same: what the first was told of the pool is not told the second."""
    tenants = a_tenant("fish"), a_tenant("steel", borrowing_cards=(("npu", 4),))
    state = a_state(*tenants, park=a_park(a_pool(POOL, 1, 8)))
    run(state, of(until("f", 8, 10), "fish"), 8)
    submit(state, of(wants("one"), "fish"), of(wants("two"), "fish"))
    submit(state, wants("mine", priority=Priority.LOW))

    assert why(state, "mine") == [(ReasonCode.TENANT_QUOTA, "steel", 8, 4, "cards of npu")]


# What is lent.


def lends(cards: int) -> State:
    """Of 24 cards 16 are steel's, which lends so many."""
    tenant = a_tenant("steel", nominal_cards=(("npu", 16),), lending_cards=(("npu", cards),))
    return a_state(tenant, a_tenant("fish"), park=THREE_NODES)


def test_what_is_not_lent_stays_idle() -> None:
    state = lends(4)
    submit(state, *(of(wants(name, 4), "fish") for name in "abcd"))

    assert granted(state) == ["a", "b", "c"], "8 are nobody's, and 4 are lent"
    assert why(state, "d") == [(ReasonCode.LENT_OUT, "park", 4, 0, "cards of npu")]


def test_what_is_kept_is_taken_by_its_owner_at_once() -> None:
    state = lends(4)
    run(state, of(normal("f", 8), "fish"), 8)
    run(state, of(normal("g", 4), "fish"), 0, 4)
    submit(state, wants("own", 8), of(wants("d", 4), "fish"))

    assert granted(state) == ["own"]
    assert why(state, "d") == [(ReasonCode.LENT_OUT, "park", 4, 0, "cards of npu")]


def test_what_an_owner_uses_of_its_own_is_not_kept_as_well() -> None:
    state = lends(4)
    run(state, normal("own", 8), 8)
    submit(state, *(of(wants(name, 4), "fish") for name in "abcd"))

    assert granted(state) == ["a", "b", "c"], "of 16 it uses 8 and keeps 4"


def test_an_owner_beyond_what_it_keeps_takes_what_is_lent() -> None:
    state = lends(0)
    run(state, normal("own", 16), 8, 8)
    submit(state, wants("more", 8))

    assert granted(state) == ["more"]


def test_what_a_member_keeps_is_kept_from_its_cohort_as_well() -> None:
    """Of the coast's 16 ship keeps 8: fish has the others, and may not borrow."""
    ship = {"nominal_cards": (("npu", 8),), "lending_cards": (("npu", 0),)}
    state = a_state(
        a_tenant("fish", cohort_id="coast"),
        a_tenant("ship", cohort_id="coast", **ship),  # type: ignore[arg-type]
        park=THREE_NODES,
    )
    a_cohort(state, "coast", nominal_cards=(("npu", 16),), borrowing_cards=(("npu", 0),))
    submit(state, *(of(wants(name, 4), "fish") for name in "abc"), of(wants("own", 8), "ship"))

    assert granted(state) == ["own", "a", "b"]
    assert why(state, "c") == [(ReasonCode.COHORT_QUOTA, "coast", 4, 0, "cards of npu")]


def test_what_is_lent_is_kept_for_the_first_that_waits_for_it() -> None:
    """When `own` ends nothing more is lent, as steel keeps it; when `f` does, `big` has eight."""
    state = lends(0)
    run(state, until("own", 8, 2), 8)
    run(state, of(until("f", 6, 3), "fish"), 0, 6)
    submit(state, of(wants("big", 8), "fish"), of(later("long"), "fish"))

    assert granted(state) == []
    verdicts = plan(state, NOW_MS).verdicts
    (reason,) = verdicts["long"].reasons
    assert (reason.code, reason.until_ms) == (ReasonCode.LENT_OUT, 3 * HOUR_MS)
    start = verdicts["big"].start
    assert start is not None
    assert start.at_ms == 3 * HOUR_MS
    submit(state, of(replace(later("short"), limit_ms=2 * HOUR_MS), "fish"))
    assert granted(state) == ["short"]


def test_who_asks_for_more_than_is_ever_lent_is_refused() -> None:
    state = lends(0)
    job = of(a_job(device_count=16), "fish")

    (reason,) = impossible(job, THREE_NODES, state.tree, state.prices, 0)

    assert (reason.code, reason.need, reason.free) == (ReasonCode.LENT_OUT, 16, 8)
    assert not impossible(a_job(device_count=16), THREE_NODES, state.tree, state.prices, 0)


# The second look.


def flaws(state: State, tenant_id: str, cards: int) -> tuple[str, ...]:
    job = of(wants("new", cards), tenant_id)
    submit(state, job)
    placement = a_placement(POOL, *([8] * (cards // 8)), cards % 8)
    grant = Grant(job_id="new", placement=placement, hold_micros=cards * job.longest_ms)
    _, found = verified(state, Plan(grants=(grant,), verdicts={}), NOW_MS, DEFAULT)
    return found


def test_a_plan_that_takes_what_is_kept_is_not_carried_out() -> None:
    (flaw,) = flaws(lends(0), "fish", 16)

    assert flaw.endswith("the park would claim 32 cards of npu, and may 24")
    assert flaws(lends(0), "steel", 16) == ()
    assert flaws(lends(8), "fish", 16) == ()


def test_a_plan_that_borrows_beyond_a_limit_is_not_carried_out() -> None:
    for tenant, unit in (
        (a_tenant("steel", borrowing_cards=(("npu", 4),)), "5 cards of npu, and may 4"),
        (a_tenant("steel", borrowing_tflops=313 * 4), "1565 TFLOPS, and may 1252"),
    ):
        (flaw,) = flaws(a_state(tenant, park=THREE_NODES), "steel", 5)
        assert flaw.endswith(f"steel would claim {unit}")
    assert flaws(a_state(tenant, park=THREE_NODES), "steel", 4) == ()


def test_a_plan_is_looked_at_where_a_pool_of_somebodys_own_nodes_is_gone() -> None:
    gone = a_tenant("fish", nominal_nodes=(("gone", 1),))
    state = a_state(gone, a_tenant("steel", borrowing_cards=(("npu", 4),)), park=THREE_NODES)

    assert flaws(state, "fish", 4) == ()


def test_who_has_a_limit_on_each_kind_may_start_when_the_first_of_them_gives_back() -> None:
    limits = tuple(
        Reason(code=ReasonCode.TENANT_QUOTA, where="steel", need=8, free=0, unit=kind)
        for kind in ("npu", "gpu")
    )

    assert begin_ms(limits, NOW_MS) == NOW_MS + 1
    assert begin_ms((*limits, replace(limits[0], unit="cards")), NOW_MS) == NOW_MS + 1
    assert begin_ms((*limits, replace(limits[0], code=ReasonCode.FRAGMENTED)), NOW_MS) is None
