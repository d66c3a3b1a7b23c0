"""Deliberate bugs in why a start slides, one a line."""

from tests.mutants.mutant import Mutant

_SLIPS = "tests/unit/scheduler/asking/test_slips.py"
_ROWS = "tests/unit/scheduler/storage/test_rows.py"
_ANSWER = "tests/unit/api/answers/test_slipped.py"
_API = "tests/acceptance/test_slips.py"
_CLI = "tests/unit/api/cli/test_prospect_tables.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/storage/rows.py", "told_at_ms=func.coalesce(JobRow.told_at_ms, _ANSWER.c.told_at_ms),", "told_at_ms=_ANSWER.c.told_at_ms,", _ROWS),
    Mutant("scheduler/storage/rows.py", "told_start_ms=func.coalesce(JobRow.told_start_ms, _ANSWER.c.planned_start_ms),", "told_start_ms=_ANSWER.c.planned_start_ms,", _ROWS),
    Mutant("scheduler/storage/rows.py", "told_pool_id=func.coalesce(JobRow.told_pool_id, _ANSWER.c.planned_pool_id),", "told_pool_id=_ANSWER.c.planned_pool_id,", _ROWS),
    Mutant("scheduler/storage/rows.py", "cycle.now_ms if answer.start else None", "cycle.now_ms", _ROWS),
    Mutant("scheduler/storage/rows.py", "    told_at_ms=None,\n", "", _ROWS),
    Mutant("scheduler/storage/rows.py", "    told_start_ms=None,\n", "", _ROWS),
    Mutant("scheduler/storage/rows.py", "    told_pool_id=None,\n", "", _ROWS),
    Mutant("scheduler/asking/slips.py", "max(NEAR_MS, (self.start_ms - self.at_ms) // FAR_SHARE)", "NEAR_MS", _SLIPS),
    Mutant("scheduler/asking/slips.py", "max(NEAR_MS, (self.start_ms - self.at_ms) // FAR_SHARE)", "(self.start_ms - self.at_ms) // FAR_SHARE", _SLIPS),
    Mutant("scheduler/asking/slips.py", "return start_ms is None or start_ms", "return start_ms is not None and start_ms", _SLIPS),
    Mutant("scheduler/asking/slips.py", " if one.placement.pool_id == pool.id]", "]", _SLIPS),
    Mutant("scheduler/asking/slips.py", " if self._until_ms(one) > told.start_ms]", "]", _SLIPS),
    Mutant("scheduler/asking/slips.py", " if one.leased_at_ms <= told.at_ms]", "]", _SLIPS),
    Mutant("scheduler/asking/slips.py", "<= min(told.start_ms, self._now_ms)]", "<= self._now_ms]", _SLIPS),
    Mutant("scheduler/asking/slips.py", "<= min(told.start_ms, self._now_ms)]", "<= told.start_ms]", _SLIPS),
    Mutant("scheduler/asking/slips.py", "for at in (told.at_ms, now_ms))", "for at in (now_ms, now_ms))", _SLIPS),
    Mutant("scheduler/asking/slips.py", "(Forecasts(state, at, policy)", "(Forecasts(state, at, DEFAULT)", _SLIPS),
    Mutant("scheduler/asking/slips.py", "sum(other.tenant_id == self._job.tenant_id for", "sum(True for", _SLIPS),
    Mutant("scheduler/asking/slips.py", " if jobs[one.job_id].queued_at_ms > told_ms)", ")", _SLIPS),
    Mutant("scheduler/asking/slips.py", " if one.queued_at_ms > told.at_ms]", "]", _SLIPS),
    Mutant("scheduler/asking/slips.py", " for one in records if any(self._wanted(one.job)))", " for one in records)", _SLIPS),
    Mutant("scheduler/asking/slips.py", "                if pool.id == self._pool.id:\n", "                if True:\n", _SLIPS),
    Mutant("scheduler/asking/slips.py", "        for form in forms(job):\n", "        for form in (job,):\n", _SLIPS),
    Mutant("scheduler/asking/slips.py", "    if look.is_full():\n", "    if True:\n", _SLIPS),
    Mutant("scheduler/asking/slips.py", "ahead=look.waiting(newer) if look.is_crowded(newer) else None", "ahead=look.waiting(newer)", _SLIPS),
    Mutant("scheduler/asking/slips.py", "ahead=look.waiting(newer) if look.is_crowded(newer) else None", "ahead=None", _SLIPS),
    Mutant("scheduler/asking/slips.py", "look.overstayed(look.runs) if look.is_crowded(ahead) else None", "look.overstayed(look.runs)", _SLIPS),
    Mutant("scheduler/asking/slips.py", "look.overstayed(look.runs) if look.is_crowded(ahead) else None", "look.overstayed(look.holders) if look.is_crowded(ahead) else None", _SLIPS),
    Mutant("scheduler/asking/slips.py", "look.overstayed(look.runs) if look.is_crowded(ahead) else None", "None", _SLIPS),
    Mutant("scheduler/asking/slips.py", "overstayed, started = look.overstayed(look.holders), look.started()", "overstayed, started = look.overstayed(look.runs), look.started()", _SLIPS),
    Mutant("scheduler/asking/slips.py", "self._free.find(wanted) for", "self._free.find(Fit(wanted.node_count, wanted.card_count)) for", _SLIPS),
    Mutant("scheduler/asking/slips.py", "self._free.total - min(form.device_count for form in forms(self._job))", "self._free.total - self._job.device_count", _SLIPS),
    Mutant("scheduler/asking/slips.py", "            if left < 0:\n", "            if left <= 0:\n", _SLIPS),
    Mutant("scheduler/asking/slips.py", "            if any(self._wanted(record.job)):\n", "            if True:\n", _SLIPS),
    Mutant("scheduler/asking/slips.py", "online = state.drains.open(state.online_node_ids) if is_heard else frozenset()", "online = state.drains.open(state.online_node_ids)", _SLIPS),
    Mutant("scheduler/asking/slips.py", "in self._park.node_ids(pool.id) if one in online}", "in self._park.node_ids(pool.id)}", _SLIPS),
    Mutant("scheduler/asking/slips.py", "left[share.node_id] -= share.card_count", "pass", _SLIPS),
    Mutant("scheduler/asking/slips.py", "    if pool is None:\n        return Slip()\n", "    assert pool is not None\n", _SLIPS),
    Mutant("scheduler/asking/slips.py", "if one.pool.id == told.pool_id and one.promise_ms", "if one.promise_ms", _SLIPS),
    Mutant("scheduler/asking/slips.py", "        if told.is_missed(one.promise_ms) and not", "        if not", _SLIPS),
    Mutant("scheduler/asking/slips.py", " and not told.is_missed(one.sure_ms)", "", _SLIPS),
    Mutant("scheduler/asking/ranking.py", "policy), likely_ms=likely_ms)", "policy))", _SLIPS),
    Mutant("api/answers/slipped.py", "is_there = job.is_start_promised and", "is_there =", _ANSWER),
    Mutant("api/answers/slipped.py", "is_there = job.is_start_promised and job.planned_pool == told.pool_id", "is_there = job.is_start_promised", _ANSWER),
    Mutant("api/answers/slipped.py", "return told if told.is_missed(row.planned_start_ms) else None", "return told", _ANSWER),
    Mutant("api/answers/slipped.py", "    if causes is None:\n        return", "    if False:\n        return", _ANSWER),
    Mutant("api/answers/slipped.py", "    if not causes:\n        return", "    if False:\n        return", _ANSWER),
    Mutant("api/answers/slipped.py", "    if found.count == 1:\n", "    if False:\n", _ANSWER),
    Mutant("api/answers/slipped.py", "    if found.is_full:\n", "    if True:\n", _ANSWER),
    Mutant("api/answers/slipped.py", "if now.schedulable_cards == 0 < now.online_cards - now.maintenance_cards:", "if now.schedulable_cards == 0:", _ANSWER),
    Mutant("api/answers/slipped.py", "        if then.schedulable_cards:\n", "        if True:\n", _ANSWER),
    Mutant("api/answers/slipped.py", "> 0 and not has_hours:", "> 0:", _ANSWER),
    Mutant("api/routes/quotes.py", "ranking(state, now_ms, job_id, policy, told)", "ranking(state, now_ms, job_id, policy)", _API),
    Mutant("api/routes/quotes.py", 'model_copy(update={"slip": slip})', "model_copy()", _API),
    Mutant("api/cli/job_tables.py", "    for cause in slip.causes or ():\n", "    for cause in ():\n", _CLI),
]
