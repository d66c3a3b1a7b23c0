"""Deliberate bugs in arrays, one a line."""

from tests.mutants.mutant import Mutant

_ARRAYS = "tests/unit/test_arrays.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/arrays.py", "return self.at_most is not None and self.out_count >= self.at_most", "return False", _ARRAYS),
    Mutant("scheduler/arrays.py", "self.out_count >= self.at_most", "self.out_count > self.at_most", _ARRAYS),
    Mutant("scheduler/arrays.py", "        array.open_count += 1\n", "", _ARRAYS),
    Mutant("scheduler/arrays.py", "            array.out_count += 1\n", "            pass\n", _ARRAYS),
    Mutant("scheduler/arrays.py", "array.failed_id = array.failed_id or failed_id", "pass", _ARRAYS),
    Mutant("scheduler/arrays.py", "        if record.state is not JobState.HELD:\n            array.out_count += 1", "        if True:\n            array.out_count += 1", _ARRAYS),
    Mutant("scheduler/arrays.py", "(job.array.index, job.id)", "(0, job.id)", _ARRAYS),
    Mutant("scheduler/arrays.py", "        heappush(self._with_room, job.array.id)\n", "", _ARRAYS),
    Mutant("scheduler/arrays.py", "            while array and array.line and array.line[0][1] not in held:\n                heappop(array.line)\n", "", _ARRAYS),
    Mutant("scheduler/arrays.py", "if array and array.line and not array.is_full:", "if array and array.line:", _ARRAYS),
    Mutant("scheduler/arrays.py", "            self._by_id[job.array.id].out_count += 1\n", "            pass\n", _ARRAYS),
    Mutant("scheduler/arrays.py", "        array.open_count -= 1\n", "", _ARRAYS),
    Mutant("scheduler/arrays.py", "            array.out_count -= 1\n", "            pass\n", _ARRAYS),
    Mutant("scheduler/arrays.py", "            heappush(self._with_room, array_id)\n", "", _ARRAYS),
    Mutant("scheduler/arrays.py", "        if state is not JobState.SUCCEEDED:\n            array", "        if False:\n            array", _ARRAYS),
    Mutant("scheduler/arrays.py", "array.failed_id = array.failed_id or record.job.id", "array.failed_id = record.job.id", _ARRAYS),
    Mutant("scheduler/arrays.py", "        del self._by_id[array_id]\n", "", _ARRAYS),
    Mutant("scheduler/arrays.py", "return JobState.FAILED if array.failed_id else JobState.SUCCEEDED", "return JobState.SUCCEEDED", _ARRAYS),
    Mutant("scheduler/held.py", "if failed_id and job_id in job.after_ids:", "if False:", _ARRAYS),
    Mutant("scheduler/held.py", "failed_id and job_id in job.after_ids:", "failed_id:", _ARRAYS),
    Mutant("scheduler/held.py", "if job_id in known or job_id in arrays:", "if job_id in known:", _ARRAYS),
    Mutant("scheduler/held.py", '(failures or {}).get(array.id, "")', '""', _ARRAYS),
    Mutant("scheduler/held.py", "or self.arrays.is_full(record.job)\n", "\n", _ARRAYS),
    Mutant("scheduler/held.py", 'array.id if before is JobState.FAILED else ""', '""', _ARRAYS),
    Mutant("scheduler/held.py", "        return not self.arrays.is_full(record.job)\n", "        return True\n", _ARRAYS),
    Mutant("scheduler/held.py", "        self.arrays.release(record.job)\n", "", _ARRAYS),
    Mutant("scheduler/held.py", "                self.note_end(job.array.id, outcome)\n", "", _ARRAYS),
    Mutant("scheduler/held.py", "                ended[job.array.id] = outcome\n", "", _ARRAYS),
    Mutant("scheduler/held.py", "            elif state is not JobState.SUCCEEDED:\n", "            elif False:\n", _ARRAYS),
    Mutant("scheduler/held.py", "elif state is not JobState.SUCCEEDED:\n", "else:\n", _ARRAYS),
    Mutant("scheduler/held.py", "if array_id in record.job.after_ids and not record.broken_by:", "if not record.broken_by:", _ARRAYS),
    Mutant("scheduler/held.py", "(is_alone and not self.arrays.line_up(record.job))", "is_alone", _ARRAYS),
    Mutant("scheduler/state.py", "self.final_states.pop(job.array.id, None) if job.array else None", "None", _ARRAYS),
    Mutant("scheduler/state.py", "        while len(self.final_states) > FINAL_STATES_MAX:", "        if len(self.final_states) > FINAL_STATES_MAX:", _ARRAYS),
    Mutant("scheduler/state.py", "            array_failures=self.held.arrays.failures(),\n", "", _ARRAYS),
    Mutant("scheduler/orders.py", "        env=job.env + _array_env(job),", "        env=job.env,", "tests/unit/test_orders.py"),
    Mutant("scheduler/invariants.py", "    state.held.arrays.check(state.jobs.values())\n", "", "tests/unit/test_invariants.py"),
    Mutant("scheduler/arrays.py", '            assert is_within, f"more of', '            assert True, f"more of', "tests/unit/test_invariants.py"),
    Mutant("scheduler/arrays.py", '        assert counts == counted, "how', '        assert True, "how', "tests/unit/test_invariants.py"),
]
