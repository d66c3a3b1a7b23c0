"""A broker that a whole module of tests shares, and the same behind a real server."""

import socket
import threading
from collections.abc import Iterator

import pytest

from api.wiring import server
from tests.acceptance.brokers import Served, served
from tests.acceptance.product import Product, product_in


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One `brain up` for all tests of the whole product, which share the worker "up"."""
    with product_in(tmp_path_factory.mktemp("up")) as made:
        made.start()
        yield made


@pytest.fixture(scope="module")
def park(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A small park with a broker over an empty database; use tenants or jobs of your own."""
    with served(module_database_url, tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture(scope="module")
def address(park: Served) -> Iterator[str]:
    """Where the broker is served by a real server, as in production."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = server(park.broker)
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        park.broker.feed.close()
        serving.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server ends although streams are open"
