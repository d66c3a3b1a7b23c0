"""Who sends a body is known before it is read, and nobody fills the broker's memory with them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from api import bodies
from tests.acceptance.brokers import Served, await_that

pytestmark = pytest.mark.enable_socket

MIB = 1 << 20


@contextmanager
def announced(address: str, path: str, key: str | None, size: int = MIB) -> Iterator[socket.socket]:
    """A request that says how large its body is, and sends nothing of it."""
    url = urlsplit(address)
    known = f"Authorization: Bearer {key}\r\n" if key else ""
    with socket.create_connection((url.hostname, url.port), timeout=20) as opened:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{known}"
        opened.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
        yield opened


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/agents/east/report", "/v1/nothing"])
@pytest.mark.parametrize("key", [None, "brk_0123_nobody"])
def test_without_a_key_no_body_is_read(address: str, path: str, key: str | None) -> None:
    with announced(address, path, key) as opened:
        answer = opened.recv(4096)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(("who", "status"), [("steel", 413), ("operator", 413), ("agent", None)])
def test_only_an_agents_report_may_be_large(
    park: Served, address: str, who: str, status: int | None
) -> None:
    path = "/v1/agents/east/report"
    with announced(address, path, park.keys[who], size=MIB + 1) as opened:
        opened.settimeout(20 if status else 0.3)
        try:
            answer = opened.recv(4096)
        except TimeoutError:
            answer = b""

    assert answer.startswith(b"HTTP/1.1 %d " % status if status else b"")
    assert bool(answer) is bool(status)


def test_one_tenant_fills_only_its_own_part_of_memory(
    park: Served, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "HELD_BYTES_PER_SCOPE_MAX", MIB)

    await_that(lambda: _answers(park, address) == (429, 201))

    await_that(lambda: _submit(park, "steel") == 201)


def test_all_together_fill_only_so_much(
    park: Served, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "HELD_BYTES_MAX", MIB)

    await_that(lambda: _answers(park, address) == (503, 503))

    await_that(lambda: _submit(park, "fish") == 201)


def _answers(park: Served, address: str) -> tuple[int, int]:
    """What steel and fish are answered while steel has announced a body."""
    with announced(address, "/v1/jobs", park.keys["steel"]):
        return _submit(park, "steel"), _submit(park, "fish")


def _submit(park: Served, who: str) -> int:
    client = getattr(park, who)
    status: int = client.post("/v1/jobs", json={"command": "true", "devices": 1}).status_code
    return status
