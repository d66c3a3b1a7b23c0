"""The rules of the house that no linter knows."""

import ast
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from tests.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cluster", "accounting", "scheduler", "api", "benchmarks", "docs", "tests")
MODULES = sorted(
    str(path.relative_to(ROOT))
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts
)
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
README_LINES_MAX = 100
NAMES_OF_NOTHING = {"utils", "util", "helpers", "common", "manager", "base", "misc"}

# Somebody's machine, or the place where its packages came from.
FOREIGN = re.compile(
    r"(?<![\w.*])/(?:work|root)/"
    r"|file:/{3}"
    r"|\b(?:pypi|pythonhosted|crates|deb\.debian)\.(?:org|io)\b"
    r"|\bregistry\.npmjs\.org\b"
)
UNCODED = re.compile(r"#\s*(?:type:\s*ignore(?!\[)|noqa(?!:))")


def test_each_module_has_a_subject_and_a_size() -> None:
    long = [path for path in MODULES if len(_text(path).splitlines()) > MODULE_LINES_MAX]

    assert not [path for path in MODULES if not _outline(path).has_subject]
    assert not long
    assert not [path for path in MODULES if Path(path).stem in NAMES_OF_NOTHING]


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{path}: {name} has {lines} lines"
        for path in MODULES
        for name, lines in _outline(path).functions
        if lines > FUNCTION_LINES_MAX
    ]

    assert not long


def test_what_is_silenced_is_named() -> None:
    uncoded = [
        f"{path}: {line}"
        for path in MODULES
        for line in _text(path).splitlines()
        if UNCODED.search(line)
    ]

    assert not uncoded


def test_what_a_block_has_begun_ends_also_where_it_fails() -> None:
    """Behind the bare `yield` of a context manager nothing happens once its block has raised."""
    unsure = [f"{path}: {name}" for path in MODULES for name in _outline(path).unsure]

    assert not unsure


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    foreign = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in tracked_texts()
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), start=1)
        if FOREIGN.search(line)
    ]

    assert not foreign


def test_the_lock_names_no_host() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()

    assert not [line for line in lines if "://" in line or line.startswith("--")]
    assert any(line.startswith("uv==") for line in lines), "the set-up begins with it"


def test_the_readme_fits_on_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


def test_every_mutant_still_finds_its_place() -> None:
    lost = [f"{mutant.path}: {mutant.old}" for mutant in MUTANTS if not finds_its_place(mutant)]

    assert not lost


def finds_its_place(mutant: Mutant) -> bool:
    """What is to be broken stands there once, and so does the file of the tests."""
    test_file = mutant.tests.split()[0].split("::")[0]
    found = _text(mutant.path).count(mutant.old)
    return found == 1 and mutant.old != mutant.new and (ROOT / test_file).exists()


@cache
def _text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Outline:
    """Whether a module's docstring says what its subject is; its functions, with their lines.

    `unsure` are context managers that do something behind a `yield`, but not for sure.
    """

    has_subject: bool
    functions: list[tuple[str, int]]
    unsure: list[str]


@cache
def _outline(path: str) -> Outline:
    tree = ast.parse(_text(path))
    functions = [
        (node.name, (node.end_lineno or 0) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    managers = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and "contextmanager" in map(ast.unparse, node.decorator_list)
    ]
    return Outline(
        has_subject=bool(ast.get_docstring(tree)),
        functions=functions,
        unsure=[node.name for node in managers if _is_unsure(node)],
    )


def _is_unsure(block: ast.AST) -> bool:
    """Whether anything but a `return` stands behind a `yield` in it, or in a block within."""
    body: list[ast.stmt] = getattr(block, "body", [])
    return any(
        isinstance(one, ast.Expr)
        and isinstance(one.value, ast.Yield)
        and not isinstance(after, ast.Return)
        for one, after in pairwise(body)
    ) or any(map(_is_unsure, body))


def tracked_texts() -> list[Path]:
    """What is under version control and written by us: no pictures, no vendored scripts."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a working tree of git")
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = [Path(name) for name in listed.split("\0") if name]
    return [path for path in paths if (ROOT / path).is_file() and is_our_text(path)]


def is_our_text(path: Path) -> bool:
    return "vendor" not in path.parts and b"\0" not in (ROOT / path).read_bytes()[:8_000]
