"""Deliberate bugs in `scheduler/`, one a line."""

from tests.mutants.mutant import Mutant

_SEEDS = "tests/simulation/test_seeds.py"
_STATE = "tests/unit/test_state.py"
_DECLARED = "tests/unit/test_state_declared.py"
_PLACEMENT = "tests/unit/test_placement.py"
_PLANNER = "tests/unit/test_planner.py"
_BACKFILL = "tests/unit/test_backfill.py"
_INVARIANTS = "tests/unit/test_planner_invariants.py"

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
    Mutant("scheduler/placement.py", "key=lambda pool: rank[pool.device_kind_id]", "key=lambda pool: 0", _PLACEMENT),
    Mutant("scheduler/placement.py", "if nodes > 1 and cards != nodes * size:", "if False:", _PLACEMENT),
    Mutant("scheduler/placement.py", "if members % nodes or cards % members:", "if cards % members:", _PLACEMENT),
    Mutant("scheduler/placement.py", "if job.device_count > tenant.max_cards:", "if job.device_count >= tenant.max_cards + 5:", _PLACEMENT),
    Mutant("scheduler/placement.py", "for where in shape.centre_ids or (park.id,)", "for where in ()", _PLACEMENT),
    Mutant("scheduler/placement.py", "for bucket in self._buckets[cards:]:", "for bucket in reversed(self._buckets[cards:]):", _PLACEMENT),
    Mutant("scheduler/placement.py", "whole = self._buckets[-1]\n", "whole = self.by_node\n", _PLACEMENT),
    Mutant("scheduler/backfill.py", "taken = for_long if is_short else for_long - share.card_count", "taken = for_long", f"{_BACKFILL} {_INVARIANTS}"),
    Mutant("scheduler/backfill.py", "self.long.set(share.node_id, min(left, taken))", "self.long.set(share.node_id, taken)", _BACKFILL),
    Mutant("scheduler/backfill.py", "min(self.now.by_node[node_id], spare)", "self.now.by_node[node_id]", f"{_BACKFILL} {_INVARIANTS}"),
    Mutant("scheduler/backfill.py", "end_ms <= self.reservation.start_ms", "end_ms <= self.reservation.start_ms + 1", f"{_INVARIANTS} -k promised"),
    Mutant("scheduler/backfill.py", "if share.node_id in free.by_node:", "if True:", _BACKFILL),
    Mutant("scheduler/backfill.py", "releases[index + 1].at_ms != release.at_ms", "True", _BACKFILL),
    Mutant("scheduler/planner.py", "Release(max(end_ms, soonest_ms),", "Release(end_ms,", _BACKFILL),
    Mutant("scheduler/planner.py", "attempt.started_at_ms or attempt.leased_at_ms", "attempt.leased_at_ms", _BACKFILL),
    Mutant("scheduler/planner.py", "min(options, key=lambda option: option[0].start_ms)", "options[0]", _BACKFILL),
    Mutant("scheduler/planner.py", "self._scores[tenant_id] += tflops * COMMITTED_MS", "self._scores[tenant_id] += 0 * COMMITTED_MS", _PLANNER),
    Mutant("scheduler/planner.py", "return priority, self._scores[tenant_id], submitted_ms,", "return self._scores[tenant_id], priority, submitted_ms,", _PLANNER),
    Mutant("scheduler/planner.py", "        if not candidates:  # the park has changed since the job was submitted\n            return Verdict(reasons=misfits(shape, self.park))\n", "", f"{_PLANNER} {_INVARIANTS}"),
    Mutant("scheduler/planner.py", "for price_list in (prices.list_at(self.now_ms), *to_come)", "for price_list in (prices.list_at(self.now_ms),)", _PLANNER),
    Mutant("scheduler/planner.py", "        self._cards[job.tenant_id] += placement.card_count\n", "", _PLANNER),
    Mutant("scheduler/planner.py", "        self._available[job.tenant_id] -= hold_micros\n", "", _PLANNER),
    Mutant("scheduler/planner.py", "        room.take(placement, job.id, end_ms)\n", "", _PLANNER),
    Mutant("scheduler/planner.py", "online = self.state.online_node_ids if is_heard else frozenset()", "online = self.state.online_node_ids", _PLANNER),
    Mutant("scheduler/planner.py", "for n in self.park.node_ids(pool.id) if n in online)", "for n in self.park.node_ids(pool.id))", f"{_INVARIANTS} -k whole"),
    Mutant("scheduler/planner.py", "if record.not_before_ms > self.now_ms:", "if False:", _PLANNER),
    Mutant("scheduler/planner.py", "desk.is_full():\n            break", "desk.is_full():\n            pass", _PLANNER),
    Mutant("scheduler/controller.py", "max(self.settings.explain_every_ms, len(self.plan.verdicts))", "self.settings.explain_every_ms", "tests/unit/test_answers.py"),
    Mutant("scheduler/leader.py", "min(self.rests_per_step * max(0, step_ms) / 1_000, self.rest_s_max)", "self.rests_per_step * max(0, step_ms) / 1_000", "tests/unit/test_leader.py"),
]
