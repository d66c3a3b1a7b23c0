"""What branches may be entitled to: what could not be kept is named with its numbers."""

from scheduler.facts.state import State
from scheduler.model.promises import promise_problems
from tests.builders import a_park, a_pool, a_state, a_tenant
from tests.entitled import a_cohort, a_project

PARK = a_park(a_pool("east-npu", 3, 8), a_pool("east-gpu", 1, 4))
"""24 npus of 313 TFLOPS and 4 gpus of 989: 11468 in all."""


def problems(state: State) -> list[str]:
    assert state.park is not None
    return [*promise_problems(state.tree, state.park)]


def test_projects_are_given_no_more_than_their_tenant_has() -> None:
    state = a_state(a_tenant("steel", nominal_cards=(("npu", 8),)), park=PARK)
    a_project(state, "steel", "a", nominal_cards=(("npu", 5),))
    assert problems(state) == []
    a_project(state, "steel", "b", nominal_cards=(("gpu", 1), ("npu", 4)))

    assert problems(state) == [
        "tenant steel: nominal_cards of gpu of its projects are 1 in all, more than its own 0",
        "tenant steel: nominal_cards of npu of its projects are 9 in all, more than its own 8",
    ]


def test_what_a_tenant_has_over_all_kinds_bounds_its_projects() -> None:
    state = a_state(a_tenant("steel", nominal_tflops=2_000), park=PARK)
    a_project(state, "steel", "a", nominal_cards=(("npu", 6),))
    assert problems(state) == []
    a_project(state, "steel", "b", nominal_tflops=123)

    assert problems(state) == [
        "tenant steel: nominal_tflops of its projects are 2001 in all, more than its own 2000"
    ]


def test_tenants_are_given_no_more_than_their_cohort_says_that_it_has() -> None:
    own = (("gpu", 4), ("npu", 5))
    state = a_state(
        a_tenant("fish", cohort_id="coast", nominal_cards=own),
        a_tenant("ship", cohort_id="coast", nominal_cards=(("npu", 5),)),
        park=PARK,
    )
    a_cohort(state, "coast", nominal_cards=(("npu", 9),))

    assert problems(state) == [
        "cohort coast: nominal_cards of npu of its tenants are 10 in all, more than its own 9"
    ]


def test_what_stands_under_a_cohort_is_counted_once() -> None:
    members = (a_tenant("fish", cohort_id="coast", nominal_cards=(("npu", 16),)),)
    state = a_state(*members, a_tenant("steel", nominal_cards=(("npu", 8),)), park=PARK)
    a_cohort(state, "coast", nominal_cards=(("npu", 16),))
    assert problems(state) == []
    a_cohort(state, "coast", nominal_cards=(("npu", 17),))

    assert problems(state) == [
        "nominal_cards of npu are 25 over all cohorts and tenants, and the park has 24"
    ]


def test_all_kinds_together_are_no_more_than_the_park_has() -> None:
    fish = a_tenant("fish", nominal_cards=(("npu", 24),))
    state = a_state(fish, a_tenant("steel", nominal_tflops=3_957), park=PARK)

    assert problems(state) == ["nominal_tflops are 11469 over all tenants, and the park has 11468"]


def test_nobody_lends_more_than_it_has() -> None:
    tenant = a_tenant("steel", nominal_cards=(("npu", 4),), lending_cards=(("gpu", 0), ("npu", 5)))
    state = a_state(tenant, park=PARK)

    assert problems(state) == ["tenant steel: lending_cards of npu 5, more than its own 4"]


def test_a_project_keeps_nothing_from_others_that_its_tenant_lends() -> None:
    """A tenant declares its projects itself."""
    steel = a_tenant("steel", nominal_cards=(("npu", 8),), lending_cards=(("npu", 6),))
    state = a_state(steel, park=PARK)
    a_project(state, "steel", "a", nominal_cards=(("npu", 4),), lending_cards=(("npu", 2),))
    assert problems(state) == []
    a_project(state, "steel", "a", nominal_cards=(("npu", 4),), lending_cards=(("npu", 1),))

    assert problems(state) == [
        "tenant steel: by lending_cards of npu its projects keep 3 in all, and it keeps 2 itself"
    ]
