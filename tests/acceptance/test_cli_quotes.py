"""Quotes on the command line: asked, kept, taken by what it says, and given up."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli.arguments import prepared
from api.commands import app
from scheduler.facts.quotes import KeptQuotes
from tests.acceptance.brokers import Served

pytestmark = pytest.mark.enable_socket
KIND = ("--device", "hygon-k100-ai")


@pytest.fixture(autouse=True)
def variables(
    park: Served, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    for name in os.environ:
        if name.startswith("BRAIN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRAIN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BRAIN_LANG", "en")
    monkeypatch.setenv("BRAIN_URL", address)
    monkeypatch.setenv("BRAIN_API_KEY", park.keys["steel"])
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    yield
    quotes: KeptQuotes | None = park.broker.services.ask(lambda state, _, __: state.quotes)
    assert quotes is not None
    quotes.pauses.clear()


def brain(*words: str) -> Result:
    done = CliRunner().invoke(app, prepared(list(words)), prog_name="brain")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_the_last_line_of_a_quote_submits_what_was_quoted() -> None:
    asked = brain("quote", "-n", "4", *KIND, "--limit", "90m").stdout.splitlines()
    until, command = asked[-1].split(": ")
    words = command.split()[1:]

    done = brain(*words, "--json", "--", "true")

    assert until.startswith("until ")
    assert all(len(line) <= 80 for line in asked[1:])
    told = json.loads(done.stdout)
    assert (told["spec"]["devices"], told["spec"]["limit"]) == (4, "90m")
    assert told["spec"]["command"] == "true"
    assert (told["id"], told["quote"]["id"]) == (words[-1], words[-1])


def test_the_last_line_of_a_quote_of_a_job_file_submits_it_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "my job.yaml").write_text("command: 'true'\ndevices: 2\nlimit: 1h\n")

    asked = brain("quote", "my job.yaml", "-n", "4", *KIND, "--limit", "90m")
    words = shlex.split(asked.stdout.splitlines()[-1].split(": ")[1])[1:]
    done = brain(*words, "--json")

    told = json.loads(done.stdout)
    assert (told["spec"]["devices"], told["spec"]["limit"]) == (4, "90m")
    assert told["spec"]["device"] == ["hygon-k100-ai"]
    assert (told["id"], told["quote"]["id"]) == (words[-1], words[-1])


def test_what_became_of_a_quote_is_said_beside_the_id() -> None:
    quote_id = json.loads(brain("quote", *KIND, "--json").stdout)["id"]

    done = brain("submit", "--quote", quote_id, "--", "true")

    assert done.stdout.strip() == quote_id
    assert done.stderr.strip() == "as quoted: it can start now in west-k100"


def test_another_job_than_was_quoted_is_refused_by_name(tmp_path: Path) -> None:
    quote_id = json.loads(brain("quote", "--json").stdout)["id"]
    (tmp_path / "job.yaml").write_text("command: 'true'\ndevices: 2\n")

    by_file = brain("submit", "job.yaml", "--quote", quote_id)
    by_option = brain("submit", "--quote", quote_id, "--limit", "2h", "--", "true")

    assert (by_file.exit_code, by_option.exit_code) == (1, 1)
    assert "1 was quoted, and not 2" in " ".join(by_file.stderr.split())
    assert "1h was quoted, and not 2h" in " ".join(by_option.stderr.split())


def test_a_quote_is_kept_and_given_up() -> None:
    asked = brain("quote", *KIND, "--keep").stdout.splitlines()[-1]
    quote_id = asked.split()[-1]
    again = brain("quote", *KIND, "--keep")

    dropped = brain("quote", "--drop", quote_id)

    assert asked.startswith("kept until ")
    assert again.exit_code == 1
    assert f"quote {quote_id} is kept for tenant steel" in " ".join(again.stderr.split())
    assert (dropped.exit_code, dropped.stdout) == (0, "")


@pytest.mark.parametrize("words", [["submit", "--", "true"], ["quote"]])
def test_what_is_no_id_of_a_quote_is_wrong_use(words: list[str]) -> None:
    option = "--quote" if words[0] == "submit" else "--drop"

    done = brain(words[0], option, "J-1", *words[1:])

    assert done.exit_code == 2
    assert "is no id of a quote" in " ".join(done.stderr.replace("│", " ").split())


def test_a_quote_of_nobody_is_not_there() -> None:
    done = brain("submit", "--quote", "jnone", "--", "true")

    assert done.exit_code == 1
    assert "there is no quote jnone" in done.stderr
