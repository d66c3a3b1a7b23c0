"""How invoices and packages look in a terminal of 80 columns."""

from typing import Any

import pytest
from rich.cells import cell_len

from accounting.calendar import iso_time
from api.cli.bill_tables import invoices_table, print_invoice, print_replies
from api.cli.language import language
from api.cli.terminal import console
from api.examples.bills import BILL_ANSWERS
from api.schemas.bills import InvoiceList, InvoiceView, ReplyList

LONG_ID = "t03-2026-10-8df108"
NUMBER = "26372000000012345678"


def lines_of(**changes: Any) -> list[str]:
    (invoice,) = BILL_ANSWERS["list_invoices"]["items"]
    found = InvoiceList.model_validate({"items": [{**invoice, "id": LONG_ID, **changes}]})
    with console.capture() as captured:
        console.print(invoices_table(found), width=80)
    return captured.get().splitlines()


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_neither_an_id_nor_a_number_is_broken(monkeypatch: pytest.MonkeyPatch, tongue: str) -> None:
    monkeypatch.setenv("BRAIN_LANG", tongue)
    language.cache_clear()

    lines = lines_of(number=NUMBER)

    language.cache_clear()
    assert any(line.startswith(f"{LONG_ID} t03") for line in lines)
    assert any(f" {NUMBER} " in line for line in lines)
    assert max(map(cell_len, lines)) <= 80


@pytest.mark.parametrize(
    ("changes", "unpaid"),
    [
        ({"gross": "100.00", "credited": "30.00", "paid": "50.00"}, "20.00"),
        ({"gross": "100.00", "state": "withdrawn"}, "-"),
    ],
)
def test_what_is_unpaid_is_neither_credited_nor_withdrawn(
    changes: dict[str, str], unpaid: str
) -> None:
    assert lines_of(**changes)[1].split()[-2:] == ["100.00", unpaid]


def test_what_became_of_an_invoice_is_told_with_its_year(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRAIN_LANG", "zh")
    language.cache_clear()
    invoice = InvoiceView.model_validate(BILL_ANSWERS["get_invoice"])

    print_invoice(invoice)

    language.cache_clear()
    (step,) = invoice.steps
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"已开具 {step.number} {step.amount}  {moment(step.at_ms)} {step.by}"


def test_what_was_said_of_a_statement_is_told_with_its_year(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = ReplyList.model_validate(BILL_ANSWERS["list_replies"])

    print_replies(said)

    words = " ".join(capsys.readouterr().out.split())
    assert words.endswith(f" {moment(said.items[-1].at_ms)} {said.items[-1].by}")


def moment(at_ms: int) -> str:
    return iso_time(at_ms)[:16].replace("T", " ")
