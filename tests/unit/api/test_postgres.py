"""The embedded PostgreSQL: what it keeps, what it survives, what it refuses."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from api import postgres
from api.postgres import EmbeddedPostgres, PostgresFailed, _polls

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "pg", fsync="off", shared_buffers="1MB")
    yield server
    server.stop()


@pytest.fixture
def somebody() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def ask(server: EmbeddedPostgres, statement: str) -> object:
    url = server.url().replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url) as connection:
        answer = connection.execute(statement)
        return answer.fetchone() if answer.description else None


def kill(server: EmbeddedPostgres) -> int:
    process_id = server.process_id()
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)
    for _ in _polls(10):
        if server.process_id() is None:
            break
    return process_id


def test_a_restart_keeps_the_data(server: EmbeddedPostgres) -> None:
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    assert server.process_id() is None

    server.start()

    assert ask(server, "SELECT answer FROM kept") == (42,)


def test_a_killed_server_starts_again_with_what_was_committed(server: EmbeddedPostgres) -> None:
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    killed = kill(server)
    assert server.process_id() is None

    server.start()

    assert server.process_id() not in {None, killed}
    assert ask(server, "SELECT answer FROM kept") == (42,)


def test_a_killed_server_that_the_disk_does_not_take_is_started_once_it_does(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(postgres, "KEEP_S", 0.05)
    server.start()
    settings = server.data / "postgresql.conf"
    settings.unlink()
    settings.symlink_to("/dev/full")

    with server.kept():
        killed = kill(server)
        assert any("No space left" in caplog.text for _ in _polls(30))
        settings.unlink()
        assert any(server.process_id() not in {None, killed} for _ in _polls(30))


def test_a_process_number_that_went_to_somebody_else_is_not_a_server(
    server: EmbeddedPostgres, somebody: subprocess.Popen[bytes]
) -> None:
    server.start()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    kill(server)
    pid_file.write_text("\n".join([str(somebody.pid), *lines[1:]]) + "\n")
    assert server.process_id() is None

    server.start()

    assert ask(server, "SELECT 1") == (1,)


def test_a_running_server_is_adopted(server: EmbeddedPostgres) -> None:
    server.start()
    first = server.process_id()
    second = EmbeddedPostgres(server.root)

    second.start()

    assert second.process_id() == first
    assert ask(second, "SELECT 1") == (1,)


def test_who_adopted_a_server_can_stop_it(server: EmbeddedPostgres) -> None:
    server.start()

    EmbeddedPostgres(server.root).stop()

    assert server.process_id() is None
    server.stop()


def test_an_unfinished_data_folder_is_made_afresh(server: EmbeddedPostgres) -> None:
    unfinished = server.root / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("1")

    server.start()

    assert ask(server, "SELECT 1") == (1,)
    assert not unfinished.exists()


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(tmp_path: Path) -> None:
    root = tmp_path / ("deep" * 30) / "海 之 心's, pg"

    with EmbeddedPostgres(root, fsync="off", shared_buffers="1MB") as server:
        answer = ask(server, "SHOW listen_addresses")

    assert answer == ("",)
    assert server.socket_folder != root
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    assert not list(server.socket_folder.iterdir())
    server.socket_folder.rmdir()


def test_a_socket_path_is_measured_in_bytes() -> None:
    root = Path("/") / ("海" * 33)

    assert EmbeddedPostgres(root).socket_folder != root


def test_a_socket_folder_that_others_could_have_made_is_refused(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("deep" * 30), fsync="off")
    server.socket_folder.symlink_to(tmp_path)

    try:
        with pytest.raises(PostgresFailed, match="belongs to somebody else"):
            server.start()
    finally:
        server.socket_folder.unlink()


def test_a_path_that_a_shell_would_change_is_refused(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "$HOME")

    with pytest.raises(PostgresFailed, match="choose a folder"):
        server.start()

    assert not server.root.exists()


def test_the_error_says_what_the_server_said(server: EmbeddedPostgres) -> None:
    server.settings["shared_buffers"] = "plenty"

    with pytest.raises(PostgresFailed, match='invalid value for parameter "shared_buffers"'):
        server.start()


def test_only_the_owner_may_enter_the_folder(server: EmbeddedPostgres) -> None:
    server.root.mkdir(mode=0o755)

    server.start()

    assert stat.S_IMODE(server.root.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
def test_root_without_user_namespaces_becomes_an_ordinary_user(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = tmp_path / "bin" / "unshare"
    refusal.parent.mkdir()
    refusal.write_text("#!/bin/sh\nexit 1\n")
    refusal.chmod(0o700)
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    monkeypatch.setenv("PATH", str(refusal.parent), prepend=os.pathsep)

    server.start()

    process_id = server.process_id()
    assert process_id is not None
    assert psutil.Process(process_id).uids().real == server.data.stat().st_uid == 65534
    assert ask(server, "SELECT answer FROM kept") == (42,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
def test_root_who_cannot_become_somebody_else_is_told_what_to_do(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PostgresFailed, match="BRAIN_DATABASE_URL"):
        server.start()


def test_a_start_whose_caller_was_killed_does_not_go_on(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    start = f"EmbeddedPostgres(Path({str(server.root)!r}), fsync='off').start()"
    script = f"from pathlib import Path; from api.postgres import EmbeddedPostgres; {start}"
    with subprocess.Popen([sys.executable, "-c", script]) as caller:
        starter = starting(server)
        starter.suspend()
        caller.kill()

    server.stop()

    assert not starter.is_running() or starter.status() == psutil.STATUS_ZOMBIE
    assert server.process_id() is None


def starting(server: EmbeddedPostgres) -> psutil.Process:
    """The program that starts the server, as soon as it runs."""
    for _ in _polls(30):
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.name() == "pg_ctl" and str(server.data) in process.cmdline():
                    return process
    raise AssertionError("nobody starts it")


def test_each_test_gets_an_empty_database_of_its_own(database_url: str) -> None:
    assert database_url.startswith("postgresql+psycopg://")
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        answer = connection.execute("SELECT current_database() LIKE 'test_%'").fetchone()

    assert answer == (True,)
