"""The keys of a local broker are kept from others, and found again."""

from pathlib import Path

import pytest

from api.client.profile import Profile, ProfileInvalid, read_profile, write_profile

PROFILE = Profile(url="http://127.0.0.1:8420", tenant="t03", keys={"operator": "brk_a_b"})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_profile(tmp_path / "new", PROFILE)

    assert read_profile(tmp_path / "new") == PROFILE


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    (tmp_path / "keys.json").chmod(0o644)

    write_profile(tmp_path, PROFILE)

    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_no_broker_was_ever_here(tmp_path: Path) -> None:
    assert read_profile(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{}", '{"url": 1}', "\x00"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)

    with pytest.raises(ProfileInvalid, match=r"keys\.json cannot be used .*: remove it"):
        read_profile(tmp_path)
