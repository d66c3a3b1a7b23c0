"""How `brain reconcile` ends, by what the broker says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from api.client.sdk_errors import ApiError
from api.commands import app
from api.examples.books import BOOK_ANSWERS
from api.schemas.books import CentresReconciled, ReconciliationLine
from api.sdk import Client

EXAMPLE: dict[str, Any] = BOOK_ANSWERS["centres_reconciled"]
(CENTRE,) = EXAMPLE["centres"]
SILENT = CENTRE | {"id": "south", "is_compared": False, "why_not": "silent"}
AGREE: dict[str, Any] = {"differences": [], "count": 0}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAIN_API_KEY", "a-key")


def ended(
    monkeypatch: pytest.MonkeyPatch, *options: str, in_log: int = 0, **centres: Any
) -> tuple[int, str]:
    """With the broker's answers put in its place."""

    def reconcile(_: Client) -> Iterator[ReconciliationLine]:
        yield ReconciliationLine(differences=in_log)

    def reconcile_centres(_: Client) -> CentresReconciled:
        if not centres:
            raise ApiError("the leader is gone")
        return CentresReconciled.model_validate(EXAMPLE | centres)

    monkeypatch.setattr(Client, "reconcile", reconcile)
    monkeypatch.setattr(Client, "reconcile_centres", reconcile_centres)
    done = CliRunner().invoke(app, ["reconcile", *options])
    return done.exit_code, done.stdout


def test_no_difference_is_all_clear_only_where_all_centres_were_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ended(monkeypatch, centres=[CENTRE], **AGREE)[0] == 0
    assert ended(monkeypatch, centres=[CENTRE, SILENT], **AGREE)[0] == 2
    assert ended(monkeypatch, "--json", centres=[SILENT], **AGREE)[0] == 2


def test_a_difference_counts_more_than_who_was_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ended(monkeypatch, centres=[CENTRE, SILENT])[0] == 1
    assert ended(monkeypatch, in_log=1, centres=[SILENT], **AGREE)[0] == 1


def test_where_centres_cannot_be_asked_the_books_are_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, said = ended(monkeypatch, "--json")

    told = json.loads(said)
    assert code == 1
    assert (told["centres"], told["error"]) == (None, "the leader is gone")
    assert told["lines"][-1]["differences"] == 0
