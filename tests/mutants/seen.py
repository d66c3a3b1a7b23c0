"""Which mutants were red before, with their module and their tests as these are now."""

import hashlib
from functools import cache
from pathlib import Path

from tests.mutants.bench import ROOT, test_files
from tests.mutants.mutant import Mutant


class Seen:
    """A file with a line for each; without one nothing is remembered."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        known = file.read_text(encoding="utf-8") if file and file.exists() else ""
        self._known = frozenset(known.split())

    def has(self, mutant: Mutant) -> bool:
        return _digest(mutant) in self._known

    def add(self, mutant: Mutant) -> None:
        if self._file:
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(f"{_digest(mutant)}\n")


@cache
def _digest(mutant: Mutant) -> str:
    """As it was when the run began: files may be edited meanwhile."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / mutant.path, *test_files(mutant))]
    return hashlib.sha256("\0".join([*mutant, *texts]).encode()).hexdigest()
