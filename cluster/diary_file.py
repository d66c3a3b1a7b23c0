"""The ends of a centre's attempts, a line each in a file of its data folder.

The file is whole since it was begun, or since the disk last did not take one. When it is long
another is begun; the one before is kept as well.
"""

import threading
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from cluster.diary import ATTEMPTS_TOLD_MAX, Diary, Noted

FILE_BYTES_MAX = 4 * 1024 * 1024
"""Some 15,000 attempts of one node each."""


class _Whole(BaseModel):
    """From here on nothing is missing; before a gap something is."""

    whole_since_ms: int
    is_gap: bool = False


_LINES: TypeAdapter[Noted | _Whole] = TypeAdapter(Noted | _Whole)


class DiaryFile:
    """For one process and any thread of it; what was written is there after it was killed."""

    def __init__(self, folder: Path, now_ms: int) -> None:
        self._path = folder / "diary.jsonl"
        self._older = folder / "diary.old.jsonl"
        self._lock = threading.Lock()
        self._is_whole = True
        if not self._path.exists():
            self._append(_Whole(whole_since_ms=now_ms))

    def note(self, ended: Noted, now_ms: int) -> None:
        """Keep an end. What a full disk does not take is missing, and the next line says so."""
        with self._lock:
            try:
                if not self._is_whole:
                    self._append(_Whole(whole_since_ms=now_ms, is_gap=True))
                    self._is_whole = True
                elif self._path.stat().st_size > FILE_BYTES_MAX:
                    self._path.replace(self._older)
                    self._append(_Whole(whole_since_ms=now_ms))
                self._append(ended)
            except OSError:
                self._is_whole = False

    def read(self, others: Iterable[Noted], now_ms: int) -> Diary:
        """The ends that are known, the last word of each, and beside them what was not over yet."""
        since_ms, noted = None, {one.attempt_id: one for one in others}
        for line in map(_read, self._text().splitlines()):
            if isinstance(line, Noted):
                noted.pop(line.attempt_id, None)
                noted[line.attempt_id] = line
            elif line is not None and (since_ms is None or line.is_gap):
                since_ms = line.whole_since_ms
        return _newest(now_ms if since_ms is None else since_ms, list(noted.values()))

    def _text(self) -> str:
        with self._lock:
            paths = [path for path in (self._older, self._path) if path.exists()]
            return "\n".join(path.read_text("utf-8", errors="replace") for path in paths)

    def _append(self, line: Noted | _Whole) -> None:
        """On a line of its own, also after one of which a full disk took the beginning alone."""
        with self._path.open("ab") as file:
            file.write(b"\n" + _LINES.dump_json(line))


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
