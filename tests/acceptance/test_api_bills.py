"""What follows a month's close, by the interface and by commands; in the order of this file."""

import json
import zipfile
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from accounting.storage import store
from accounting.usage.slices import UsageCredit
from tests.acceptance.brokers import Served, problem_of
from tests.acceptance.in_process import brain
from tests.acceptance.processes import eventually
from tests.builders import shanghai, used

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("bills"),
    pytest.mark.usefixtures("books"),
]

MONTH = "2026-01"
STEEL = used(
    "2026-01-10T00:00", "2026-01-10T08:00", reference="a.1", device_count=2, centre_id="east"
)
FISH = used(
    "2026-01-11T00:00", "2026-01-11T01:00", reference="b.1", tenant_id="fish", centre_id="west"
)


@pytest.fixture(scope="module")
def books(park: Served) -> Engine:
    """The broker's own, with a January in which two tenants used something."""
    database = park.broker.services.database
    with database.begin() as connection:
        store.book(connection, [STEEL, FISH], [], [])
    return database


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"centre": "moon"}, "moon is unknown"),
        ({"prices": {}}, "ascend-910b3 of this centre has no price"),
        ({"prices": {"ascend-910b3": "2.10", "abacus": "1"}}, "abacus is not in this centre"),
    ],
)
def test_terms_that_could_pay_nothing_are_refused(
    terms: dict[str, object], why: str, park: Served
) -> None:
    wanted = {"centre": "east", "month": MONTH, "kind": "cost", "prices": {"ascend-910b3": "2.10"}}

    refused = problem_of(park.finance.post("/v1/terms", json=wanted | terms), 422)

    assert why in refused["detail"]


def test_finance_publishes_what_a_centre_gets(data: Path, park: Served) -> None:
    told = partial(brain, BRAIN_DATA=str(data))
    by_share = {"centre": "east", "month": MONTH, "kind": "share"}
    seventy = {"tiers": [{"from_card_hours": 0, "share_permille": 700}]}

    done = told("terms", "publish", "east", MONTH, "--cost", "ascend-910b3=2.10")
    other = park.finance.post("/v1/terms", json=by_share | seventy)
    listed = told("terms")

    assert done.returncode == 0, done.stderr
    assert f"centre east has other terms from {MONTH} on" in problem_of(other, 409)["detail"]
    rows = [line.split() for line in listed.stdout.splitlines()]
    assert rows[1] == ["east", MONTH, "cost", "ascend-910b3", "2.10", "6", "%"]


def test_a_draft_is_not_confirmed(park: Served) -> None:
    refused = problem_of(park.steel.post(f"/v1/statements/{MONTH}:confirm"), 409)

    assert refused["detail"].endswith("a draft may still change")


def test_a_tenant_disputes_a_line_and_finance_resolves_it(park: Served, data: Path) -> None:
    assert park.finance.post(f"/v1/months/{MONTH}:close").status_code == 200
    told = ("--line", "1", "--reason", "the node was down")

    disputed = brain("--as", "steel", "statement", "dispute", MONTH, *told, BRAIN_DATA=str(data))
    listed = brain("close", BRAIN_DATA=str(data))
    whose = ("--tenant", "steel", "--accept", "--reason", "see 2026-02")
    resolve = partial(brain, "statement", "resolve", MONTH, *whose, BRAIN_DATA=str(data))
    too_much = resolve("--amount", "56.01")
    decided = resolve("--amount", "7.00")

    assert (too_much.returncode, "56.01 yuan cannot be granted" in too_much.stderr) == (1, True)
    assert (disputed.returncode, decided.returncode) == (0, 0), disputed.stderr + decided.stderr
    assert listed.stdout.split()[-1] == "1"
    said = park.steel.get(f"/v1/statements/{MONTH}/replies").json()
    assert said["standing"] == "accepted"
    assert [(one["kind"], one["reason"], one["lines"]) for one in said["items"]] == [
        ("disputed", "the node was down", [1]),
        ("accepted", "see 2026-02", []),
    ]
    assert said["items"][0]["by"].startswith("steel (")
    assert [one["granted"] for one in said["items"]] == [None, "7.00"]


def test_what_finance_granted_is_in_the_ledger_and_on_the_next_statement(
    books: Engine, data: Path
) -> None:
    asked = text("SELECT amount_micros FROM transfers WHERE reference = 'steel@2026-01#2'")
    with books.connect() as connection:
        eventually(lambda: connection.scalar(asked) == 7_000_000, "nobody moved 7.00 yuan")

    shown = brain(
        "statement",
        "--tenant",
        "steel",
        "--month",
        "2026-02",
        BRAIN_DATA=str(data),
        BRAIN_LANG="en",
    )

    granted = "granted in the dispute about 2026-01, lines 1: -7.00 CNY = -6.60 + VAT -0.40"
    assert granted in " ".join(shown.stdout.split())
    assert "due -7.00 CNY" in shown.stdout


def test_the_leader_moves_the_tax_of_a_closed_month(books: Engine) -> None:
    """3.17 of 56.00, and 0.20 of 3.50; tenants read the event of their own."""
    with books.connect() as connection:
        moved = partial(store.balances, connection)
        eventually(lambda: moved().get("tax") == 3_370_000, lambda: f"3.37 are tax: {moved()}")
        told = text("SELECT tenant_id FROM events WHERE kind = 'tax_stated' ORDER BY seq")
        assert list(connection.scalars(told)) == ["fish", "steel"]


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


def test_centres_and_the_platform_have_statements_too(park: Served, data: Path) -> None:
    told = partial(brain, BRAIN_DATA=str(data))

    centre = told("statement", "--centre", "east", "--month", MONTH)
    platform = told("statement", "--platform", "--month", MONTH)

    assert "owed 33.60 CNY = 31.70 + VAT 1.90" in centre.stdout
    assert "margin 24.43 CNY = 56.13 + packages 0.00 - cost 31.70, before tax" in platform.stdout
    # January was written past the ledger.
    assert "✗ the ledger has 0.00: 59.50 less" in platform.stdout
    stored = park.finance.get("/v1/settlements", params={"month": MONTH})
    assert stored.json()["state"] == "closed"
    problem_of(park.finance.get("/v1/settlements?centre=moon"), 404)


CODE = "91370200163562681G"
INVOICE = {"id": "i1", "month": MONTH, "buyer": "青岛某钢铁有限公司", "credit_code": CODE}


def test_a_mistyped_credit_code_is_refused_and_nothing_is_written(park: Served) -> None:
    wrong = INVOICE | {"credit_code": CODE[:-1] + "A"}

    refused = problem_of(park.steel.post("/v1/invoices", json=wrong), 409)

    assert refused["detail"].endswith("is mistyped: its last character would be G")
    assert park.steel.get("/v1/invoices").json()["items"] == []


def test_a_tenant_asks_for_an_invoice_once(park: Served) -> None:
    first = park.steel.post("/v1/invoices", json=INVOICE)
    again = park.steel.post("/v1/invoices", json=INVOICE)
    more = park.steel.post("/v1/invoices", json=INVOICE | {"id": "i2", "amount": "0.01"})

    assert (first.status_code, again.json()) == (201, first.json())
    body = first.json()
    assert (body["net"], body["tax"], body["gross"]) == ("52.83", "3.17", "56.00")
    assert body["state"] == "requested"
    assert "0.00 are due and not asked for yet" in problem_of(more, 409)["detail"]
    problem_of(park.fish.get("/v1/invoices/i1"), 404)
    theirs = park.fish.post("/v1/invoices", json=INVOICE | {"tenant": "steel"})
    assert problem_of(theirs, 404)["detail"] == "there is no tenant steel"


def test_finance_notes_what_became_of_it_and_who_paid(data: Path, park: Served) -> None:
    told = partial(brain, BRAIN_DATA=str(data), COLUMNS="160")
    terms = ("--tenant", "steel", "--amount", "50.00", "--paid", "2026-02-03", "--invoice", "i1")

    issued = park.finance.post("/v1/invoices/i1:issue", json={"number": "26370001"})
    paid = told("payments", "record", "bank-1", *terms)
    credit = {"number": "26370002", "amount": "6.00", "reason": "a discount"}
    credited = park.finance.post("/v1/invoices/i1:credit", json=credit)
    shown = told("invoices", "show", "i1")
    listed = told("payments")

    assert (issued.json()["state"], issued.json()["number"]) == ("issued", "26370001")
    assert (paid.returncode, credited.status_code) == (0, 200), paid.stderr + credited.text
    assert "*信息技术服务*算力服务费" in shown.stdout
    rows = [line.split() for line in listed.stdout.splitlines() if line]
    assert ["steel", MONTH, "56.00", "50.00", "56.00", "6.00", "50.00", "6.00"] in rows
    assert rows[-1] == ["total", "9.50"]


def test_invoices_are_listed_page_by_page(park: Served) -> None:
    again = park.steel.post("/v1/invoices", json=INVOICE | {"id": "i3", "amount": "6.00"})
    assert again.status_code == 201, again.text

    first = park.steel.get("/v1/invoices", params={"limit": 1}).json()
    second = park.steel.get("/v1/invoices", params={"limit": 1, "cursor": first["next"]}).json()

    assert [one["id"] for one in (*first["items"], *second["items"])] == ["i1", "i3"]
    assert second["next"] is None
    problem_of(park.steel.get("/v1/invoices", params={"limit": 0}), 422)


def test_all_are_documents_and_workbooks_as_well(data: Path, park: Served, tmp_path: Path) -> None:
    months = {"month": MONTH}
    asked: tuple[tuple[str, dict[str, str]], ...] = (
        ("/v1/settlements", months | {"format": "pdf"}),
        ("/v1/settlements", months | {"format": "pdf", "centre": "east"}),
        ("/v1/invoices/i1/document", {}),
        ("/v1/settlements", months | {"format": "xlsx"}),
        ("/v1/settlements", months | {"format": "xlsx", "centre": "east"}),
        ("/v1/statements", months | {"format": "xlsx", "tenant": "steel"}),
    )

    begins = [park.finance.get(path, params=terms).content[:4] for path, terms in asked]
    book = ("--platform", "--month", MONTH, "--xlsx", "-o", "platform.xlsx")
    done = brain("statement", *book, BRAIN_DATA=str(data), cwd=tmp_path)

    assert begins == [b"%PDF"] * 3 + [b"PK\x03\x04"] * 3
    assert done.returncode == 0, done.stderr
    written = park.finance.get("/v1/settlements", params=months | {"format": "xlsx"})
    assert (tmp_path / "platform.xlsx").read_bytes() == written.content


def test_a_command_that_is_wrong_says_so_before_it_asks(data: Path) -> None:
    wrong = ("--buyer", "x", "--code", "123", "--tenant", "steel")

    done = brain("invoices", "ask", MONTH, *wrong, BRAIN_DATA=str(data))

    assert done.returncode == 2
    assert "--code: needs 18 digits and capitals, without I, O, S, V, Z" in done.stderr


@pytest.mark.parametrize(
    ("wanted", "status", "why"),
    [
        ({"amount": "6.01"}, 409, "6.00 are open"),
        ({"paid_at_ms": 4_000_000_000_000}, 422, "later than now"),
        ({"month": None}, 422, "of a month, or of an invoice"),
        ({"invoice": "i9"}, 404, "no invoice request i9"),
        ({"month": "2026-02"}, 409, "is a draft: close 2026-02 first"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(
    wanted: dict[str, object], status: int, why: str, park: Served
) -> None:
    payment = {"reference": "b9", "tenant": "steel", "month": MONTH, "amount": "1", "paid_at_ms": 1}

    refused = problem_of(park.finance.post("/v1/payments", json=payment | wanted), status)

    assert why in refused["detail"]


def test_what_was_paid_is_claimed_by_commands(data: Path, park: Served, tmp_path: Path) -> None:
    told = partial(brain, BRAIN_DATA=str(data), cwd=tmp_path)
    valid = {"from_ms": 0, "until_ms": shanghai("2099-01-01T00:00")}
    fund = {"issuer": "青岛市", "pool": "算力券", "year": "2026", "budget": "1000"}
    pays = {"share_permille": 200, "minimum": "50", "cap": "100"}
    by = {"id": "qd-2026", "mode": "reimburse_after_payment", **fund, **pays, **valid}
    contract = {"number": "HT-1", "tenant": "steel", "amount": "800001", "district": "黄岛区"}

    published = park.finance.post("/v1/claim-rules", json=by)
    registered = park.finance.post("/v1/contracts", json=contract | valid)
    assessed = told("claims", "assess", "qd-2026", "HT-1")
    made = told("claims", "make", "qd-2026", "HT-1")
    again = park.finance.post("/v1/claims", json={"rule": "qd-2026", "contract": "HT-1"})
    packed = told("claims", "pack", "qd-2026.steel", "-o", "steel.zip")

    assert (published.status_code, registered.status_code) == (201, 201), published.text
    assert assessed.stdout.splitlines()[-1].split() == ["may", "be", "claimed", "10.00"]
    assert made.stderr.strip() == "claim qd-2026.steel: 10.00 CNY"
    assert packed.returncode == 0, packed.stderr
    with zipfile.ZipFile(tmp_path / "steel.zip") as files:
        assert files.testzip() is None
        assert f"consumption/{MONTH}.pdf" in files.namelist()
    assert park.steel.get("/v1/claims").json()["items"] == [again.json()]
    for of_tenants in ("claims", "contracts", "invoices", "payments"):
        assert park.fish.get(f"/v1/{of_tenants}").json()["items"] == []
    problem_of(park.fish.get("/v1/claims/qd-2026.steel/pack"), 404)


def test_a_claim_by_what_is_not_there_is_refused(park: Served) -> None:
    no_rule = park.finance.post("/v1/claims", json={"rule": "x", "contract": "HT-1"})
    no_contract = park.finance.post("/v1/claims", json={"rule": "qd-2026", "contract": "x"})

    assert problem_of(no_rule, 404)["detail"] == "there is no rule x"
    assert problem_of(no_contract, 404)["detail"] == "there is no contract x"


def test_the_books_are_whole_with_all_that_was_said(park: Served) -> None:
    lines = park.finance.get("/v1/verification").text.splitlines()

    assert json.loads(lines[-1])["verdict"]["is_intact"]


def test_what_is_given_back_of_what_was_granted_is_told_at_the_close(
    park: Served, books: Engine, data: Path
) -> None:
    credit = UsageCredit(
        reference="a.1", tenant_id="steel", at_ms=STEEL.to_ms, cause="node", recorded_at_ms=0
    )
    with books.begin() as connection:
        store.book(connection, [], [credit], [])

    closed = park.finance.post("/v1/months/2026-02:close").json()
    again = brain("close", "2026-02", BRAIN_DATA=str(data))
    in_chinese = brain("close", "2026-02", BRAIN_DATA=str(data), BRAIN_LANG="zh")

    assert closed["granted_twice"] == [
        {
            "tenant": "steel",
            "month": MONTH,
            "decision": 2,
            "granted": "7.00",
            "given_back": "56.00",
        }
    ]
    said = "steel: 7.00 yuan were granted about 2026-01, and 56.00 of the same usage were given"
    assert said in " ".join(again.stderr.split())
    said = "steel：2026-01 的异议已给予折让 7.00 元，此后同一用量又退回 56.00 元：两者均有效"
    assert said in in_chinese.stderr.replace("\n", "")
