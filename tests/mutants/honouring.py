"""Deliberate bugs in quotes that are taken, one a line."""

from tests.mutants.mutant import Mutant

_API = "tests/acceptance/test_api_honouring.py"
_KEEPING = "tests/unit/api/test_housekeeping.py -k quote"
_WHATIF = "tests/unit/scheduler/asking/test_whatif.py"
_TOLD = "tests/unit/api/test_preemption_told.py"

# fmt: off
MUTANTS = [
    Mutant("api/honouring.py", "        return replace(job, submitted_at_ms=self.at_ms, id=self.id)", "        return replace(job, id=self.id)", _API),
    Mutant("api/honouring.py", "submitted_at_ms=self.at_ms, id=self.id)", "submitted_at_ms=self.at_ms)", _API),
    Mutant("api/honouring.py", "            return replace(job, submitted_at_ms=self.at_ms)", "            return job", _API),
    Mutant("api/honouring.py", "    if row is None or not caller.may_see(row.tenant_id):", "    if row is None:", _API),
    Mutant("api/honouring.py", "    if now_ms >= given.expires_at_ms:", "    if False:", _API),
    Mutant("api/honouring.py", "    if given.job_id is None:\n        _check(", "    if True:\n        _check(", _API),
    Mutant("api/honouring.py", "name not in WHAT_RUNS and", "", _API),
    Mutant("api/honouring.py", "QuoteRow.job_id.is_(None))", ")", _API),
    Mutant("api/honouring.py", ' | {"tenant": tenant_of(caller, spec)}', ' | {"tenant": given.tenant_id}', _API),
    Mutant("api/honouring.py", "job.array.id if job.array else job.id", "job.id", _API),
    Mutant("api/honouring.py", "    except (Refused, TimeoutError):", "    except TimeoutError:", _API),
    Mutant("api/answers/quoting.py", "max(quoted.start_ms, now_ms) + LATE_MS", "max(quoted.start_ms, now_ms) * 2", _API),
    Mutant("api/answers/quoting.py", "    if now is None or quoted.start_ms is None:", "    if quoted.start_ms is None:", _API),
    Mutant("api/answers/quoting.py", "if one.tenant_id == job.tenant_id]", "]", _TOLD),
    Mutant("api/answers/quoting.py", "if one.tenant_id != job.tenant_id]", "]", _TOLD),
    Mutant("api/routes/jobs.py", "            take(connection, given, jobs[0])", "            pass", _API),
    Mutant("api/schemas/jobs.py", "any(job.array or job.quote_id", "any(job.array", f"{_API} -k batch"),
    Mutant("api/housekeeping.py", "(QuoteRow.expires_at_ms < now_ms - ANSWERS_KEPT_MS)", "(QuoteRow.expires_at_ms < now_ms)", _KEEPING),
    Mutant("scheduler/asking/whatif.py", "run_ms=_run_ms(desk, record, form),", "run_ms=record.expected_ms,", _WHATIF),
    Mutant("scheduler/asking/whatif.py", "*desk.state.prices.edges(begin_ms, end_ms), ", "", _WHATIF),
    Mutant("api/answers/quoting.py", "    if first.price_count > 1:", "    if False:", _TOLD),
]
