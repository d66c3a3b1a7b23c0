"""Deliberate bugs in what makes stopping come to an end, one a line."""

from tests.mutants.mutant import Mutant

_HAND = "tests/unit/scheduler/planning/test_potential.py"
_STANDING = "tests/unit/scheduler/sharing/test_standing.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/planning/preemption.py", "if self.working.falls(gone, there) else Clearing()", "if True else Clearing()", _HAND),
    Mutant("scheduler/planning/preemption.py", "is_there = wanted.node_count == 1 and self._standings.has_owners", "is_there = False", "tests/unit/scheduler/sharing/test_cells.py"),
    Mutant("scheduler/planning/claims.py", "        found += [(form, Left(node_ids, kept)) for form in preferred]\n", "", _HAND),
    Mutant("scheduler/planning/claims.py", "    if not others:\n", "    if True:\n", _HAND),
    Mutant("scheduler/planning/claims.py", "{record.job.id, *done_ids} and claim.until_ms > now_ms", "{record.job.id, *done_ids}", _HAND),
    Mutant("scheduler/planning/claims.py", "range(max(len(sizes) for sizes, _ in others))", "range(1)", "tests/unit/scheduler/test_elastic_steps.py"),
    Mutant("scheduler/planning/claims.py", "sizes[max(0, len(sizes) - 1 - step)]", "sizes[0]", "tests/unit/scheduler/test_elastic_steps.py"),
    Mutant("scheduler/planning/claims.py", "now.set(node_id, min(now.by_node[node_id], left))", "pass", _HAND),
    Mutant("scheduler/planning/claims.py", "if job_id not in {record.job.id, *done_ids} and", "if job_id != record.job.id and", _HAND),
    Mutant("scheduler/planning/preemption.py", "        if found.victims and self._standings.has_owners:\n", "        if False:\n", _HAND),
    Mutant("scheduler/planning/verifier.py", '        if not self._working.falls(gone, taker):\n            return "the potential does not fall"\n', "", _HAND),
    Mutant("scheduler/planning/potential.py", "return self._potential(after) < self._potential(before)", "return True", _HAND),
    Mutant("scheduler/planning/potential.py", "            after.pop(work.id, None)\n", "            pass\n", _HAND),
    Mutant("scheduler/planning/potential.py", "        self._next_ms += 1\n", "", _HAND),
    Mutant("scheduler/planning/potential.py", "self._next_ms = now_ms + 1", "self._next_ms = now_ms", _HAND),
    Mutant("scheduler/planning/potential.py", "left[standing] -= work.cards * park", "left[standing] -= park", _HAND),
    Mutant("scheduler/planning/desk.py", "sorted(self._forecasts.forms(record), key=owns, reverse=True)", "self._forecasts.forms(record)", _HAND),
    Mutant("scheduler/planning/desk.py", "owns = partial(self._standings.owns, kind_id=kind_id)", "owns = self._owns", _HAND),
    Mutant("scheduler/sharing/standing.py", "is_within = fits and is_kept[index]", "is_within = bool(amounts) and is_kept.get(index, True)", f"{_HAND} {_STANDING}"),
    Mutant("scheduler/sharing/standing.py", "of_tenant = owns.tenant if cohort and is_split else owns.top", "of_tenant = owns.tenant", _HAND),
    Mutant("scheduler/sharing/standing.py", "owns.tenant if cohort and is_split else owns.top", "owns.top", _HAND),
    Mutant("scheduler/sharing/standing.py", "return Owns(top=owns.top, tenant=of_tenant", "return Owns(top=owns.top or owns.tenant, tenant=of_tenant", _HAND),
    Mutant("scheduler/planning/settled.py", "return known is not None and merit <= known", "return False", "tests/simulation/test_seeds.py -k 'nobody_owns and not whoever'"),
]
