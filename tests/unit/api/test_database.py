"""The migrations make exactly the tables that the code knows, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Engine, inspect, text
from sqlalchemy.engine import make_url

from accounting import ledger
from accounting.chain import PARK
from accounting.proof.verifying import Misfit, Walked, verify
from accounting.storage import store
from api import database as module
from api.database import BadDatabaseUrl, at_once, engine, migrate
from api.migrations.tables import METADATA
from api.postgres import EmbeddedPostgres


@pytest.fixture
def empty_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database without any table."""
    administrator = engine(postgres.url()).execution_options(isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text("CREATE DATABASE empty"))
        yield postgres.url("empty")
        connection.execute(text("DROP DATABASE empty WITH (FORCE)"))
    administrator.dispose()


def test_the_migrations_make_what_the_metadata_says(database_url: str) -> None:
    database = engine(database_url)
    with database.connect() as connection:
        context = MigrationContext.configure(connection)

        differences = compare_metadata(context, METADATA)  # type: ignore[arg-type] # takes several

    database.dispose()
    assert differences == []


def test_the_tables_check_what_the_metadata_says(database: Engine) -> None:
    made = inspect(database)
    for table in (table for part in METADATA for table in part.tables.values()):
        known = {one["name"]: one["sqltext"] for one in made.get_check_constraints(table.name)}
        checks = [one for one in table.constraints if isinstance(one, CheckConstraint)]

        said = {str(one.name): str(one.sqltext) for one in checks}

        assert {name: plain(text) for name, text in known.items()} == {
            name: plain(text) for name, text in said.items()
        }


def plain(condition: str) -> str:
    """PostgreSQL tells it with more brackets."""
    return "".join(condition.replace("(", "").replace(")", "").split())


def test_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [empty_url] * 4))

    database = engine(empty_url)
    with database.connect() as connection:
        versions = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    database.dispose()
    assert len(versions) == 1


OLD_TRANSFER = text(
    "INSERT INTO transfers"
    " (kind, reference, tenant_id, debit_account, credit_account, amount_micros, at_ms)"
    " VALUES (:kind, :reference, :tenant_id, :debit_account, :credit_account, :amount_micros,"
    " :at_ms)"
)
OLD_USAGE = text(
    "INSERT INTO usage (reference, from_ms, month, to_ms, tenant_id, project, field, centre_id,"
    " device_kind_id, qos, device_count, tflops, price_list_id, price_micros, recorded_at_ms)"
    " VALUES ('j1.1', 0, '1970-01', 9, 'steel', 'default', 'steel', 'hzx', 'ascend-910b3',"
    " 'normal', 8, 313, '2026', 3500000, 9)"
)
OLD_CREDIT = text("INSERT INTO usage_credits VALUES ('j1.1', 9, 'node', 9)")
OLD_PRICES = text("""INSERT INTO price_lists VALUES ('2026', 0, '[["k", 1]]', '[]', '[]', 60)""")
OLD_CLOSING = text("INSERT INTO closings VALUES ('1970-01', 3, 9)")


def test_a_migration_adds_up_and_links_what_was_booked_before_it(empty_url: str) -> None:
    migrate(empty_url, "0005")
    transfers = [
        ledger.top_up("steel", 7, "bank-1", 0),
        ledger.hold("steel", "j1.1", 3, 1),
        ledger.top_up("port", 5, "bank-2", 0),
    ]
    database = engine(empty_url)
    with database.begin() as connection:
        connection.execute(OLD_TRANSFER, [asdict(one) for one in transfers[:2]])
        for written in (OLD_USAGE, OLD_CREDIT, OLD_PRICES, OLD_CLOSING):
            connection.execute(written)

    migrate(empty_url)

    with database.begin() as connection:
        store.book(connection, [], [], transfers[2:])
        (line,) = store.usage_sums(connection, 0, 3_600_000)
        assert line.device_ms == 8 * 9
        assert store.balances(connection) == ledger.balances(transfers)
        assert store.balances(connection, "steel") == ledger.balances(transfers[:2])
        assert [(one.chain, one.head.number) for one in walked(connection)] == [
            (PARK, 2),
            ("port", 1),
            ("steel", 4),
        ]
    database.dispose()


def walked(connection: Connection) -> list[Walked]:
    """The chains, all of which must be whole."""
    found = list(verify(connection))
    assert [one for one in found if isinstance(one, Misfit)] == []
    return [one for one in found if isinstance(one, Walked)]


def test_every_usual_spelling_of_an_address_is_understood(database_url: str) -> None:
    address = make_url(database_url).render_as_string(hide_password=False)
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        database = engine(address.replace("postgresql+psycopg", scheme))
        with database.connect() as connection:
            assert connection.scalar(text("SHOW timezone")) == "UTC"
        database.dispose()


@pytest.mark.parametrize(
    "url", ["", "no address", "sqlite:///brain.db", "mysql://h/d", "postgresql://u@h:port/d"]
)
def test_an_address_that_cannot_be_used_is_refused_in_words(url: str) -> None:
    with pytest.raises(BadDatabaseUrl, match=r"PostgreSQL|postgresql"):
        engine(url)


def ended_by_the_server(database: Engine, database_url: str) -> None:
    """What the pool keeps is a connection that the server has ended since it was last used."""
    with database.connect() as connection:
        number = connection.scalar(text("SELECT pg_backend_pid()"))
    other = engine(database_url)
    with other.connect() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend({number}, 5000)"))
    other.dispose()


def test_a_connection_that_the_server_has_ended_is_replaced_unnoticed(database_url: str) -> None:
    database = engine(database_url)
    ended_by_the_server(database, database_url)

    with database.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    database.dispose()


def test_a_connection_that_was_not_used_for_long_is_asked(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies between us and the server may have dropped it without a word."""
    database = engine(database_url)
    ended_by_the_server(database, database_url)
    monkeypatch.setattr(module, "_is_heard", lambda _: False)
    monkeypatch.setattr(module, "UNASKED_MS", 0)

    with database.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    database.dispose()


def test_what_is_written_at_once_is_there_for_others_at_once(database_url: str) -> None:
    database = engine(database_url)
    with at_once(database) as connection:
        connection.execute(text("CREATE TABLE seen (id int)"))
        connection.execute(text("INSERT INTO seen VALUES (7)"))
        with database.connect() as other:
            assert other.scalar(text("SELECT id FROM seen")) == 7
    with database.connect() as connection:
        connection.execute(text("INSERT INTO seen VALUES (8)"))
    with database.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM seen")) == 1, "it is as it was"
        connection.rollback()
    database.dispose()
