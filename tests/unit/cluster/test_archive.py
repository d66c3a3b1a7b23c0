"""Uploaded working directories are unpacked without trusting a byte of them."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import archive
from cluster.archive import HEADER_BYTES_MAX, BadArchive, unpack, verify


def packed(*entries: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as file:  # type: ignore[call-overload] # any mode
        for entry, content in entries:
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def a_file(name: str) -> tarfile.TarInfo:
    return tarfile.TarInfo(name)


def a_link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def a_file_of(mtime: float) -> tarfile.TarInfo:
    entry = tarfile.TarInfo("f")
    entry.mtime = mtime
    return entry


def a_header(kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo("header")
    entry.type = kind
    return entry


def a_device() -> tarfile.TarInfo:
    entry = tarfile.TarInfo("null")
    entry.type = tarfile.CHRTYPE
    return entry


def test_folders_deeper_than_anybody_goes_are_the_archives_own_fault(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="more than 256 deep"):
        unpack(packed(*((a_file("d/" * depth + "f"), b"") for depth in range(300))), tmp_path / "w")

    unpack(packed(*((a_file("d/" * depth + "f"), b"") for depth in range(256))), tmp_path / "w")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_files_come_out_as_they_went_in(tmp_path: Path, mode: str) -> None:
    unpack(packed((a_file("src/train.py"), b"print(1)"), mode=mode), tmp_path / "work")

    assert (tmp_path / "work/src/train.py").read_bytes() == b"print(1)"


@pytest.mark.parametrize(
    "entry",
    [
        a_file("../outside"),
        a_file("a/../../outside"),
        a_link("link", "../outside"),
        a_link("link", "/etc/passwd"),
        a_link("link", "../outside", tarfile.LNKTYPE),
        a_device(),
    ],
    ids=["up", "in and up", "link up", "link away", "hard link up", "device"],
)
def test_nothing_leads_out_of_the_folder(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    (tmp_path / "outside").write_bytes(b"")

    with pytest.raises(BadArchive):
        unpack(packed((a_file("good"), b"good"), (entry, b"")), tmp_path / "work")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside"]


def test_an_absolute_path_stays_inside(tmp_path: Path) -> None:
    unpack(packed((a_file(f"{tmp_path}/abs"), b"x")), tmp_path / "work")

    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[: len(data) // 2], lambda _: b"no archive", lambda _: b""],
    ids=["cut", "something else", "nothing"],
)
def test_what_is_no_archive_leaves_nothing(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    whole = packed((a_file("f"), bytes(range(256)) * 100))

    with pytest.raises(BadArchive, match="cannot be unpacked"):
        unpack(spoil(whole), tmp_path / "work")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "entry",
    [
        a_link("link", "missing", tarfile.LNKTYPE),
        a_link("link", "link", tarfile.LNKTYPE),
        a_file_of(1e30),
    ],
    ids=["link to nothing", "link to itself", "date out of all bounds"],
)
def test_what_tarfile_stumbles_over_is_no_archive(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    with pytest.raises(BadArchive, match="cannot be unpacked"):
        unpack(packed((entry, b"")), tmp_path / "work")

    assert list(tmp_path.iterdir()) == []


def test_bytes_that_were_changed_on_their_way_are_no_archive(tmp_path: Path) -> None:
    whole = packed((a_file("f"), bytes(range(256)) * 400))

    with pytest.raises(BadArchive, match="cannot be unpacked"):
        unpack(whole[:60] + bytes(20) + whole[80:], tmp_path / "work")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_header_takes_no_memory_before_it_is_judged(tmp_path: Path, mode: str) -> None:
    bomb = packed((a_header(tarfile.XHDTYPE), bytes(2 * HEADER_BYTES_MAX)), mode=mode)

    with pytest.raises(BadArchive, match="a header of more than"):
        unpack(bomb, tmp_path / "work")

    assert list(tmp_path.iterdir()) == []


def test_headers_take_little_memory_together(tmp_path: Path) -> None:
    content = b"1048000 comment=" + b"x" * 1_047_983 + b"\n"
    chain = [(a_header(tarfile.XGLTYPE), content) for _ in range(4)]

    with pytest.raises(BadArchive, match="longer than any that make sense"):
        unpack(packed(*chain, (a_file("f"), b"")), tmp_path / "work")


def test_many_files_with_long_names_are_no_bomb(tmp_path: Path) -> None:
    long = "/".join(["n" * 200] * 4)
    unpack(packed(*[(a_file(f"{long}{n}"), b"x" * 700) for n in range(600)]), tmp_path / "work")

    assert len([path for path in (tmp_path / "work").rglob("*") if path.is_file()]) == 600


def test_there_is_a_limit_to_entries_and_to_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = packed((a_file("a"), b"12"), (a_file("b"), b"34"))

    monkeypatch.setattr(archive, "ENTRIES_MAX", 1)
    with pytest.raises(BadArchive, match="more than 1 entries"):
        unpack(two, tmp_path / "work")
    monkeypatch.setattr(archive, "ENTRIES_MAX", 2)
    monkeypatch.setattr(archive, "UNPACKED_BYTES_MAX", 3)
    with pytest.raises(BadArchive, match="more than 3 bytes"):
        unpack(two, tmp_path / "work")

    assert list(tmp_path.iterdir()) == []


def test_damaged_bytes_are_refused() -> None:
    verify(b"bytes", hashlib.sha256(b"bytes").hexdigest())

    with pytest.raises(BadArchive, match="damaged"):
        verify(b"bites", hashlib.sha256(b"bytes").hexdigest())
