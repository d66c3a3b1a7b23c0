"""A database that is read-only for a while, as the one that a failover has left behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import Connection, connect, sql

from api.chinese import chinese
from tests.acceptance.brokers import Served, await_state, job, problem_of, served, submitted

_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@contextmanager
def read_only(park: Served) -> Iterator[None]:
    """Whoever is connected is cut off, and whoever connects anew may not write."""
    url = park.broker.services.database.url.set(drivername="postgresql")
    with connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        _set(connection, "on")
        try:
            yield
        finally:
            _set(connection, "off")


def _set(connection: Connection, on_or_off: str) -> None:
    change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    name = sql.Identifier(connection.info.dbname)
    connection.execute(change.format(name, sql.Literal(on_or_off)))
    connection.execute(_END)


def test_what_is_asked_is_answered_and_what_is_wanted_may_be_wanted_again(
    database_url: str, tmp_path: Path
) -> None:
    with served(database_url, tmp_path) as park:
        await_state(park.steel, submitted(park.steel), "succeeded")
        with read_only(park):
            # The first time that this key is used in a minute, which is noted.
            asked = park.fish.get("/v1/jobs")
            told = park.steel.post("/v1/jobs", json=job())
        await_state(park.steel, submitted(park.steel), "succeeded")

    assert asked.status_code == 200
    assert told.headers["Retry-After"]
    detail = problem_of(told, 503)["detail"]
    assert detail == "the database takes no changes at the moment: try again soon"
    assert "只读" in (chinese(detail) or "")
