"""Statements of centres and of the platform, and invoice requests, as documents."""

import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from pypdf import PageObject, PdfReader

from accounting.bills.settlement import centre_json
from accounting.bills.statement import body_of, json_bytes, make_statement, sha256_of
from api.documents.settlement import centre_pdf, invoice_pdf, platform_pdf
from api.documents.statement import statement_pdf
from api.examples.bills import BILL_ANSWERS
from tests.unit.accounting.bills.test_terms import TIERED
from tests.unit.api.documents.test_xlsx import a_centre, a_platform
from tests.unit.api.test_documents import BIG, NAMES

ALL = replace(NAMES, tenants={"steel": "青岛某钢铁公司"})
CENTRE = json_bytes(centre_json(a_centre(TIERED)))
PLATFORM = a_platform()
INVOICE = json.dumps(BILL_ANSWERS["get_invoice"]).encode()


def text_of(document: bytes) -> str:
    """All of it, without the spaces that a PDF has between its glyphs."""
    return "".join(map(without_spaces, PdfReader(io.BytesIO(document)).pages))


def without_spaces(page: PageObject) -> str:
    return re.sub(r"\s+", "", page.extract_text())


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {
        "centre": text_of(centre_pdf(CENTRE, ALL)),
        "platform": text_of(platform_pdf(PLATFORM, ALL)),
        "invoice": text_of(invoice_pdf(INVOICE, ALL)),
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("centre", "算力中心结算单"),
        ("centre", "阶梯分成，自2026-09起"),
        ("centre", "当月超过1000卡时的部分80%"),
        ("centre", "昇腾910B34,60816,128.0075.6597%12,202.40"),
        ("centre", "节点故障"),
        ("centre", "人民币壹万贰仟贰佰元叁角"),
        ("centre", "算力中心（盖章）"),
        ("centre", sha256_of(CENTRE)),
        ("platform", "平台月度汇总单"),
        ("platform", "青岛某钢铁公司（steel）16,124.50"),
        ("platform", "毛利（不含税）6,084.71"),
        ("platform", "结论相符"),
        ("platform", sha256_of(PLATFORM)),
        ("invoice", "开票申请单"),
        ("invoice", "91370200163562681G"),
        ("invoice", "昇腾910B3卡时4,6083.5015,215.096%912.9116,128.00"),
        ("invoice", "人民币壹万陆仟壹佰贰拾捌元整"),
        ("invoice", "本申请单不是发票"),
    ],
)
def test_each_says_what_one_signs(document: str, said: str, texts: dict[str, str]) -> None:
    assert said in texts[document]


def test_the_same_is_the_same_bytes() -> None:
    assert centre_pdf(CENTRE, ALL) == centre_pdf(CENTRE, ALL)
    assert platform_pdf(PLATFORM, ALL) == platform_pdf(PLATFORM, ALL)


def test_a_centre_without_anything_has_a_document_too() -> None:
    empty = replace(a_centre(), entries=(), terms=None)

    said = text_of(centre_pdf(json_bytes(centre_json(empty)), ALL))

    assert "本账期无用量" in said
    assert "未约定结算条件" in said


def a_bill(count: int) -> bytes:
    lines = [replace(BIG, project=f"p{number}") for number in range(count)]
    return statement_pdf(body_of(make_statement("steel", "2026-10", 0, lines, {})), NAMES)


def with_many(document: bytes, key: str, count: int) -> bytes:
    said = json.loads(document)
    return json.dumps(said | {key: said[key][:1] * count}).encode()


@pytest.mark.parametrize(
    ("printed", "counts", "sum_"),
    [
        (a_bill, (25, 28, 31), "（大写）"),
        (lambda count: centre_pdf(with_many(CENTRE, "lines", count), ALL), (21, 27), "（大写）"),
        (lambda count: invoice_pdf(with_many(INVOICE, "lines", count), ALL), (18, 43), "（大写）"),
        (lambda count: platform_pdf(with_many(PLATFORM, "tenants", count), ALL), (18, 21), "毛利"),
    ],
)
def test_nobody_signs_a_page_that_does_not_say_what_for(
    printed: Callable[[int], bytes], counts: Sequence[int], sum_: str
) -> None:
    """By so many lines, what is signed would stand on the page before."""
    for count in counts:
        pages = PdfReader(io.BytesIO(printed(count))).pages
        assert len(pages) > 1
        (signed,) = (said for page in pages if "（盖章）" in (said := without_spaces(page)))
        assert sum_ in signed
        assert "SHA-256" in signed
