"""A reader may take as long as it likes: nobody else waits for it, nor does the leader."""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import text

from accounting.storage.store import PAGE_ROWS
from api.database import POOL_OVERFLOW, POOL_SIZE
from tests.acceptance.brokers import Served, await_that

pytestmark = pytest.mark.enable_socket

READERS = POOL_SIZE + POOL_OVERFLOW + 4
"""More than there are connections to the database."""
ROWS = 3 * PAGE_ROWS
"""More than the page that the reader is waited for with."""

ARCHIVE = b"\x1f\x8b" + os.urandom(12 << 20)
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()


@contextmanager
def reader(park: Served, address: str, who: str, path: str) -> Iterator[socket.socket]:
    """Somebody who has asked, has got the first bytes, and reads no more of them."""
    url = urlsplit(address)
    with socket.socket() as sent:
        sent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sent.settimeout(20)
        sent.connect((url.hostname, url.port))
        request = (
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {park.keys[who]}\r\n\r\n"
        )
        sent.sendall(request.encode())
        assert sent.recv(12) == b"HTTP/1.1 200"
        yield sent


@contextmanager
def readers(park: Served, address: str, who: str, path: str) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(reader(park, address, who, path))
        yield


def connections_in_use(park: Served) -> int:
    pool = park.broker.services.database.pool
    in_use: int = pool.checkedout()  # type: ignore[attr-defined] # every pool that counts has it
    return in_use


def assert_nobody_waits(park: Served) -> None:
    await_that(lambda: connections_in_use(park) == 0)
    assert park.fish.get("/v1/jobs").status_code == 200
    assert park.broker.loop.is_leading


def test_slow_readers_of_an_archive_hold_no_connection(park: Served, address: str) -> None:
    headers = {"Authorization": f"Bearer {park.keys['steel']}"}
    path = f"/v1/archives/{DIGEST}"
    with httpx2.Client(base_url=address, headers=headers, trust_env=False, timeout=60) as client:
        assert client.put(path, content=ARCHIVE).status_code == 201

        with readers(park, address, "steel", path):
            assert_nobody_waits(park)
        assert_nobody_waits(park)

        assert client.get(path).content == ARCHIVE


def test_slow_readers_of_an_export_hold_no_connection(park: Served, address: str) -> None:
    rows = text(
        "INSERT INTO usage SELECT 'x' || number || '.1', from_ms, '2026-10', from_ms + 1000,"
        " 'poor', 'default', 'manufacturing', 'east', 'ascend-910b3', 'normal', 1, 313,"
        " '2026', 3500000, 0, nextval('books_seq'), 1000 + number, sha256('x')"
        " FROM (SELECT number, 1791000000000 + number AS from_ms"
        " FROM generate_series(1, :rows) number) made"
    )
    with park.broker.services.database.begin() as connection:
        connection.execute(rows, {"rows": ROWS})

    with readers(park, address, "poor", "/v1/exports/charges?month=2026-10"):
        assert_nobody_waits(park)
    assert_nobody_waits(park)

    lines = park.poor.get("/v1/exports/charges", params={"month": "2026-10"}).text.splitlines()
    assert len(lines) == 1 + ROWS + 1


def test_the_leader_needs_no_connection_that_requests_use_up(park: Served) -> None:
    with ExitStack() as stack:
        for _ in range(POOL_SIZE + POOL_OVERFLOW):
            stack.enter_context(park.broker.services.database.connect())
        epoch, until_ms = _lead(park)

        await_that(lambda: _lead(park)[1] > until_ms)

        assert _lead(park)[0] == epoch


def _lead(park: Served) -> tuple[int, int]:
    """Epoch and end of the present lead, asked for by a connection of our own."""
    log = park.broker.loop.log
    controller = park.broker.loop.controller
    return (controller.epoch if controller else 0), log.leads_until_ms()
