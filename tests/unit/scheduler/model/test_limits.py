"""Limits that contradict one another are named with both numbers, and what to do."""

from dataclasses import replace

from scheduler.facts.state import State
from scheduler.model.limits import limit_problems
from scheduler.model.promises import promise_problems
from scheduler.model.tree import cohort_branch
from tests.builders import a_park, a_pool, a_state, a_tenant
from tests.entitled import Own, a_cohort, a_project

PARK = a_park(a_pool("east-npu", 3, 8), a_pool("east-gpu", 1, 4))
"""24 npus of 313 TFLOPS and 4 gpus of 989: 11468 in all."""


def problems(state: State) -> list[str]:
    assert state.park is not None
    assert [*promise_problems(state.tree, state.park)] == []
    return [*limit_problems(state.tree, state.park)]


def coast(*, max_cards: int | None = None, **own: object) -> State:
    """Fish and ship own 5 npus each, and are one cohort."""
    npus = (("npu", 5),)
    members = (a_tenant(one, cohort_id="coast", nominal_cards=npus) for one in ("fish", "ship"))
    state = a_state(*members, park=PARK)
    a_cohort(state, "coast", **Own(**own))  # type: ignore[typeddict-item] # names of its fields
    known = state.tree.cohorts["coast"]
    state.tree.cohorts["coast"] = replace(known, max_cards=max_cards)
    assert [*state.tree.members(cohort_branch("coast"))] == ["fish", "ship"]
    return state


def test_a_quota_has_room_for_all_that_is_owned_in_it() -> None:
    assert problems(coast(max_cards=10)) == []
    assert problems(coast(max_cards=9)) == [
        (
            "cohort coast: nominal_cards of its tenants are 10 in all, more than its max_cards 9: "
            "raise that to 10, or give them less"
        )
    ]


def test_a_tenant_with_a_quota_in_p_has_room_for_the_cards_of_its_projects() -> None:
    state = a_state(a_tenant("steel", max_cards=4, nominal_tflops=3_000), park=PARK)
    a_project(state, "steel", "a", nominal_cards=(("npu", 4),))
    assert problems(state) == []
    a_project(state, "steel", "b", nominal_cards=(("npu", 1),))

    assert problems(state) == [
        (
            "tenant steel: nominal_cards of its projects are 5 in all, more than its max_cards 4: "
            "raise that to 5, or give them less"
        )
    ]


def test_who_owns_nothing_of_a_kind_borrows_at_least_what_is_owned_in_it() -> None:
    assert problems(coast(borrowing_cards=(("npu", 10),))) == []
    assert problems(coast(borrowing_cards=(("npu", 9),))) == [
        (
            "cohort coast: by borrowing_cards of npu it holds at most 9, less than the 10 that are "
            "owned in it: raise that to 10, or give it nominal_cards of npu of its own"
        )
    ]


def test_what_is_owned_in_cards_has_room_in_a_limit_over_all_kinds() -> None:
    state = a_state(a_tenant("steel", nominal_cards=(("npu", 2),), borrowing_tflops=625), park=PARK)

    assert problems(state) == [
        (
            "tenant steel: by borrowing_tflops it holds at most 625, less than the 626 that are "
            "owned in it: raise that to 626, or give it nominal_tflops of its own"
        )
    ]


def test_nobody_borrows_beyond_what_those_above_may_hold() -> None:
    own: Own = {"nominal_cards": (("npu", 10),), "borrowing_cards": (("npu", 2),)}
    state = coast(**own)
    fish = state.tree.tenants["fish"]
    state.tree.tenants["fish"] = replace(fish, borrowing_cards=(("npu", 7),))
    assert problems(state) == [], "cohort and tenant may both hold 12"
    state.tree.tenants["fish"] = replace(fish, borrowing_cards=(("npu", 8),))

    assert problems(state) == [
        (
            "tenant fish: with borrowing_cards of npu 8 it may hold 13, and cohort coast holds "
            "at most 12 by its borrowing_cards of npu: lower the first to 7, or raise the second "
            "before"
        )
    ]


def test_nobody_borrows_beyond_its_own_quota() -> None:
    own: Own = {"nominal_cards": (("npu", 2),), "borrowing_cards": (("npu", 7),)}
    state = a_state(a_tenant("steel", max_cards=8, **own), park=PARK)

    assert problems(state) == [
        (
            "tenant steel: with borrowing_cards of npu 7 it may hold 9, and tenant steel holds at "
            "most 8 by its max_cards: lower the first to 6, or raise the second before"
        )
    ]


def test_projects_are_given_no_more_of_a_kind_than_the_park_has() -> None:
    state = a_state(a_tenant("steel", nominal_tflops=11_000, max_cards=99), park=PARK)
    a_project(state, "steel", "a", nominal_cards=(("npu", 25),))
    assert state.park is not None

    assert [*promise_problems(state.tree, state.park)] == [
        "tenant steel: nominal_cards of npu of its projects are 25 in all, and the park has 24"
    ]
