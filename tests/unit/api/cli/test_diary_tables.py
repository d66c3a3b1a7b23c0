"""How a terminal shows log and books beside what centres have kept."""

from typing import Any

import pytest

from api.cli import language
from api.cli.diary_tables import print_centres
from api.examples.books import BOOK_ANSWERS
from api.schemas.books import CentresReconciled

EXAMPLE: dict[str, Any] = BOOK_ANSWERS["centres_reconciled"]
(CENTRE,) = EXAMPLE["centres"]
(GHOST,) = EXAMPLE["differences"]
SILENT = CENTRE | {"id": "south", "is_compared": False, "why_not": "silent", "heard_at_ms": None}
SORTS = (*("unknown", "goes_on", "gone", "over", "start", "time", "place", "usage", "never_ran"),)


def said(capsys: pytest.CaptureFixture[str], **changes: object) -> str:
    print_centres(CentresReconciled.model_validate({**EXAMPLE, **changes}))
    return " ".join(capsys.readouterr().out.split())


def test_a_difference_says_whose_it_is_what_either_side_has_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys)

    assert "✗ qdaicc j01m892qmfmrqxgv43rsg2pybxq.1 (job j01m892qmfmrqxgv43rsg2pybxq, tenant" in text
    assert "tenant t03): unknown: it ran, and the log does not know it" in text
    assert "log: knows nothing of it; centre: running 2026-11-25 " in text
    assert ".446 - ascend-910b3 qdaicc-910b3-n001:8 → nobody is billed: find out" in text
    assert text.endswith("1 difference to the centres")


def test_a_centre_that_did_not_answer_is_named_and_not_called_compared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing = {"differences": [], "count": 0}

    assert said(capsys, **nothing).endswith("log, books and centres agree")
    text = said(capsys, centres=[CENTRE, SILENT], **nothing)
    assert "? not reachable: south, no answer within 8 seconds (last heard -)" in text
    assert text.endswith("the centres that answered agree; ask again for the others")
    text = said(capsys, centres=[SILENT], **nothing)
    assert text.endswith("no centre answered: nothing was compared with them")


def test_a_clock_that_is_off_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "clock" not in said(capsys, centres=[CENTRE | {"clock_ahead_ms": 900}])
    assert "its clock is +61 s off" in said(capsys, centres=[CENTRE | {"clock_ahead_ms": 61_000}])


@pytest.mark.parametrize("sort", SORTS)
def test_each_sort_is_said_in_both_languages(
    sort: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = GHOST | {"sort": sort, "log": GHOST["diary"] | {"state": "ended, finished"}}
    in_english = said(capsys, differences=[both])
    monkeypatch.setattr(language, "language", lambda: language.Language.ZH)
    in_chinese = said(capsys, differences=[both], centres=[SILENT])

    assert "ended, finished" in in_english
    assert "? 无法联系：south，8 秒内未答复（最后消息 -）" in in_chinese
    assert "日志：" in in_chinese
    assert "与中心有 1 处差异" in in_chinese
