"""What a command says when it has done its work, in both languages."""

from typing import Any

import pytest

from api.cli import closing_tables, jobs, language, report
from api.examples.answers import ANSWERS
from api.schemas.array_spec import ArrayView
from api.schemas.books import Verdict
from api.schemas.jobs import JobView
from api.schemas.reports import BrainReport

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "language", lambda: language.Language.ZH)


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


@pytest.mark.usefixtures("in_chinese")
def test_a_report_names_how_attempts_ended(capsys: Capture) -> None:
    found = BrainReport.model_validate(ANSWERS["brain_report"])

    report._print(found.model_copy(update={"ends": {"finished": 8, "node": 1}}))

    assert "结束原因：正常结束 8、节点故障 1" in capsys.readouterr().out
