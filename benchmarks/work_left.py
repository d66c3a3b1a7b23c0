"""How long work runs in another course of things: as long as it ran in the log, in all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.happened import Course, Happened
from scheduler.facts.state import State
from scheduler.forecast.speeds import foretold
from scheduler.model.job import Job, Placement

PERMILLE = 1_000


@dataclass(slots=True, kw_only=True)
class WorkLeft:
    """What each job has to do, and has done: in thousandths of a millisecond of its first form.

    How fast it is in another form or on another kind is as its user says, or as the whole log has
    shown. A run beyond those in the log, of what had run before, takes `restart_ms` more.
    """

    job_by_id: Mapping[str, Job]
    courses_by_job: Mapping[str, Sequence[Course]]
    state: State
    end_ms: int
    restart_ms: int = 0
    done: Counter[str] = field(default_factory=Counter)
    run_counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, found: Happened, restart_ms: int = 0) -> "WorkLeft":
        return cls(
            job_by_id=found.job_by_id,
            courses_by_job=found.courses_by_job(),
            state=found.state,
            end_ms=found.end_ms,
            restart_ms=restart_ms,
        )

    def whole(self, job_id: str) -> int | None:
        """All of it, what was done before the period not; None where the log does not tell.

        What can go on from where it was has done it in all its runs, any other in the last. What
        runs as the log ends is taken to end then.
        """
        courses = self.courses_by_job.get(job_id, ())
        if not courses or not (courses[-1].is_own_end or courses[-1].is_running):
            return None
        counted = courses if self.job_by_id[job_id].checkpoint else courses[-1:]
        return sum(self._done_in(course) for course in counted)

    def run_ms(self, job_id: str, placement: Placement, course: Course | None) -> int | None:
        """How long it runs now if nobody stops it; None is on and on.

        With the `course` that its attempt had in the log: no shorter than until it was stopped.
        """
        job, rate = self.job_by_id[job_id], self._rate(job_id, placement)
        left = self.whole(job_id)
        if left is None:
            return None
        if job.checkpoint:
            left -= self.done[job_id]
        if course is not None and not (course.is_own_end or course.is_running):
            left = max(left, self._done_in(course) + rate)
        known_count = len(self.courses_by_job[job_id])
        is_extra = 0 < self.run_counts[job_id] >= known_count
        return max(0, -(-left // rate)) + (self.restart_ms if is_extra else 0)

    def note(self, job_id: str, placement: Placement, ran_ms: int) -> None:
        """A run of it is over."""
        self.run_counts[job_id] += 1
        self.done[job_id] += ran_ms * self._rate(job_id, placement)

    def _done_in(self, course: Course) -> int:
        ran_ms = course.ran_ms(self.end_ms) + course.is_running
        return ran_ms * self._rate(course.job_id, course.placement)

    def _rate(self, job_id: str, placement: Placement) -> int:
        """How fast it is so placed, in permille."""
        job, state = self.job_by_id[job_id], self.state
        if not job.has_forms and len(job.device_kind_ids) == 1:
            return PERMILLE
        return max(1, foretold(job, placement, state.history, state.park, self.end_ms)[0])
