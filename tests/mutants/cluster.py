"""Deliberate bugs in `cluster/`, one a line."""

from tests.mutants.mutant import Mutant

# fmt: off
MUTANTS = [
    Mutant("cluster/agent.py", "silent, self._url = self._url, self._home", "silent = self._url", "tests/unit/test_agent.py -k leader"),
    Mutant("cluster/simulated.py", "if order.attempt_id in self._reports:", "if False:", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "for member in order.members} - self._online", "for member in order.members} - set(self._cards_by_node)", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "if silent_ms > self.fence_ms:", "if silent_ms < 0:", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "if self._late or self._happens(self.faults.call_late):", "if self._happens(self.faults.call_late):", "tests/unit/test_simulated.py tests/simulation"),
    Mutant("cluster/simulated.py", "assert other is None, (", "assert True, (", "tests/unit/test_simulated.py"),
    Mutant("cluster/gang.py", "_PHASES.index(known.phase) >= _PHASES.index(state.phase)", "known.phase is MemberPhase.ENDED", "tests/unit/test_gang.py"),
    Mutant("cluster/gang.py", "return max(known) if is_whole else None", "return max(known, default=None)", "tests/unit/test_gang.py"),
    Mutant("cluster/gang.py", "    (MemberEnd.NODE, AttemptEnd.NODE),\n", "", "tests/unit/test_gang.py"),
    Mutant("cluster/gang.py", "tuple((dict(order.env) | ours).items())", "tuple((ours | dict(order.env)).items())", "tests/unit/test_gang.py"),
    Mutant("cluster/link.py", "wishes.launch.pop(attempt_id, None)\n            if", "if", "tests/unit/test_link.py"),
    Mutant("cluster/link.py", "self._wishes.drop_older_than(self._clock() - WISH_KEPT_MS)", "pass", "tests/unit/test_link.py"),
    Mutant("cluster/link.py", " and attempt_id not in wishes.stop", "", "tests/unit/test_link.py"),
    Mutant("cluster/link.py", "(report.agent_started_at_ms, report.number) <= self._heard", "False", "tests/unit/test_link.py"),
    Mutant("cluster/runs.py", "if not run.is_over for card in run.state.cards", "for card in run.state.cards", "tests/unit/test_runs.py"),
    Mutant("cluster/runs.py", "is_last=is_over and len(data) < count_max", "is_last=is_over", "tests/unit/test_runs.py"),
    Mutant("cluster/runs.py", '.get("boot") == _boot()', '.get("boot") is not None', "tests/unit/test_runs.py"),
    Mutant("cluster/run_files.py", "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600", "os.O_WRONLY | os.O_CREAT, 0o600", "tests/unit/test_shim.py"),
    Mutant("cluster/shim.py", "self._signal(stop.signal, handles(stop.signal))", "self._signal(stop.signal, anybody)", "tests/unit/test_shim.py"),
    Mutant("cluster/shim.py", "self._kill_at_s = min(self._kill_at_s, kill_at_s)", "pass", "tests/unit/test_shim.py -k shorten"),
    Mutant("cluster/shim.py", "self._may_have_strays |= not is_shim or exit_code != 0", "pass", "tests/unit/test_shim.py -k nursery"),
    Mutant("cluster/archive.py", 'filter="data"', 'filter="fully_trusted"', "tests/unit/test_archive.py"),
    Mutant("cluster/archive.py", "byte_count += entry.size", "byte_count = 0", "tests/unit/test_archive.py"),
    Mutant("cluster/agent.py", "log.offset >= chunk.offset + len(chunk.data)", "True", "tests/unit/test_agent.py"),
    Mutant("cluster/agent.py", "mark.stat().st_mtime if mark.exists() else 0.0", "time.time()", "tests/unit/test_agent.py"),
    Mutant("cluster/agent.py", "is_last=one.is_last,", "is_last=False,", "tests/unit/test_agent.py"),
    Mutant("cluster/wire.py", "return _UNPRINTABLE.sub(_REPLACEMENT, text[:DETAIL_LENGTH_MAX])", "return text[:DETAIL_LENGTH_MAX]", "tests/unit/test_wire.py"),
    Mutant("cluster/wire.py", "text[:DETAIL_LENGTH_MAX]", "text", "tests/unit/test_wire.py"),
    Mutant("cluster/journal.py", "final=entry.final,", "", "tests/unit/test_journal.py"),
    Mutant("cluster/ray_driver.py", "for member in () if attempt.master_port else attempt.unfinished:", "for member in ():", "tests/contract/test_drivers.py -k refused"),
]
