"""What branches may be entitled to: what could not be kept is named with its numbers."""

from scheduler.facts.state import State
from scheduler.model.promises import promise_problems, promise_warnings
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


def warnings(state: State) -> list[str]:
    assert state.park is not None
    assert problems(state) == [], "it is declared all the same"
    return [*promise_warnings(state.tree, state.park)]


def test_who_owns_more_of_a_kind_in_tflops_than_its_cohort_owns_of_it_is_told() -> None:
    state = a_state(a_tenant("fish", cohort_id="coast", nominal_tflops=2_000), park=PARK)
    a_cohort(state, "coast", nominal_cards=(("gpu", 4), ("npu", 6)))
    assert warnings(state) == []
    a_cohort(state, "coast", nominal_cards=(("gpu", 1), ("npu", 5)))

    assert warnings(state) == [
        f"tenant fish: nominal_tflops 2000 are {own} cards of {kind}, and cohort coast owns "
        f"{there}: what runs beyond those is borrowed there, and does not take them back; name "
        f"nominal_cards of {kind}, {there} at most, or none for cohort coast"
        for kind, own, there in (("gpu", 2, 1), ("npu", 6, 5))
    ]


def test_whose_cohort_owns_all_that_the_park_has_is_told_nothing() -> None:
    state = a_state(a_tenant("fish", cohort_id="coast", nominal_tflops=8_000), park=PARK)
    a_cohort(state, "coast", nominal_cards=(("gpu", 4), ("npu", 24)))

    assert warnings(state) == [], "25 npus come to 8,000 TFLOPS, and there are 24"


def test_who_says_how_much_of_the_kind_is_its_own_is_told_nothing() -> None:
    own = (("npu", 5),)
    fish = a_tenant("fish", cohort_id="coast", nominal_tflops=2_000, nominal_cards=own)
    state = a_state(fish, park=PARK)
    a_cohort(state, "coast", nominal_cards=own)

    assert warnings(state) == []
