"""Which errors of PostgreSQL are about what it was given."""

import pytest
from psycopg import Error as PgError
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.database import at_once
from scheduler.storage.unwritable import unwritable

RAISED = "DO $$ BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '{code}'; END $$"


def failure(database: Engine, statement: str, **values: object) -> Exception:
    with at_once(database) as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text(statement), values)
    return caught.value


@pytest.mark.parametrize(
    "code",
    ["21000", "22003", "22001", "23502", "23503", "23505", "23514", "44000", "54000", "P0001"],
)
def test_what_is_about_the_data_says_so_by_its_code(database: Engine, code: str) -> None:
    found = unwritable(failure(database, RAISED.format(code=code)))

    assert found is not None
    assert found.code == code
    assert str(found) == f"so it is ({code})"


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ("a lost connection", "08006"),
        ("a server that is read-only", "25006"),
        ("a transaction that must be tried again", "40001"),
        ("a deadlock", "40P01"),
        ("a table that is missing", "42P01"),
        ("a right that is missing", "42501"),
        ("a disk that is full", "53100"),
        ("memory that is used up", "53200"),
        ("a lock that is not had", "55P03"),
        ("a server that goes down", "57P01"),
        ("a disk that fails", "58030"),
        ("damaged data", "XX001"),
    ],
)
def test_what_is_about_the_database_is_no_refusal(database: Engine, about: str, code: str) -> None:
    assert unwritable(failure(database, RAISED.format(code=code))) is None, about


def test_text_that_is_none_is_refused_before_it_is_sent(database: Engine) -> None:
    found = unwritable(failure(database, "SELECT CAST(:said AS text)", said="a\0b"))

    assert found is not None
    assert found.code == "22021"


def test_a_connection_that_is_lost_is_no_refusal(database: Engine) -> None:
    lost = failure(database, "SELECT pg_terminate_backend(pg_backend_pid())")

    assert unwritable(lost) is None


@pytest.mark.parametrize("error", [PgError(), PoolTimeout(), SQLAlchemyError(), ValueError()])
def test_an_error_without_a_code_is_no_refusal(error: Exception) -> None:
    assert unwritable(error) is None


def test_the_row_itself_is_not_told_it_may_hold_what_is_secret(database: Engine) -> None:
    insert = "INSERT INTO views (name, at_ms) VALUES ('a secret', 1)"

    found = unwritable(failure(database, insert))

    assert str(found) == (
        'views.body: null value in column "body" of relation "views" '
        "violates not-null constraint (23502)"
    )
