"""A broker as a whole: it comes back to what it left, and goes without keeping anybody waiting."""

import socket
import threading
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from api.running.wiring import server
from scheduler.storage.tables import EventRow, InboxRow
from tests.acceptance.brokers import Served, await_state, await_that, served, submitted


def counts(park: Served) -> tuple[int, int]:
    with park.broker.services.database.connect() as connection:
        return (
            connection.scalar(select(func.count()).select_from(InboxRow)) or 0,
            connection.scalar(select(func.max(EventRow.seq))) or 0,
        )


def test_a_broker_that_starts_again_goes_on_where_it_was(database_url: str, tmp_path: Path) -> None:
    with served(database_url, tmp_path) as park:
        job_id = submitted(park.poor)
        await_that(lambda: park.poor.get(f"/v1/jobs/{job_id}").json()["reasons"])
        before = counts(park)

    with served(database_url, tmp_path) as again:
        assert counts(again)[0] == before[0], "the park file is not declared twice"
        assert again.poor.get(f"/v1/jobs/{job_id}").json()["state"] == "queued"
        again.finance.post("/v1/tenants/poor:top-up", json={"amount": "10", "reference": "after"})
        await_state(again.poor, job_id, "succeeded")


def test_two_brokers_share_one_lead(database_url: str, tmp_path: Path) -> None:
    with served(database_url, tmp_path) as first, served(database_url, tmp_path, 2) as second:
        assert first.broker.loop.is_leading
        assert not second.broker.loop.is_leading
        job_id = submitted(second.steel)
        await_state(second.steel, job_id, "succeeded")

        first.broker.stop()

        await_that(lambda: second.broker.loop.is_leading)
        assert submitted(second.fish)


@pytest.mark.enable_socket
def test_a_server_that_is_told_to_end_ends_although_somebody_listens(
    database_url: str, tmp_path: Path
) -> None:
    with (
        served(database_url, tmp_path) as park,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        serving = server(park.broker)
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        headers = {"Authorization": f"Bearer {park.keys['steel']}"}
        with (
            httpx2.Client(base_url=url, trust_env=False, timeout=20) as client,
            client.stream("GET", "/v1/events", headers=headers) as answer,
        ):
            lines = answer.iter_lines()
            assert next(lines).startswith("retry")

            serving.handle_exit(15, None)

            assert list(lines) == [""]
        thread.join(10)
        assert not thread.is_alive()
