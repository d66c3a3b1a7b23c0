"""Uploaded working directories: unpacked without trusting a byte of them."""

import bz2
import gzip
import hashlib
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import cast

ENTRIES_MAX = 50_000
FOLDERS_DEEP_MAX = 256
"""Who gives a folder to its user, or removes it, goes down by recursion."""

UNPACKED_BYTES_MAX = 4 * 1024 * 1024 * 1024
HEADER_BYTES_MAX = 1024 * 1024
ENTRY_HEADERS_BYTES = 4 * 1024
"""What the headers of one entry take, and the end of its last block; some may take more."""

_Plain = BytesIO | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile


class BadArchive(Exception):
    """These bytes are not what was asked for, or not a working directory; the message says why."""


def verify(data: bytes, sha256: str) -> None:
    """Refuse bytes that are not those of this name."""
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise BadArchive(f"the archive {sha256} came as {found}: it is damaged")


def unpack(data: bytes, target: Path) -> None:
    """Unpack a tar archive, compressed or not, into a new folder; all of it or nothing.

    Links and paths that lead out of the folder, devices and set-uid bits are refused or dropped by
    tarfile's `data` filter.
    """
    unfinished = target.with_name(f"{target.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        with _opened(data) as plain:
            measured = _Measured(plain)
            file = cast("BytesIO", measured)  # tarfile needs no more of a file than this has
            with tarfile.open(fileobj=file, mode="r:") as archive:
                entries = _bounded(archive, measured)
                archive.extractall(unfinished, members=entries, filter="data")
        unfinished.rename(target)
    except _DAMAGE as error:
        raise BadArchive(f"the archive cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


# What damage or malice in an archive makes of tarfile and of the decompressors: a KeyError for a
# link to nothing, an OverflowError for a date, a RecursionError for headers about headers.
_DAMAGE = (
    *(tarfile.TarError, OSError, EOFError, ValueError, LookupError, ArithmeticError),
    *(RecursionError, zlib.error, lzma.LZMAError),
)


def _opened(data: bytes) -> _Plain:
    """The bytes as they were before they were compressed, if they were."""
    packed = BytesIO(data)
    if data.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=packed)
    if data.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    if data.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
        return lzma.LZMAFile(packed)
    return packed


class _Measured:
    """A file for tarfile which gives no more than was allowed, and no more than that at once.

    Tarfile reads headers of any length whole, before anybody sees an entry.
    """

    def __init__(self, plain: _Plain) -> None:
        self._plain = plain
        self._end = HEADER_BYTES_MAX

    def allow(self, byte_count: int) -> None:
        self._end += byte_count

    def read(self, count: int) -> bytes:
        if not 0 <= count <= HEADER_BYTES_MAX:
            raise BadArchive(f"the archive has a header of more than {HEADER_BYTES_MAX} bytes")
        self._check(self.tell() + count)
        return self._plain.read(count)

    def seek(self, position: int) -> int:
        self._check(position)
        return self._plain.seek(position)

    def tell(self) -> int:
        return self._plain.tell()

    def _check(self, position: int) -> None:
        if position > self._end:
            raise BadArchive("the archive's headers are longer than any that make sense")


def _bounded(archive: tarfile.TarFile, measured: _Measured) -> Iterator[tarfile.TarInfo]:
    """The archive's entries, as long as there are not too many and they are not too big."""
    byte_count = 0
    for count, entry in enumerate(archive, start=1):
        byte_count += entry.size
        if count > ENTRIES_MAX:
            raise BadArchive(f"the archive has more than {ENTRIES_MAX} entries")
        if entry.name.count("/") > FOLDERS_DEEP_MAX:
            raise BadArchive(f"the archive has folders that are more than {FOLDERS_DEEP_MAX} deep")
        if byte_count > UNPACKED_BYTES_MAX:
            raise BadArchive(f"the archive unpacks to more than {UNPACKED_BYTES_MAX} bytes")
        measured.allow(entry.size + ENTRY_HEADERS_BYTES)
        yield entry
