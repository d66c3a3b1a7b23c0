"""Uploaded working directories: unpacked without trusting a byte of them."""

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

ENTRIES_MAX = 50_000
UNPACKED_BYTES_MAX = 4 * 1024 * 1024 * 1024


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
        with tarfile.open(fileobj=BytesIO(data)) as archive:
            archive.extractall(unfinished, members=_bounded(archive), filter="data")
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise BadArchive(f"the archive cannot be unpacked: {error}") from error
    except BadArchive:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    unfinished.rename(target)


def _bounded(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The archive's entries, as long as there are not too many and they are not too big."""
    byte_count = 0
    for count, entry in enumerate(archive, start=1):
        byte_count += entry.size
        if count > ENTRIES_MAX:
            raise BadArchive(f"the archive has more than {ENTRIES_MAX} entries")
        if byte_count > UNPACKED_BYTES_MAX:
            raise BadArchive(f"the archive unpacks to more than {UNPACKED_BYTES_MAX} bytes")
        yield entry
