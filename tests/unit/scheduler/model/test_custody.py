"""Who writes down a lease looks itself whether data may be there, whatever the planner thinks."""

from dataclasses import replace

import pytest

from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.model.custody import custody_refusal
from scheduler.model.job import Job
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import (
    a_class,
    a_dataset,
    a_job,
    a_lease,
    a_placement,
    a_state,
    happen,
    submit,
    with_data,
)

DATA_PARK = with_data(
    a_dataset("scans", "north", data_class="medical"),
    a_dataset("web", "east"),
    classes=[a_class("medical", "north")],
)


@pytest.mark.parametrize(
    ("job", "refusal"),
    [
        (a_job(data_ids=("web",)), None),
        (a_job(data_class="medical"), "job j1 reads data of class medical, not for centre east"),
        (a_job(data_ids=("web", "scans")), "reads data of class medical, not for centre east"),
        (a_job(data_ids=("gone",)), "the park has no dataset gone, which job j1 reads"),
        (a_job(data_class="gone"), "the park has no data class gone, of which job j1 reads"),
        (a_job(centre_ids=("north",)), "job j1 is not to run in centre east"),
    ],
)
def test_no_lease_puts_a_job_where_it_may_not_be(job: Job, refusal: str | None) -> None:
    state = a_state(park=DATA_PARK)
    submit(state, job)

    said = state.apply(a_lease("j1", a_placement("east-npu", 8)))

    assert said == refusal if refusal is None else refusal in (said or "")
    assert (state.jobs["j1"].attempt is None) is (refusal is not None)


def test_a_plan_that_puts_data_where_it_may_not_be_is_not_carried_out() -> None:
    state = a_state(park=DATA_PARK)
    submit(state, a_job(data_ids=("scans",)))
    right = plan(state, 0)
    (grant,) = right.grants
    bent = replace(right, grants=(replace(grant, placement=a_placement("east-npu", 8)),))

    assert verified(state, right, 0, DEFAULT) == (right, ())
    found, flaws = verified(state, bent, 0, DEFAULT)

    assert found.grants == ()
    assert flaws == ("job j1 in east-npu: job j1 reads data of class medical, not for centre east",)


def test_in_no_park_nothing_may_be_anywhere() -> None:
    assert custody_refusal(a_job(), a_placement("east-npu", 8), None) == "there is no park"


@pytest.mark.parametrize(
    ("park", "what"),
    [
        (with_data(a_dataset("web", "east", data_class="c"), classes=[a_class("c", "north")]), "c"),
        (with_data(), "web"),
    ],
)
def test_a_new_park_allows_what_runs_or_is_refused(park: Park, what: str) -> None:
    state = a_state(park=DATA_PARK)
    submit(state, a_job(data_ids=("web",)))
    happen(state, a_lease("j1", a_placement("east-npu", 8)))

    refusal = state.apply(ev.ParkDeclared(at_ms=1, park=park))

    assert refusal is not None
    assert refusal.startswith("in the new park ")
    assert f" {what}, " in refusal
    assert state.park is DATA_PARK
    happen(state, ev.ParkDeclared(at_ms=2, park=replace(DATA_PARK, name="New")))
