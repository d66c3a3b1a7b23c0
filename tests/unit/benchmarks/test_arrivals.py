"""Rules of making a trace of the broker's own jobs: which are in it, and as what."""

from dataclasses import replace

import pytest

from benchmarks.arrivals import Course, LeftOut, Run, from_zero, numbered, traced
from benchmarks.traces import TraceJob
from scheduler.model.job import Checkpoint, JobState, Role
from tests.builders import a_job

RUN = Run(run_ms=60_000, card_count=4, device_kind_id="npu")
JOB = a_job("j1", device_kind_ids=(), limit_ms=600_000)
COURSE = Course(job=JOB, arrived_ms=5_000, state=JobState.SUCCEEDED, runs=(RUN,))
SAVED = replace(JOB, checkpoint=Checkpoint(dir="ckpt"))
ROLES = (Role(name="boss", count=1, card_count=4),)


def in_trace(course: Course) -> TraceJob:
    job = traced(course)
    assert isinstance(job, TraceJob)
    return job


def test_a_job_is_in_the_trace_as_it_came_and_as_it_ran() -> None:
    assert in_trace(COURSE) == TraceJob(
        id="j1",
        tenant=JOB.tenant_id,
        user=JOB.user,
        submit_ms=5_000,
        duration_ms=60_000,
        device_count=4,
        device_type="",
        walltime_ms=600_000,
        status="succeeded",
    )


@pytest.mark.parametrize(
    ("course", "why"),
    [
        (replace(COURSE, state=JobState.RUNNING), LeftOut.NOT_OVER),
        (replace(COURSE, state=JobState.QUEUED), LeftOut.NOT_OVER),
        (replace(COURSE, state=JobState.CANCELLED, runs=()), LeftOut.NEVER_RAN),
        (replace(COURSE, runs=(replace(RUN, run_ms=0),)), LeftOut.NEVER_RAN),
        (replace(COURSE, job=replace(JOB, roles=ROLES)), LeftOut.OF_ROLES),
    ],
)
def test_what_a_trace_cannot_say_is_left_out(course: Course, why: LeftOut) -> None:
    assert traced(course) is why


def test_who_goes_on_from_a_checkpoint_ran_in_all_attempts_and_others_in_the_last() -> None:
    twice = replace(COURSE, runs=(replace(RUN, run_ms=30_000), RUN))

    assert in_trace(replace(twice, job=SAVED)).duration_ms == 90_000
    assert in_trace(twice).duration_ms == 60_000


def test_what_ran_on_fewer_cards_counts_by_its_card_time() -> None:
    small, large = replace(RUN, card_count=2), replace(RUN, card_count=8)

    job = in_trace(replace(COURSE, job=SAVED, runs=(small, large)))

    assert (job.device_count, job.duration_ms) == (8, 75_000)


def test_who_named_kinds_is_on_that_on_which_it_ran() -> None:
    named = replace(COURSE, job=replace(JOB, device_kind_ids=("gpu", "npu")))

    assert in_trace(named).device_type == "npu"


def test_the_first_comes_at_zero_and_names_become_numbers() -> None:
    first = in_trace(COURSE)
    jobs = [first, replace(first, id="j2", submit_ms=7_000), replace(first, id="j3", tenant="x")]

    assert [job.submit_ms for job in from_zero(jobs)] == [0, 2_000, 0]
    assert [(job.id, job.tenant, job.user) for job in numbered(jobs)] == [
        ("j0000001", "t001", "u001"),
        ("j0000002", "t001", "u001"),
        ("j0000003", "t002", "u002"),
    ]
