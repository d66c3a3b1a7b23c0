"""The files of a run, by which a shim and its supervisor speak: each written as a whole.

`begun`: whoever creates it decides whether the member ever runs. `started`, `stop` (how to end it)
and `ended` say what their names say. `out` is what the member says; of what is more than
`OUTPUT_BYTES_MAX` nothing is kept.

A file that cannot be read is taken as absent: a power cut leaves empty ones.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_GRACE_MS = 10_000
FAILED_GANG_GRACE_MS = 5_000
"""What the rest of a gang gets that is over for another reason than a stop."""

OUTPUT_BYTES_MAX = 64 * 1024 * 1024
RECORD_BYTES_MAX = 4096


@dataclass(frozen=True)
class Stop:
    """How to end a member; `signal` goes first, to those of its processes that handle it."""

    grace_ms: int
    signal: int | None = None


def claim(run: Path) -> bool:
    """Become the one who decides whether the member of this run ever runs.

    Raises OSError where nobody can be that now, as on a full disk.
    """
    try:
        os.close(os.open(run / "begun", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True


def write_json(path: Path, value: Mapping[str, object]) -> None:
    write_whole(path, json.dumps(value))


def write_whole(path: Path, text: str) -> None:
    """Write the whole file or nothing; a reader never sees a half."""
    unfinished = path.with_name(f"{path.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.rename(path)


def read_json(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


class Reserved:
    """A file to be written later, whose room is set aside now: a full disk cannot prevent it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f"{path.name}.new")
        self._descriptor = os.open(self._unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.posix_fallocate(self._descriptor, 0, RECORD_BYTES_MAX)

    def write_json(self, value: Mapping[str, object]) -> None:
        """As the function of this name; what it says outlasts a power cut."""
        data = json.dumps(value).encode()
        assert len(data) <= RECORD_BYTES_MAX, f"{len(data)} bytes do not fit {self._path}"
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))
        os.fsync(self._descriptor)
        self._unfinished.rename(self._path)


def read_stop(run: Path) -> Stop:
    """How to stop; somebody who sends TERM without saying how gives the usual grace."""
    match read_json(run / "stop"):
        case {"grace_ms": int(grace_ms), "signal": int() | None as number}:
            return Stop(grace_ms=grace_ms, signal=number)
        case _:
            return Stop(grace_ms=DEFAULT_GRACE_MS)
