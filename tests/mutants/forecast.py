"""Deliberate bugs in what is promised and planned by forecasts, one a line."""

from tests.mutants.mutant import Mutant

_FORECAST = "tests/unit/test_forecast.py"
_PUNCTUALITY = "tests/unit/test_punctuality.py"
_WHATIF = "tests/unit/test_whatif.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/ends.py", "return self.latest_ms if is_firm else self.likely_ms", "return self.latest_ms", _FORECAST),
    Mutant("scheduler/ends.py", "    forecast_ms = max(1, forecast_ms)\n", "    if not forecast_ms:\n        return 0\n", _FORECAST),
    Mutant("scheduler/ends.py", "(had_ms // forecast_ms).bit_length()", "(had_ms > forecast_ms)", _FORECAST),
    Mutant("scheduler/record.py", "min(self.likely_end_ms(begin_ms, now_ms, forecast_ms), latest_ms)", "self.likely_end_ms(begin_ms, now_ms, forecast_ms)", _FORECAST),
    Mutant("scheduler/record.py", "had_ms = self.had_ms + max(0, now_ms - begin_ms)", "had_ms = max(0, now_ms - begin_ms)", _FORECAST),
    Mutant("scheduler/record.py", "self.served_card_ms // self.job.device_count if self.job.checkpoint else 0", "self.served_card_ms if self.job.checkpoint else 0", _FORECAST),
    Mutant("scheduler/record.py", "return max(self.queued_at_ms, self.not_before_ms)", "return self.queued_at_ms", _FORECAST),
    Mutant("scheduler/history.py", "self._typical_ms(job, now_ms, OWN_GROUPS)", "self._typical_ms(job, now_ms, ALL_GROUPS)", _FORECAST),
    Mutant("scheduler/state.py", "        record.forecast_ms = self.history.forecast_ms(record.job, event.at_ms)\n", "", _FORECAST),
    Mutant("scheduler/record.py", "self.job.device_count if self.job.checkpoint else 0", "self.job.device_count", _FORECAST),
    Mutant("scheduler/record.py", "max(0, now_ms - begin_ms)", "(now_ms - begin_ms)", _FORECAST),
    Mutant("scheduler/record.py", " and attempt.stop_at_ms is None:", ":", _FORECAST),
    Mutant("scheduler/policy.py", "return self.firm_after_ms > 0", "return True", _FORECAST),
    Mutant("scheduler/policy.py", "return waited_ms >= self.firm_after_ms", "return waited_ms > self.firm_after_ms", _FORECAST),
    Mutant("scheduler/policy.py", "waited_ms >= self.firm_after_ms", "False", _FORECAST),
    Mutant("scheduler/backfill.py", "self._opened(self.soon.on(spare), wanted, is_firm=False)", "self._opened(self.soon.on(spare), wanted, is_firm=True)", _FORECAST),
    Mutant("scheduler/backfill.py", "self._opened(self.soon.on(spare), wanted", "self._opened(self.soon.copy(), wanted", _FORECAST),
    Mutant("scheduler/desk.py", "PlannedStart(reservation.likely_ms, option", "PlannedStart(reservation.start_ms, option", _FORECAST),
    Mutant("scheduler/desk.py", "is_firm = self.policy.is_firm(self.now_ms - record.waiting_since_ms)", "is_firm = False", _FORECAST),
    Mutant("scheduler/forecasts.py", "        if not self._is_forecasting:\n            return None", "        if False:\n            return None", _FORECAST),
    Mutant("scheduler/forecasts.py", " or not self._is_forecasting:", ":", _FORECAST),
    Mutant("scheduler/outlook.py", "return self.forecasts.ends(record).likely_ms - self.now_ms", "return self.forecasts.ends(record).latest_ms - self.now_ms", _FORECAST),
    Mutant("scheduler/outlook.py", "self.forecasts.live_ends(attempt).likely_ms", "self.forecasts.live_ends(attempt).latest_ms", _FORECAST),
    Mutant("scheduler/forecasts.py", "like = (job.tenant_id, job.user, job.name, job.device_count)", "like = ('', '', '', 0)", _FORECAST),
    Mutant("scheduler/allowance.py", "return ends.by(is_firm=kept.is_firm) <= kept.start_ms", "return ends.latest_ms <= kept.start_ms", _FORECAST),
    Mutant("scheduler/allowance.py", "is_firm = self._policy.is_firm(self._now_ms - record.waiting_since_ms)", "is_firm = False", _FORECAST),
    Mutant("scheduler/whatif.py", "promise_ms is not None or is_unforeseen", "is_unforeseen", _WHATIF),
    Mutant("scheduler/punctuality.py", "del starts[:-WINDOW]", "pass", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "if len(starts) >= ENOUGH", "if len(starts) > ENOUGH", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "_rounded_up((len(permille) + 1) * LIKELY_PERMILLE, PERMILLE)", "_rounded_up(len(permille) * LIKELY_PERMILLE, PERMILLE)", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "return sorted(permille)[", "return permille[", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "return (wait_ms // MINUTE_MS).bit_length() // 2", "return 0", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "max(SHORTEST_MS, self.foretold_ms)", "max(1, self.foretold_ms)", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "return max(start_ms, now_ms + late_ms)", "return now_ms + late_ms", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "return -(-number // by)", "return number // by", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "self.score.by_planned += started_ms <= foretold.start_ms", "self.score.by_planned += 1", _PUNCTUALITY),
    Mutant("scheduler/punctuality.py", "self.score.by_p90 += started_ms <= foretold.p90_ms", "self.score.by_p90 += 1", _PUNCTUALITY),
    Mutant("scheduler/state.py", "            self.punctuality.note(event.foretold, event.at_ms)\n", "            pass\n", _PUNCTUALITY),
    Mutant("scheduler/state.py", "        state.punctuality = Punctuality(snapshot.starts, snapshot.start_score)\n", "", _PUNCTUALITY),
    Mutant("scheduler/planner.py", "        verdicts = with_p90(verdicts, state.punctuality.outlook(), now_ms)\n", "", _PUNCTUALITY),
    Mutant("scheduler/controller.py", "foretold=self._told.foretold.get(grant.job_id),", "foretold=None,", "tests/unit/test_controller.py"),
    Mutant("scheduler/told.py", "if answer.start is not None and job_id not in self.foretold:", "if answer.start is not None:", "tests/unit/test_told.py"),
    Mutant("scheduler/told.py", "                self.foretold.pop(job_id, None)\n", "", "tests/unit/test_told.py"),
    Mutant("scheduler/rows.py", '"p90_ms": start.p90_ms if start else None,', '"p90_ms": None,', "tests/unit/test_rows.py"),
    Mutant("scheduler/rows.py", "            start_p90_ms=None,\n", "", "tests/unit/test_rows.py"),
    Mutant("api/cli/job_tables.py", "    if explanation.start_p90_ms is not None:\n", "    if False:\n", "tests/unit/test_cli.py"),
    Mutant("api/explaining.py", "late, late_zh = by_p90(job.start_p90_ms)", "late, late_zh = by_p90(None)", "tests/unit/test_explaining.py"),
    Mutant("scheduler/forecasts.py", "Ends(ends.likely_ms + delay_ms, ends.latest_ms + delay_ms)", "ends", _FORECAST),
]
