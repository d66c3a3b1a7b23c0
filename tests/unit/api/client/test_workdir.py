"""A working directory is packed the same way each time, and nothing from outside goes in."""

import io
import os
import tarfile
from pathlib import Path

import pytest

import api.client.workdir
from api.client.workdir import Packed, WorkdirInvalid, pack


def modes(packed: Packed) -> dict[str, int]:
    with tarfile.open(fileobj=io.BytesIO(packed.content), mode="r:gz") as archive:
        return {entry.name: entry.mode for entry in archive.getmembers()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    (folder / "pkg").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)\n")
    (folder / "pkg" / "data.txt").write_text("x")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o700)
    return folder


def test_the_same_files_give_the_same_bytes(folder: Path) -> None:
    before = pack(folder)
    os.utime(folder / "train.py", (1, 1))
    (folder / "pkg" / "data.txt").chmod(0o600)

    assert pack(folder) == before


def test_another_content_gives_another_name(folder: Path) -> None:
    before = pack(folder)
    (folder / "train.py").write_text("print(2)\n")

    assert pack(folder).sha256 != before.sha256


def test_what_may_run_may_still_run(folder: Path) -> None:
    assert modes(pack(folder)) == {
        "pkg": 0o755,
        "pkg/data.txt": 0o644,
        "run.sh": 0o755,
        "train.py": 0o644,
    }


def test_what_tools_leave_is_not_shipped(folder: Path) -> None:
    before = pack(folder)
    for name in (".git", ".venv", "__pycache__", "pkg/__pycache__"):
        (folder / name).mkdir()
        (folder / name / "large").write_text("x")

    assert pack(folder) == before


def test_a_link_inside_the_folder_is_shipped_as_a_link(folder: Path) -> None:
    (folder / "pkg" / "link").symlink_to("../train.py")

    with tarfile.open(fileobj=io.BytesIO(pack(folder).content), mode="r:gz") as archive:
        entry = archive.getmember("pkg/link")
    assert entry.issym()
    assert entry.linkname == "../train.py"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "pkg/../../secret"])
def test_a_link_that_leads_out_is_refused(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)

    with pytest.raises(WorkdirInvalid, match="the link link leads out of the folder"):
        pack(folder)


def test_a_linked_folder_outside_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (folder / "pkg" / "more").symlink_to(tmp_path / "secrets", target_is_directory=True)

    with pytest.raises(WorkdirInvalid, match="pkg/more leads out"):
        pack(folder)


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    with pytest.raises(WorkdirInvalid, match="pipe is neither"):
        pack(folder)


@pytest.mark.parametrize("target", ["loop", "pkg/back"])
def test_a_link_that_leads_to_itself_is_refused(folder: Path, target: str) -> None:
    (folder / "loop").symlink_to(target)
    (folder / "pkg" / "back").symlink_to("../loop")

    with pytest.raises(WorkdirInvalid, match="the link loop leads to itself: remove it"):
        pack(folder)


def test_the_data_of_a_park_in_the_folder_stay_at_home(folder: Path) -> None:
    before = pack(folder)
    (folder / "park-data").mkdir()
    for name in ("up.lock", "keys.json"):
        (folder / "park-data" / name).touch()

    assert pack(folder) == before


@pytest.mark.parametrize(
    ("name", "why"),
    [("run.sh", "is a file, not a folder"), ("a" * 300, "cannot be read: File name too long")],
)
def test_what_is_no_folder_is_refused_with_the_reason(folder: Path, name: str, why: str) -> None:
    with pytest.raises(WorkdirInvalid, match=f"workdir .*{name}: {why}"):
        pack(folder / name)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkdirInvalid, match="none: no such folder"):
        pack(tmp_path / "none")


def test_a_large_folder_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.client.workdir, "UNPACKED_BYTES_MAX", 1 << 20)
    with (folder / "data.bin").open("wb") as file:
        file.truncate((1 << 20) + 1)

    with pytest.raises(WorkdirInvalid, match="larger than 1 MiB"):
        pack(folder)


def test_a_folder_of_many_files_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.client.workdir, "FILES_MAX", 3)

    with pytest.raises(WorkdirInvalid, match="more than 3 files"):
        pack(folder)
