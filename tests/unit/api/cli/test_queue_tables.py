"""How the queue looks in a terminal of eighty columns."""

from typing import Any

import pytest
from rich.cells import cell_len

from api.cli import queue_tables
from api.cli.queue_tables import cut_text, queue_table, terms_table
from api.cli.terminal import console
from api.examples.answers import ANSWERS
from api.schemas.quotes import QueueView

EXAMPLE: dict[str, Any] = ANSWERS["queue"]
(ITEM, *_) = EXAMPLE["items"]
(REASON, *_) = ITEM["job"]["reasons"]


def an_item(position: int, *, name: str = "train", tenant: str = "t03", reason: str = "") -> Any:
    job = ITEM["job"]
    spec = {**job["spec"], "name": name, "devices": 1024}
    reasons = [{**REASON, "code": reason}, REASON] if reason else []
    changed = {**job, "tenant": tenant, "spec": spec, "reasons": reasons}
    changed["planned_start_ms"] = EXAMPLE["at_ms"] + 293 * 3_600_000
    return {**ITEM, "position": position, "job": changed}


def a_view(*items: object, waiting: int = 3) -> QueueView:
    return QueueView.model_validate({**EXAMPLE, "items": list(items), "waiting": waiting})


def lines_of(table: object) -> list[str]:
    with console.capture() as captured:
        console.print(table, width=80)
    return captured.get().splitlines()


@pytest.mark.parametrize("reason", ["centre_capacity", "data_not_allowed"])
def test_each_has_one_line_however_long_its_names_and_no_reason_is_cut(reason: str) -> None:
    words = an_item(123, name="a large model of two", tenant="qingdao-port", reason=reason)
    wide = an_item(1234, name="预训练任务大模型微调阶段", tenant="港口", reason=reason)

    head, *lines = lines_of(queue_table(a_view(words, wide)))

    assert " ".join(head.split()) == "# job tenant name count start why not now"
    assert len(lines) == 2
    for line, position in zip(lines, ("123", "1234"), strict=True):
        assert cell_len(line) <= 80
        assert line.split()[:2] == [position, ITEM["job"]["id"]]
        assert line.split()[-2:] == [reason, "+1"]
        assert " in 12d5h " in line


def test_a_name_of_somebody_is_no_markup() -> None:
    lines = lines_of(queue_table(a_view(an_item(1, name="[red]x"))))

    assert "[red]" in lines[1]


def test_the_heads_of_the_terms_are_not_broken() -> None:
    share = {"name": "fair_share", "value": "1", "text": "x", "text_zh": "x"}
    forks = [{**share, "place": 10 + one, "count": 12} for one in range(3)]
    others = {"nominal_quota": "beyond", "priority": "normal", "starving": "no", "level": "4"}
    others["due"] = str(EXAMPLE["at_ms"] + 293 * 3_600_000)
    terms = [
        {**share, "name": name, "value": value, "place": None, "count": None}
        for name, value in others.items()
    ]

    head, line, *_ = lines_of(terms_table(a_view({**an_item(12345), "terms": [*terms, *forks]})))

    assert head.split() == ["#", "job", "quota", "priority", "starving", "level", "share", "due"]
    assert ITEM["job"]["id"] in line


@pytest.mark.parametrize(("index", "cells"), [(0, ("waits 8d", "in 2d")), (1, ("已等8d", "2d后"))])
def test_who_has_waited_for_a_week_is_due_before_all_who_have_not(
    index: int, cells: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_tables, "both", lambda *texts: texts[index])
    day_ms, at_ms = 24 * 3_600_000, EXAMPLE["at_ms"]
    term = {"text": "x", "text_zh": "x"}
    share = {**term, "name": "fair_share", "value": "1", "place": 1, "count": 1}
    patient = {**term, "name": "patient", "value": str(at_ms - 8 * day_ms)}
    due = {**term, "name": "due", "value": str(at_ms + 2 * day_ms)}
    items = ({**an_item(1), "terms": [share, patient]}, {**an_item(2), "terms": [share, due]})

    head, first, second = lines_of(terms_table(a_view(*items)))

    assert head.split()[3:] == [["patient", "due"], ["满一周", "到期"]][index]
    assert " ".join(first.split()[3:]) == f"{cells[0]} -"
    assert " ".join(second.split()[3:]) == f"- {cells[1]}"


CUT = ("first 2 of 320: --limit shows up to 500", "共 320 个排队，仅列前 2 个：--limit 最多 500")


@pytest.mark.parametrize("index", [0, 1])
def test_that_more_wait_is_said(index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_tables, "both", lambda *texts: texts[index])
    of_one_tenant = a_view(an_item(7), an_item(9), waiting=320)

    assert cut_text(a_view(an_item(1), an_item(2), waiting=320), 2) == CUT[index]
    said = cut_text(of_one_tenant, 2)
    assert said is not None
    assert said.startswith(
        ("first 2, up to place 9 of 320", "仅列前 2 个，至第 9 位，共 320 个排队")[index]
    )


def test_that_no_more_wait_is_not_said() -> None:
    assert cut_text(a_view(an_item(7), an_item(9), waiting=320), 3) is None
    assert cut_text(a_view(an_item(1), an_item(2), waiting=2), 2) is None
    assert cut_text(a_view(waiting=0), 50) is None
