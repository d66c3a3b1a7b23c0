"""`brain serve` as a process: how it ends, and what it refuses to share."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from api.clock import now_ms
from api.database import engine
from api.postgres import EmbeddedPostgres
from scheduler.storage.tables import LeaderRow
from tests.acceptance.processes import (
    Running,
    await_ready,
    brain,
    free_port,
    processes_of,
    run_until_left,
)

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]


@pytest.fixture
def url() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def serving(tmp_path: Path, url: str) -> Iterator[Running]:
    """A broker with the embedded database in a folder of its own."""
    data = tmp_path / "data"
    variables = {"BRAIN_DATA": str(data), "BRAIN_URL": url}
    with run_until_left(tmp_path / "log", "serve", cwd=tmp_path, **variables) as serving:
        await_ready(serving, url)
        yield serving
    EmbeddedPostgres(data / "postgres").stop()


def test_a_broker_that_is_told_to_end_takes_its_database_along(
    serving: Running, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    assert any("bin/postgres" in process for process in processes_of(data))

    assert serving.end(signal.SIGTERM) == 0

    assert processes_of(data) == []
    assert "Traceback" not in serving.said()


def test_a_folder_in_use_is_left_alone(serving: Running, tmp_path: Path) -> None:
    other = f"http://127.0.0.1:{free_port()}"
    data = str(tmp_path / "data")

    done = brain("serve", BRAIN_DATA=data, BRAIN_URL=other)
    up = brain("up", "--data", data, "--port", str(free_port()))

    for refused in (done, up):
        assert refused.returncode == 1
        assert (
            f"another `brain up` or `brain serve` (or its clean-up) uses {data}" in refused.stderr
        )
        assert "Traceback" not in refused.stderr
    assert serving.process.poll() is None


def test_a_broker_that_is_told_to_end_lets_another_lead_at_once(
    database_url: str, tmp_path: Path, url: str
) -> None:
    variables = {"BRAIN_DATA": str(tmp_path), "BRAIN_DATABASE_URL": database_url, "BRAIN_URL": url}
    with run_until_left(tmp_path / "log", "serve", cwd=tmp_path, **variables) as serving:
        await_ready(serving, url)

        assert serving.end(signal.SIGTERM) == 0

    database = engine(database_url)
    with database.connect() as connection:
        assert connection.execute(select(LeaderRow.expires_at_ms)).scalar_one() <= now_ms()
    database.dispose()
