"""What whoever has the database may do from the command line, in a process of its own."""

from pathlib import Path

import pytest

from api.auth import Role, find_caller
from api.database import engine
from tests.acceptance.processes import brain

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


def test_migrating_says_so_and_makes_no_key_unasked(database_url: str, tmp_path: Path) -> None:
    done = brain("migrate", cwd=tmp_path, BRAIN_DATABASE_URL=database_url)

    assert (done.returncode, done.stdout) == (0, "")
    assert "up to date" in done.stderr


def test_the_first_operators_key_comes_from_the_database(database_url: str, tmp_path: Path) -> None:
    done = brain("migrate", "--operator-key", cwd=tmp_path, BRAIN_DATABASE_URL=database_url)

    assert done.returncode == 0
    database = engine(database_url)
    with database.connect() as connection:
        caller = find_caller(connection, done.stdout.strip())
    database.dispose()
    assert caller is not None
    assert caller.role is Role.OPERATOR


def test_the_embedded_database_needs_no_migrating(tmp_path: Path) -> None:
    done = brain("migrate", cwd=tmp_path)

    assert done.returncode == 2
    assert "BRAIN_DATABASE_URL is not set" in done.stderr


def test_a_server_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    nowhere = f"postgresql://brain@/brain?host={tmp_path}"

    done = brain("migrate", "--operator-key", cwd=tmp_path, BRAIN_DATABASE_URL=nowhere)

    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr
