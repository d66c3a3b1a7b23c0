"""Vouchers by the interface: issued by finance, seen by their tenant, burnt at the close."""

import json
from pathlib import Path

import pytest

from accounting.storage import store
from tests.acceptance.brokers import Served, await_that, problem_of
from tests.acceptance.in_process import brain
from tests.builders import shanghai, used

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("vouchers")]

MONTH = "2026-01"
STEEL = used("2026-01-10T00:00", "2026-01-10T08:00", reference="a.1", device_count=2)
VOUCHER = {
    "id": "QD-7",
    "tenant": "steel",
    "issuer": "Qingdao",
    "contract": "HT-1",
    "amount": "50.00",
    "share_permille": 500,
    "from_ms": shanghai("2026-01-01T00:00"),
    "until_ms": shanghai("2027-01-01T00:00"),
}


def test_a_voucher_is_issued_once(park: Served) -> None:
    first = park.finance.post("/v1/vouchers", json=VOUCHER)
    again = park.finance.post("/v1/vouchers", json=VOUCHER)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (first.json()["amount"], first.json()["left"]) == ("50.00", "50.00")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"amount": "60.00"}, "voucher QD-7 is issued already, and is another"),
        ({"id": "QD-8"}, "contract HT-1 has voucher QD-7: no double subsidy"),
    ],
)
def test_a_number_and_a_contract_have_one_voucher(
    other: dict[str, str], why: str, park: Served
) -> None:
    refused = problem_of(park.finance.post("/v1/vouchers", json=VOUCHER | other), 409)

    assert refused["detail"] == why


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"tenant": "nobody"}, "tenant"),
        ({"fields": ["astrology"]}, "fields"),
        ({"devices": ["abacus"]}, "devices"),
        ({"centres": ["moon"]}, "centres"),
        ({"amount": "-1"}, "amount"),
        ({"share_permille": 1_001}, "share_permille"),
    ],
)
def test_a_voucher_that_could_pay_nothing_is_refused(
    bad: dict[str, object], field: str, park: Served
) -> None:
    wanted = VOUCHER | {"id": "QD-9", "contract": "HT-9"} | bad
    refused = problem_of(park.finance.post("/v1/vouchers", json=wanted), 422)

    assert refused["errors"][0]["field"] == field


@pytest.mark.parametrize("bad", [{"amount": "0"}, {"until_ms": 7}])
def test_a_voucher_that_cannot_be_is_refused_in_words(bad: dict[str, object], park: Served) -> None:
    wanted = VOUCHER | {"id": "QD-9", "contract": "HT-9"} | bad
    refused = problem_of(park.finance.post("/v1/vouchers", json=wanted), 422)

    assert refused["detail"].startswith("voucher QD-9: it")


def test_a_tenant_sees_its_own_alone(park: Served) -> None:
    own = park.steel.get("/v1/vouchers").json()["items"]
    others = park.fish.get("/v1/vouchers").json()["items"]

    assert [one["id"] for one in own] == ["QD-7"]
    assert others == []


def test_finance_issues_and_lists_by_commands(data: Path) -> None:
    terms = ["--tenant", "fish", "--issuer", "青岛市", "--contract", "HT-2", "--amount", "9.50"]
    days = ["--from", "2026-01-01", "--until", "2027-01-01", "--share", "12.5"]

    done = brain("vouchers", "issue", "QD-8", *terms, *days, BRAIN_DATA=str(data))
    listed = brain("vouchers", BRAIN_DATA=str(data), COLUMNS="120")

    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["voucher", "QD-7", "QD-8"]
    assert "12.5 %" in listed.stdout
    assert " 2027-01-01 " in listed.stdout, "the year as well"


def test_a_close_gives_a_tenant_back_what_its_voucher_pays(park: Served) -> None:
    with park.broker.services.database.begin() as connection:
        store.book(connection, [STEEL], [], [])
    before = balance(park)

    closed = park.finance.post(f"/v1/months/{MONTH}:close")

    assert closed.status_code == 200, closed.text
    statement = park.steel.get("/v1/statements", params={"month": MONTH}).json()
    assert (statement["totals"]["gross"], statement["totals"]["due"]) == ("56.00", "28.00")
    await_that(lambda: balance(park) == before + 28)
    (voucher,) = park.steel.get("/v1/vouchers").json()["items"]
    assert voucher["left"] == "22.00"


def balance(park: Served) -> float:
    return float(park.steel.get("/v1/tenants/steel").json()["balance"])


def test_closed_again_nothing_is_paid_twice(park: Served) -> None:
    before = balance(park)

    park.finance.post(f"/v1/months/{MONTH}:close")
    park.finance.post("/v1/tenants/steel:top-up", json={"amount": "1.00", "reference": "after"})

    assert balance(park) == before + 1
    with park.broker.services.database.connect() as connection:
        accounts = store.balances(connection)
    assert accounts["tenant:steel:voucher:QD-7"] == 22_000_000
    assert sum(accounts.values()) == 0
    lines = park.finance.get("/v1/verification").text.splitlines()
    assert json.loads(lines[-1])["verdict"]["is_intact"]
    told = park.finance.get("/v1/reconciliation").text
    # January was written past the log; all that followed from its close was not.
    assert json.loads(told.splitlines()[-1]) == {"differences": 1}
    assert "reference=a.1" in told
