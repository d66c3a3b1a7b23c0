"""Workbooks: numbers are numbers, texts are never formulas, the same rows are the same bytes."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import time_machine

from accounting.bills.platform_month import Ledger, platform_json
from accounting.bills.settlement import (
    CentreMonth,
    Period,
    Source,
    centre_json,
    centre_month,
)
from accounting.bills.statement import body_of, json_bytes, make_statement, sha256_of
from accounting.bills.terms import CentreTerms
from accounting.exports.export import statement_sheet
from accounting.exports.settlement_export import centre_sheet, platform_sheets
from api.documents.xlsx import workbook
from tests.builders import HOUR_MS, USAGE, summed
from tests.unit.accounting.bills.test_terms import COST, TIERED

BIG = summed(replace(USAGE, device_count=64, to_ms=72 * HOUR_MS, project="=cmd|'/c calc'!A1"))
LATE = summed(replace(USAGE, to_ms=HOUR_MS), cause="node")
BODY = body_of(make_statement("steel", "2026-10", 1, [BIG], {"2026-09": [LATE]}))
SOURCES = [Source("steel", sha256_of(BODY), json.loads(BODY))]
PERIOD = Period(month="2026-10", closed_at_ms=1_793_678_400_000)
SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def a_centre(terms: CentreTerms = COST) -> CentreMonth:
    return centre_month(
        "qdaicc", PERIOD, SOURCES, [replace(terms, centre_id="qdaicc", month="2026-09")]
    )


def a_platform() -> bytes:
    made = a_centre()
    ledger = Ledger(posted_micros=16_128_000_000, given_back_micros=3_500_000, post_count=2)
    centres = [(made, sha256_of(json_bytes(centre_json(made))))]
    return json_bytes(platform_json(PERIOD, SOURCES, centres, {"qdaicc": ledger}, 0))


def cells(book: bytes, page: int = 1) -> Iterator[list[str]]:
    """The rows of a page as they are shown: numbers as they are stored."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        texts = ET.fromstring(parts.read("xl/sharedStrings.xml"))  # noqa: S314 - our own
        shared = ["".join(item.itertext()) for item in texts]
        sheet = ET.fromstring(parts.read(f"xl/worksheets/sheet{page}.xml"))  # noqa: S314
    for row in sheet.iter(f"{SPREADSHEET}row"):
        shown = []
        for cell in row:
            assert cell.find(f"{SPREADSHEET}f") is None, "no cell is a formula"
            value = cell.findtext(f"{SPREADSHEET}v", "")
            shown.append(shared[int(value)] if cell.get("t") == "s" else value)
        yield shown


def test_a_statement_has_chinese_headers_keys_rows_and_the_total() -> None:
    rows = list(cells(workbook({"对账单": statement_sheet(BODY)})))

    assert rows[0][:3] == ["行类型", "企业", "账期"]
    assert rows[1][:3] == ["row", "tenant", "month"]
    amount = rows[1].index("amount")
    assert [(row[0], row[amount]) for row in rows[2:]] == [
        ("line", "16128"),
        ("correction", "-3.5"),
        ("total", "16124.5"),
    ]


def test_a_text_that_looks_like_a_formula_stays_a_text() -> None:
    book = workbook({"对账单": statement_sheet(BODY)})

    assert next(row for row in cells(book) if row[0] == "line")[3] == "=cmd|'/c calc'!A1"
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert b'quotePrefix="1"' in parts.read("xl/styles.xml")


@pytest.mark.parametrize(("terms", "amount"), [(COST, "9674.7"), (TIERED, "12200.3")])
def test_a_centres_total_is_that_of_its_statement(terms: CentreTerms, amount: str) -> None:
    """4,608 card-hours by tiers: (600 + 3,608 x 0.8) of 4,608; one given back at 60 %."""
    made = a_centre(terms)
    rows = list(cells(workbook({"结算单": centre_sheet(json_bytes(centre_json(made)))})))

    assert rows[-1][0] == "total"
    assert rows[-1][rows[1].index("amount")] == amount
    assert float(amount) * 100 == pytest.approx(made.gross_fen)


def test_the_platform_has_a_page_for_each_part() -> None:
    book = workbook(platform_sheets(a_platform()))

    summary, tenants, centres, vouchers = (list(cells(book, page)) for page in range(1, 5))

    by_key = {row[0]: row[2] for row in summary[2:]}
    assert (by_key["totals.gross"], by_key["totals.margin"]) == ("16124.5", "6084.71")
    assert (by_key["ledger.income"], by_key["ledger.rounding"]) == ("16124.5", "0")
    assert [row[0] for row in tenants[2:]] == ["tenant", "total"]
    assert centres[-1][centres[1].index("gross")] == "9674.7"
    assert vouchers[-1] == ["total", "", "0"]


def test_the_same_rows_are_the_same_bytes_whenever_they_are_written() -> None:
    with time_machine.travel(1_000_000_000, tick=False):
        before = workbook(platform_sheets(a_platform()))
    with time_machine.travel(2_000_000_000, tick=False):
        after = workbook(platform_sheets(a_platform()))

    assert after == before
