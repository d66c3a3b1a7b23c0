"""Limits on what branches borrow and lend, counted anew, by hand."""

from dataclasses import replace

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.tenancy import Cohort, Project, Tenant
from scheduler.planning.recount import Recount
from tests.builders import a_job, a_park, a_pool, a_state, a_tenant, happen

OWN = (("npu", 4),)


def a_shared_park(*tenants: Tenant) -> State:
    """16 cards."""
    return a_state(*tenants, park=a_park(a_pool("east-npu", 2, 8)))


def wrong(state: State, cards: int) -> list[str]:
    """Which limits that many more cards of `steel` would be above."""
    assert state.park is not None
    return [*Recount.of(state, state.park).wrong(a_job(), "npu", cards)]


def test_a_branch_may_have_its_own_and_what_it_may_borrow() -> None:
    state = a_shared_park(a_tenant("steel", nominal_cards=OWN, borrowing_cards=OWN))

    assert wrong(state, 8) == []
    assert wrong(state, 9) == ["steel would claim 9 cards of npu, and may 8"]


def test_a_cohort_is_a_branch_as_well() -> None:
    state = a_shared_park(a_tenant("steel"))
    cohort = Cohort(id="east", name="east", nominal_cards=OWN, borrowing_cards=(("npu", 0),))
    member = replace(state.tenants["steel"], cohort_id="east")
    happen(state, ev.CohortDeclared(at_ms=0, cohort=cohort))
    happen(state, ev.TenantDeclared(at_ms=0, tenant=member))

    assert wrong(state, 4) == []
    assert [one.partition(" would ")[2] for one in wrong(state, 5)] == [
        "claim 5 cards of npu, and may 4"
    ]


def test_what_a_project_has_is_counted_once_in_its_tenant() -> None:
    state = a_shared_park(a_tenant("steel", borrowing_cards=(("npu", 8),)))
    project = Project(tenant_id="steel", id="default", name="default")
    happen(state, ev.ProjectDeclared(at_ms=0, project=project))

    assert wrong(state, 8) == []


def test_what_a_tenant_keeps_is_the_parks_claim_also_where_its_cohort_is_not_declared() -> None:
    keeps = a_tenant(
        "fish",
        cohort_id="unknown",
        nominal_cards=(("npu", 8),),
        lending_cards=(("npu", 0),),
    )
    state = a_shared_park(a_tenant("steel"), keeps)

    assert wrong(state, 8) == []
    assert wrong(state, 9) == ["the park would claim 17 cards of npu, and may 16"]
