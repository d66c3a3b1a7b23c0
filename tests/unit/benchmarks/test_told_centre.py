"""Rules of a centre that does again what the log says it did."""

from collections import deque
from dataclasses import replace

from benchmarks.happened import Course, Typical
from benchmarks.told_centre import ToldCentre
from benchmarks.work_left import WorkLeft
from cluster.driver import AttemptEnd, AttemptReport
from scheduler.facts import events as ev
from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.model.job import EndCause
from scheduler.orders import order
from tests.builders import a_job, a_park, a_placement, a_pool

NODE, OTHER = "east-npu-n001", "east-npu-n002"
PLACED = a_placement("east-npu", 2)
JOB = a_job("j1", device_count=2)
ENDED = ev.Ended(at_ms=90, attempt_id="j1.1", cause=EndCause.FINISHED, exit_code=0)
COURSE = Course(
    job_id="j1",
    placement=PLACED,
    leased_ms=10,
    launching_ms=11,
    started_ms=20,
    seen_ms=21,
    ended=ENDED,
    told_ms=95,
)
LOST = ev.NodesChanged(at_ms=50, centre_id="east", online_node_ids=(OTHER,))
ATTEMPT = Attempt(
    id="j1.1",
    job_id="j1",
    placement=PLACED,
    epoch=1,
    leased_at_ms=10,
    price_class="-",
    hold_left_micros=0,
    started_at_ms=20,
)
ORDER = order(JOB, ATTEMPT, 1, a_park(a_pool("east-npu", 2, 8)))


def a_centre(course: Course) -> ToldCentre:
    """Of two nodes, of which the first is lost at 50."""
    return ToldCentre(
        centre_id="east",
        work=WorkLeft(
            job_by_id={"j1": JOB}, courses_by_job={"j1": [course]}, state=State(), end_ms=200
        ),
        typical=Typical(),
        course_by_attempt={"j1.1": course},
        told=deque([(50, LOST)]),
        online=frozenset((NODE, OTHER)),
        is_heard=True,
        suspect_after_ms=1_000,
    )


def said(centre: ToldCentre, at_ms: int) -> AttemptReport:
    centre.advance(at_ms)
    report = centre.observe()
    assert report is not None
    (told,) = report.attempts
    return told


def test_what_outlived_its_node_in_the_log_does_so_again_and_anything_else_is_lost_with_it() -> (
    None
):
    logged, moved = a_centre(COURSE), a_centre(COURSE)
    for centre, at_ms in ((logged, 10), (moved, 12)):
        centre.advance(at_ms)
        centre.launch(ORDER)

    assert said(logged, 50).end is None
    assert said(logged, 95).end is AttemptEnd.EXITED
    lost = said(moved, 50)
    assert (lost.end, lost.ended_at_ms, lost.node_id) == (AttemptEnd.NODE, 50, NODE)


def test_what_was_to_stop_before_the_period_ends_as_it_did() -> None:
    stopped = replace(COURSE, stop_ms=25, ended=replace(ENDED, cause=EndCause.CANCELLED))
    centre = a_centre(stopped)

    centre.resume(ORDER, replace(ATTEMPT, stop_cause=EndCause.CANCELLED, stop_at_ms=25))

    assert said(centre, 94).end is None
    told = said(centre, 95)
    assert (told.end, told.ended_at_ms) == (AttemptEnd.STOPPED, 90)
