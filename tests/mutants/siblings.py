"""Deliberate bugs in how long a run the order reckons with, one a line."""

from tests.mutants.mutant import Mutant

_SIBLINGS = "tests/unit/test_siblings.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/forecast/siblings.py", "            self.end(run.length_ms, -1)\n", "            pass\n", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "        ended = [(WHOLE, mean_ms, inverse)]", "        ended = [(1, mean_ms, inverse)]", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "WHOLE * NEAR_MS // (NEAR_MS + abs(at_ms - submitted_at_ms))", "WHOLE", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "isqrt(total_ms * INVERSE // total_inverse)", "total_ms // sum(weight for weight, _, _ in ended)", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "    longer = [one for one in ended if one[1] > had_ms]", "    longer = list(ended)", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "        return 2 * had_ms, _inverse(2 * had_ms)", "        return had_ms, _inverse(had_ms)", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "        for weight, had_ms in running:\n            length", "        for weight, had_ms in ():\n            length", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "max(SHORT_MS, length_ms)", "max(1, length_ms)", _SIBLINGS),
    Mutant("scheduler/forecast/siblings.py", "key=lambda one: abs(one[0] - at_ms))[:NEAREST]", "key=lambda one: abs(one[0] - at_ms))", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "            if length_ms is None:\n                self._part(run)\n", "            if length_ms is None:\n                pass\n", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "            siblings.discard(run)\n", "            pass\n", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "max(1, min(job.limit_ms, found_ms))", "max(1, found_ms)", _SIBLINGS),
    Mutant("scheduler/forecast/history.py", "            submitted_at_ms=job.submitted_at_ms,\n", "", _SIBLINGS),
    Mutant("scheduler/facts/state.py", "        self.queue.learn(record.job, self.history, event.at_ms)\n", "", _SIBLINGS),
    Mutant("scheduler/facts/queue.py", "                insort(lane, (due_key(record), record))\n\n", "                lane.append((due_key(record), record))\n\n", _SIBLINGS),
    Mutant("scheduler/facts/queue.py", "        del like[bisect_left(like, _entry(record)[:2])]\n", "        like.pop()\n", _SIBLINGS),
    Mutant("scheduler/facts/record.py", "        self.reckoned_ms = history.reckoned_ms(self.job, at_ms)\n", "", _SIBLINGS),
]
