"""What a command says when it has done its work, in both languages."""

import json
from typing import Any

import pytest

from api.cli import (
    closing_tables,
    invoices,
    jobs,
    language,
    report,
    settlement_tables,
    terminal,
)
from api.examples.answers import ANSWERS
from api.examples.bills import BILL_ANSWERS
from api.schemas.array_spec import ArrayView
from api.schemas.bills import InvoiceView
from api.schemas.books import (
    DifferenceView,
    MisfitView,
    ReconciliationLine,
    Verdict,
    VerificationLine,
)
from api.schemas.jobs import JobView
from api.schemas.reports import BrainReport
from tests.unit.api.documents.test_xlsx import a_platform

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (language, terminal):
        monkeypatch.setattr(module, "language", lambda: language.Language.ZH)


@pytest.mark.parametrize(
    ("state", "says"), [("running", "to be cancelled"), ("cancelled", "cancelled")]
)
def test_who_cancels_a_job_is_told_whether_it_is_gone(state: str, says: str) -> None:
    gone = JobView.model_validate({**ANSWERS["get_job"], "state": state})

    assert jobs._what_becomes_of(gone).removesuffix("[/]").endswith(says)


def test_an_array_whose_tasks_have_all_ended_is_not_to_be_cancelled() -> None:
    array: dict[str, Any] = ANSWERS["get_array"]
    over = ArrayView.model_validate({**array, "states": {"succeeded": 5}})
    still = ArrayView.model_validate({**array, "states": {"succeeded": 4, "queued": 1}})

    assert jobs._what_becomes_of(over) == "over: 5 [green]succeeded[/]"
    assert jobs._what_becomes_of(still) == "to be cancelled"


@pytest.mark.usefixtures("in_chinese")
def test_a_root_stands_alone_in_its_line(capsys: Capture) -> None:
    found = {"is_intact": True, "chains": 5, "facts": 46, "misfits": 0, "root": "0" * 64}

    closing_tables._print_verdict(Verdict.model_validate({**found, "root_day": "2026-11-26"}))

    assert capsys.readouterr().out.splitlines()[1:] == ["2026-11-26 的根，请另行保存：", "0" * 64]


MISFIT = VerificationLine(
    misfit=MisfitView(
        part="chain of tenant steel",
        row="closings 2026-10, or a statement of it",
        what="link 2: what it says does not give its hash",
    )
)
DIFFERENCE = ReconciliationLine(
    difference=DifferenceView(
        part="usage by the hour", row="steel 0", what="in the log alone", count=1
    )
)


def test_what_does_not_fit_is_told_as_it_is_found(capsys: Capture) -> None:
    closing_tables.print_line(MISFIT)
    closing_tables.print_reconciled(DIFFERENCE)

    assert capsys.readouterr().out.splitlines() == [
        (
            "✗ chain of tenant steel: closings 2026-10, or a statement of it: link 2: "
            "what it says does not give its hash"
        ),
        "✗ usage by the hour: in the log alone: steel 0",
    ]


@pytest.mark.usefixtures("in_chinese")
def test_what_does_not_fit_is_told_in_chinese(capsys: Capture) -> None:
    closing_tables.print_line(MISFIT)
    closing_tables.print_reconciled(DIFFERENCE)

    assert capsys.readouterr().out.splitlines() == [
        (
            "✗ 企业 steel 的哈希链：closings 2026-10，或该月的某份对账单："
            "第 2 链节：由其内容得不出其哈希"
        ),
        "✗ 小时用量：仅日志中有：steel 0",
    ]


@pytest.mark.parametrize(
    ("count", "altered", "differences"),
    [(1, "1 place does not fit", "1 difference"), (1_204, "1,204 places do not", "1,204 differe")],
)
def test_one_of_them_is_told_as_one(
    count: int, altered: str, differences: str, capsys: Capture
) -> None:
    closing_tables._print_verdict(Verdict(is_intact=False, chains=1, facts=1, misfits=count))
    closing_tables.print_reconciled(ReconciliationLine(differences=count))

    said, told = capsys.readouterr().out.splitlines()
    assert said.startswith(f"the books were altered: {altered}")
    assert told.startswith(differences)


@pytest.mark.usefixtures("in_chinese")
def test_by_what_a_centre_is_paid_is_told_on_the_platforms_statement(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement_tables, "KINDS", {"cost": "成本价"})

    settlement_tables.print_settlement(json.loads(a_platform()))

    assert "成本价" in capsys.readouterr().out


def an_invoice(state: str, credited: str, *kinds: str) -> InvoiceView:
    said: dict[str, Any] = BILL_ANSWERS["get_invoice"]
    step = {"number": "1", "amount": credited, "reason": "", "by": "f", "at_ms": 0}
    steps = [{**step, "kind": kind} for kind in kinds]
    return InvoiceView.model_validate(
        {**said, "state": state, "credited": credited, "steps": steps}
    )


def test_of_an_invoice_it_is_told_what_credit_notes_took_off(capsys: Capture) -> None:
    invoices._told(an_invoice("issued", "5.00", "issued", "credited"), as_json=False)
    invoices._told(an_invoice("issued", "0.00", "issued"), as_json=False)

    some, none = capsys.readouterr().err.splitlines()
    assert some.endswith("issued, 5.00 CNY credited")
    assert none.endswith("CNY, issued")


@pytest.mark.usefixtures("in_chinese")
def test_a_report_names_how_attempts_ended(capsys: Capture) -> None:
    found = BrainReport.model_validate(ANSWERS["brain_report"])

    report._print(found.model_copy(update={"ends": {"finished": 8, "node": 1}}))

    assert "结束原因：正常结束 8、节点故障 1" in capsys.readouterr().out
