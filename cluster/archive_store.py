"""The working directories that a node keeps: as many as are used, and some of those that were."""

import itertools
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from cluster.archive import BadArchive, unpack, verify

ARCHIVES_KEPT = 32
USED_S = 3600
"""How long an archive counts as used: it is unpacked soon after it was asked about."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_numbers = itertools.count()


class ArchiveGone(BadArchive):
    """The archive may be well, but this node has it no longer."""


class ArchiveStore:
    """The archives in one folder by their sha256; any thread may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, sha256: str) -> bool:
        return _use(self._path(sha256))

    def keep(self, sha256: str, data: bytes) -> None:
        """Keep these bytes, and no longer what is old; at most `ARCHIVES_KEPT` that nobody uses."""
        path = self._path(sha256)
        verify(data, sha256)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A name of its own for each writer: two may bring the same archive at once.
        unfinished = self._folder / f"{sha256}.{os.getpid()}.{next(_numbers)}.new"
        unfinished.write_bytes(data)
        unfinished.rename(path)
        self._drop_old()

    def unpack(self, sha256: str, target: Path) -> None:
        path = self._path(sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise ArchiveGone(f"the node no longer has the archive {sha256}") from None
        _use(path)
        unpack(data, target)

    def _drop_old(self) -> None:
        used_since_s = time.time() - USED_S
        times = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                times.append((path.stat().st_mtime, path))
        for at_s, path in sorted(times)[:-ARCHIVES_KEPT]:
            if at_s < used_since_s:
                path.unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        assert _SHA256.fullmatch(sha256), f"{sha256!r} is no sha256"
        return self._folder / sha256


def _use(path: Path) -> bool:
    """Note that this file is used; whether it is there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
