"""The environment wins against the file, and the file against the defaults."""

from pathlib import Path

import pytest

from api.settings import Settings, SettingsInvalid


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("URL", "API_KEY", "DATABASE_URL", "PARK", "SETTINGS", "LOG_LEVEL"):
        monkeypatch.delenv(f"BRAIN_{name}", raising=False)
    monkeypatch.setenv("BRAIN_DATA", str(tmp_path))


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BRAIN_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))

    settings = Settings.load()

    assert settings.url == "http://127.0.0.1:8420"
    assert settings.port == 8420
    assert settings.database_url is None
    assert settings.host == "127.0.0.1"
    assert settings.data == tmp_path / ".industry-brain"


def test_the_environment_wins_against_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = "BRAIN_URL=http://file:1\nBRAIN_LOG_LEVEL=debug\nBRAIN_ELSE=1\n"
    (tmp_path / "settings.env").write_text(lines, encoding="utf-8")
    monkeypatch.setenv("BRAIN_URL", "http://environment:2/")

    settings = Settings.load()

    assert settings.url == "http://environment:2"
    assert settings.port == 2
    assert settings.log_level == "debug"


def test_a_file_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("BRAIN_PARK=~/park.yaml\n", encoding="utf-8")
    monkeypatch.setenv("BRAIN_SETTINGS", str(file))

    assert Settings.load().park == Path("~/park.yaml").expanduser()


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAIN_API_KEY", "brk_hush")
    monkeypatch.setenv("BRAIN_DATABASE_URL", "postgresql://me:hush@host/brain")

    assert "hush" not in repr(Settings.load())


@pytest.mark.parametrize(("name", "value"), [("MEMBER_USERS", "perhaps"), ("MEMBER_UID_FROM", "0")])
def test_members_users_are_not_set_to_what_makes_no_sense(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Least of all to root's number."""
    monkeypatch.setenv(f"BRAIN_{name}", value)

    with pytest.raises(SettingsInvalid, match=f"BRAIN_{name}"):
        Settings.load()


@pytest.mark.parametrize(
    "url", ["ftp://x", "no url", "http://", "http://[", "http://host:99999", "http://host:0"]
)
def test_an_address_that_is_none_is_refused_in_words(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_URL", url)

    with pytest.raises(SettingsInvalid, match=r"^BRAIN_URL: the broker's address is written like"):
        Settings.load()


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "API_KEY", "DATABASE_URL", "PARK", "DATA", "LOG_LEVEL"):
        monkeypatch.setenv(f"BRAIN_{name}", "")

    settings = Settings.load()

    assert (settings.api_key, settings.database_url, settings.park) == (None, None, None)
    assert (settings.port, settings.data.name) == (8420, ".industry-brain")


@pytest.mark.parametrize("key", ["密钥", "a b", "a\nb", "a\x7f"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAIN_API_KEY", key)

    with pytest.raises(SettingsInvalid) as refused:
        Settings.load()

    assert str(refused.value) == (
        "BRAIN_API_KEY: this is no key: a key is one word of ASCII, such as brk_..."
    )


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAIN_LOG_LEVEL", "loud")
    monkeypatch.setenv("BRAIN_URL", "x")

    with pytest.raises(SettingsInvalid) as refused:
        Settings.load()

    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["BRAIN_URL", "BRAIN_LOG_LEVEL"]


def test_a_level_may_be_shouted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAIN_LOG_LEVEL", "WARNING")

    assert Settings.load().log_level == "warning"
