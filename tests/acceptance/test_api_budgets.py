"""Budgets and the hard stop by the interface: set by their tenant, counted by the books."""

import json
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from httpx2 import Response
from sqlalchemy import event

from accounting.calendar import month_bounds, month_of
from accounting.storage import store
from accounting.usage.slices import UsageCredit, UsageSlice
from api.clock import now_ms
from api.database import engine
from tests.acceptance.brokers import Served, await_state, problem_of, submitted
from tests.acceptance.in_process import brain
from tests.builders import HOUR_MS, USAGE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("budgets")]


def test_a_tenant_sets_a_budget_and_the_books_say_what_is_spent(
    park: Served, module_database_url: str
) -> None:
    month = month_of(now_ms())
    begin_ms = month_bounds(month)[0]
    hour = replace(USAGE, project="vision", from_ms=begin_ms, to_ms=begin_ms + HOUR_MS)
    other = replace(hour, reference="other.1", project="speech", device_count=8)
    connected = engine(module_database_url)
    with connected.begin() as connection:
        store.book(connection, [replace(hour, device_count=8), other], [], [])
    connected.dispose()

    made = park.steel.put("/v1/budgets", json={"amount": "40.00", "project": "vision"}).json()
    park.steel.put("/v1/budgets", json={"amount": "1000", "hard_stop": True})

    assert (made["tenant"], made["project"], made["month"]) == ("steel", "vision", month)
    assert (made["amount"], made["spent"], made["percent"]) == ("40.00", "28.00", 70)
    listed = park.finance.get("/v1/budgets", params={"tenant": "steel"}).json()["items"]
    assert [(one["project"], one["percent"], one["hard_stop"]) for one in listed] == [
        (None, 5, True),
        ("vision", 70, False),
    ]
    assert park.fish.get("/v1/budgets").json()["items"] == []
    gone = park.steel.put("/v1/budgets", json={"amount": "0", "project": "vision"})
    assert gone.json()["percent"] == 0
    assert [one["project"] for one in park.steel.get("/v1/budgets").json()["items"]] == [None]


def test_a_job_tells_what_it_has_cost_less_what_was_given_back(
    park: Served, module_database_url: str
) -> None:
    job_id = submitted(park.steel, command="sleep 1", centres=["east"])
    before = await_state(park.steel, job_id, "succeeded")
    begin_ms = month_bounds(month_of(now_ms()))[0]
    attempt_id = before["attempts"][0]["id"]
    hour = replace(USAGE, reference=attempt_id, from_ms=begin_ms, to_ms=begin_ms + HOUR_MS)
    back = UsageCredit(
        reference=attempt_id, tenant_id="steel", at_ms=now_ms(), cause="node", recorded_at_ms=0
    )

    costs = [before["cost"]]
    connected = engine(module_database_url)
    steps: list[tuple[list[UsageSlice], list[UsageCredit]]] = [([hour], []), ([], [back])]
    for usage, credits_ in steps:
        with connected.begin() as connection:
            store.book(connection, usage, credits_, [])
        costs.append(park.steel.get(f"/v1/jobs/{job_id}").json()["cost"])
    connected.dispose()

    first, more, left = map(Decimal, costs)
    assert (more - first, left) == (Decimal("3.50") * hour.device_count, Decimal(0))
    listed = park.steel.get("/v1/jobs").json()["items"]
    assert {one["cost"] for one in listed} == {None}


def test_a_job_has_a_budget_while_it_is_not_over(park: Served) -> None:
    held = submitted(park.steel, command="sleep 60", limit="1h")

    made = park.steel.put("/v1/budgets", json={"amount": "5", "job_id": held}).json()

    assert (made["job_id"], made["month"], made["spent"]) == (held, None, "0.00")
    refused = park.fish.put("/v1/budgets", json={"amount": "5", "job_id": held})
    assert "was never one of fish" in problem_of(refused, 409)["detail"]
    both = {"amount": "5", "job_id": held, "project": "vision"}
    problem_of(park.steel.put("/v1/budgets", json=both), 422)


def test_a_tenant_that_is_divided_has_no_budget_for_a_project_of_nobody(park: Served) -> None:
    project = {"name": "vision", "weight": 100, "max_cards": 8}
    assert park.fish.put("/v1/projects/vision", json=project).status_code == 200

    def put(**budget: str) -> Response:
        return park.fish.put("/v1/budgets", json=budget)

    told = problem_of(put(amount="5", project="nobody"), 422)

    assert told["detail"] == "there is no project nobody of tenant fish"
    assert told["detail_zh"] == "企业 fish 没有项目 nobody"
    assert (told["errors"][0]["field"], told["errors"][0]["fix"]) == (
        "project",
        "use one of vision",
    )
    assert put(amount="5", project="vision").status_code == 200
    assert put(amount="0", project="nobody").status_code == 200, "from before it was divided"


def test_many_budgets_are_listed_by_as_many_questions_as_few(park: Served) -> None:
    asked: list[str] = []

    def count(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    def questions() -> int:
        """The fewest of three: once a second the key is looked up as well."""
        return min(one_call() for _ in "123")

    def one_call() -> int:
        asked.clear()
        assert park.steel.get("/v1/budgets").status_code == 200
        return len(asked)

    budgets = [{"job_id": submitted(park.steel, command="sleep 60", limit="1h")} for _ in "123"]
    set_budget = partial(park.steel.put, "/v1/budgets")
    set_budget(json={"amount": "5", "project": "vision"})
    set_budget(json={"amount": "5"} | budgets.pop())
    event.listen(park.broker.services.database, "before_cursor_execute", count)
    try:
        few = questions()
        for one in (*budgets, {}, {"project": "speech"}):
            set_budget(json={"amount": "5"} | one)
        assert questions() == few
    finally:
        event.remove(park.broker.services.database, "before_cursor_execute", count)


def test_a_tenant_chooses_its_hard_stop_and_keeps_it(park: Served) -> None:
    assert park.steel.get("/v1/tenants/steel").json()["hard_stop"] is False

    chosen = park.steel.put("/v1/tenants/steel/hard-stop", json={"is_on": True})

    assert chosen.json() == {"tenant": "steel", "is_on": True}
    assert park.steel.get("/v1/tenants/steel").json()["hard_stop"] is True
    problem_of(park.fish.put("/v1/tenants/steel/hard-stop", json={"is_on": False}), 404)
    steel = park.operator.get("/v1/tenants/steel").json()
    wanted = {name: steel[name] for name in ("name", "field", "price_class", "max_cards")}
    assert park.operator.put("/v1/tenants/steel", json=wanted).json()["hard_stop"] is True
    off = park.operator.put("/v1/tenants/steel", json=wanted | {"hard_stop": False})
    assert off.json()["hard_stop"] is False


def test_the_command_line_sets_and_lists(data: Path) -> None:
    own = str(data)
    set_it = ["--as", "steel", "budgets", "set", "250", "--json"]
    done = brain(*set_it, BRAIN_DATA=own)
    listed = brain("budgets", BRAIN_DATA=own, COLUMNS="120")
    labelled = brain(*set_it, "--project", "nobody", BRAIN_DATA=own)
    removed = brain("--as", "steel", "budgets", "set", "0", "--project", "nobody", BRAIN_DATA=own)

    assert json.loads(done.stdout)["amount"] == "250.00"
    assert (done.stderr, removed.stderr) == ("", "")
    assert labelled.stderr == (
        "steel is not divided into projects: of its jobs those count that name nobody\n"
    )
    assert "250.00" in listed.stdout


def test_a_budget_of_less_than_a_fen_is_shown_as_it_was_set(data: Path) -> None:
    own = str(data)

    done = brain("--as", "steel", "budgets", "set", "0.001", BRAIN_DATA=own)

    assert "of 0.001 CNY spent" in done.stdout
    assert "0.001" in brain("budgets", BRAIN_DATA=own, COLUMNS="120").stdout
