"""Deliberate bugs in jobs that follow others, one a line."""

from tests.mutants.mutant import Mutant

_HELD = "tests/unit/scheduler/facts/test_held.py"
_API = "tests/acceptance/test_api_dependencies.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/facts/held.py", "if ended is not JobState.SUCCEEDED and job_id in job.after_ids:", "if False:", _HELD),
    Mutant("scheduler/facts/held.py", "SUCCEEDED and job_id in job.after_ids:", "SUCCEEDED:", _HELD),
    Mutant("scheduler/facts/held.py", "        if ended is None:\n", "        if False:\n", _HELD),
    Mutant("scheduler/facts/held.py", "if state is not JobState.SUCCEEDED and job_id in record.job.after_ids:", "if job_id in record.job.after_ids:", _HELD),
    Mutant("scheduler/facts/held.py", "SUCCEEDED and job_id in record.job.after_ids:", "SUCCEEDED:", _HELD),
    Mutant("scheduler/facts/held.py", "record.broken_by = record.broken_by or job_id", "record.broken_by = job_id", _HELD),
    Mutant("scheduler/facts/held.py", "if record.broken_by or (is_alone and not", "if (is_alone and not", _HELD),
    Mutant("scheduler/facts/held.py", "        while self._ripe and self._ripe[0] not in self._record_by_id:\n            heappop(self._ripe)\n", "", _HELD),
    Mutant("scheduler/facts/held.py", "            heappush(self._ripe, record.job.id)", "            self._ripe.append(record.job.id)", _HELD),
    Mutant("scheduler/facts/held.py", "            del followers[job_id]\n", "            pass\n", _HELD),
    Mutant("scheduler/facts/held.py", "is_held = bool(record.awaited_ids) or", "is_held =", _HELD),
    Mutant("scheduler/facts/held.py", "        if record is None or record.awaited_ids:\n", "        if record is None:\n", _HELD),
    Mutant("scheduler/facts/state.py", "if record is None or not self.held.is_ready(event.job_id):", "if record is None:", _HELD),
    Mutant("scheduler/facts/state.py", "        record.expect(self.history, event.at_ms)\n        self.queue.add", "        self.queue.add", _HELD),
    Mutant("scheduler/facts/state.py", "record.state, record.released_at_ms = JobState.QUEUED, event.at_ms", "record.state = JobState.QUEUED", _HELD),
    Mutant("scheduler/facts/state.py", "if record is None or record.broken_by != event.after_id:", "if record is None:", _HELD),
    Mutant("scheduler/facts/held.py", "        self.note_end(job.id, state)\n", "", _HELD),
    Mutant("scheduler/facts/held.py", "        self.discard(job.id)\n", "", _HELD),
    Mutant("scheduler/facts/state.py", "        state.held = Held(snapshot.jobs, snapshot.array_failures)\n", "", _HELD),
    Mutant("scheduler/facts/record.py", "return self.released_at_ms or self.job.submitted_at_ms", "return self.job.submitted_at_ms", _HELD),
    Mutant("scheduler/controller.py", "away, self._meter, released, told):", "away, self._meter, told):", _HELD),
    Mutant("scheduler/storage/rows.py", "or job_id in last_end or job_id in released_ms", "or job_id in last_end", _API),
    Mutant("scheduler/storage/rows.py", "last_end.get(job_id) or given_up.get(job_id)", "last_end.get(job_id)", _API),
    Mutant("api/submission.py", "if found is None or found.tenant_id != job.tenant_id:", "if found is None:", _API),
    Mutant("api/submission.py", 'if field == "after" and found.has_failed:', "if False:", _API),
    Mutant("api/submission.py", "for one in job.after_ids if not known[one].is_over)", "for one in job.after_ids)", _API),
    Mutant("api/routes/jobs.py", "if followed_id in states and not states[followed_id].is_over", "if followed_id not in states", _API),
    Mutant("scheduler/storage/queries.py", ".filter(JobRow.state == JobState.QUEUED)\n", "\n", "tests/acceptance/test_metrics.py -k old"),
    Mutant("api/answers/explaining.py", 'return f"was cancelled{ran}{detail}"', 'return f"was cancelled{ran}"', _API),
]
