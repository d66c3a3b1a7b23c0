"""Deliberate bugs in `scheduler/`, one a line."""

from tests.mutants.mutant import Mutant

_SEEDS = "tests/simulation/test_seeds.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/controller.py", "is_news = report.heard_at_ms > max(before_ms, self._led_ms)", "is_news = report.heard_at_ms > before_ms", _SEEDS),
    Mutant("scheduler/controller.py", "End(EndCause.NODE, before_ms,", "End(EndCause.NODE, now_ms,", _SEEDS),
    Mutant("scheduler/controller.py", "return attempt.started_at_ms is not None and told.started_at_ms is None", "return False", _SEEDS),
    Mutant("scheduler/controller.py", "to_ms = min(now_ms, self._heard_ms.get(attempt.placement.centre_id, 0))", "to_ms = now_ms", _SEEDS),
    Mutant("scheduler/controller.py", "if silent_ms >= self.settings.lost_after_ms:", "if silent_ms >= self.settings.suspect_after_ms:", _SEEDS),
    Mutant("scheduler/controller.py", "            if told.attempt_id in self.state.live:\n                continue\n", "", _SEEDS),
    Mutant("scheduler/log.py", "if epoch != self.epoch:", "if epoch > self.epoch:", _SEEDS),
    Mutant("scheduler/state.py", "if record.is_cancelled:\n            self._finish(record, JobState.CANCELLED)\n        elif", "if False:\n            pass\n        elif", _SEEDS),
    Mutant("scheduler/queue.py", "-job.priority.rank,", "job.priority.rank,", "tests/unit/test_queue.py"),
    Mutant("scheduler/planner.py", "if answers is Answers.GRANTS and desk.is_full():", "if answers is Answers.GRANTS:", "tests/unit/test_simulate.py"),
    Mutant("scheduler/backfill.py", "self.reservation is None or end_ms <= self.reservation.start_ms", "True", "tests/unit/test_simulate.py"),
    Mutant("scheduler/queries.py", "statement.where(JobRow.id < wanted.before_id)", "statement.where(JobRow.id <= wanted.before_id)", "tests/acceptance/test_api_jobs.py -k pages"),
]
