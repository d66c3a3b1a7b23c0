"""Deliberate bugs in `scheduler/`, one a line."""

from tests.mutants.mutant import Mutant

_SEEDS = "tests/simulation/test_seeds.py"
_STATE = "tests/unit/test_state.py"
_DECLARED = "tests/unit/test_state_declared.py"

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
    Mutant("scheduler/state.py", "if job.id in self.jobs or job.id in self.final_states:", "if job.id in self.jobs:", _STATE),
    Mutant("scheduler/state.py", "if event.hold_micros > funds.available_micros:", "if False:", _STATE),
    Mutant("scheduler/state.py", "if any(self.free_cards[s.node_id] < s.card_count", "if all(self.free_cards[s.node_id] < s.card_count", _STATE),
    Mutant("scheduler/state.py", "if event.at_ms < attempt.leased_at_ms:", "if False:", _STATE),
    Mutant("scheduler/state.py", "or attempt.metered_to_ms != event.from_ms", "or attempt.metered_to_ms is None", _STATE),
    Mutant("scheduler/state.py", "            or event.to_ms <= event.from_ms\n", "", _STATE),
    Mutant("scheduler/state.py", "        if event.cause in FAULT_CAUSES:\n            funds", "        if True:\n            funds", _STATE),
    Mutant("scheduler/state.py", "record.failure_count <= record.job.retry_count", "record.failure_count < record.job.retry_count", _STATE),
    Mutant("scheduler/state.py", "        if cause is EndCause.PREEMPTED:\n            return True\n", "", _STATE),
    Mutant("scheduler/state.py", "FIRST_BACKOFF_MS << (failure_count - 1)", "FIRST_BACKOFF_MS * failure_count", _STATE),
    Mutant("scheduler/state.py", "        if attempt.stop_cause is None:\n            self.jobs[attempt.job_id].state = state", "        self.jobs[attempt.job_id].state = state", _STATE),
    Mutant("scheduler/state.py", "online = mine & set(event.online_node_ids)", "online = set(event.online_node_ids)", _STATE),
    Mutant("scheduler/state.py", "if event.reference in self.credit_references:", "if False:", _DECLARED),
    Mutant("scheduler/state.py", "funds.available_micros -= known.credit_limit_micros if known else 0", "pass", _DECLARED),
    Mutant("scheduler/state.py", "if rate != share.rate:", "if False:", _DECLARED),
    Mutant("scheduler/declarations.py", "if there < used:", "if not there:", _DECLARED),
    Mutant("scheduler/declarations.py", "        and pool.device_kind_id in park.device_kind_by_id\n", "", _DECLARED),
    Mutant("scheduler/declarations.py", "        and pool.centre_id == placement.centre_id\n", "", _DECLARED),
    Mutant("scheduler/declarations.py", "min([at_ms, *(a.metered_to_ms or a.leased_at_ms for a in live)])", "at_ms", _DECLARED),
    Mutant("scheduler/declarations.py", "price_list.from_ms < event.at_ms", "False", _DECLARED),
]
