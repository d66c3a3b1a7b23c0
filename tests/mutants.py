"""Deliberate bugs, each of which must turn the tests named beside it red: `make mutants`.

`python -m tests.mutants WORD` runs only those whose path or text contains the word.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("cluster", "accounting", "scheduler", "api", "benchmarks", "tests", "pyproject.toml")
SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc")
RUN_TIMEOUT_S = 600
WORKERS = 2
PYTEST_PASSED = 0
PYTEST_FAILED = 1


class Mutant(NamedTuple):
    """In the module `path`, `old` (which stands there once) becomes `new`; `tests` must see it."""

    path: str
    old: str
    new: str
    tests: str  # pytest's own words: files, `file::test`, `-k word`


_POSTGRES = "tests/unit/test_postgres.py"
_SEEDS = "tests/simulation/test_seeds.py"

# fmt: off
MUTANTS = [
    Mutant("api/postgres.py", "is_ours = str(self.data) in process.cmdline()", "is_ours = True", f"{_POSTGRES} -k number"),
    Mutant("api/postgres.py", '(self.data / "postmaster.pid").unlink(missing_ok=True)', "pass", f"{_POSTGRES} -k number"),
    Mutant("api/postgres.py", "shutil.rmtree(unfinished, ignore_errors=True)", "pass", f"{_POSTGRES} -k unfinished"),
    Mutant("api/postgres.py", "len(os.fsencode(root / SOCKET_NAME))", "len(str(root / SOCKET_NAME))", f"{_POSTGRES} -k bytes"),
    Mutant("api/postgres.py", " or folder.is_symlink()", "", f"{_POSTGRES} -k folder"),
    Mutant("api/postgres.py", "folder.chmod(0o700)", "pass", f"{_POSTGRES} -k folder"),
    Mutant("api/postgres.py", "os.chown(data, uid, uid)", "pass", f"{_POSTGRES} -k namespaces"),
    Mutant("accounting/calendar.py", "timedelta(hours=8)", "timedelta(hours=0)", "tests/unit/test_calendar.py"),
    Mutant("accounting/calendar.py", "while edge < to_ms:", "while edge <= to_ms:", "tests/unit/test_calendar.py"),
    Mutant("accounting/money.py", "(2 * abs(dividend) + divisor)", "(2 * abs(dividend))", "tests/unit/test_money.py"),
    Mutant("accounting/rating.py", "if price_list.from_ms <= at_ms:", "if price_list.from_ms < at_ms:", "tests/unit/test_rating.py"),
    Mutant("accounting/rating.py", "price_list.from_ms <= self.lists[-1].from_ms", "price_list.from_ms < self.lists[-1].from_ms", "tests/unit/test_rating.py"),
    Mutant("accounting/ledger.py", 'reference=f"{attempt_id}@{from_ms}"', "reference=attempt_id", "tests/unit/test_ledger.py"),
    Mutant("accounting/statement.py", "gross_fen[line.vat_permille] += line.amount_fen", "gross_fen[60] += line.amount_fen", "tests/unit/test_statement.py"),
    Mutant("accounting/store.py", "begin = func.greatest(UsageRow.from_ms, from_ms)", "begin = UsageRow.from_ms", "tests/unit/test_accounting_store.py -k window"),
    Mutant("accounting/store.py", "*_quantities(from_ms, to_ms, -1)", "*_quantities(from_ms, to_ms, 1)", "tests/unit/test_accounting_store.py -k credits"),
    Mutant("accounting/store.py", "    UsageRow.price_micros,\n", "", "tests/unit/test_accounting_store.py -k lines"),
    Mutant("accounting/store.py", "outerjoin(PriceListRow, _PRICED).group_by(*_KEYS)", "join(PriceListRow, _PRICED).group_by(*_KEYS)", "tests/unit/test_accounting_store.py -k lunch"),
    Mutant("accounting/closing.py", "CASE WHEN is_called THEN last_value ELSE 0 END", "last_value", "tests/unit/test_closing.py -k empty"),
    Mutant("accounting/closing.py", "        savepoint.rollback()\n", "", "tests/unit/test_closing.py -k others"),
    Mutant("accounting/closing.py", 'connection.execute(text("LOCK TABLE usage, usage_credits IN SHARE MODE"))', "pass", "tests/unit/test_closing.py -k waits"),
    Mutant("accounting/closing.py", "after_seq=None if last is None else last.through_seq,", "after_seq=None,", "tests/unit/test_closing.py"),
    Mutant("accounting/closing.py", "next_month(last.month) != month:\n        return Scope()", "next_month(last.month) > month:\n        return Scope()", "tests/unit/test_closing.py -k open"),
    Mutant("accounting/export.py", '"=", "+", "-", "@"', '"=", "+", "@"', "tests/unit/test_export.py -k spreadsheet"),
    Mutant("accounting/export.py", "device_ms += charge.sign * usage.device_ms", "device_ms += usage.device_ms", "tests/unit/test_export.py -k total"),
    Mutant("accounting/waterfall.py", "self.stated - self.maintenance", "self.stated", "tests/unit/test_waterfall.py"),
    Mutant("accounting/waterfall.py", "unit = step.tflops if weight is Weight.P else 1", "unit = step.tflops", "tests/unit/test_waterfall.py"),
    Mutant("cluster/simulated.py", "if order.attempt_id in self._reports:", "if False:", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "for member in order.members} - self._online", "for member in order.members} - set(self._cards_by_node)", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "if silent_ms > self.fence_ms:", "if silent_ms < 0:", "tests/unit/test_simulated.py"),
    Mutant("cluster/simulated.py", "if self._late or self._happens(self.faults.call_late):", "if self._happens(self.faults.call_late):", "tests/unit/test_simulated.py tests/simulation"),
    Mutant("cluster/simulated.py", "assert other is None, (", "assert True, (", "tests/unit/test_simulated.py"),
    Mutant("scheduler/controller.py", "is_news = report.heard_at_ms > max(before_ms, self._led_ms)", "is_news = report.heard_at_ms > before_ms", _SEEDS),
    Mutant("scheduler/controller.py", "End(EndCause.NODE, before_ms,", "End(EndCause.NODE, now_ms,", _SEEDS),
    Mutant("scheduler/controller.py", "return attempt.started_at_ms is not None and told.started_at_ms is None", "return False", _SEEDS),
    Mutant("scheduler/controller.py", "to_ms = min(now_ms, self._heard_ms.get(attempt.placement.centre_id, 0))", "to_ms = now_ms", _SEEDS),
    Mutant("scheduler/controller.py", "if silent_ms >= self.settings.lost_after_ms:", "if silent_ms >= self.settings.suspect_after_ms:", _SEEDS),
    Mutant("scheduler/controller.py", "            if told.attempt_id in self.state.live:\n                continue\n", "", _SEEDS),
    Mutant("scheduler/log.py", "if epoch != self.epoch:", "if epoch > self.epoch:", _SEEDS),
    Mutant("scheduler/state.py", "if record.is_cancelled:\n            self._finish(record, JobState.CANCELLED)\n        elif", "if False:\n            pass\n        elif", _SEEDS),
    Mutant("scheduler/queue.py", "-job.priority.rank,", "job.priority.rank,", "tests/unit/test_queue.py"),
    Mutant("scheduler/planner.py", "if answers is Answers.GRANTS and desk.is_full():", "if answers is Answers.GRANTS:", "tests/unit/test_simulate.py"),
    Mutant("scheduler/backfill.py", "self.reservation is None or end_ms <= self.reservation.start_ms", "True", "tests/unit/test_simulate.py"),
    Mutant("benchmarks/score.py", "max(run_ms, SHORT_MS)", "max(run_ms, 1)", "tests/unit/test_score.py"),
    Mutant("benchmarks/score.py", "min(row.end_ms, last_ms)", "row.end_ms", "tests/unit/test_score.py"),
    Mutant("benchmarks/simulate.py", "max(0, _length_ms(run) - self.restart_ms)", "_length_ms(run)", "tests/unit/test_simulate.py"),
    Mutant("benchmarks/workload.py", "max_cards=NO_QUOTA,", "max_cards=4,", "tests/unit/test_simulate.py"),
    Mutant("benchmarks/workload.py", "max(job.walltime_ms or UNKNOWN_LIMIT_MS, job.duration_ms)", "job.walltime_ms or UNKNOWN_LIMIT_MS", "tests/unit/test_simulate.py"),
    Mutant("benchmarks/traces.py", "if job.id in jobs:", "if False:", "tests/unit/test_traces.py"),
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
    Mutant("cluster/shim.py", "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600", "os.O_WRONLY | os.O_CREAT, 0o600", "tests/unit/test_shim.py"),
    Mutant("cluster/shim.py", "self._signal(stop.signal, _handles(stop.signal))", "self._signal(stop.signal, _anybody)", "tests/unit/test_shim.py"),
    Mutant("cluster/shim.py", "self._kill_at_s = min(self._kill_at_s, kill_at_s)", "pass", "tests/unit/test_shim.py -k shorten"),
    Mutant("cluster/shim.py", "self._may_have_strays |= not is_shim or exit_code != 0", "pass", "tests/unit/test_shim.py -k nursery"),
    Mutant("cluster/archive.py", 'filter="data"', 'filter="fully_trusted"', "tests/unit/test_archive.py"),
    Mutant("cluster/archive.py", "byte_count += entry.size", "byte_count = 0", "tests/unit/test_archive.py"),
    Mutant("cluster/agent.py", "log.offset >= chunk.offset + len(chunk.data)", "True", "tests/unit/test_agent.py"),
    Mutant("cluster/agent.py", "mark.stat().st_mtime if mark.exists() else 0.0", "time.time()", "tests/unit/test_agent.py"),
    Mutant("cluster/journal.py", "final=entry.final,", "", "tests/unit/test_journal.py"),
    Mutant("cluster/ray_driver.py", "for member in () if attempt.master_port else attempt.unfinished:", "for member in ():", "tests/contract/test_drivers.py -k refused"),
    Mutant("api/logs.py", "not 0 <= known < len(piece.data)", "not known < len(piece.data)", "tests/unit/test_logs.py"),
    Mutant("api/logs.py", "data = piece.data[known:]", "data = piece.data", "tests/unit/test_logs.py"),
    Mutant("api/routes/agents.py", "if caller.centre_id != centre_id:", "if caller.centre_id is None:", "tests/acceptance/test_agents_api.py"),
    Mutant("api/auth.py", "not hmac.compare_digest(row.digest, _digest(secret))", "False", "tests/unit/test_auth.py -k secret"),
    Mutant("api/auth.py", 'KeyRow.id == key_id.replace("\\0", ""), KeyRow.revoked_at_ms.is_(None)', 'KeyRow.id == key_id.replace("\\0", "")', "tests/unit/test_auth.py -k revoked"),
    Mutant("api/auth.py", "if now_ms - self._at_ms.get(key_id, 0) < TOUCH_EVERY_MS:", "if False:", "tests/unit/test_auth.py -k minute"),
    Mutant("api/auth.py", "return not self.is_tenant or self.tenant_id == tenant_id", "return True", "tests/acceptance/test_api_access.py -k exist"),
    Mutant("api/auth.py", '        if tenant_id not in {None, self.tenant_id}:\n            raise missing("tenant", str(tenant_id))\n        return self.tenant_id', "        return tenant_id or self.tenant_id", "tests/unit/test_auth.py -k narrowed"),
    Mutant("api/asking.py", "if earlier.request_digest != create.digest:", "if False:", "tests/acceptance/test_api_jobs.py -k different"),
    Mutant("api/asking.py", 'return f"tenant:{caller.tenant_id}" if caller.tenant_id else f"key:{caller.key_id}"', 'return "all"', "tests/acceptance/test_api_access.py -k idempotency"),
    Mutant("api/submission.py", "ArchiveRow.tenant_id == owner, ", "", "tests/acceptance/test_api_access.py -k uploaded"),
    Mutant("api/errors.py", 'f"incident {number}: the broker\'s log says more"', "str(error)", "tests/unit/test_errors.py"),
    Mutant("api/app.py", "    if count > limit:", "    if False:", "tests/acceptance/test_api_errors.py -k hides"),
    Mutant("api/feed.py", "if not self._events or self._events[0].seq > seq + 1:", "if not self._events:", "tests/unit/test_feed.py"),
    Mutant("api/declaring.py", 'f"{PREFIX}{digest}:{last_seq}:{number}"', 'f"{PREFIX}{digest}:{number}"', "tests/unit/test_declaring.py -k back"),
    Mutant("api/routes/events.py", "return event.tenant_id in {None, caller.tenant_id}", "return True", "tests/acceptance/test_api_events.py -k nothing"),
    Mutant("api/routes/jobs.py", "if row is None or not caller.may_see(row.tenant_id):", "if row is None:", "tests/acceptance/test_api_access.py -k exist"),
    Mutant("api/routes/keys.py", "(caller.is_tenant and row.tenant_id != caller.tenant_id)", "False", "tests/acceptance/test_api_access.py -k exist"),
    Mutant("api/routes/archives.py", "if digest.hexdigest() != sha256:", "if False:", "tests/acceptance/test_api_park.py -k says"),
    Mutant("api/load.py", "sums[bucket] += now.times(until_ms - at_ms)", "sums[bucket] += now", "tests/unit/test_load.py"),
    Mutant("scheduler/queries.py", "statement.where(JobRow.id < wanted.before_id)", "statement.where(JobRow.id <= wanted.before_id)", "tests/acceptance/test_api_jobs.py -k pages"),
    Mutant("api/housekeeping.py", "            InboxRow.consumed_seq.is_not(None),\n", "", "tests/unit/test_housekeeping.py"),
]
# fmt: on


def main() -> int:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    mutants = [mutant for mutant in MUTANTS if word in " ".join(mutant)]
    if not _tests_pass_unchanged(mutants):
        return 1
    with ThreadPoolExecutor(WORKERS) as pool:
        findings = []
        for mutant, finding in zip(mutants, pool.map(_finding, mutants), strict=True):
            findings.append(finding)
            print(f"{finding:<10} {mutant.path:<28} {_in_one_line(mutant)}", flush=True)
    survived = len(findings) - findings.count("red")
    print(f"{len(findings)} mutants, {survived} of them not found by the tests")
    return 1 if survived or not findings else 0


def _in_one_line(mutant: Mutant) -> str:
    return f"{' '.join(mutant.old.split())}  ->  {' '.join(mutant.new.split())}"


def _tests_pass_unchanged(mutants: list[Mutant]) -> bool:
    """Whether red would mean anything."""
    for tests in sorted({mutant.tests for mutant in mutants}):
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            code, output = _run_tests(_copy(Path(folder)), tests)
        if code != PYTEST_PASSED:
            print(f"{tests} fails without any mutant:\n{output}")
            return False
    return True


def _finding(mutant: Mutant) -> str:
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = _copy(Path(folder))
        _apply(mutant, tree)
        code, _ = _run_tests(tree, mutant.tests)
    # Any other code is neither passed nor failed: not collected, or not ended.
    return {PYTEST_PASSED: "SURVIVED", PYTEST_FAILED: "red"}.get(code, f"BROKEN {code}")


def _copy(folder: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=SKIPPED)
        else:
            shutil.copy(source, folder / name)
    return folder


def _apply(mutant: Mutant, tree: Path) -> None:
    module = tree / mutant.path
    text = module.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise ValueError(
            f"{mutant.path} has {mutant.old!r} {text.count(mutant.old)} times, not once"
        )
    module.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def _run_tests(tree: Path, tests: str) -> tuple[int, str]:
    """The exit code of pytest in the copy, which comes before the installed packages."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, *shlex.split(tests)],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"not ended after {RUN_TIMEOUT_S} s"
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main())
