"""Deliberate bugs in how long a run the order reckons with, one a line."""

from tests.mutants.mutant import Mutant

_SIBLINGS = "tests/unit/scheduler/forecast/test_siblings.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/forecast/siblings.py", "            self.end(run.length_ms, -1)\n", "            pass\n", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "away_ms = 0 if at_ms is None else abs(at_ms - submitted_at_ms)", "away_ms = 0", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "            weight = HALVED // (NEAR_MS + abs(at_ms - submitted_at_ms))\n", "            weight = WHOLE\n", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "isqrt(total_ms * INVERSE // total_inverse)", "means[-1][0]", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "means[count] if count else", "means[-1] if count else", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "    return 2 * had_ms, _inverse(2 * had_ms)", "    return had_ms, _inverse(had_ms)", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "in self.running:", "in self.running[:0]:", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "max(SHORT_MS, length_ms)", "max(1, length_ms)", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "[first : first + NEAREST]:", "[first : first + 2 * NEAREST]:", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "at_ms - entries[middle][0] > entries", "at_ms - entries[middle][0] >= entries", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "        total_inverse += WHOLE * self.more_inverse\n", "", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "                window = group, first_near(siblings.runs, job.submitted_at_ms)\n", "                window = (), first_near(siblings.runs, job.submitted_at_ms)\n", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "            if length_ms is None:\n                self._part(run)\n", "            if length_ms is None:\n                pass\n", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "            siblings.discard(run)\n", "            pass\n", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "max(1, min(job.limit_ms, found.reckoned_ms(job.submitted_at_ms)))", "max(1, found.reckoned_ms(job.submitted_at_ms))", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "            submitted_at_ms=job.submitted_at_ms,\n", "", _SIBLINGS),
    Mutant("scheduler/facts/state.py", "        self.queue.learn(record.job, self.history, event.at_ms)\n", "", _SIBLINGS),
    Mutant("scheduler/facts/queue.py", "                insort(lane, (due_key(record), record))\n\n", "                lane.append((due_key(record), record))\n\n", _SIBLINGS),
    Mutant("scheduler/facts/queue.py", "        del like[bisect_left(like, _entry(record)[:2])]\n", "        like.pop()\n", _SIBLINGS),
    Mutant("scheduler/facts/record.py", "        self.reckoned_ms = history.reckoned_ms(self.job, at_ms)\n", "", _SIBLINGS),
]
