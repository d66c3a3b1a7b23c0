"""Stops that break a rule are not carried out: for whom nobody is stopped, and who is let be."""

from dataclasses import replace

import pytest

from scheduler.model.job import Checkpoint, Priority
from scheduler.planning.victims import SOON_MS
from tests.builders import JobChanges, a_park, a_pool, a_state, a_tenant, submit
from tests.entitled import a_cohort
from tests.preemptive import POOL, low, normal, of_fish, run, wants
from tests.unit.scheduler.planning.test_verifier import a_low_one, stop_flaws


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"device_kind_ids": ("dcu",)}, "it asked for dcu"),
        ({"centre_ids": ("north",)}, "it asked for centre north"),
    ],
)
def test_nobody_is_stopped_where_the_job_may_not_be(changes: JobChanges, flaw: str) -> None:
    state = a_low_one()
    submit(state, replace(wants("elsewhere"), **changes))

    assert flaw in stop_flaws(state, job_id="elsewhere")[0]


@pytest.mark.parametrize(("own", "is_allowed"), [((), False), ((("npu", 8),), True)])
def test_who_asks_for_a_long_grace_is_stopped_for_an_owner_and_for_no_class(
    own: tuple[tuple[str, int], ...], is_allowed: bool
) -> None:
    tenants = (a_tenant("steel", nominal_cards=own), a_tenant("fish"))
    state = a_state(*tenants, park=a_park(a_pool(POOL, 2, 8)))
    long = Checkpoint(dir="c", grace_ms=SOON_MS + 1)
    run(state, replace(low("old", checkpoint=long), tenant_id="fish"), 8)
    submit(state, wants("new"))

    assert (stop_flaws(state) == ()) is is_allowed


def test_within_a_cohort_its_tenants_quotas_decide_who_is_stopped() -> None:
    """All is the cohort's own, and half of it one tenant's, from whom the other has borrowed."""
    owner = a_tenant("steel", cohort_id="coast", nominal_cards=(("npu", 8),))
    state = a_state(owner, a_tenant("fish", cohort_id="coast"), park=a_park(a_pool(POOL, 2, 8)))
    a_cohort(state, "coast", nominal_cards=(("npu", 16),))
    run(state, of_fish(normal("old")), 8)
    submit(state, wants("new", priority=Priority.LOW))

    assert stop_flaws(state) == ()
