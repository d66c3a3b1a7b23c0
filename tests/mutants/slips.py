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
    Mutant("scheduler/asking/slips.py", " if one.placement.pool_id == told.pool_id]", "]", _SLIPS),
    Mutant("scheduler/asking/slips.py", "if attempt.leased_at_ms <= told.at_ms\n", "if True\n", _SLIPS),
    Mutant("scheduler/asking/slips.py", "(was_ms := then.live_ends(attempt).likely_ms) <= told.start_ms", "(was_ms := then.live_ends(attempt).likely_ms)", _SLIPS),
    Mutant("scheduler/asking/slips.py", "now.live_ends(attempt).likely_ms) > told.start_ms", "now.live_ends(attempt).likely_ms) > was_ms", _SLIPS),
    Mutant("scheduler/asking/slips.py", "Forecasts(state, told.at_ms, policy)", "Forecasts(state, now_ms, policy)", _SLIPS),
    Mutant("scheduler/asking/slips.py", "then, now = Forecasts(state, told.at_ms, policy), Forecasts(state, now_ms, policy)", "then, now = Forecasts(state, told.at_ms, DEFAULT), Forecasts(state, now_ms, DEFAULT)", _SLIPS),
    Mutant("scheduler/asking/slips.py", "sum(state.jobs[one.job_id].job.tenant_id == tenant_id for", "sum(True for", _SLIPS),
    Mutant("api/answers/slipped.py", "return told if told.is_missed(row.planned_start_ms) else None", "return told", _ANSWER),
    Mutant("api/answers/slipped.py", "    if causes is None:\n        return", "    if False:\n        return", _ANSWER),
    Mutant("api/answers/slipped.py", "    if not causes:\n        return", "    if False:\n        return", _ANSWER),
    Mutant("api/answers/slipped.py", "if found.count == 1:", "if False:", _ANSWER),
    Mutant("api/routes/quotes.py", "ranking(state, now_ms, job_id, policy, told)", "ranking(state, now_ms, job_id, policy)", _API),
    Mutant("api/routes/quotes.py", 'model_copy(update={"slip": slip})', "model_copy()", _API),
    Mutant("api/cli/job_tables.py", "    for cause in slip.causes or ():\n", "    for cause in ():\n", _CLI),
]
