"""When a job last saved itself: by the newest file in its checkpoint folder, as its node sees it.

A file counts once nobody has written to it for ten seconds: one that is being written is no
checkpoint yet, and a log that goes on beside them never is.

What was written since then is lost where it is stopped, so of several others the one that saved
itself last is stopped. It is a hint and no more: who cannot be looked at is taken to have saved
nothing.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from cluster.run_files import read_json, write_json

LOOKED_AT_MAX = 1_000
"""So many entries of a folder are looked at, those nearest to its top first."""

STILL_MS = 10_000
FILE = "saved"


def note_folders(run: Path, folders: Iterable[Path]) -> None:
    """Write down where the member's job saves itself, if it does."""
    with suppress(OSError):
        if known := [str(folder) for folder in folders]:
            write_json(run / FILE, {"folders": known})


def look(run: Path, now_ms: int) -> None:
    """Write down when the member's job last saved itself.

    Neither a time to come is believed, nor one before 1970: a job may set any, and what the broker
    refuses for it would be reported again and again.
    """
    folders = read_json(run / FILE).get("folders")
    known = [str(folder) for folder in folders] if isinstance(folders, list) else []
    until_ms = now_ms - STILL_MS
    newest_ms = max((newest_in_ms(Path(folder), until_ms) or 0 for folder in known), default=0)
    if newest_ms > 0:
        with suppress(OSError):
            write_json(run / FILE, {"folders": known, "saved_at_ms": newest_ms})


def seen_ms(run: Path) -> int | None:
    """When that was, as it was looked at last."""
    match read_json(run / FILE):
        case {"saved_at_ms": int(saved_at_ms)}:
            return saved_at_ms
        case _:
            return None


def newest_in_ms(folder: Path, until_ms: int) -> int | None:
    """When the newest of its files that are so old was written, in Unix ms; None: there is none."""
    times = []
    for entry in islice(_entries(folder), LOOKED_AT_MAX):
        with suppress(OSError):  # removed in the meantime
            if entry.is_file(follow_symlinks=False):
                times.append(entry.stat(follow_symlinks=False).st_mtime_ns // 1_000_000)
    return max((time_ms for time_ms in times if time_ms <= until_ms), default=None)


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """All that lies in it and in its folders, level by level; what cannot be opened is empty."""
    folders = deque([os.fspath(folder)])
    while folders:
        with suppress(OSError), os.scandir(folders.popleft()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                yield entry
