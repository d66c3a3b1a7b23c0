"""What tables and lines have in common, in both languages."""

import pytest

from api.cli import language
from api.cli.job_tables import attempts_table
from api.cli.prices import _factors
from api.cli.terminal import console, print_list, table
from api.examples.answers import ANSWERS
from api.schemas.administration import PriceListView
from api.schemas.jobs import AttemptView

PRICES = PriceListView.model_validate(
    {
        "id": "p1",
        "from_ms": 0,
        "on_demand": {"npu": "3.50"},
        "qos_permille": {"low": 700, "normal": 1_000, "high": 1_300},
        "class_permille": {"standard": 1_000, "sme": 800},
        "vat_permille": 60,
        "is_in_force": True,
    }
)


@pytest.fixture
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "language", lambda: language.Language.ZH)


def test_a_list_of_nothing_says_so_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    print_list(table("id", "name"))
    empty = capsys.readouterr()
    made = table("id", "name")
    made.add_row("a", "b")
    print_list(made)

    assert (empty.out.split(), empty.err) == (["id", "name"], "none\n")
    assert capsys.readouterr().err == ""


def test_factors_are_told_by_what_they_are_of() -> None:
    assert _factors(PRICES) == (
        "p1: priority low ×0.70, normal ×1.00, high ×1.30; class standard ×1.00, sme ×0.80; tax 6 %"
    )


@pytest.mark.usefixtures("in_chinese")
def test_priorities_and_ends_are_words_of_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    (attempt,) = ANSWERS["get_job"]["attempts"]
    ended = AttemptView.model_validate(attempt | {"cause": "preempted"})

    console.print(attempts_table([ended]))

    assert "被抢占" in capsys.readouterr().out
    assert _factors(PRICES) == (
        "p1：优先级 低 ×0.70、普通 ×1.00、高 ×1.30；价格等级 standard ×1.00、sme ×0.80；税率 6 %"
    )


def test_an_attempt_is_told_with_its_day(capsys: pytest.CaptureFixture[str]) -> None:
    (attempt,) = ANSWERS["get_job"]["attempts"]
    begun = AttemptView.model_validate(attempt | {"started_at_ms": 1_795_796_071_315})

    console.print(attempts_table([begun]))

    assert " 11-28 00:14 " in capsys.readouterr().out
