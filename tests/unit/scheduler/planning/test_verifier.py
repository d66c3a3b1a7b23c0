"""What breaks a rule is not carried out: plans that were bent by hand, one rule each."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

from scheduler import drafts
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, NodeShare, Placement, Priority
from scheduler.model.plan import Eviction, Grant, Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import (
    a_job,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    divide,
    group,
    happen,
    submit,
)
from tests.hand import Hand
from tests.preemptive import NODE, NOW_MS, POOL, TURNS, low, normal, run, wants
from tests.unit.scheduler.test_planner_invariants import policies, states
from tests.unit.scheduler.test_preemption_invariants import POLICIES, crowded
from tests.unit.scheduler.test_standing_turns import lent

PARK = a_park(a_pool("east-npu", 2, 8), a_pool("north-dcu", 2, 8))


def two_jobs() -> State:
    """`gang` wants both nodes of a pool, `part` four cards; each has room."""
    state = a_state(a_tenant("steel", cohort_id="coast"), park=PARK)
    submit(
        state,
        a_job("gang", device_count=16, device_kind_ids=("dcu",)),
        a_job("part", device_count=4, centre_ids=("east",)),
    )
    return state


def grants_of(result: Plan) -> dict[str, Grant]:
    return {grant.job_id: grant for grant in result.grants}


def flaw_of(state: State, *grants: Grant, now_ms: int = 1) -> str:
    """The one flaw of a plan that is right but for these grants, which take the place of theirs."""
    right = plan(state, now_ms)
    bent = {**grants_of(right), **{grant.job_id: grant for grant in grants}}
    found, flaws = verified(state, replace(right, grants=tuple(bent.values())), now_ms, DEFAULT)
    assert len(flaws) == 1, flaws
    assert len(found.grants) == len(bent) - 1, "the others are carried out"
    return flaws[0]


def placed(grant: Grant, *nodes: tuple[str, int], pool_id: str | None = None) -> Grant:
    shares = tuple(NodeShare(node_id=node, card_count=cards) for node, cards in nodes)
    before = grant.placement
    there = a_placement(pool_id) if pool_id else before
    return replace(grant, placement=replace(there, shares=shares))


def test_a_plan_that_is_right_is_carried_out_as_it_is() -> None:
    state = two_jobs()
    result = plan(state, 1)

    assert verified(state, result, 1, DEFAULT) == (result, ())
    assert len(result.grants) == 2


Bend = Callable[[dict[str, Grant]], Grant]
BENT: dict[str, tuple[Bend, str]] = {
    "half a gang": (
        lambda right: placed(right["gang"], ("north-dcu-n001", 8)),
        "[8] cards are not the gang of 16",
    ),
    "a gang in uneven pieces": (
        lambda right: placed(right["gang"], ("north-dcu-n001", 7), ("north-dcu-n002", 9)),
        "[7, 9] cards are not the gang of 16",
    ),
    "more cards than were asked for": (
        lambda right: placed(right["part"], ("east-npu-n001", 5)),
        "[5] cards are not the gang of 4",
    ),
    "one node twice": (
        lambda right: placed(right["gang"], ("north-dcu-n001", 8), ("north-dcu-n001", 8)),
        "a node is named twice",
    ),
    "a node of another pool": (
        lambda right: placed(right["part"], ("north-dcu-n001", 4)),
        "node north-dcu-n001 is not one of the pool",
    ),
    "a kind that was not asked for": (
        lambda right: placed(
            right["gang"], ("east-npu-n001", 8), ("east-npu-n002", 8), pool_id="east-npu"
        ),
        "it asked for dcu",
    ),
    "a centre that was not asked for": (
        lambda right: placed(right["part"], ("north-dcu-n001", 4), pool_id="north-dcu"),
        "it asked for centre east",
    ),
    "a pool that is none": (
        lambda right: replace(
            right["part"], placement=replace(right["part"].placement, pool_id="x")
        ),
        "there is no such pool",
    ),
    "another kind than the pool's": (
        lambda right: replace(
            right["part"], placement=replace(right["part"].placement, device_kind_id="gpu")
        ),
        "the pool is not one of gpu in east",
    ),
    "money that is not there": (
        lambda right: replace(right["part"], hold_micros=10**13),
        "and its tenant has",
    ),
    "a hold that is too small": (
        lambda right: replace(right["part"], hold_micros=right["part"].hold_micros - 1),
        "and its longest run costs",
    ),
    "a hold that is too large": (
        lambda right: replace(right["part"], hold_micros=right["part"].hold_micros + 1),
        "and its longest run costs",
    ),
    "a job that does not wait": (
        lambda right: replace(right["part"], job_id="ghost"),
        "job ghost does not wait",
    ),
}


@pytest.mark.parametrize("name", BENT)
def test_what_breaks_a_rule_is_not_carried_out(name: str) -> None:
    state = two_jobs()
    bend, flaw = BENT[name]

    assert flaw in flaw_of(state, bend(grants_of(plan(state, 1))))


def test_a_node_is_never_given_twice() -> None:
    state = two_jobs()
    submit(state, a_job("more", device_count=8, submitted_at_ms=1))
    right = grants_of(plan(state, 1))
    node_id = right["more"].placement.shares[0].node_id

    flaw = flaw_of(state, placed(right["part"], (node_id, 4)))

    assert f"node {node_id} has" in flaw


def test_nothing_is_given_on_a_node_that_is_down_or_in_a_centre_that_is_silent() -> None:
    for change, flaw in (
        (ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=()), "is online"),
        (ev.CentreLinkChanged(at_ms=1, centre_id="east", is_heard=False), "its centre is silent"),
    ):
        state = two_jobs()
        early = grants_of(plan(state, 1))["part"]
        happen(state, change)

        assert flaw in flaw_of(state, early)


def bind_project(state: State) -> None:
    divide(state, "steel", default=16)


def bind_cohort(state: State) -> None:
    group(state, "coast", 16)


def bind_tenant(state: State) -> None:
    happen(state, ev.TenantDeclared(at_ms=1, tenant=a_tenant("steel", max_cards=16)))


@pytest.mark.parametrize(
    ("bind", "branch"),
    [(bind_project, "steel/default"), (bind_cohort, "cohort:coast"), (bind_tenant, "steel")],
)
def test_no_quota_is_passed_by(bind: Callable[[State], None], branch: str) -> None:
    state = two_jobs()
    early = grants_of(plan(state, 1))
    bind(state)
    (first,) = plan(state, 1).grants
    other = early["gang" if first.job_id == "part" else "part"]

    assert f"{branch} may take" in flaw_of(state, other)


def test_a_stated_capacity_is_never_passed() -> None:
    """Pools sum to what is stated, so nothing but a wrong sum could: the park is bent by hand."""
    state = two_jobs()
    early = grants_of(plan(state, 1))["part"]
    assert state.park is not None
    east, north = state.park.centres
    small = replace(east, stated_tflops=3 * 313)
    state.park = replace(state.park, centres=(small, north))
    assert "centre east would be above its 939 TFLOPS" in flaw_of(state, early)

    state.park = replace(state.park, centres=(east, north), stated_tflops=16 * 400 + 3 * 313)
    assert "the park would be above its" in flaw_of(state, early)


def test_who_failed_a_moment_ago_is_not_tried_yet() -> None:
    state = two_jobs()
    early = grants_of(plan(state, 1))["part"]
    state.jobs["part"].not_before_ms = 5

    assert "not to be tried yet" in flaw_of(state, early)


def test_a_job_starts_once() -> None:
    """Even where there is room for it a second time."""
    state = two_jobs()
    right = plan(state, 1)
    again = placed(grants_of(right)["part"], ("east-npu-n002", 4))

    found, flaws = verified(state, replace(right, grants=(*right.grants, again)), 1, DEFAULT)

    assert found.grants == right.grants
    assert flaws == ("job part does not wait, and was to start",)


def test_money_is_spent_once() -> None:
    """Each could be paid, and both together not."""
    state = two_jobs()
    right = plan(state, 1)
    holds = [grant.hold_micros for grant in right.grants]
    state.funds["steel"].available_micros = max(holds)

    found, flaws = verified(state, right, 1, DEFAULT)

    assert found.grants == right.grants[:1]
    assert f"and its tenant has {max(holds) - holds[0]}" in flaws[0]


# Who is stopped.


def stop_flaws(
    state: State, policy: Policy = DEFAULT, now_ms: int = NOW_MS, **changes: object
) -> tuple[str, ...]:
    eviction = replace(Eviction("old.1", "new", (NODE,)), **changes)  # type: ignore[arg-type]
    result = Plan(grants=(), verdicts={}, evictions=(eviction,))
    found, flaws = verified(state, result, now_ms, policy)
    assert len(found.evictions) + len(flaws) == 1
    return flaws


def a_low_one() -> State:
    state = a_state(a_tenant("steel"), a_tenant("fish"), park=a_park(a_pool(POOL, 2, 8)))
    run(state, low("old"), 8)
    submit(state, wants("new"))
    return state


def test_who_stands_below_may_be_stopped() -> None:
    assert stop_flaws(a_low_one()) == ()


def test_nobody_is_stopped_for_who_stands_no_better() -> None:
    state = a_low_one()
    submit(state, wants("equal", priority=Priority.LOW))

    (flaw,) = stop_flaws(state, job_id="equal")

    assert flaw == "attempt old.1 for job equal: it does not stand below that job"


def test_who_is_not_low_is_stopped_by_turns_alone_and_only_if_it_can_go_on() -> None:
    for checkpoint, policy, is_allowed in (
        (Checkpoint(dir="c"), DEFAULT, False),
        (Checkpoint(dir="c"), TURNS, True),
        (None, TURNS, False),
    ):
        state = a_state(a_tenant("steel"), park=a_park(a_pool(POOL, 2, 8)))
        run(state, normal("old", checkpoint=checkpoint), 8)
        submit(state, wants("new"))

        submit(state, wants("high", priority=Priority.HIGH))

        assert (stop_flaws(state, policy) == ()) is is_allowed
        assert (stop_flaws(state, policy, job_id="high") == ()) is is_allowed


def test_what_is_borrowed_is_stopped_for_an_owner_and_what_is_owned_for_no_borrower() -> None:
    owner = a_tenant("steel", nominal_cards=(("npu", 8),))
    for taker, victim, is_allowed in (("steel", "fish", True), ("fish", "steel", False)):
        state = a_state(owner, a_tenant("fish"), park=a_park(a_pool(POOL, 2, 8)))
        run(state, replace(normal("old"), tenant_id=victim), 8)
        submit(state, replace(wants("new", priority=Priority.LOW), tenant_id=taker))
        submit(state, replace(wants("high", priority=Priority.HIGH), tenant_id=taker))

        assert (stop_flaws(state) == ()) is is_allowed
        assert (stop_flaws(state, job_id="high") == ()) is is_allowed


def test_who_has_just_begun_or_is_stopping_or_is_elsewhere_is_let_be() -> None:
    assert "has not run for" in stop_flaws(a_low_one(), now_ms=599_999)[0]
    assert "none of the nodes" in stop_flaws(a_low_one(), node_ids=(f"{POOL}-n002",))[0]
    assert "no such attempt" in stop_flaws(a_low_one(), attempt_id="ghost.1")[0]
    assert "no preemption" in stop_flaws(a_low_one(), replace(DEFAULT, preemption=None))[0]
    assert "has not waited for" in stop_flaws(a_low_one(), now_ms=NOW_MS - 1)[0]
    state = a_low_one()
    state.live["old.1"].stop_cause = EndCause.LIMIT
    assert "stopped already" in stop_flaws(state)[0]


def test_nobody_is_stopped_for_who_starts_anyway() -> None:
    state = a_low_one()
    right = plan(state, NOW_MS)
    assert [grant.job_id for grant in right.grants] == ["new"]
    bent = replace(right, evictions=(Eviction("old.1", "new", (NODE,)),))

    found, flaws = verified(state, bent, NOW_MS, DEFAULT)

    assert found.evictions == ()
    assert "starts now" in flaws[0]


def test_nobody_is_stopped_twice() -> None:
    state = a_low_one()
    submit(state, wants("other"))
    both = tuple(Eviction("old.1", job_id, (NODE,)) for job_id in ("new", "other"))

    found, flaws = verified(state, Plan(grants=(), verdicts={}, evictions=both), NOW_MS, DEFAULT)

    assert found.evictions == both[:1]
    assert "stopped already" in flaws[0]


# The planner, and the controller.


@given(states(), policies)
def test_no_plan_has_a_flaw(state: State, policy: Policy) -> None:
    result = plan(state, 7, policy)

    assert verified(state, result, 7, policy) == (result, ())


@given(crowded(), POLICIES)
def test_no_plan_that_stops_others_has_a_flaw(state: State, policy: Policy) -> None:
    result = plan(state, NOW_MS, policy)

    assert verified(state, result, NOW_MS, policy) == (result, ())


@given(lent(), POLICIES)
def test_no_plan_that_takes_back_what_was_borrowed_has_a_flaw(state: State, policy: Policy) -> None:
    result = plan(state, NOW_MS, policy)

    assert verified(state, result, NOW_MS, policy) == (result, ())


def test_a_broken_planner_overbooks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives two jobs the same node: one is leased, and the cycle tells of the other."""

    def broken(state: State, *_: object) -> Plan:
        there = Placement(
            centre_id="east",
            pool_id="east-npu",
            device_kind_id="npu",
            shares=(NodeShare(node_id="east-npu-n001", card_count=8),),
        )
        grants = (Grant(job_id=one, placement=there, hold_micros=28_800_000) for one in state.queue)
        return Plan(grants=tuple(grants), verdicts={})

    hand = Hand(PARK)
    hand.all_say(1_000)
    hand.step(1_000)
    monkeypatch.setattr(drafts, "plan", broken)
    for job_id in ("a", "b"):
        hand.ask(ev.Submitted(at_ms=1_000, job=a_job(job_id)))

    cycle = hand.step(1_000)

    assert len(cycle.flaws) == 1
    assert "node east-npu-n001 has 0 cards free, not 8" in cycle.flaws[0]
    assert [one for one in cycle.events if isinstance(one, ev.Leased)]
    assert len(hand.controller.state.live) == 1
