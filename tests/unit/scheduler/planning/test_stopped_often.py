"""Nobody gives way to others more than so often in a day, but to owners."""

from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.facts.record import DAY_MS, JobRecord
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job
from scheduler.model.plan import Eviction, Plan
from scheduler.model.policy import DEFAULT, Policy, Preemption
from scheduler.planning.planner import plan
from scheduler.planning.quiet import quiet_until_ms
from scheduler.planning.verifier import verified
from tests.builders import HOUR_MS, a_job, a_lease, a_placement, happen, submit
from tests.preemptive import (
    NODE,
    POOL,
    SAVES,
    a_pool_of,
    low,
    normal,
    of_fish,
    owned_by,
    stopped,
    wants,
)

TWICE = replace(DEFAULT, preemption=Preemption(max_per_day=2))
TURNS_TWICE = replace(DEFAULT, preemption=Preemption(max_per_day=2, is_shared=True))
EVERY_MS = 3 * HOUR_MS
FIRST_MS = 1 * HOUR_MS


def stopped_and_on(state: State, job: Job, count: int) -> int:
    """It ran for an hour and was stopped, every three hours; goes on now. Until when."""
    submit(state, replace(job, limit_ms=10 * DAY_MS))
    for number in range(count + 1):
        at_ms, attempt_id = number * EVERY_MS, f"{job.id}.{number + 1}"
        lease = a_lease(job.id, a_placement(POOL, job.device_count), at_ms=at_ms)
        happen(state, replace(lease, attempt_id=attempt_id))
        happen(state, ev.Started(at_ms=at_ms, attempt_id=attempt_id))
        if number < count:
            cause, gone_ms = EndCause.PREEMPTED, at_ms + FIRST_MS
            happen(state, ev.Ended(at_ms=gone_ms, attempt_id=attempt_id, cause=cause, exit_code=0))
    return count * EVERY_MS + HOUR_MS


@pytest.mark.parametrize(("policy", "job"), [(TWICE, low("old")), (TURNS_TWICE, normal("old"))])
def test_who_was_stopped_twice_in_a_day_runs_on_until_that_is_a_day_ago(
    policy: Policy, job: Job
) -> None:
    state = a_pool_of()
    now_ms = stopped_and_on(state, job, 2)
    submit(state, replace(wants(), submitted_at_ms=0))
    rests_to_ms = FIRST_MS + DAY_MS

    assert stopped(plan(state, now_ms, policy)) == []
    assert stopped(plan(state, rests_to_ms - 1, policy)) == []
    assert stopped(plan(state, rests_to_ms, policy)) == ["old.3"]


def test_until_then_no_plan_decides_anything() -> None:
    state = a_pool_of()
    now_ms = stopped_and_on(state, low("old"), 2)
    submit(state, replace(wants(), submitted_at_ms=0))

    assert quiet_until_ms(state, now_ms, TWICE) == FIRST_MS + DAY_MS


def test_who_was_stopped_once_may_be_once_more() -> None:
    state = a_pool_of()
    now_ms = stopped_and_on(state, low("old"), 1)
    submit(state, replace(wants(), submitted_at_ms=0))

    assert stopped(plan(state, now_ms, TWICE)) == ["old.2"]


def test_what_is_borrowed_is_given_back_however_often() -> None:
    state = owned_by(steel=8)
    now_ms = stopped_and_on(state, of_fish(low("old")), 3)
    submit(state, replace(wants(), submitted_at_ms=0))

    assert stopped(plan(state, now_ms, TWICE)) == ["old.4"]


def test_a_plan_that_stops_it_once_more_is_not_carried_out() -> None:
    state = a_pool_of()
    now_ms = stopped_and_on(state, low("old"), 2)
    submit(state, replace(wants(), submitted_at_ms=0))
    too_often = Plan(grants=(), verdicts={}, evictions=(Eviction("old.3", "new", (NODE,)),))

    assert verified(state, too_often, now_ms, TWICE)[1] != ()
    assert verified(state, too_often, FIRST_MS + DAY_MS, TWICE)[1] == ()


def test_only_stops_of_a_day_are_kept() -> None:
    state = a_pool_of()
    stopped_and_on(state, low("old", checkpoint=SAVES), 12)

    stops_ms = state.jobs["old"].stops_ms

    assert stops_ms == tuple(FIRST_MS + number * EVERY_MS for number in range(4, 12))
    record = JobRecord(job=a_job(), stops_ms=stops_ms)
    assert record.yields_from_ms(8) == stops_ms[0] + DAY_MS
    assert record.yields_from_ms(2) == stops_ms[-2] + DAY_MS
    assert record.yields_from_ms(9) == 0
