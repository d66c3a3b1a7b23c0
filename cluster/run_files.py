"""The files of a run, by which a shim and its supervisor speak: each written as a whole.

`begun`: whoever creates it decides whether the member ever runs. `started`, `stop` (how to end it)
and `ended` say what their names say.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_GRACE_MS = 10_000


@dataclass(frozen=True)
class Stop:
    """How to end a member; `signal` goes first, to those of its processes that handle it."""

    grace_ms: int
    signal: int | None = None


def claim(run: Path) -> bool:
    """Become the one who decides whether the member of this run ever runs."""
    try:
        os.close(os.open(run / "begun", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        return False
    return True


def write_json(path: Path, value: Mapping[str, object]) -> None:
    write_whole(path, json.dumps(value))


def write_whole(path: Path, text: str) -> None:
    """Write the whole file or nothing; a reader never sees a half."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(path)


def read_stop(run: Path) -> Stop:
    """How to stop; somebody who sends TERM without saying how gives the usual grace."""
    try:
        return Stop(**json.loads((run / "stop").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Stop(grace_ms=DEFAULT_GRACE_MS)
