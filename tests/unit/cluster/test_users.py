"""As whom members run. What only root may do is tested where root runs the tests."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.journal import TenantUids
from cluster.nursery import member_environment
from cluster.users import NodeUsers, device_groups, let_pass, own

UID = 212_345

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may choose as whom to run")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; `tmp_path` lies in one that only its owner may."""
    folder = Path(tempfile.mkdtemp(prefix="brain-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def test_a_node_that_cannot_keep_members_apart_says_why(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    node = NodeUsers(closed / "data")

    why = node.why_not(UID)

    assert ("cannot enter" if os.geteuid() == 0 else "does not run as root") in why
    assert node.complaint == why
    assert node.why_not(UID) == why


@as_root
def test_a_node_whose_folder_and_python_are_open_keeps_members_apart(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/sh")  # ours may lie in root's own folder
    node = NodeUsers(open_folder)

    assert node.why_not(UID) == ""
    assert node.complaint == ""


@as_root
def test_a_folder_is_given_with_all_that_is_in_it_and_nothing_else(open_folder: Path) -> None:
    outside = open_folder / "outside"
    outside.touch()
    (open_folder / "work" / "sub").mkdir(parents=True)
    (open_folder / "work" / "sub" / "file").touch()
    (open_folder / "work" / "link").symlink_to(outside)

    own(open_folder / "work", UID)
    own(open_folder / "new", UID)

    given = [*(open_folder / "work").rglob("*"), open_folder / "work", open_folder / "new"]
    assert {path.lstat().st_uid for path in given} == {UID}
    assert outside.stat().st_uid == 0
    assert (open_folder / "new").stat().st_mode & 0o777 == 0o700


def test_others_may_pass_and_not_look_around(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o750)

    let_pass([tmp_path / "there", tmp_path / "new"])

    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o711
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o711


def test_members_belong_to_the_groups_of_the_nodes_cards(tmp_path: Path) -> None:
    (tmp_path / "dri").mkdir()
    for name, mode in (("davinci0", 0o660), ("dri/card0", 0o600), ("sda", 0o660)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    own_group = (tmp_path / "davinci0").stat().st_gid

    assert device_groups(tmp_path) == sorted({own_group} - {0})


def test_each_tenant_has_a_number_of_its_own_for_ever(tmp_path: Path) -> None:
    uids = TenantUids(tmp_path / "uids.json", 1_000)

    numbers = [uids.uid("steel"), uids.uid("port"), uids.uid("steel")]

    assert numbers == [1_000, 1_001, 1_000]
    assert (tmp_path / "uids.json").stat().st_mode & 0o777 == 0o600
    assert TenantUids(tmp_path / "uids.json", 1_000).uid("port") == 1_001


@pytest.mark.parametrize("left", ["", "{", "[]", '{"steel": "x"}'])
def test_numbers_that_cannot_be_read_are_not_given_anew(tmp_path: Path, left: str) -> None:
    (tmp_path / "uids.json").write_text(left)

    with pytest.raises(ValueError, match="repair it"):
        TenantUids(tmp_path / "uids.json", 1_000).uid("port")


def test_members_inherit_what_is_on_the_list_and_nothing_else() -> None:
    mine = {
        "PATH": "/bin",
        "LANG": "C",
        "LC_ALL": "C",
        "ASCEND_HOME_PATH": "/a",
        "ASCEND_RT_VISIBLE_DEVICES": "0",
        "AWS_SECRET_ACCESS_KEY": "s",
        "RAY_AUTH_TOKEN": "t",
        "BRAIN_API_KEY": "k",
        "BRAIN_MEMBER_VARIABLES": "SITE_*, http_proxy,BRAIN_*",
        "SITE_MIRROR": "m",
        "http_proxy": "p",
    }

    inherited = member_environment(mine)

    assert inherited.keys() == {
        *("PATH", "LANG", "LC_ALL", "ASCEND_HOME_PATH", "SITE_MIRROR", "http_proxy"),
        *("VIRTUAL_ENV", "PYTHONUNBUFFERED"),
    }
    assert inherited["PATH"].endswith(":/bin")
