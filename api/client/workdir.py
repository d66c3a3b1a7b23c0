"""A local working directory as one archive, the same bytes for the same files."""

import errno
import gzip
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api.data_folder import LOCK_NAME

IGNORED_NAMES = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "__pycache__", "node_modules", ".DS_Store"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints"}
)
FILES_MAX = 10_000
PACKED_BYTES_MAX = 64 * 1024 * 1024
UNPACKED_BYTES_MAX = 256 * 1024 * 1024


class WorkdirInvalid(Exception):
    """The folder cannot be shipped; the message says which file, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A gzipped tar archive of a folder, and its sha256."""

    content: bytes
    sha256: str
    file_count: int


def pack(folder: Path) -> Packed:
    """Pack `folder`, without what a version control or a build leaves; raises `WorkdirInvalid`.

    Names are sorted, and neither times nor owners go in, so that an unchanged folder is uploaded
    once. A link may point to another place in the folder, and nowhere else. The data folder of a
    `brain up` stays at home: it has everybody's keys.
    """
    try:
        return _pack(folder)
    except OSError as error:
        raise WorkdirInvalid(
            f"workdir {error.filename or folder}: cannot be read: {error.strerror}"
        ) from None


def _pack(folder: Path) -> Packed:
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "no such folder"
        raise WorkdirInvalid(f"workdir {folder}: {what}")
    root = folder.resolve()
    buffer = io.BytesIO()
    file_count = unpacked = 0
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in _entries(root):
            file_count += 1
            unpacked += path.lstat().st_size
            _check_size(folder, file_count, unpacked, buffer.tell())
            _add(archive, root, path)
    content = buffer.getvalue()
    _check_size(folder, file_count, unpacked, len(content))
    return Packed(
        content=content, sha256=hashlib.sha256(content).hexdigest(), file_count=file_count
    )


def _entries(folder: Path) -> Iterator[Path]:
    """Everything below `folder` that is shipped, a folder before what it holds, sorted by name."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        is_folder = path.is_dir() and not path.is_symlink()
        if path.name in IGNORED_NAMES or (is_folder and (path / LOCK_NAME).exists()):
            continue
        yield path
        if is_folder:
            yield from _entries(path)


def _check_size(folder: Path, file_count: int, unpacked: int, packed: int) -> None:
    if file_count > FILES_MAX:
        raise WorkdirInvalid(
            f"workdir {folder}: more than {FILES_MAX} files; ship code only, and keep data at the "
            "centre (workdir: /path/at/the/centre)"
        )
    if unpacked > UNPACKED_BYTES_MAX or packed > PACKED_BYTES_MAX:
        raise WorkdirInvalid(
            f"workdir {folder}: larger than {UNPACKED_BYTES_MAX >> 20} MiB, or "
            f"{PACKED_BYTES_MAX >> 20} MiB packed; ship code only, and keep data at the centre"
        )


def _add(archive: tarfile.TarFile, root: Path, path: Path) -> None:
    name = path.relative_to(root).as_posix()
    mode = path.lstat().st_mode
    entry = tarfile.TarInfo(name)
    if stat.S_ISLNK(mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, _inner_target(root, path)
        archive.addfile(entry)
    elif stat.S_ISDIR(mode):
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
    elif stat.S_ISREG(mode):
        content = path.read_bytes()
        entry.size, entry.mode = len(content), 0o755 if mode & stat.S_IXUSR else 0o644
        archive.addfile(entry, io.BytesIO(content))
    else:
        raise WorkdirInvalid(f"workdir: {name} is neither a file, a folder nor a link; remove it")


def _inner_target(root: Path, link: Path) -> str:
    """Where a link points, if that is in the folder and said relative to the link."""
    if _leads_to_itself(link):
        raise WorkdirInvalid(
            f"workdir: the link {link.relative_to(root)} leads to itself: remove it"
        )
    target = os.readlink(link)  # noqa: PTH115 - Path would normalise what is shipped
    leads_out = not (link.parent / target).resolve().is_relative_to(root)
    if Path(target).is_absolute() or leads_out:
        raise WorkdirInvalid(
            f"workdir: the link {link.relative_to(root)} leads out of the folder, to {target}; "
            "replace it by a copy"
        )
    return target


def _leads_to_itself(link: Path) -> bool:
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False
