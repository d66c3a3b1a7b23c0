"""Where a waiting job stands, by what, and who holds what it waits for."""

from dataclasses import replace

import pytest
from hypothesis import given
from typing_extensions import override

from api.answers.ranked import standing_view
from scheduler.asking.ranking import Fork, Ranking, queue, ranking
from scheduler.facts import events as ev
from scheduler.facts.queue import SLOWDOWN
from scheduler.facts.state import State
from scheduler.model.job import Priority, ReasonCode
from scheduler.model.levels import STARVING_MS
from scheduler.model.policy import DEFAULT, SURE_AFTER_MS, Policy
from scheduler.planning.planner import plan
from scheduler.sharing.fairtree import FairTree
from tests.builders import (
    HOUR_MS,
    a_park,
    a_pool,
    a_state,
    a_tenant,
    divide,
    group,
    happen,
    submit,
)
from tests.entitled import a_cohort
from tests.preemptive import NODE, NOW_MS, POOL, SAVES, TURNS, normal, run, wants
from tests.unit.scheduler.test_preemption_invariants import POLICIES, crowded

TFLOPS = 313


def of(state: State, job_id: str, policy: Policy = DEFAULT) -> Ranking:
    found = ranking(state, NOW_MS, job_id, policy)
    assert found is not None
    return found


def busy() -> State:
    """Two nodes: steel holds 6 cards, fish 4 as `gold`, coal 2; one card of the second is down."""
    tenants = (
        a_tenant("steel", weight=50, nominal_cards=(("npu", 8),)),
        a_tenant("fish"),
        a_tenant("coal"),
    )
    state = a_state(*tenants, park=a_park(a_pool(POOL, 2, 8)))
    state.tenants["fish"] = replace(state.tenants["fish"], price_class="gold")
    run(state, normal("s", 6), 6)
    run(state, replace(normal("f", 4), tenant_id="fish"), 0, 4)
    run(state, replace(normal("c", 2), tenant_id="coal"), 0, 2)
    return state


def test_its_place_is_that_of_the_plan_and_those_ahead_are_counted() -> None:
    state = busy()
    submit(state, wants("a", 8), wants("b", 8), replace(wants("c2", 8), tenant_id="coal"))

    told = [of(state, job_id) for job_id in plan(state, NOW_MS).verdicts]

    assert [one.position for one in told] == [1, 2, 3]
    assert [one.job.id for one in told] == ["c2", "a", "b"]
    assert [one.ahead_mine for one in told] == [0, 0, 1]
    assert {one.queue_length for one in told} == {3}
    assert {one.at_ms for one in told} == {NOW_MS}


def test_the_queue_is_told_in_its_order_each_with_its_terms() -> None:
    state = busy()
    submit(state, wants("a", 8), wants("b", 8), replace(wants("c2", 8), tenant_id="coal"))

    told = queue(state, NOW_MS, None, 10)

    assert [(one.position, one.job_id) for one in told.items] == [(1, "c2"), (2, "a"), (3, "b")]
    assert [one.terms for one in told.items] == [of(state, one.job_id).terms for one in told.items]
    assert (told.at_ms, told.length) == (NOW_MS, 3)


def test_of_the_queue_each_branch_is_looked_at_once_however_many_wait_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[str] = []

    class Counted(FairTree):
        @override
        def had(self, branch: str) -> float:
            looked_at.append(branch)
            return super().had(branch)

    monkeypatch.setattr("scheduler.asking.ranking.FairTree", Counted)
    state = busy()
    submit(state, wants("a", 8), replace(wants("c2", 8), tenant_id="coal"))
    queue(state, NOW_MS, None, 10)
    of_two = sorted(looked_at)
    looked_at.clear()
    submit(state, wants("b", 8), replace(wants("c3", 8), tenant_id="coal"))

    assert len(queue(state, NOW_MS, None, 10).items) == 4
    assert sorted(looked_at) == of_two


def test_of_the_queue_a_tenant_is_told_its_own_at_their_places_and_no_more_than_asked() -> None:
    state = busy()
    submit(state, wants("a", 8), wants("b", 8), replace(wants("c2", 8), tenant_id="coal"))

    (first,) = queue(state, NOW_MS, "steel", 1).items

    assert (first.position, first.job_id) == (2, "a")
    assert [one.position for one in queue(state, NOW_MS, "steel", 5).items] == [2, 3]
    assert queue(State(), NOW_MS, None, 5).items == ()


def test_who_starts_in_this_plan_is_not_ahead() -> None:
    state = busy()
    submit(state, wants("a", 2, Priority.HIGH), wants("b", 8))

    assert of(state, "b").position == 1


def test_who_holds_the_cards_is_told_by_class_alone() -> None:
    state = busy()
    submit(state, wants("a", 8))

    (use,) = of(state, "a").pools

    assert (use.pool.id, use.mine, use.others) == (POOL, 6, {"gold": 4, "standard": 2})
    assert (use.free, use.down) == (4, 0)
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=(NODE,)))
    (use,) = of(state, "a").pools
    assert (use.free, use.down) == (2, 2)
    happen(state, ev.CentreLinkChanged(at_ms=1, centre_id="east", is_heard=False))
    (use,) = of(state, "a").pools
    assert (use.free, use.down) == (0, 4)


def test_all_that_is_in_its_way_is_told_not_only_the_first() -> None:
    state = busy()
    state.tenants["steel"] = replace(state.tenants["steel"], max_cards=8)
    state.funds["steel"].available_micros = 0
    submit(state, wants("a", 8))

    (use,) = of(state, "a").pools

    codes = [reason.code for reason in use.reasons]
    assert codes == [ReasonCode.TENANT_QUOTA, ReasonCode.FUNDS, ReasonCode.DEVICES_BUSY]


def test_behind_nodes_that_are_down_what_they_and_the_others_hold_is_told() -> None:
    """Of two nodes one is down, and of the other a card is in use: both must change."""
    state = a_state(a_tenant("steel"), park=a_park(a_pool(POOL, 2, 8)))
    run(state, normal("s", 1), 1)
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=(NODE,)))
    submit(state, wants("a", 16))

    (use,) = of(state, "a").pools

    assert [(one.code, one.need, one.free) for one in use.reasons] == [
        (ReasonCode.NODES_DOWN, 16, 7),
        (ReasonCode.DEVICES_BUSY, 16, 15),
    ]


def test_behind_nodes_that_are_down_what_was_granted_ahead_is_told() -> None:
    """Four cards of the other node go to who is ahead in this plan."""
    state = a_state(a_tenant("steel"), park=a_park(a_pool(POOL, 2, 8)))
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=(NODE,)))
    submit(state, wants("ahead", 4, Priority.HIGH), wants("a", 16))

    (use,) = of(state, "a").pools

    assert [(one.code, one.free) for one in use.reasons] == [
        (ReasonCode.NODES_DOWN, 4),
        (ReasonCode.DEVICES_BUSY, 12),
    ]


def test_behind_a_silent_centre_what_is_known_of_it_is_told() -> None:
    state = a_state(a_tenant("steel", max_cards=9), park=a_park(a_pool(POOL, 1, 8)))
    divide(state, "steel", default=8)
    run(state, normal("s", 2), 2)
    happen(state, ev.CentreLinkChanged(at_ms=1, centre_id="east", is_heard=False))
    submit(state, wants("a", 8))

    (use,) = of(state, "a").pools

    assert [(one.code, one.free) for one in use.reasons] == [
        (ReasonCode.PROJECT_QUOTA, 6),
        (ReasonCode.TENANT_QUOTA, 7),
        (ReasonCode.CENTRE_SILENT, 0),
        (ReasonCode.DEVICES_BUSY, 6),
    ]


def test_the_terms_are_those_of_the_order() -> None:
    state = busy()
    submit(state, wants("mine", 2), wants("beyond", 8), replace(wants("f2", 8), tenant_id="fish"))

    terms = of(state, "beyond").terms

    assert (terms.is_owner, terms.priority) == (False, Priority.NORMAL)
    assert (terms.is_starving, terms.level) == (None, None), "jobs do not take turns"
    (share,) = terms.shares
    assert (share.fork, share.weight, share.place, share.count) == (Fork.TENANT, 50, 2, 2)
    record = state.jobs["beyond"]
    assert record.reckoned_ms != record.expected_ms, "so that it shows by which it is told"
    assert terms.expected_ms == record.reckoned_ms
    assert terms.due_ms == record.job.submitted_at_ms + SLOWDOWN * record.reckoned_ms
    assert of(state, "mine").terms.is_owner is True
    assert of(state, "f2").terms.is_owner is None
    assert of(state, "f2").terms.shares[0].place == 1


@pytest.mark.parametrize(
    ("waited_ms", "is_patient", "words"),
    [(SURE_AFTER_MS - 1, False, "it is due at"), (SURE_AFTER_MS, True, "it has waited since")],
)
def test_who_has_waited_for_a_week_is_told_so(
    waited_ms: int, *, is_patient: bool, words: str
) -> None:
    state = a_state(a_tenant("steel"), park=a_park(a_pool(POOL, 1, 8)))
    run(state, normal("r", 8), 8)
    submit(state, replace(wants("old", 8), submitted_at_ms=HOUR_MS))

    found = ranking(state, HOUR_MS + waited_ms, "old")

    assert found is not None
    assert found.terms.is_patient is is_patient
    assert (found.terms.due_ms == HOUR_MS) is is_patient
    told = standing_view(found, [() for _ in found.pools]).terms[-1]
    assert told.name == ("patient" if is_patient else "due")
    assert told.text.startswith(words)
    assert ("已等待满一周" in told.text_zh) is is_patient


def test_its_branch_has_a_place_at_each_fork_of_the_tree() -> None:
    """`fish` and `ship` are one cohort; of the projects of `fish` `a` runs, and `b` does not."""
    members = (a_tenant(name, cohort_id="coast") for name in ("fish", "ship"))
    state = a_state(a_tenant("steel"), *members, park=a_park(a_pool(POOL, 1, 8)))
    group(state, "coast", weight=300)
    divide(state, "fish", a=None, b=None)
    run(state, replace(normal("r", 8), tenant_id="fish", project="a"), 8)
    for name, tenant_id, project in (
        ("x", "fish", "a"),
        ("y", "fish", "b"),
        ("z", "ship", "default"),
        ("s", "steel", "default"),
    ):
        submit(state, replace(wants(name, 8), tenant_id=tenant_id, project=project))

    terms = of(state, "x").terms.shares

    assert [(one.fork, one.weight, one.place, one.count) for one in terms] == [
        (Fork.COHORT, 300, 2, 2),
        (Fork.TENANT, 100, 2, 2),
        (Fork.PROJECT, 100, 2, 2),
    ]
    assert len({one.had_tflops_ms for one in terms}) == 1, "all that was had is of one job"
    assert [(one.fork, one.place) for one in of(state, "z").terms.shares] == [
        (Fork.COHORT, 2),
        (Fork.TENANT, 1),
    ]
    assert [(one.fork, one.place) for one in of(state, "s").terms.shares] == [(Fork.TENANT, 1)]


def test_a_job_of_several_kinds_is_within_where_it_comes_first_alone() -> None:
    """The term is that of its turn: a quota of one of its kinds does not bring it forward."""
    tenants = a_tenant("steel", nominal_cards=(("gpu", 4),)), a_tenant("fish")
    state = a_state(*tenants, park=a_park(a_pool(POOL, 1, 8), a_pool("east-gpu", 1, 4)))
    run(state, replace(normal("f", 8), tenant_id="fish"), 8)
    submit(state, replace(wants("both", 4), device_kind_ids=("npu", "gpu")))
    assert of(state, "both").terms.is_owner is False

    submit(state, replace(wants("own", 4), device_kind_ids=("gpu",)))

    assert of(state, "own").terms.is_owner is True


@pytest.mark.parametrize(("cards", "is_lent"), [(4, False), (8, True)])
def test_what_is_its_own_but_not_its_cohorts_is_told(cards: int, is_lent: bool) -> None:
    fish = a_tenant("fish", cohort_id="coast", nominal_tflops=8 * TFLOPS)
    state = a_state(fish, park=a_park(a_pool(POOL, 2, 8)))
    a_cohort(state, "coast", nominal_cards=(("npu", 4),))
    submit(state, replace(wants("a", cards), tenant_id="fish"))

    found = of(state, "a")

    assert (found.terms.is_owner, found.terms.is_lent) == (True, is_lent)
    told = standing_view(found, [use.reasons for use in found.pools]).terms[0]
    assert told.value == "within"
    assert ("but beyond its cohort's" in told.text) == ("按借用计" in told.text_zh) == is_lent


def test_what_a_tenant_has_had_is_not_divided_by_its_weight() -> None:
    """6 cards for an hour, an hour more for what it holds, and a little has decayed."""
    state = busy()
    submit(state, wants("a", 8))

    (share,) = of(state, "a").terms.shares

    assert share.had_tflops_ms == pytest.approx(2 * 6 * TFLOPS * HOUR_MS, rel=0.02)


def test_where_jobs_take_turns_level_and_hunger_are_told() -> None:
    state = busy()
    submit(state, wants("x", 8), replace(wants("y", 8), submitted_at_ms=-2 * STARVING_MS))
    submit(state, replace(wants("z", 8), checkpoint=SAVES))
    record = state.jobs["z"]
    state.queue.discard("z")
    record.served_card_ms = 2 * HOUR_MS
    state.queue.add(record)

    terms = {job_id: of(state, job_id, TURNS).terms for job_id in ("x", "y", "z")}

    assert [terms[job_id].is_starving for job_id in "xyz"] == [False, True, False]
    assert [terms[job_id].level for job_id in "xyz"] == [0, 0, 2]


def test_who_does_not_wait_has_no_place() -> None:
    assert ranking(busy(), NOW_MS, "s") is None
    assert ranking(busy(), NOW_MS, "nobody") is None


@given(crowded(), POLICIES)
def test_places_are_those_of_the_plan_and_every_pool_says_what_is_in_the_way(
    state: State, policy: Policy
) -> None:
    """No pool has nothing in the way: else it would have started there."""
    verdicts = plan(state, NOW_MS, policy).verdicts

    for position, job_id in enumerate(verdicts, start=1):
        found = ranking(state, NOW_MS, job_id, policy)
        assert found is not None
        assert found.position == position
        assert found.pools
        assert all(use.reasons for use in found.pools)
        held = [use.free + use.down + use.mine + sum(use.others.values()) for use in found.pools]
        assert held == [use.pool.card_count for use in found.pools]
