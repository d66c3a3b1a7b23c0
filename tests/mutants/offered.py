"""Deliberate bugs in pools that are offered at some hours alone, one a line."""

from tests.mutants.mutant import Mutant

_UNIT = "tests/unit/scheduler/model/test_offered.py"
_UNPAID = "tests/unit/scheduler/planning/test_unpaid.py"
_CLOSE = "tests/unit/scheduler/test_offered_close.py"
_SEEDS = "tests/simulation/test_seeds.py::test_the_rules_hold_where_pools_have_hours_and_tenants_whole_nodes[0]"
_HOURS = "cluster/hours.py"
_OFFERED = "scheduler/model/offered.py"
_OPENING = "scheduler/facts/opening.py"

# fmt: off
MUTANTS = [
    Mutant(_HOURS, "for begin, end in self._from(at_ms) if begin <= at_ms), None)", "for begin, end in self._from(at_ms)), None)", _UNIT),
    Mutant(_HOURS, "if begin + length_ms <= end), None)", "if begin <= end), None)", _UNIT),
    Mutant(_HOURS, "(4 * _DAY - 8 * 60)", "(4 * _DAY)", _UNIT),
    Mutant(_HOURS, "is_offered[minute % _WEEK] = True", "is_offered[min(minute, _WEEK - 1)] = True", _UNIT),
    Mutant(_HOURS, "for start_ms in (week_ms - _WEEK_MS, week_ms,", "for start_ms in (week_ms,", _UNIT),
    Mutant(_HOURS, "week_ms, week_ms + _WEEK_MS):", "week_ms):", _UNIT),
    Mutant(_HOURS, "begin >= _DAY or end > _DAY or begin == end", "begin > _DAY or end > _DAY or begin == end", _UNIT),
    Mutant(_HOURS, "or begin == end", "", _UNIT),
    Mutant(_HOURS, "if all(is_offered):", "if False:", _UNIT),
    Mutant(_OFFERED, "if job.checkpoint is None else min(job.longest_ms, LEAST_MS)", "", _UNIT),
    Mutant(_OFFERED, "return longest_ms + job.grace_ms + MARGIN_MS", "return longest_ms + job.grace_ms", _UNIT),
    Mutant(_OFFERED, "if need_ms <= left_ms:", "if need_ms <= left_ms + 1:", _UNIT),
    Mutant(_OFFERED, "if need_ms <= left_ms:", "if left_ms:", _SEEDS),
    Mutant(_OPENING, "closes_ms - now_ms <= checkpoint.grace_ms + MARGIN_MS // 2", "False", _SEEDS),
    Mutant(_OFFERED, "pool.hours.opens_ms(at_ms, need_ms))", "pool.hours.opens_ms(at_ms))", _UNIT),
    Mutant(_OFFERED, "if pool.hours is None or needed_ms(job) <= pool.hours.longest_ms:", "if True:", _UNIT),
    Mutant(_OPENING, '                by="hours",\n', "", _UNIT),
    Mutant(_OPENING, "        if node_ids:\n", "        if node_ids and is_drained:\n", _UNIT),
    Mutant(_OPENING, " or attempt.ends.latest_ms <= closes_ms:", ":", _UNIT),
    Mutant(_OPENING, "closes_ms - now_ms <= checkpoint.grace_ms + MARGIN_MS // 2", "closes_ms <= now_ms", _UNIT),
    Mutant(_OPENING, "cause=EndCause.PREEMPTED", "cause=EndCause.LIMIT", _UNIT),
    Mutant("scheduler/facts/drains.py", "return online - self.closed_ids if self.closed_ids else online", "return online", _UNIT),
    Mutant("scheduler/facts/drains.py", '"hours": self.closed_ids,', '"hours": self.node_ids,', _UNIT),
    Mutant("scheduler/facts/drains.py", "snapshot.closed_node_ids, snapshot.suspects)", "(), snapshot.suspects)", _UNIT),
    Mutant("scheduler/planning/survey.py", "        closed = self.why_closed(form.job, pool)\n        if closed is None:\n", "        closed = self.why_closed(form.job, pool)\n        if True:\n", _UNIT),
    Mutant("scheduler/planning/survey.py", "return hold if isinstance(hold, Reason) else closed", "return closed", _UNPAID),
    Mutant("scheduler/planning/survey.py", "if reservation and outside_hours(record.job, candidate.pool, reservation.start_ms):", "if False:", _UNIT),
    Mutant("scheduler/planning/offers.py", "told = closed or full\n", "told = full\n", _UNIT),
    Mutant("scheduler/planning/explain.py", "away = {ReasonCode.CENTRE_SILENT, ReasonCode.OUTSIDE_HOURS}", "away = {ReasonCode.CENTRE_SILENT}", _UNIT),
    Mutant("scheduler/planning/granted.py", '            yield "the pool is not offered at this hour"\n', "            return\n", _UNIT),
    Mutant("scheduler/planning/granted.py", "elif job.checkpoint is None and begin_ms + job.longest_ms > closes_ms:", "elif False:", _UNIT),
    Mutant("scheduler/placing/placement.py", "    if len(shut) == len(possible):\n", "    if False:\n", _UNIT),
    Mutant("scheduler/timing/outlook.py", "if opens_ms is None or opens_ms == at_ms:", "if True:", _UNIT),
    Mutant("scheduler/timing/prospects.py", "for end_ms, _ in [*ends, *opening]), default=None)", "for end_ms, _ in ends), default=None)", _UNIT),
    Mutant(_OPENING, " or pool.hours.closes_ms(attempt.leased_at_ms)\n", "\n", _CLOSE),
    Mutant(_OPENING, "pool.hours.closes_ms(attempt.leased_at_ms)\n", "now_ms\n", _CLOSE),
    Mutant("scheduler/planning/survey.py", "room.soon is room.now or self.is_late(record, candidate):", "room.soon is room.now:", _CLOSE),
    Mutant("scheduler/planning/desk.py", "if shares is not None and not self._survey.is_late(form, candidate):", "if shares is not None:", _CLOSE),
    Mutant("scheduler/planning/stops.py", "not gone_ms or outside_hours(form.job, pool, start_ms) is not None", "not gone_ms", _CLOSE),
    Mutant("scheduler/planning/growth.py", "if outside_hours(form.job, candidate.pool, again_ms):", "if False:", _CLOSE),
    Mutant("scheduler/planning/growth.py", "form.job.grace_ms + RESTART_MS\n", "form.job.grace_ms\n", _CLOSE),
    Mutant("scheduler/planning/verifier.py", "if any(self._is_late(form, attempt) for attempt in gone):", "if False:", _CLOSE),
    Mutant("scheduler/planning/verifier.py", " or self._is_late(form, attempt):", ":", _CLOSE),
    Mutant("scheduler/planning/verifier.py", "gone_ms = self._now_ms + grace_ms", "gone_ms = self._now_ms", _CLOSE),
    Mutant("scheduler/planning/verifier.py", "grace_ms = min(self._state.jobs[attempt.job_id].job.grace_ms, SOON_MS)", "grace_ms = self._state.jobs[attempt.job_id].job.grace_ms", _CLOSE),
    Mutant("scheduler/planning/vacancy.py", "                if pool.hours is not None and not self._is_any_in_hours(one, pool):\n                    continue\n", "", _CLOSE),
    Mutant("scheduler/planning/vacancy.py", "grace = job.grace_ms, job.checkpoint is None", "grace = job.grace_ms", _CLOSE),
    Mutant("scheduler/planning/vacancy.py", "grace = job.grace_ms, job.checkpoint is None", "grace = job.checkpoint is None", _CLOSE),
    Mutant("scheduler/planning/settled.py", "return needed_ms(job) if self._has_hours else 0", "return 0", _CLOSE),
    Mutant("scheduler/planning/desk.py", "self._allowances.save_for(record.job, refused)", "self._allowances.save_for(record.job, reasons)", _UNPAID),
    Mutant("scheduler/planning/desk.py", "self._allowances.save_for(record.job, refused)", "self._allowances.save_for(record.job, [])", _UNPAID),
]
