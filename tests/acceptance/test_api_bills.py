"""What follows a month's close, by the interface and by commands; in the order of this file."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from accounting import store
from api.database import engine
from api.profile import Profile, write_profile
from tests.acceptance.brokers import Served, problem_of
from tests.acceptance.processes import brain
from tests.builders import used

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("bills"),
    pytest.mark.usefixtures("books"),
]

MONTH = "2026-01"
STEEL = used("2026-01-10T00:00", "2026-01-10T08:00", reference="a.1", device_count=2)
FISH = used("2026-01-11T00:00", "2026-01-11T01:00", reference="b.1", tenant_id="fish")


@pytest.fixture(scope="module")
def books(request: pytest.FixtureRequest, module_database_url: str) -> Iterator[Engine]:
    """The broker's own, with a January in which two tenants used something."""
    request.getfixturevalue("park")
    connected = engine(module_database_url)
    with connected.begin() as connection:
        store.book(connection, [STEEL, FISH], [], [])
    yield connected
    connected.dispose()


@pytest.fixture
def data(address: str, park: Served, tmp_path: Path) -> Path:
    """A data folder as `brain up` leaves it."""
    write_profile(tmp_path, Profile(url=address, tenant="steel", keys=park.keys))
    return tmp_path


def test_a_draft_is_not_confirmed(park: Served) -> None:
    refused = problem_of(park.steel.post(f"/v1/statements/{MONTH}:confirm"), 409)

    assert refused["detail"].endswith("a draft may still change")


def test_a_tenant_disputes_a_line_and_finance_resolves_it(park: Served, data: Path) -> None:
    assert park.finance.post(f"/v1/months/{MONTH}:close").status_code == 200
    told = ("--line", "1", "--reason", "the node was down")

    disputed = brain("--as", "steel", "statement", "dispute", MONTH, *told, BRAIN_DATA=str(data))
    listed = brain("close", BRAIN_DATA=str(data))
    answer = ("resolve", MONTH, "--tenant", "steel", "--reason", "see 2026-02")
    resolved = brain("statement", *answer, BRAIN_DATA=str(data))

    assert (disputed.returncode, resolved.returncode) == (0, 0), disputed.stderr + resolved.stderr
    assert listed.stdout.split()[-1] == "1"
    said = park.steel.get(f"/v1/statements/{MONTH}/replies").json()
    assert said["standing"] == "resolved"
    assert [(one["kind"], one["reason"], one["lines"]) for one in said["items"]] == [
        ("disputed", "the node was down", [1]),
        ("resolved", "see 2026-02", []),
    ]
    assert said["items"][0]["by"].startswith("steel (")


def test_a_confirmed_statement_says_so_and_is_disputed_no_more(park: Served, data: Path) -> None:
    park.steel.post(f"/v1/statements/{MONTH}:confirm")
    refused = park.steel.post(f"/v1/statements/{MONTH}:dispute", json={"reason": "after all"})

    shown = brain("statement", "--month", MONTH, "--tenant", "steel", BRAIN_DATA=str(data))

    assert "is confirmed already" in problem_of(refused, 409)["detail"]
    assert shown.stdout.splitlines()[-1].startswith("confirmed")
    months = park.finance.get("/v1/months").json()["months"]
    standings = {one["tenant"]: one["standing"] for one in months[0]["statements"]}
    assert standings == {"fish": "open", "steel": "confirmed"}


def test_a_tenant_sees_what_was_said_of_its_own_alone(park: Served) -> None:
    problem_of(park.fish.get(f"/v1/statements/{MONTH}/replies?tenant=steel"), 404)

    assert park.fish.get(f"/v1/statements/{MONTH}/replies").json()["items"] == []


def test_the_books_are_whole_with_all_that_was_said(park: Served) -> None:
    lines = park.finance.get("/v1/verification").text.splitlines()

    assert json.loads(lines[-1])["verdict"]["is_intact"]
