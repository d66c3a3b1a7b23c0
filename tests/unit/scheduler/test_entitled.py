"""What branches are entitled to is kept from plan to plan, and made anew where it is another."""

from scheduler.facts import events as ev
from tests.builders import a_park, a_pool, a_state, a_tenant, happen, submit
from tests.entitled import a_cohort, a_project
from tests.preemptive import POOL, normal
from tests.unit.scheduler.model.test_entitlements import granted, of

THREE_NODES = a_park(a_pool(POOL, 3, 8))
TWO_KINDS = a_park(a_pool(POOL, 2, 8), a_pool("east-gpu", 2, 4))


def test_what_is_declared_between_two_plans_counts_in_the_second() -> None:
    state = a_state(a_tenant("steel"), park=THREE_NODES)
    a_project(state, "steel", "a")
    submit(state, of(normal("a1", 8), "steel/a"), of(normal("a2", 8), "steel/a"))
    none = (("npu", 0),)

    assert granted(state) == ["a1", "a2"]
    a_project(state, "steel", "a", borrowing_cards=(("npu", 8),))
    assert granted(state) == ["a1"]
    a_cohort(state, "coast", borrowing_cards=none)
    assert granted(state) == ["a1"]
    happen(state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("steel", cohort_id="coast")))
    assert granted(state) == []
    a_cohort(state, "coast", borrowing_cards=(("npu", 16),))
    assert granted(state) == ["a1"]


def test_entitlements_are_kept_for_one_park_and_made_anew_for_another() -> None:
    state = a_state(a_tenant("steel"), park=THREE_NODES)

    kept = state.entitled.in_force(state.tree, THREE_NODES)

    assert state.entitled.in_force(state.tree, THREE_NODES) is kept
    assert state.entitled.in_force(state.tree, TWO_KINDS).cards == {"npu": 16, "gpu": 8}
