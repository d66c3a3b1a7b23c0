"""Whose turn it is in a tree of cohorts, tenants and projects; worked out by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.fairshare import COMMITTED_MS
from scheduler.model.job import EndCause, Job
from scheduler.model.tenancy import Project
from scheduler.planning.planner import plan
from scheduler.sharing.fairtree import FairTree, entitled
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
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

FULL = a_park(a_pool("east-npu", 1, 8))


def a_coast(*jobs: Job) -> State:
    """`steel` alone, and `fish` and `ship` in one cohort; all weigh the same."""
    coast = (a_tenant(name, cohort_id="coast") for name in ("fish", "ship"))
    state = a_state(a_tenant("steel"), *coast, park=FULL)
    group(state, "coast")
    submit(state, *jobs)
    return state


def one_of(tenant_id: str, number: int, project: str = "default") -> Job:
    job_id = f"{tenant_id}-{number}" if project == "default" else f"{project}-{number}"
    return a_job(job_id, tenant_id=tenant_id, device_count=1, project=project)


def granted(state: State, now_ms: int = 0) -> list[str]:
    return [grant.job_id for grant in plan(state, now_ms).grants]


def used(state: State, job: Job, hours: int) -> None:
    """It ran for so long, and has just ended."""
    submit(state, job)
    lease = a_lease(job.id, a_placement("east-npu", job.device_count))
    happen(state, lease, ev.Started(at_ms=0, attempt_id=lease.attempt_id))
    end = ev.Ended(
        at_ms=hours * HOUR_MS, attempt_id=lease.attempt_id, cause=EndCause.FINISHED, exit_code=0
    )
    happen(state, end)


def test_a_cohort_has_one_share_whoever_is_in_it() -> None:
    """Three tenants, two shares: `steel` has half of the eight cards."""
    names = ("steel", "fish", "ship")
    state = a_coast(*(one_of(name, number) for name in names for number in range(8)))

    got = granted(state)

    assert [sum(one.startswith(name) for one in got) for name in names] == [4, 2, 2]


def test_the_weight_of_a_cohort_counts_beside_tenants_that_are_in_none() -> None:
    names = ("steel", "fish", "ship")
    state = a_coast(*(one_of(name, number) for name in names for number in range(8)))
    group(state, "coast", weight=300)

    got = granted(state)

    assert [sum(one.startswith(name) for one in got) for name in names] == [2, 3, 3]


def test_what_one_of_a_cohort_has_had_counts_for_all_of_it() -> None:
    state = a_coast()
    used(state, one_of("fish", 0), hours=1)
    submit(state, one_of("ship", 1), one_of("steel", 1))

    assert granted(state, HOUR_MS) == ["steel-1", "ship-1"]


def test_inside_a_cohort_who_has_had_less_goes_first() -> None:
    state = a_coast()
    used(state, one_of("fish", 0), hours=1)
    submit(state, one_of("fish", 1), one_of("ship", 1))

    assert granted(state, HOUR_MS) == ["ship-1", "fish-1"]


def test_what_was_had_counts_against_the_weight_of_its_branch() -> None:
    """`ship` has had twice as much as `fish`, and weighs four times as much."""
    heavy = a_tenant("ship", weight=400)
    state = a_state(a_tenant("fish"), heavy, park=FULL)
    used(state, one_of("fish", 0), hours=1)
    used(state, replace(one_of("ship", 0), device_count=2), hours=1)
    submit(state, one_of("fish", 1), one_of("ship", 1))

    assert granted(state, HOUR_MS) == ["ship-1", "fish-1"]


def test_a_cohort_that_was_never_declared_is_none() -> None:
    state = a_state(a_tenant("fish", cohort_id="coast"), a_tenant("steel"), park=FULL)
    submit(state, one_of("fish", 1), one_of("steel", 1))

    assert granted(state) == ["fish-1", "steel-1"]


def test_projects_take_turns_by_their_weights() -> None:
    """`b` weighs three times as much as `a`, and has three times as many of the cards."""
    state = a_state(a_tenant("steel"), park=FULL)
    divide(state, "steel", a=None, b=None)
    heavy = Project(tenant_id="steel", id="b", name="b", weight=300)
    happen(state, ev.ProjectDeclared(at_ms=0, project=heavy))
    submit(state, *(one_of("steel", number, project) for project in "ab" for number in range(8)))

    got = granted(state)

    assert [sum(one.startswith(project) for one in got) for project in "ab"] == [2, 6]


def test_who_declares_no_projects_goes_by_who_is_due_whatever_they_are_called() -> None:
    state = a_state(a_tenant("steel"), park=FULL)
    used(state, one_of("steel", 0, "a"), hours=1)
    first = replace(one_of("steel", 1, "a"), submitted_at_ms=0)
    submit(state, first, replace(one_of("steel", 1, "b"), submitted_at_ms=1))

    assert granted(state, HOUR_MS) == ["a-1", "b-1"]


def test_what_runs_when_a_project_is_declared_is_its_own_from_then_on() -> None:
    state = a_state(a_tenant("steel"), park=FULL)
    submit(state, a_job("old", device_count=6, project="a"))
    happen(state, a_lease("old", a_placement("east-npu", 6)))

    divide(state, "steel", a=None, b=None)

    assert (state.held_cards["steel/a"], state.held_cards["steel/b"]) == (6, 0)
    assert state.shares["steel/a"].rate == state.shares["steel"].rate == 6 * 313
    submit(state, one_of("steel", 1, "a"), one_of("steel", 1, "b"))
    assert granted(state) == ["b-1", "a-1"]


def test_a_project_that_is_declared_again_keeps_what_it_has_had() -> None:
    state = a_state(a_tenant("steel"), park=FULL)
    divide(state, "steel", a=None)
    used(state, one_of("steel", 0, "a"), hours=1)
    had = FairTree(state, HOUR_MS).had("steel/a")

    divide(state, "steel", a=4)

    assert FairTree(state, HOUR_MS).had("steel/a") == had > 0


def test_what_was_never_declared_has_had_the_rest_of_its_tenant() -> None:
    state = a_state(a_tenant("steel"), park=FULL)
    divide(state, "steel", a=None)
    used(state, one_of("steel", 0, "a"), hours=1)
    used(state, a_job("old", device_count=2, project="gone"), hours=2)
    fair = FairTree(state, 2 * HOUR_MS)

    assert fair.had("steel/a") == pytest.approx(313 * HOUR_MS, rel=0.05)
    assert fair.had("steel/") == pytest.approx(2 * 313 * HOUR_MS, rel=0.05), "the hour after that"


def test_a_grant_counts_at_once_in_every_branch() -> None:
    state = a_coast()
    divide(state, "fish", a=None)
    fair = FairTree(state, 0)
    assert fair.key("fish", "a") == (0.0, 0.0, 0.0)

    fair.charge("fish", "a", 313)

    assert fair.key("fish", "a") == (313 * COMMITTED_MS / 100,) * 3
    assert fair.key("ship", "default") == (313 * COMMITTED_MS / 100, 0.0, 0.0)
    assert fair.key("steel", "default") == (0.0, 0.0, 0.0)


def test_what_is_known_of_a_checkpoint_is_what_was_known() -> None:
    state = a_coast(one_of("fish", 1, "a"))
    divide(state, "fish", a=4)
    happen(state, a_lease("a-1", a_placement("east-npu", 1)))

    again = State.restored(state.snapshot())

    assert again.snapshot() == state.snapshot()
    assert again.held_cards == state.held_cards
    assert again.tree.path("fish", "a") == state.tree.path("fish", "a")
    assert FairTree(again, 9).key("fish", "a") == FairTree(state, 9).key("fish", "a")


NAMES = ("steel", "fish", "ship")


@pytest.mark.parametrize(
    ("wanted", "shares"),
    [
        ({"steel": 99, "fish": 99, "ship": 99}, {"steel": 24, "fish": 12, "ship": 12}),
        ({"steel": 99, "fish": 99}, {"steel": 24, "fish": 24}),
        ({"ship": 99}, {"ship": 48}),
        ({"steel": 99, "fish": 4, "ship": 99}, {"steel": 24, "fish": 4, "ship": 20}),
        ({"steel": 8, "fish": 99, "ship": 99}, {"steel": 8, "fish": 20, "ship": 20}),
        ({"steel": 99, "fish": 4, "ship": 4}, {"steel": 40, "fish": 4, "ship": 4}),
        ({"steel": 8, "fish": 4, "ship": 4}, {"steel": 8, "fish": 4, "ship": 4}),
    ],
)
def test_cards_are_shared_by_the_weights_of_those_that_want_them(
    wanted: dict[str, int], shares: dict[str, int]
) -> None:
    """Fish and ship are one cohort, which weighs as much as steel."""
    assert entitled(a_coast(), wanted, 48) == shares


@given(
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 200), min_size=1),
    st.tuples(*[st.integers(1, 500)] * len(NAMES)),
)
def test_nobody_has_more_than_it_wants_or_less_than_its_part_while_another_has_more(
    wanted: dict[str, int], weights: tuple[int, ...]
) -> None:
    weight_by = dict(zip(NAMES, weights, strict=True))
    state = a_state(*(a_tenant(one, weight=weight) for one, weight in weight_by.items()))

    found = entitled(state, wanted, 100)

    assert sum(found.values()) == pytest.approx(min(100, sum(wanted.values())))
    for one, most in wanted.items():
        assert found[one] <= most
        if found[one] < most - 1e-9:
            level = found[one] / weight_by[one]
            assert all(found[other] / weight_by[other] <= level + 1e-9 for other in wanted)
