"""What finance does about prices and balances by commands."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app

pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def profile(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("BRAIN_") and name != "BRAIN_LANG":
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRAIN_DATA", str(data))
    monkeypatch.setenv("COLUMNS", "80")


def told(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done.output


def test_a_price_list_is_published_as_the_last_one_with_what_is_named() -> None:
    before = told("prices")
    assert "in force" in before
    publish = ("prices", "publish", "2099", "--from", "2099-01-01", "--price")

    assert "2099 is published, from 2099-01-01 00:00" in told(*publish, "ascend-910b3=4.25")

    lines = [line.split() for line in told("prices").splitlines() if line.startswith("2099 ")]
    assert ["2099", "2099-01-01", "00:00", "-", "ascend-910b3", "4.25"] in lines
    assert len(lines) == 2, "the other kind is as it was"
    assert "price list 2099 is published already" in told(*publish, "ascend-910b3=4.25", code=1)
    assert "is no KIND=YUAN" in told(*publish, "4.25", code=2)


def test_who_prices_a_kind_that_the_park_has_not_is_told_so() -> None:
    """It may be to come; or it is mistyped, and what was meant has kept its price."""
    publish = ("prices", "publish", "later", "--from", "2099-06-01", "--json", "--price")

    done = CliRunner().invoke(app, [*publish, "ascend-910b=9.99", "--price", "ascend-910b3=4.25"])

    assert (done.exit_code, json.loads(done.stdout)["not_in_park"]) == (0, ["ascend-910b"])
    assert " ".join(done.stderr.split()) == (
        "the park has no device kind ascend-910b: its price waits for it "
        "(there: ascend-910b3, hygon-k100-ai)"
    )
    later = ("prices", "publish", "last", "--from", "2099-07-01", "--price", "ascend-910b3=4.25")
    assert "no device kind" not in told(*later), "what was told once"


def test_a_top_up_is_booked_once() -> None:
    words = ("payments", "top-up", "bank-77", "--tenant", "fish", "--amount")

    first, again = told(*words, "10.00"), told(*words, "10.00", code=1)

    assert first.startswith("fish: balance ")
    assert "payment bank-77 is booked already" in again
