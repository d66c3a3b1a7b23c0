"""The database: an engine for it, and its tables brought up to date."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from psycopg import Connection as PgConnection
from psycopg import Error as PgError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from api.clock import now_ms

POOL_SIZE = 8
POOL_OVERFLOW = 24
POOL_SIZE_OWN = 4
POOL_TIMEOUT_S = 10
CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_MS = 5_000
UNASKED_MS = 5_000
"""A connection that was used so lately is taken as alive while its server says nothing."""

MIGRATION_LOCK = 7_306_108_871
"""Which advisory lock a migrating process holds: any number that nobody else here uses."""

SWEEP_LOCK = 7_306_108_872
"""Held by whoever throws old things away."""

VERIFY_LOCK = 7_306_108_874
"""Held by whoever verifies the books."""

ARCHIVES_LOCK = 7_306_108_873
"""Shared by those who bring archives, and held by who throws some away."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class BadDatabaseUrl(Exception):
    """The address of the database cannot be understood, or is not PostgreSQL's."""


def engine(url: str) -> Engine:
    """A pool of connections to the PostgreSQL at `url`; nothing is connected yet."""
    return _engine(url, POOL_SIZE, POOL_OVERFLOW)


def own_engine(of: Engine) -> Engine:
    """A few connections to the same database, for threads that must never wait for requests."""
    return _engine(of.url.render_as_string(hide_password=False), POOL_SIZE_OWN, POOL_SIZE_OWN)


def _engine(url: str, pool_size: int, overflow: int) -> Engine:
    try:
        address = make_url(url.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        raise BadDatabaseUrl(
            "the database's address is not like postgresql://user@host:5432/name"
        ) from None
    if address.get_backend_name() != "postgresql":
        raise BadDatabaseUrl(
            f"{address.get_backend_name()} cannot be used: the database must be PostgreSQL"
        )
    made = create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=overflow,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "industry-brain",
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC",
        },
    )
    event.listen(made, "checkout", _check_alive)
    return made


def _check_alive(driver: PgConnection, entry: ConnectionPoolEntry, _: object) -> None:
    """A server that was restarted must not cost the next request its answer.

    It is asked only where there is a sign: to ask each time is a round trip for each request. A
    server that ends says goodbye, or its system does, and of a connection at rest nothing else
    is heard.
    """
    used_ms: int = entry.info.get("used_ms", 0)
    entry.info["used_ms"] = at_ms = now_ms()
    if at_ms - used_ms < UNASKED_MS and not _is_heard(driver):
        return
    try:
        driver.execute("")
        driver.rollback()
    except PgError as error:
        raise DisconnectionError from error


def _is_heard(driver: PgConnection) -> bool:
    """Whether there is something to read, if only the end."""
    ears = select.poll()
    ears.register(driver.fileno(), select.POLLIN)
    return bool(ears.poll(0))


@contextmanager
def at_once(database: Engine) -> Iterator[Connection]:
    """A connection that commits each statement: where there is one, no other need enclose it."""
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def migrate(url: str, revision: str = "head") -> None:
    """Bring the tables up to date, or to an earlier `revision`.

    Of several processes that start at once, one does it.
    """
    migrating = engine(url)
    try:
        with migrating.begin() as connection:
            # Waiting for another process that migrates may take as long as it takes.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK}
            )
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            command.upgrade(config, revision)
    finally:
        migrating.dispose()
