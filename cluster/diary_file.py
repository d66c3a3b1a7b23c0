"""The ends of a centre's attempts, a line each in a file of its data folder.

The file is whole since it was begun, or since the disk last did not take one. When it is long
another is begun; the one before is kept as well.

A gap must outlive this process, and a full disk takes no word of it: the file is put aside then,
which needs no room, and whoever finds none that says since when it is whole begins one that is
from now on. Lines are not forced to the disk, so a machine that stops takes the last ones along:
what was written before this machine started (or on another) is whole no more either.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from cluster.diary import ATTEMPTS_TOLD_MAX, Diary, Noted

FILE_BYTES_MAX = 4 * 1024 * 1024
"""Some 15,000 attempts of one node each."""


class _Whole(BaseModel):
    """From here on nothing is missing; before a gap something is."""

    whole_since_ms: int
    is_gap: bool = False
    boot_id: str = ""


_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LINES: TypeAdapter[Noted | _Whole] = TypeAdapter(Noted | _Whole)


class DiaryFile:
    """For one process and any thread of it; what was written is there after it was killed."""

    def __init__(self, folder: Path, now_ms: int) -> None:
        self._path = folder / "diary.jsonl"
        self._older = folder / "diary.old.jsonl"
        self._lock = threading.Lock()
        self._boot_id = _BOOT_ID.read_text("ascii").strip()
        whole = [line.boot_id for line in _lines([self._path]) if isinstance(line, _Whole)]
        self._is_begun = whole[-1:] == [self._boot_id]
        if not self._is_begun:
            with suppress(OSError):
                self._begin(now_ms, is_gap=True)

    def note(self, ended: Noted, now_ms: int) -> None:
        """Keep an end. What a full disk does not take is missing, and the next file says so."""
        with self._lock:
            try:
                self._note(ended, now_ms)
            except OSError:
                self._put_aside()

    def _note(self, ended: Noted, now_ms: int) -> None:
        is_gap = not self._is_begun
        if self._is_begun and self._path.stat().st_size > FILE_BYTES_MAX:
            self._put_aside()
        if self._is_begun:
            self._append(ended)
        else:
            self._begin(now_ms, ended, is_gap=is_gap)

    def _begin(self, now_ms: int, *ended: Noted, is_gap: bool) -> None:
        whole = _Whole(whole_since_ms=now_ms, is_gap=is_gap, boot_id=self._boot_id)
        self._append(whole, *ended)
        self._is_begun = True

    def _put_aside(self) -> None:
        """Also a later process then finds none; one that was not begun says nothing anyway."""
        if self._is_begun:
            self._is_begun = False
            with suppress(OSError):
                self._path.replace(self._older)

    def read(self, others: Iterable[Noted], now_ms: int) -> Diary:
        """The ends that are known, the last word of each, and beside them what was not over yet."""
        since_ms, noted = None, {one.attempt_id: one for one in others}
        with self._lock:
            is_begun, lines = self._is_begun, list(_lines([self._older, self._path]))
        for line in lines:
            if isinstance(line, Noted):
                noted.pop(line.attempt_id, None)
                noted[line.attempt_id] = line
            elif since_ms is None or line.is_gap:
                since_ms = line.whole_since_ms
        if since_ms is None or not is_begun:
            since_ms = now_ms
        return _newest(since_ms, list(noted.values()))

    def _append(self, *lines: Noted | _Whole) -> None:
        """All or none; on lines of their own, also after one whose end a killed process owes."""
        size = self._path.stat().st_size if self._path.exists() else 0
        try:
            with self._path.open("ab") as file:
                file.write(b"".join(b"\n" + _LINES.dump_json(line) for line in lines))
        except OSError:
            with self._path.open("r+b") as file:
                file.truncate(size)
            raise


def _lines(paths: Iterable[Path]) -> Iterator[Noted | _Whole]:
    """What they say, without what a broken disk has spoilt."""
    for path in paths:
        if path.exists():
            said = map(_read, path.read_text("utf-8", errors="replace").splitlines())
            yield from (line for line in said if line is not None)


def _read(line: str) -> Noted | _Whole | None:
    """What it says; None where a broken disk has spoilt it, and where it is empty."""
    try:
        return _LINES.validate_json(line)
    except ValidationError:
        return None


def _newest(since_ms: int, noted: list[Noted]) -> Diary:
    """As many as are told at once: what is not over stands first, and the oldest ends next."""
    running = [one for one in noted if one.ended_at_ms is None]
    ended = [one for one in noted if one.ended_at_ms is not None]
    left_out, told = ended[:-ATTEMPTS_TOLD_MAX], ended[-ATTEMPTS_TOLD_MAX:]
    lost_ms = max((one.ended_at_ms or 0 for one in left_out), default=0)
    return Diary(whole_since_ms=max(since_ms, lost_ms), attempts=(*running, *told))
