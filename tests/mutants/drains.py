"""Deliberate bugs in draining, in keeping out what starts nothing, and in repair, one a line."""

from tests.mutants.mutant import Mutant

_UNIT = "tests/unit/scheduler/facts/test_drains.py"
_SUSPECTS = "tests/unit/scheduler/facts/test_suspects.py"
_GANG = "tests/unit/cluster/test_gang.py"
_REPAIR = "tests/unit/scheduler/test_repair.py"
_OWN = "tests/unit/cluster/test_supervisor.py -k own_fault"

# fmt: off
MUTANTS = [
    Mutant("api/routes/capacity.py", "    if caller.role is not Role.OPERATOR:\n", "    if caller is None:\n", "tests/acceptance/test_api_drains.py"),
    Mutant("api/routes/drains.py", "            said_by=caller.signature,\n", "", "tests/acceptance/test_api_drains.py"),
    Mutant("scheduler/facts/drains.py", "away = self.node_ids | self.suspects.out_ids", "away = self.suspects.out_ids", _UNIT),
    Mutant("scheduler/facts/drains.py", "        state.holdings.forget_nodes(sorted({known[one].pool_id for one in changed}))\n", "", _UNIT),
    Mutant("scheduler/facts/drains.py", "            if node_id not in known:\n", "            if False:\n", _UNIT),
    Mutant("scheduler/facts/state.py", "        state.drains = Drains.restored(snapshot)\n", "", _UNIT),
    Mutant("scheduler/planning/granted.py", "node_ids - self._state.drains.open(self._state.online_node_ids)", "node_ids - self._state.online_node_ids", _UNIT),
    Mutant("scheduler/asking/loads.py", "maintenance_cards=maintenance,", "maintenance_cards=0,", _UNIT),
    Mutant("scheduler/asking/loads.py", "online_cards=schedulable + maintenance", "online_cards=schedulable", _UNIT),
    Mutant("scheduler/facts/suspects.py", "FAILED_MAX = 2", "FAILED_MAX = 1", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "if tried not in suspect.job_ids and suspect.until_ms is None:", "if suspect.until_ms is None:", _SUSPECTS),
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
    Mutant("scheduler/facts/drains.py", "            self.suspects.clear(changed)\n", "", _SUSPECTS),
    Mutant("scheduler/facts/drains.py", "self.suspects.clear(changed)", "self.suspects.clear(event.node_ids)", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "return job.archive or (job.array.id if job.array else job.id)", "return job.array.id if job.array else job.id", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "(job.array.id if job.array else job.id)", "job.id", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "max(1, node_count // POOL_SHARE)", "node_count", _SUSPECTS),
    Mutant("scheduler/facts/suspects.py", "max(1, node_count // POOL_SHARE)", "node_count // POOL_SHARE", _SUSPECTS),
    Mutant("scheduler/facts/opening.py", "        outs[node.pool_id] += 1\n", "", _SUSPECTS),
    Mutant("scheduler/facts/opening.py", "    if due:\n", "    if False:\n", _SUSPECTS),
    Mutant("scheduler/controller.py", "told.exit_code, told.detail, told.node_id)", "told.exit_code, told.detail)", _SUSPECTS),
    Mutant("cluster/gang.py", "            if state.end is at_fault[end]:", "            if True:", _GANG),
    Mutant("cluster/gang.py", "if state is None or state.is_own_fault:", "if state is None:", _GANG),
    Mutant("cluster/gang.py", "        if self.refusal and end is AttemptEnd.REFUSED:\n            return None\n", "", _GANG),
    Mutant("cluster/gang.py", "            if self.refusal and end is AttemptEnd.REFUSED:\n                return end", "            if self.refusal:\n                return end", f"{_GANG} -k lost_node"),
    Mutant("cluster/supervisor.py", "is_own_fault=is_own_fault(error)", "is_own_fault=False", _OWN),
    Mutant("cluster/member_folders.py", "return not (isinstance(cause, OSError) and cause.errno in _OF_NODE)", "return True", _OWN),
    Mutant("cluster/member_folders.py", " or isinstance(error, ArchiveGone):", ":", "tests/unit/cluster/test_supervisor.py -k whatever"),
    Mutant("cluster/member_folders.py", "raise BadFolder(why) from error", "raise", _OWN),
    Mutant("cluster/runs.py", '            ended["is_own_fault"] = True\n', "            pass\n", _OWN),
    Mutant("cluster/gang.py", "is None or end not in at_fault:", "is None or end is not AttemptEnd.NODE:", _GANG),
    Mutant("cluster/simulated.py", "self._end(run, AttemptEnd.NODE, None, node_id)", "self._end(run, AttemptEnd.NODE, None)", "tests/unit/cluster/test_simulated.py"),
    Mutant("cluster/wire.py", "            node_id=self.node_id,\n", "", "tests/unit/cluster/test_wire.py"),
    Mutant("scheduler/facts/record.py", "if attempt.started_at_ms is None or attempt.stop_cause is not None:", "if attempt.stop_cause is not None:", _REPAIR),
    Mutant("scheduler/facts/record.py", "if attempt.started_at_ms is None or attempt.stop_cause is not None:", "if attempt.started_at_ms is None:", _REPAIR),
    Mutant("scheduler/facts/record.py", "if event.cause is not EndCause.NODE or event.node_id is None:", "if event.node_id is None:", _REPAIR),
    Mutant("scheduler/facts/record.py", "if event.cause is not EndCause.NODE or event.node_id is None:", "if event.cause is not EndCause.NODE:", _REPAIR),
    Mutant("scheduler/facts/state.py", "            self.claims |= record.requeue(attempt, event)\n", "            record.requeue(attempt, event)\n", _REPAIR),
    Mutant("scheduler/planning/desk.py", "answer = self._consider(record) if is_repair else self._claimed(record)", "answer = self._claimed(record)", _REPAIR),
    Mutant("scheduler/planning/claims.py", "        if claim.until_ms > now_ms and _counts", "        if _counts", _REPAIR),
]
