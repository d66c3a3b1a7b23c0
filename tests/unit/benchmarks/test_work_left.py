"""Rules of how long work runs in another course of things than that in the log."""

from dataclasses import replace

import pytest

from benchmarks.happened import Course
from benchmarks.work_left import PERMILLE, WorkLeft
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, Job, Variant
from tests.builders import a_job, a_placement

END_MS = 100_000
JOB = a_job("j", device_kind_ids=("npu",), device_count=2)
SAVED = replace(JOB, checkpoint=Checkpoint(dir="ckpt"))
PLACED = a_placement("east-npu", 2)
HALF = a_placement("east-npu", 1)
OR_ONE = Variant(device_kind_ids=("npu",), device_count=1, limit_ms=1, speed_permille=500)


def a_course(ran_ms: int, cause: EndCause | None, *, number: int = 1) -> Course:
    course = Course(job_id="j", placement=PLACED, leased_ms=0, started_ms=0)
    if cause is not None:
        key = f"j.{number}"
        course.ended = ev.Ended(at_ms=ran_ms, attempt_id=key, cause=cause, exit_code=0)
    return course


STOPPED = a_course(30_000, EndCause.PREEMPTED)
LAST = a_course(50_000, EndCause.FINISHED, number=2)


def work(job: Job, *courses: Course, restart_ms: int = 0) -> WorkLeft:
    return WorkLeft(
        job_by_id={"j": job},
        courses_by_job={"j": courses},
        state=State(),
        end_ms=END_MS,
        restart_ms=restart_ms,
    )


def test_what_can_go_on_ran_in_all_its_attempts_and_anything_else_in_its_last() -> None:
    assert work(SAVED, STOPPED, LAST).run_ms("j", PLACED, None) == 80_000
    assert work(JOB, STOPPED, LAST).run_ms("j", PLACED, None) == 50_000


def test_what_was_done_is_not_done_again_where_it_can_go_on() -> None:
    for job, left_ms in ((SAVED, 70_000), (JOB, 50_000)):
        mine = work(job, STOPPED, LAST)

        mine.note("j", PLACED, 10_000)

        assert mine.run_ms("j", PLACED, None) == left_ms


def test_each_attempt_of_the_log_runs_on_until_after_it_was_stopped() -> None:
    longer = a_course(70_000, EndCause.PREEMPTED)

    assert work(JOB, longer, LAST).run_ms("j", PLACED, longer) == 70_001
    assert work(JOB, longer, LAST).run_ms("j", PLACED, LAST) == 50_000


@pytest.mark.parametrize(
    "courses",
    [
        (),
        (a_course(30_000, EndCause.CANCELLED),),
        (a_course(30_000, EndCause.LIMIT),),
        (STOPPED, a_course(9, EndCause.NODE, number=2)),
    ],
)
def test_what_never_came_to_its_own_end_runs_on_and_on(courses: tuple[Course, ...]) -> None:
    assert work(JOB, *courses).whole("j") is None
    assert work(SAVED, *courses).run_ms("j", PLACED, None) is None


def test_what_runs_as_the_log_ends_runs_until_after_that() -> None:
    assert work(JOB, a_course(0, None)).run_ms("j", PLACED, None) == END_MS + 1


def test_a_run_beyond_those_of_the_log_costs_a_restart_but_not_the_first() -> None:
    mine = work(JOB, LAST, restart_ms=60_000)

    assert mine.run_ms("j", PLACED, None) == 50_000
    mine.note("j", PLACED, 1)
    assert mine.run_ms("j", PLACED, None) == 110_000


def test_in_another_form_it_runs_as_fast_as_its_user_says() -> None:
    job = replace(SAVED, variants=(OR_ONE,))
    mine = work(job, LAST)

    assert mine.whole("j") == 50_000 * PERMILLE
    assert mine.run_ms("j", HALF, None) == 100_000
    mine.note("j", HALF, 40_000)
    assert mine.run_ms("j", PLACED, None) == 30_000
