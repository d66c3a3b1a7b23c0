"""Deliberate bugs in draining, in keeping out what starts nothing, and in repair, one a line."""

from tests.mutants.mutant import Mutant

_UNIT = "tests/unit/test_drains.py"
_SUSPECTS = "tests/unit/test_suspects.py"
_GANG = "tests/unit/test_gang.py"
_REPAIR = "tests/unit/test_repair.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/facts/drains.py", "away = self.node_ids | self.suspects.out_ids", "away = self.suspects.out_ids", _UNIT),
    Mutant("scheduler/facts/drains.py", "        state.holdings.forget_nodes(sorted({known[one].pool_id for one in changed}))\n", "", _UNIT),
    Mutant("scheduler/facts/drains.py", "            if node_id not in known:\n", "            if False:\n", _UNIT),
    Mutant("scheduler/facts/state.py", "        state.drains = Drains.restored(snapshot)\n", "", _UNIT),
    Mutant("scheduler/planning/verifier.py", "node_ids - self._state.drains.open(self._state.online_node_ids)", "node_ids - self._state.online_node_ids", _UNIT),
    Mutant("scheduler/asking/loads.py", "maintenance_cards=maintenance,", "maintenance_cards=0,", _UNIT),
    Mutant("scheduler/asking/loads.py", "online_cards=schedulable + maintenance", "online_cards=schedulable", _UNIT),
    Mutant("scheduler/facts/suspects.py", "FAILED_MAX = 2", "FAILED_MAX = 1", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "if job_id not in suspect.job_ids and suspect.until_ms is None:", "if suspect.until_ms is None:", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "        suspect.count += 1\n", "", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "        suspect.job_ids.clear()\n", "", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "min(LONGEST_MS, FIRST_MS << min(suspect.count, 16))", "(FIRST_MS << min(suspect.count, 16))", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "for n, one in self.by_node.items() if one.until_ms is not None}", "for n, one in self.by_node.items() if one.until_ms is None}", _SUSPECTS),
    Mutant("scheduler/facts/drains.py", "away = self.node_ids | self.suspects.out_ids", "away = self.node_ids", _SUSPECTS),
    Mutant("scheduler/facts/drains.py", "event.cause in {EndCause.NODE, EndCause.BROKER}", "True", _SUSPECTS),
    Mutant("scheduler/facts/drains.py", "and event.node_id is not None and attempt.started_at_ms is None:", "and event.node_id is not None:", _SUSPECTS),
    Mutant("scheduler/facts/drains.py", "            self.suspects.note_start(node_ids, event.at_ms)\n", "", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "if suspect is None or suspect.until_ms is None:", "if True:", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "suspect.until_ms, suspect.count = min(suspect.until_ms, at_ms), 0", "suspect.until_ms = min(suspect.until_ms, at_ms)", _SUSPECTS),
    Mutant("scheduler/facts/drains.py", "            self.suspects.clear(event.node_ids)\n", "", _SUSPECTS),
    Mutant("scheduler/facts/opening.py", "    if due:\n", "    if False:\n", _SUSPECTS),
    Mutant("scheduler/controller.py", "told.exit_code, told.detail, told.node_id)", "told.exit_code, told.detail)", _SUSPECTS),
    Mutant("cluster/gang.py", "if state is not None and state.end is at_fault[end]:", "if state is not None:", _GANG),
    Mutant("cluster/gang.py", "if self.order is None or end not in at_fault:", "if self.order is None or end is not AttemptEnd.NODE:", _GANG),
    Mutant("cluster/wire.py", "            node_id=self.node_id,\n", "", "tests/unit/test_wire.py"),
    Mutant("scheduler/facts/record.py", "if event.cause is not EndCause.NODE or attempt.started_at_ms is None:", "if event.cause is not EndCause.NODE:", _REPAIR),
    Mutant("scheduler/facts/record.py", "if event.cause is not EndCause.NODE or attempt.started_at_ms is None:", "if attempt.started_at_ms is None:", _REPAIR),
    Mutant("scheduler/facts/state.py", "            self.claims |= record.requeue(attempt, event)\n", "            record.requeue(attempt, event)\n", _REPAIR),
    Mutant("scheduler/planning/desk.py", "answer = self._consider(record) if is_repair else self._claimed(record)", "answer = self._claimed(record)", _REPAIR),
    Mutant("scheduler/planning/claims.py", "        if claim.until_ms > now_ms and _counts", "        if _counts", _REPAIR),
]
