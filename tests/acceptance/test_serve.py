"""`brain serve` as a process: how it ends, and what it refuses to share."""

import signal
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select, text

from api.clock import now_ms
from api.data_folder import DataFolderFailed, hold
from api.database import engine
from api.postgres import EmbeddedPostgres
from api.running.ports import free_port
from scheduler.facts.events import Credited
from scheduler.facts.log import Request
from scheduler.storage.store import put_requests
from scheduler.storage.tables import InboxRow, LeaderRow
from tests.acceptance.processes import (
    await_ready,
    brain,
    eventually,
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


def test_a_database_that_was_killed_is_started_again_by_the_broker_whose_own_it_is(
    tmp_path: Path, url: str
) -> None:
    """Its first process may be killed where memory is short, and no other of it lives on then."""
    data = tmp_path / "data"
    server = EmbeddedPostgres(data / "postgres")
    with run_until_left(
        tmp_path / "log", "serve", cwd=tmp_path, BRAIN_DATA=str(data), BRAIN_URL=url
    ) as serving:
        await_ready(serving, url)
        before = server.process_id()
        psutil.Process(before).kill()

        eventually(lambda: server.process_id() not in {None, before}, "it runs again")
        await_ready(serving, url)
        assert serving.end(signal.SIGTERM) == 0
        assert server.process_id() is None


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


@pytest.mark.heavy
def test_brokers_that_are_killed_over_requests_that_the_database_refuses_lose_none(
    database_url: str, tmp_path: Path, url: str
) -> None:
    """Of 90 payments each third is one that a CHECK refuses; two brokers are killed among them."""
    variables = {"BRAIN_DATA": str(tmp_path), "BRAIN_DATABASE_URL": database_url, "BRAIN_URL": url}
    database = engine(database_url)
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE transfers ADD CHECK (amount_micros % 3 <> 0)"))
    payments = [
        Credited(at_ms=1, tenant_id="t01", amount_micros=number, reference=f"r{number}")
        for number in range(1, 91)
    ]
    pays = InboxRow.id.startswith("pay:")
    left = select(InboxRow.id).where(pays, InboxRow.consumed_seq.is_(None))

    def left_count() -> int:
        with database.connect() as connection:
            return len(connection.scalars(left).all())

    def await_left(most: int) -> None:
        eventually(lambda: left_count() <= most, f"{most} are left at most")

    for wanted in (70, 30, 0):
        with run_until_left(
            tmp_path / f"log{wanted}", "serve", cwd=tmp_path, **variables
        ) as broker:
            await_ready(broker, url)
            if left_count() == 0:
                with database.begin() as connection:
                    asked = [Request(id=f"pay:{one.reference}", wish=one) for one in payments]
                    put_requests(connection, asked, 0)
            await_left(wanted)
            if wanted:
                broker.end(signal.SIGKILL)

    with database.connect() as connection:
        answers = select(InboxRow.id, InboxRow.refused).where(pays)
        refused = {row.id for row in connection.execute(answers) if row.refused}
        booked = text("SELECT amount_micros FROM transfers WHERE reference LIKE 'r%'")
        amounts = connection.scalars(booked).all()
    database.dispose()
    assert refused == {f"pay:r{number}" for number in range(3, 91, 3)}
    assert sorted(amounts) == [number for number in range(1, 91) if number % 3]
