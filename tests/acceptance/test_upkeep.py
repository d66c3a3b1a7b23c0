"""What whoever has the database may do from the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.auth import Role, find_caller
from api.commands import app
from api.database import engine
from tests.acceptance.processes import brain

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


def migrated(database_url: str, *options: str) -> Result:
    """`brain migrate` in this process, which is quicker."""
    variables = {"BRAIN_DATABASE_URL": database_url}
    return CliRunner().invoke(app, ["migrate", *options], env=variables, prog_name="brain")


def test_migrating_says_so_and_makes_no_key_unasked(database_url: str, tmp_path: Path) -> None:
    done = brain("migrate", cwd=tmp_path, BRAIN_DATABASE_URL=database_url)

    assert (done.returncode, done.stdout) == (0, "")
    assert "up to date" in done.stderr


def test_the_first_operators_key_comes_from_the_database(database_url: str) -> None:
    done = migrated(database_url, "--operator-key")

    assert done.exit_code == 0
    database = engine(database_url)
    with database.connect() as connection:
        caller = find_caller(connection, done.stdout.strip())
    database.dispose()
    assert caller is not None
    assert caller.role is Role.OPERATOR


def test_the_embedded_database_needs_no_migrating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAIN_DATABASE_URL", raising=False)

    done = CliRunner().invoke(app, ["migrate"], prog_name="brain")

    assert done.exit_code == 2
    assert "BRAIN_DATABASE_URL is not set" in done.stderr


def test_a_server_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    nowhere = f"postgresql://brain@/brain?host={tmp_path}"

    done = migrated(nowhere, "--operator-key")

    assert (done.exit_code, done.stdout) == (1, "")
    assert isinstance(done.exception, SystemExit), done.exception
    assert str(tmp_path) in done.stderr
