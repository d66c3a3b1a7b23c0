"""Packages by the interface: sold by finance, paid by the balance, seen by their tenant."""

import json
from pathlib import Path

import pytest

from api.clock import now_ms
from tests.acceptance.brokers import Served, await_state, await_that, problem_of, submitted
from tests.acceptance.in_process import brain
from tests.builders import HOUR_MS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packages")]

PACK = {
    "id": "HT-1",
    "tenant": "steel",
    "kind": "card_hours",
    "device": "ascend-910b3",
    "card_hours": 100,
    "from_ms": 0,
    "until_ms": now_ms() + 1_000 * HOUR_MS,
    "amount": "106.00",
}


def balance(park: Served) -> float:
    return float(park.steel.get("/v1/tenants/steel").json()["balance"])


def test_a_package_is_sold_once_and_paid_by_the_balance(park: Served) -> None:
    before = balance(park)

    sold = park.finance.post("/v1/packages", json=PACK)
    again = park.finance.post("/v1/packages", json=PACK)

    assert sold.status_code == 201, sold.text
    assert "package HT-1 is bought already" in problem_of(again, 409)["detail"]
    assert balance(park) == before - 106
    (listed,) = park.steel.get("/v1/packages").json()["items"]
    assert (listed["id"], listed["committed"], listed["used"]) == ("HT-1", "100", "0")
    assert park.fish.get("/v1/packages").json()["items"] == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tenant": "nobody"}, "there is no tenant nobody"),
        ({"device": "abacus"}, "there is no device kind abacus"),
        ({"until_ms": 1}, "it would be over already"),
        ({"cards": 8}, "card-hours are more than none, and have no cards"),
        (
            {"amount": "0"},
            "its price is 0.00 yuan: it must be more than 0, and 10,000,000,000 at most",
        ),
    ],
)
def test_what_cannot_be_sold_is_refused(change: dict[str, object], why: str, park: Served) -> None:
    refused = park.finance.post("/v1/packages", json=PACK | {"id": "HT-2"} | change)

    assert why in problem_of(refused, 422)["detail"]


def test_another_currency_is_refused_by_name(park: Served) -> None:
    before = park.finance.get("/v1/packages").json()
    in_dollars = PACK | {"id": "HT-3", "currency": "USD"}

    refused = problem_of(park.finance.post("/v1/packages", json=in_dollars), 422)

    assert [one["field"] for one in refused["errors"]] == ["currency"]
    assert park.finance.get("/v1/packages").json() == before


def test_what_a_job_uses_is_drawn_from_the_package(park: Served) -> None:
    before = balance(park)
    job_id = submitted(park.steel, command="sleep 1", device="ascend-910b3", devices=16, limit="1h")
    await_state(park.steel, job_id, "succeeded")
    await_that(lambda: park.steel.get("/v1/packages").json()["items"][0]["used"] != "0")

    statement = park.steel.get("/v1/statements").json()

    assert balance(park) == before
    (held,) = statement["packages"]
    assert held["used_device_ms"] > 0
    assert statement["totals"]["gross"] == "0.00"
    assert {line["price"] for line in statement["lines"]} == {"0.00"}
    told = park.finance.get("/v1/reconciliation").text
    assert json.loads(told.splitlines()[-1]) == {"differences": 0}


def test_finance_sells_and_lists_by_commands(data: Path) -> None:
    terms = ["--tenant", "fish", "--device", "hygon-k100-ai", "--cards", "16", "--amount", "9.50"]
    days = ["--from", "2026-01-01", "--until", "2099-01-01"]

    done = brain("packages", "sell", "HT-9", *terms, *days, BRAIN_DATA=str(data))
    listed = brain("packages", BRAIN_DATA=str(data), BRAIN_LANG="zh")

    assert done.returncode == 0, done.stderr
    (line,) = (line for line in listed.stdout.splitlines() if line.startswith("HT-9 "))
    assert line.split()[2:5] == ["hygon-k100-ai", "16", "2099-01-01"]
