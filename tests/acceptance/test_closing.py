"""Finance closes a month and verifies the books, by its own commands; in the order of this file."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from accounting import ledger
from accounting.calendar import month_of, next_month
from accounting.proof.roots import draw_root
from accounting.storage import store
from api.clock import now_ms
from api.database import VERIFY_LOCK
from tests.acceptance.brokers import Served, problem_of
from tests.acceptance.in_process import brain
from tests.builders import used

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("closing"),
    pytest.mark.usefixtures("books"),
]

MONTH = "2026-01"
STEEL = used("2026-01-10T00:00", "2026-01-10T08:00", reference="a.1", device_count=2)
FISH = used("2026-01-11T00:00", "2026-01-11T01:00", reference="b.1", tenant_id="fish")


@pytest.fixture(scope="module")
def books(park: Served) -> Engine:
    """The broker's own, with a January in which two tenants used something."""
    database = park.broker.services.database
    with database.begin() as connection:
        hold = ledger.hold("steel", "a.1", 56_000_000, 1)
        store.book(connection, [STEEL, FISH], [], [hold])
        draw_root(connection, now_ms())
    return database


def test_a_month_that_is_not_over_stays_open(park: Served) -> None:
    current = month_of(now_ms())

    refused = problem_of(park.finance.post(f"/v1/months/{next_month(current)}:close"), 409)

    assert "is not over before" in refused["detail"]


def test_months_are_closed_in_their_order(park: Served) -> None:
    before = problem_of(park.finance.post("/v1/months/2025-12:close"), 409)
    after = problem_of(park.finance.post("/v1/months/2026-02:close"), 409)

    assert before["detail"] == (
        f"nothing was used or bought in 2025-12 or before: the first month to close is {MONTH}"
    )
    assert (
        after["detail"]
        == f"months are closed in order: {MONTH} has usage or a purchase and is open"
    )


def test_an_open_month_is_listed_for_those_who_used_something(park: Served) -> None:
    listed = {who: getattr(park, who).get("/v1/months").json() for who in ("fish", "poor")}

    assert [month["month"] for month in listed["fish"]["months"]] == [MONTH]
    assert listed["fish"]["months"][0]["state"] == "open"
    assert listed["poor"]["months"] == []


def test_finance_closes_a_month_for_all(data: Path) -> None:
    done = brain("close", MONTH, BRAIN_DATA=str(data))

    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["tenant", "yuan"],
        ["fish", "3.50"],
        ["steel", "56.00"],
    ]
    assert done.stderr.strip() == f"{MONTH} is closed"


def test_closed_twice_is_closed_once(data: Path, park: Served) -> None:
    first = brain("close", MONTH, "--json", BRAIN_DATA=str(data)).stdout
    again = brain("close", MONTH, "--json", BRAIN_DATA=str(data)).stdout

    assert again == first
    month = json.loads(first)
    assert month["state"] == "closed"
    stored = park.finance.get("/v1/statements", params={"tenant": "steel", "month": MONTH})
    assert month["statements"][1]["sha256"] == stored.headers["X-Content-SHA256"]


def test_a_tenant_sees_its_own_statement_of_a_closed_month_alone(park: Served) -> None:
    (month,) = park.fish.get("/v1/months").json()["months"]

    assert [one["tenant"] for one in month["statements"]] == ["fish"]


def test_the_months_are_shown(data: Path) -> None:
    done = brain("close", BRAIN_DATA=str(data))

    assert done.stdout.splitlines()[1].split()[:2] == [MONTH, "closed"]


def test_whole_books_are_said_to_be_whole(data: Path) -> None:
    done = brain("verify", BRAIN_DATA=str(data))

    assert done.returncode == 0, done.stdout
    assert "✓ (the park)" in done.stdout
    assert "✓ steel" in done.stdout
    assert "the books are whole" in done.stdout


def test_a_root_is_told_to_be_kept(data: Path) -> None:
    lines = json.loads(brain("verify", "--json", BRAIN_DATA=str(data)).stdout)["lines"]

    verdict = lines[-1]["verdict"]
    assert verdict["is_intact"]
    assert len(verdict["root"]) == 64
    assert verdict["root_day"] < f"{month_of(now_ms())}-32"


def test_books_are_verified_by_one_at_a_time(park: Served, books: Engine) -> None:
    with books.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({VERIFY_LOCK})"))

        refused = problem_of(park.finance.get("/v1/verification"), 429)

    assert refused["detail"] == "the books are being verified"


def test_an_altered_row_is_named_and_the_command_fails(data: Path, books: Engine) -> None:
    with books.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE usage SET device_count = 3 WHERE reference = 'a.1'"))

    done = brain("verify", BRAIN_DATA=str(data))

    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert f"✗ chain of tenant steel: usage a.1 {STEEL.from_ms}: link" in said
    assert f"✗ usage by the hour: steel {STEEL.from_ms}" in said
    assert "the books were altered: 9 places do not fit" in said
    assert "✓ fish" in said


def test_what_the_log_does_not_come_to_is_told(data: Path) -> None:
    """The January of these tests was written past the log."""
    done = brain("reconcile", BRAIN_DATA=str(data), COLUMNS="400")

    assert done.returncode == 1
    assert "✗ usage: in the books alone (one of 2): reference=a.1" in done.stdout
    assert "✗ transfers: in the books alone: kind=hold reference=a.1" in done.stdout
    assert "✗ usage by the hour: it says" in done.stdout
    assert "? not reachable: east, it is not in the park file (last heard " in done.stdout
