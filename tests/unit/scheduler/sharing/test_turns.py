"""Whose turn it is, against the plainest way to find it: of all who wait, the least is next."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.queue import DueKey, due_key
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Placement, Priority
from scheduler.model.policy import DEFAULT, SURE_AFTER_MS, Policy, Preemption
from scheduler.planning.planner import plan
from scheduler.sharing.fairtree import FairKey, FairTree
from scheduler.sharing.standing import NOTHING, Owns, Standings
from scheduler.sharing.turns import Turns
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)
from tests.entitled import a_project
from tests.preemptive import SAVES

NOW_MS = SURE_AFTER_MS + 1
TENANTS = ("steel", "fish", "ship")

ASKED = st.tuples(
    st.sampled_from(TENANTS),
    st.sampled_from(["default", "other"]),
    st.sampled_from(Priority),
    st.integers(0, 3),
)
"""By whom, of which class, and when: who came by 1 ms has waited for a week."""


def asked_at(*turns: tuple[str, int]) -> list[tuple[str, str, Priority, int]]:
    return [(tenant_id, "default", Priority.NORMAL, at_ms) for tenant_id, at_ms in turns]


@settings(max_examples=60)
@example(asked_at(("steel", 0), ("fish", 3), ("ship", 1), ("steel", 2)), set())
@example(asked_at(("steel", 0), ("fish", 1), ("ship", 3), ("steel", 2)), set())
@example(asked_at(("steel", 0), ("steel", 1), ("fish", 2)), {0})
@given(st.lists(ASKED, max_size=24), st.sets(st.integers(0, 23)))
def test_the_next_is_who_stands_first_once_all_that_was_given_counts(
    asked: list[tuple[str, str, Priority, int]], given_at: set[int]
) -> None:
    state = a_state(*map(a_tenant, TENANTS), park=a_park(a_pool("east-npu", 1, 8)))
    for number, (tenant_id, project, priority, at_ms) in enumerate(asked):
        job = a_job(f"j{number:02}", tenant_id=tenant_id, project=project, priority=priority)
        submit(state, replace(job, submitted_at_ms=at_ms))
    standings = Standings(state, NOW_MS, DEFAULT)
    turns = Turns(state, NOW_MS, DEFAULT, standings, lambda _: NOTHING)
    shares, left = FairTree(state, NOW_MS), [*state.queue.records()]

    def turn(record: JobRecord) -> tuple[int, FairKey, DueKey]:
        rank, due_ms, queued_ms, job_id = due_key(record)
        due = rank, queued_ms if queued_ms <= 1 else due_ms, queued_ms, job_id
        return due[0], shares.key(record.job.tenant_id, record.job.project), due

    for number, record in enumerate(turns):
        assert record is min(left, key=turn)
        left.remove(record)
        if number in given_at:
            turns.charge(record.job, 100)
            shares.charge(record.job.tenant_id, record.job.project, 100)

    assert not left


def in_turn(*jobs: tuple[str, int, int], policy: Policy = DEFAULT, now_ms: int) -> list[str]:
    """Jobs of one tenant by id: when each was submitted, and how long it is reckoned to run."""
    state = a_state(a_tenant("steel"), park=a_park(a_pool("east-npu", 1, 8)))
    for job_id, at_ms, length_ms in jobs:
        job = a_job(job_id, tenant_id="steel", limit_ms=max(length_ms, 60_000))
        submit(state, replace(job, submitted_at_ms=at_ms))
    standings = Standings(state, now_ms, policy)
    turns = Turns(state, now_ms, policy, standings, lambda _: NOTHING)
    return [record.job.id for record in turns]


def test_who_has_waited_for_a_week_is_passed_by_nothing_of_its_branch_that_came_later() -> None:
    """They are due after 50 hours, 100 hours and 100 minutes."""
    jobs = (("long", 1, HOUR_MS // 2), ("longer", 0, HOUR_MS), ("short", 2, 60_000))
    assert in_turn(*jobs, now_ms=SURE_AFTER_MS - 1) == ["short", "long", "longer"]
    assert in_turn(*jobs, now_ms=SURE_AFTER_MS) == ["longer", "short", "long"]
    assert in_turn(*jobs, now_ms=SURE_AFTER_MS + 1) == ["longer", "long", "short"]


def test_a_stream_of_short_jobs_of_its_own_tenant_keeps_a_long_gang_for_a_week() -> None:
    """Every hour eight come for one hour each; what is like the gang ran for ten."""
    state = a_state(a_tenant("steel"), park=a_park(a_pool("east-npu", 1, 8)))
    long = a_job("past", tenant_id="steel", device_count=8, limit_ms=20 * HOUR_MS)
    submit(state, long)
    _begin(state, "past", a_placement("east-npu", 8), 0)
    _end_all(state, 10 * HOUR_MS)
    submit(state, replace(long, id="gang", submitted_at_ms=10 * HOUR_MS))

    hours = (hour for hour in range(10, 400) if "gang" in _started_at(state, hour))

    assert next(hours, None) == 10 + SURE_AFTER_MS // HOUR_MS


def test_its_own_tenants_work_within_the_quota_keeps_a_gang_beyond_it_for_a_week() -> None:
    """Of eight cards four are steel's: a gang of eight waits, and each hour come four jobs."""
    steel = a_tenant("steel", nominal_cards=(("npu", 4),))
    state = a_state(steel, park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("gang", tenant_id="steel", device_count=8, limit_ms=HOUR_MS))
    hours = (hour for hour in range(200) if "gang" in _started_at(state, hour, 4))
    assert next(hours, None) == SURE_AFTER_MS // HOUR_MS


def test_another_project_s_work_within_the_tenant_s_quota_keeps_it_for_a_week_as_well() -> None:
    """Of the four cards none are the other project's: `default` has no more right to them."""
    steel = a_tenant("steel", nominal_cards=(("npu", 4),))
    state = a_state(steel, park=a_park(a_pool("east-npu", 1, 8)))
    for project_id in ("default", "other"):
        a_project(state, "steel", project_id)
    gang = a_job("gang", tenant_id="steel", device_count=8, limit_ms=HOUR_MS)
    submit(state, replace(gang, project="other"))
    hours = (hour for hour in range(200) if "gang" in _started_at(state, hour, 4))
    assert next(hours, None) == SURE_AFTER_MS // HOUR_MS


@pytest.mark.parametrize(
    ("own", "expected"),
    [(0, ["old", "new"]), (1, ["old", "new"]), (4, ["new", "old"])],
)
def test_the_week_of_one_project_is_not_another_s_that_is_within_its_own(
    own: int, expected: list[str]
) -> None:
    steel = a_tenant("steel", nominal_cards=(("npu", 4),))
    state = a_state(steel, park=a_park(a_pool("east-npu", 1, 8)))
    a_project(state, "steel", "default", nominal_cards=(("npu", own),) if own else ())
    a_project(state, "steel", "other")
    old = a_job("old", tenant_id="steel", device_count=8)
    new = a_job("new", tenant_id="steel", device_count=4)
    submit(state, replace(old, project="other"), replace(new, submitted_at_ms=NOW_MS))
    standings = Standings(state, NOW_MS, DEFAULT)
    owns = partial(standings.owns, kind_id="npu")

    turns = Turns(state, NOW_MS, DEFAULT, standings, owns)

    assert [record.job.id for record in turns][: len(expected)] == expected


@pytest.mark.parametrize(
    ("is_within", "expected"),
    [(True, ["old", "new", "other"]), (False, ["other", "old", "new"])],
)
def test_only_who_is_patient_beyond_the_quota_comes_before_owners(
    is_within: bool, expected: list[str]
) -> None:
    """The job of fish is of a higher class: only owners come before it."""
    steel = a_tenant("steel", nominal_cards=(("npu", 4),))
    state = a_state(steel, a_tenant("fish"), park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("old", tenant_id="steel"))
    new = a_job("new", tenant_id="steel")
    submit(state, replace(new, submitted_at_ms=NOW_MS))
    other = a_job("other", tenant_id="fish", priority=Priority.HIGH)
    submit(state, replace(other, submitted_at_ms=NOW_MS))
    own = Owns(top=True, tenant=True, project=False)
    owning = {"new", "old"} if is_within else {"new"}
    standings = Standings(state, NOW_MS, DEFAULT)

    def owns(record: JobRecord) -> Owns:
        return own if record.job.id in owning else NOTHING

    turns = Turns(state, NOW_MS, DEFAULT, standings, owns)

    assert [record.job.id for record in turns] == expected


@pytest.mark.parametrize(
    ("patient", "expected"),
    [(Priority.HIGH, ["old", "new", "other"]), (Priority.LOW, ["new", "other", "old"])],
)
def test_who_is_patient_comes_before_owners_of_lower_classes_and_behind_those_of_higher(
    patient: Priority, expected: list[str]
) -> None:
    steel = a_tenant("steel", nominal_cards=(("npu", 4),))
    state = a_state(steel, a_tenant("fish"), park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("old", tenant_id="steel", priority=patient))
    new, other = a_job("new", tenant_id="steel"), a_job("other", tenant_id="fish")
    submit(state, *(replace(one, submitted_at_ms=NOW_MS) for one in (new, other)))
    standings = Standings(state, NOW_MS, DEFAULT)
    own = Owns(top=True, tenant=True, project=False)

    def owns(record: JobRecord) -> Owns:
        return own if record.job.id == "new" else NOTHING

    turns = Turns(state, NOW_MS, DEFAULT, standings, owns)

    assert [record.job.id for record in turns] == expected


def _started_at(state: State, hour: int, count: int = 8) -> list[str]:
    now_ms = hour * HOUR_MS
    _end_all(state, now_ms)
    short = a_job("short", tenant_id="steel", device_count=1, limit_ms=HOUR_MS)
    come = [replace(short, id=f"s{hour}-{n}", submitted_at_ms=now_ms) for n in range(count)]
    submit(state, *come)
    grants = plan(state, now_ms).grants
    for grant in grants:
        _begin(state, grant.job_id, grant.placement, now_ms)
    return [grant.job_id for grant in grants]


def _begin(state: State, job_id: str, placement: Placement, at_ms: int) -> None:
    lease = a_lease(job_id, placement, at_ms=at_ms)
    happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))


def _end_all(state: State, at_ms: int) -> None:
    for attempt_id in tuple(state.live):
        happen(
            state,
            ev.Ended(at_ms=at_ms, attempt_id=attempt_id, cause=EndCause.FINISHED, exit_code=0),
        )


def test_where_jobs_take_turns_nobody_is_patient_but_starves() -> None:
    turns = replace(DEFAULT, preemption=Preemption(is_shared=True))
    jobs = (("long", 0, HOUR_MS), ("short", 2, 60_000))
    assert in_turn(*jobs, policy=turns, now_ms=2 * SURE_AFTER_MS) == ["long", "short"]
    assert turns.patient_by_ms(2 * SURE_AFTER_MS) < 0


def test_where_nothing_is_forecast_nobody_is_patient() -> None:
    assert replace(DEFAULT, firm_after_ms=0).patient_by_ms(2 * SURE_AFTER_MS) < 0


def test_what_a_job_ran_before_it_was_stopped_it_has_not_waited() -> None:
    state = a_state(a_tenant("steel"), park=a_park(a_pool("east-npu", 1, 8)))
    past = a_job("past", tenant_id="steel", limit_ms=20 * SURE_AFTER_MS, checkpoint=SAVES)
    submit(state, past)
    _begin(state, "past", a_placement("east-npu", 8), 0)
    _end_all(state, 10 * HOUR_MS)
    submit(state, replace(past, id="ran", submitted_at_ms=10 * HOUR_MS))
    _begin(state, "ran", a_placement("east-npu", 8), 10 * HOUR_MS)
    at_ms = SURE_AFTER_MS + 11 * HOUR_MS
    stop = ev.StopDecided(at_ms=at_ms, attempt_id="ran.1", cause=EndCause.PREEMPTED, grace_ms=0)
    happen(state, stop)
    gone = ev.Ended(at_ms=at_ms, attempt_id="ran.1", cause=EndCause.PREEMPTED, exit_code=0)
    happen(state, gone)
    short = a_job("short", tenant_id="steel", limit_ms=60_000)
    submit(state, replace(short, submitted_at_ms=at_ms))

    def turns(now_ms: int) -> list[str]:
        standings = Standings(state, now_ms, DEFAULT)
        return [one.job.id for one in Turns(state, now_ms, DEFAULT, standings, lambda _: NOTHING)]

    assert turns(at_ms + 1) == ["short", "ran"]
    assert turns(at_ms + SURE_AFTER_MS) == ["ran", "short"]
