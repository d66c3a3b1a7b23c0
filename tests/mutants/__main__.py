"""Put each deliberate bug into a copy, and see its tests turn red: `make mutants`.

`python -m tests.mutants WORD` runs only those whose path or text contains the word.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil

from tests.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    *("cluster", "accounting", "scheduler", "api", "benchmarks", "deploy", "docs", "examples"),
    "tests",
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "pyproject.toml"),
)
SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc")
RUN_TIMEOUT_S = 600
WORKERS = 2
PYTEST_PASSED = 0
PYTEST_FAILED = 1


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
        print(f"passes as it is: {tests}", flush=True)
    return True


def _finding(mutant: Mutant) -> str:
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = _copy(Path(folder))
        _apply(mutant, tree)
        code, _ = _run_tests(tree, mutant.tests)
        _end_what_is_left(tree)
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


def _end_what_is_left(tree: Path) -> None:
    """A mutant that forgets to stop something leaves it to us: all that runs from the copy."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("PYTHONPATH") == str(tree):
                process.kill()


def _run_tests(tree: Path, tests: str) -> tuple[int, str]:
    """The exit code of pytest in the copy, which comes before the installed packages."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", ""]
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
