"""Deliberate bugs in quotes that are kept, one a line."""

from tests.mutants.mutant import Mutant

_UNIT = "tests/unit/scheduler/facts/test_quotes.py"
_PLANS = "tests/unit/scheduler/test_quoted_plans.py"
_API = "tests/acceptance/test_api_kept_quotes.py"
_SWEPT = "tests/unit/api/test_housekeeping.py -k old_and_done"

# fmt: off
MUTANTS = [
    Mutant("scheduler/facts/quotes.py", "return record is not None and record.job.id == job.id", "return record is not None", _UNIT),
    Mutant("scheduler/facts/quotes.py", "if record is None or record.job.id != event.quote_id:", "if record is None:", _UNIT),
    Mutant("scheduler/facts/quotes.py", "if _quote_of(record).until_ms <= now_ms", "if _quote_of(record).until_ms < now_ms", _UNIT),
    Mutant("scheduler/facts/quotes.py", "if (tflops, node_ids) != (quote.tflops, quote.node_ids):", "if True:", _UNIT),
    Mutant("scheduler/facts/quotes.py", "        if job.id in state.jobs or job.id in state.final_states:", "        if False:", _UNIT),
    Mutant("scheduler/facts/quotes.py", "        if tenant_id not in state.tenants:", "        if False:", _UNIT),
    Mutant("scheduler/facts/quotes.py", "        if job.followed_ids or job.array is not None:", "        if job.followed_ids:", _UNIT),
    Mutant("scheduler/facts/quotes.py", "if event.at_ms < pause_ms:", "if False:", _UNIT),
    Mutant("scheduler/facts/quotes.py", "        if other is not None:", "        if False:", _UNIT),
    Mutant("scheduler/facts/quotes.py", "        state.holdings.note_use(job, quote.used_tflops_ms, at_ms)\n", "", _UNIT),
    Mutant("scheduler/facts/quotes.py", "max(0, min(at_ms, quote.until_ms) - quote.from_ms)", "max(0, at_ms - quote.from_ms)", _UNIT),
    Mutant("scheduler/facts/quotes.py", "                state.claims.pop(record.job.id, None)\n", "", _UNIT),
    Mutant("scheduler/facts/quotes.py", "    else:\n        state.claims.pop(job_id, None)\n", "", _PLANS),
    Mutant("scheduler/facts/quotes.py", "for job_id, one in verdicts.items() if job_id not in kept}", "for job_id, one in verdicts.items()}", _UNIT),
    Mutant("scheduler/facts/record.py", "        at_ms = min(at_ms, self.until_ms)\n", "", _UNIT),
    Mutant("scheduler/facts/state.py", "        self.quotes.take(self, event, record)\n", "", _UNIT),
    Mutant("scheduler/facts/state.py", "(job.id in self.jobs and not self.quotes.has(job))", "job.id in self.jobs", _UNIT),
    Mutant("scheduler/facts/state.py", '        if record is None or record.quote is not None:\n            return f"job {job_id} is over', '        if record is None:\n            return f"job {job_id} is over', _UNIT),
    Mutant("scheduler/facts/state.py", "KeptQuotes(snapshot.jobs, snapshot.quote_pauses)", "KeptQuotes(snapshot.jobs)", _UNIT),
    Mutant("scheduler/planning/claims.py", "return now_ms - quote.since_ms < preemption.min_run_ms", "return True", _PLANS),
    Mutant("scheduler/planning/claims.py", "    if preemption is None or quote is None:", "    if preemption is None:\n        return False\n    if quote is None:", _PLANS),
    Mutant("scheduler/planning/desk.py", "        if form.quote is not None:\n", "        if False:\n", _PLANS),
    Mutant("scheduler/planning/stops.py", "is_served = record.quote or has_claim", "is_served = has_claim", _PLANS),
    Mutant("scheduler/planning/foresight.py", " and not isinstance(verdict, KeptCards):", ":", _PLANS),
    Mutant("scheduler/planning/granted.py", "        if record.quote is not None:\n", "        if False:\n", _PLANS),
    Mutant("scheduler/planning/verifier.py", "        if taker.quote is not None:\n", "        if False:\n", _PLANS),
    Mutant("scheduler/controller.py", "for due in (expired, self._silences,", "for due in (self._silences,", _UNIT),
    Mutant("scheduler/controller.py", "        self._take_all(batch, news)\n", "", _UNIT),
    Mutant("scheduler/controller.py", "self._told.new_answers(verdicts, now_ms", "self._told.new_answers(self.plan.verdicts, now_ms", _UNIT),
    Mutant("scheduler/storage/rows.py", "            case ev.QuoteCardsKept() | ev.QuoteEnded() | ev.StartPromised():", "            case ev.QuoteEnded() | ev.StartPromised():", _UNIT),
    Mutant("api/answers/quoting.py", "min(valid_ms, job.limit_ms) if is_kept else valid_ms", "valid_ms", _API),
    Mutant("api/routes/quotes.py", "        keep(services, placed, answer.expires_at_ms)\n", "        pass\n", _API),
    Mutant("api/routes/quotes.py", "placed = replace(job, id=answer.id, submitted_at_ms=answer.at_ms)", "placed = job", _API),
    Mutant("api/honouring.py", ".values(is_kept=True)", ".values(is_kept=False)", _API),
    Mutant("api/honouring.py", '("array", "after", "after_any")', '("array", "after")', _API),
    Mutant("api/housekeeping.py", '"cancel:", KEEP_PREFIX, DROP_PREFIX)', '"cancel:")', _SWEPT),
    Mutant("api/honouring.py", "QuoteRow.is_kept, QuoteRow.job_id.is_(None), ", "QuoteRow.is_kept, ", _API),
    Mutant("api/honouring.py", ".where(QuoteRow.id == given.id).values(is_kept=False))", ".where(QuoteRow.id == given.id).values(is_kept=True))", _API),
    Mutant("api/honouring.py", "        asked = asked.where(QuoteRow.tenant_id == tenant_id)\n", "        pass\n", _API),
    Mutant("api/console/static/jobs.js", "return [kept, ...list(", "return [...list(", "tests/acceptance/test_console.py -k kept_quote"),
    Mutant("api/console/static/jobs.js", "return [kept || empty(", "return [empty(", "tests/acceptance/test_console.py -k kept_quote"),
]
