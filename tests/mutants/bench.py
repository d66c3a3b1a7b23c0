"""Where tests run in copies of the tree: one as it is, and of it one for each deliberate bug."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from tests.mutants.mutant import Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    *("cluster", "accounting", "scheduler", "api", "benchmarks", "deploy", "docs", "examples"),
    "tests",
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "pyproject.toml"),
)
RUN_TIMEOUT_S = 600
RED = "red"
PASSES = "passes"
PYTEST_PASSED = 0
PYTEST_FAILED = 1
PLUGINS = ("-p", "no:cacheprovider", "-p", "no:schemathesis")  # the latter starts slowly
ON_RAY = ("mark.ray", "tests.acceptance.ray_bed", "tests.acceptance.product")


class Bench:
    """What Python compiles in the unchanged copy those of all mutants take over, as it is."""

    def __init__(self, folder: Path) -> None:
        self._unchanged = folder
        for name in COPIED:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, folder / name, ignore=ignored)
            else:
                shutil.copy2(ROOT / name, folder / name)

    def unchanged(self, tests: str) -> str:
        """That they pass without any mutant, or what they say."""
        code, output = _run_tests(self._unchanged, tests)
        return PASSES if code == PYTEST_PASSED else f"fails without any mutant:\n{output}"

    def finding(self, mutant: Mutant) -> str:
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            tree = Path(folder)
            # Not what Hypothesis has found: each mutant is to be found by the tests alone.
            ignored = shutil.ignore_patterns(".hypothesis")
            shutil.copytree(self._unchanged, tree, ignore=ignored, dirs_exist_ok=True)
            _apply(mutant, tree)
            code, _ = _run_tests(tree, mutant.tests)
            _end_what_is_left(tree)
        # Any other code is neither passed nor failed: not collected, or not ended.
        return {PYTEST_PASSED: "SURVIVED", PYTEST_FAILED: RED}.get(code, f"BROKEN {code}")


def is_on_ray(mutant: Mutant) -> bool:
    """Whether its tests start a Ray cluster."""
    texts = [path.read_text(encoding="utf-8") for path in test_files(mutant)]
    return any(word in text for text in texts for word in ON_RAY)


def test_files(mutant: Mutant) -> list[Path]:
    words = [ROOT / word.partition("::")[0] for word in shlex.split(mutant.tests)]
    return [path for path in words if path.is_file()]


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
    command = [sys.executable, "-m", "pytest", "-x", "-q", *PLUGINS, "-m", ""]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        done = subprocess.run(
            [*command, *shlex.split(tests)],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",  # a test that is red may quote any bytes
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"not ended after {RUN_TIMEOUT_S} s"
    return done.returncode, done.stdout + done.stderr
