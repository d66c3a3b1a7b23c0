"""How statements look in a terminal."""

import json
from dataclasses import replace

import pytest

from accounting.bills.statement import body_of, make_statement
from accounting.prices.packages import Coverage
from api.cli.bill_tables import disputed_lines
from api.cli.book_tables import print_statement
from api.examples.bills import BILL_ANSWERS
from api.schemas.bills import ReplyList
from tests.builders import HOUR_MS, USAGE, summed
from tests.unit.accounting.storage.test_package_store import PACK


def test_packages_that_were_bought_are_due_beside_the_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = make_statement("steel", "2026-10", None, [summed(USAGE)], {})

    print_statement(json.loads(body_of(replace(made, purchases=(PACK,)))))

    said = capsys.readouterr().out
    assert "2 bought: package p1, 106.00 CNY = 100.00 + VAT 6.00" in said
    assert "due 109.50 CNY" in said


def test_what_packages_covered_of_a_closed_month_is_told_with_that_month(
    capsys: pytest.CaptureFixture[str],
) -> None:
    late = Coverage(
        package=PACK, month="2026-09", centre_id="qd", cause=None, device_ms=8 * HOUR_MS
    )
    made = make_statement("steel", "2026-10", None, [summed(USAGE)], {})

    print_statement(json.loads(body_of(replace(made, coverage=(late,)))))

    said = " ".join(capsys.readouterr().out.split())
    assert "package p1: 8 card-hours more were covered in 2026-09, which is closed" in said


@pytest.mark.parametrize(
    ("lines", "marked"),
    [(frozenset({2}), [False, True]), (None, [True, True]), (frozenset(), [False, False])],
)
def test_lines_that_are_disputed_are_marked(
    capsys: pytest.CaptureFixture[str], lines: frozenset[int] | None, marked: list[bool]
) -> None:
    lost = summed(USAGE, cause="node")
    made = make_statement("steel", "2026-10", 0, [summed(USAGE), lost], {})

    print_statement(json.loads(body_of(made)), lines)

    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = [words for words in said if words and words[0] in {"1", "2"}]
    assert [words[1] == "disputed" for words in rows] == marked


def test_of_a_dispute_that_was_decided_no_line_is_marked() -> None:
    def said(standing: str, *lines: int) -> ReplyList:
        one = BILL_ANSWERS["dispute"] | {"lines": [*lines]}
        return ReplyList.model_validate({"standing": standing, "items": [one]})

    assert disputed_lines(said("disputed", 2)) == frozenset({2})
    assert disputed_lines(said("disputed")) is None
    assert disputed_lines(said("rejected", 2)) == frozenset()
