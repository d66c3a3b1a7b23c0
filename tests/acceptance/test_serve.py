"""`brain serve` as a process: how it ends, and what it refuses to share."""

import signal
from pathlib import Path

import pytest
from sqlalchemy import select

from api.clock import now_ms
from api.data_folder import DataFolderFailed, hold
from api.database import engine
from api.postgres import EmbeddedPostgres
from scheduler.storage.tables import LeaderRow
from tests.acceptance.processes import (
    await_ready,
    brain,
    free_port,
    processes_of,
    run_until_left,
)

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(120)]


@pytest.fixture
def url() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_a_folder_in_use_is_left_alone_and_its_database_ends_with_its_broker(
    tmp_path: Path, url: str
) -> None:
    data = tmp_path / "data"
    variables = {"BRAIN_DATA": str(data), "BRAIN_URL": url}
    with run_until_left(tmp_path / "log", "serve", cwd=tmp_path, **variables) as serving:
        await_ready(serving, url)
        assert any("bin/postgres" in process for process in processes_of(data))

        other = f"http://127.0.0.1:{free_port()}"
        done = brain("serve", BRAIN_DATA=str(data), BRAIN_URL=other)
        used = f"another `brain up` or `brain serve` (or its clean-up) uses {data}"
        assert (done.returncode, used in done.stderr) == (1, True)
        with pytest.raises(DataFolderFailed, match="another `brain up`"):
            hold(data)  # as `brain up` does
        assert serving.process.poll() is None

        assert serving.end(signal.SIGTERM) == 0
        assert processes_of(data) == []
        assert "Traceback" not in serving.said()
    EmbeddedPostgres(data / "postgres").stop()


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
