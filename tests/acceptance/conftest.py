"""A broker that a whole module of tests shares, and the same behind a real server."""

import itertools
import socket
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from api.database import engine
from api.postgres import EmbeddedPostgres
from api.wiring import server
from tests.acceptance.brokers import Served, served

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def park(
    postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A small park with a broker over an empty database; use tenants or jobs of your own."""
    name = f"park_{next(_numbers)}"
    administrator = engine(postgres.url()).execution_options(isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    url = make_url(postgres.url()).set(database=name).render_as_string(hide_password=False)
    with served(url, tmp_path_factory.mktemp("data")) as made:
        yield made
    with administrator.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    administrator.dispose()


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
