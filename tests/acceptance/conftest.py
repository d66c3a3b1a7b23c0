"""A broker that a whole module of tests shares, and the same behind a real server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from api.client.profile import Profile, write_profile
from api.running.wiring import server
from tests.acceptance.brokers import HYGON, Served, await_state, newcomer, served, submitted
from tests.acceptance.product import Product, product_in
from tests.acceptance.tab import Console, chromium

PATIENCE_MS = 15_000
"""So long a page, and what is expected of it, may take on a busy machine."""


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory, clusters: ExitStack) -> Product:
    """One `brain up` for all tests of the whole product, which share the worker "up"."""
    made = clusters.enter_context(product_in(tmp_path_factory.mktemp("up")))
    made.start()
    return made


@pytest.fixture(scope="module")
def park(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A small park with a broker over an empty database; use tenants or jobs of your own."""
    with served(module_database_url, tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture(scope="module")
def address(park: Served) -> Iterator[str]:
    """Where the broker is served by a real server, as in production."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Its connections inherit it: who reads no more is waited for soon, not after megabytes.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
        serving = server(park.broker)
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        park.broker.feed.close()
        serving.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server ends although streams are open"


@pytest.fixture
def data(address: str, park: Served, tmp_path: Path) -> Path:
    """A data folder as `brain up` leaves it."""
    write_profile(tmp_path, Profile(url=address, tenant="steel", keys=park.keys))
    return tmp_path


@pytest.fixture
def filled(park: Served) -> Iterator[str]:
    """All of the west is held for five minutes by who has run nothing yet."""
    user = newcomer(park, "fish")
    job_id = submitted(user, devices=8, device=HYGON.id, limit="5m", command="sleep 300")
    await_state(user, job_id, "running")
    yield job_id
    user.post(f"/v1/jobs/{job_id}:cancel")
    await_state(user, job_id, "cancelled")


@pytest.fixture(scope="module")
def window() -> Iterator[BrowserContext]:
    """A window that stays open behind its tabs: it costs as much as two of them."""
    with chromium() as browser:
        context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
        context.new_page()
        yield context


@pytest.fixture
def console(window: BrowserContext, address: str) -> Iterator[Console]:
    """A tab in Chinese that asks nobody but the broker, and has nothing to complain about.

    It is a newcomer's: whatever the last one kept is forgotten.
    """
    made = Console(window.new_page(), address)
    made.page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield made
    made.page.evaluate("localStorage.clear()")
    made.page.close()
    window.clear_cookies()
    assert not [url for url in made.requested if not url.startswith(address + "/")]
    assert made.complaints == []
