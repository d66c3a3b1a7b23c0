"""A statement as a document: what it says, in Chinese, and always the same bytes."""

import io
import json
import re
from dataclasses import replace

import pytest
from pypdf import PdfReader

from accounting.bills.replies import Reply, ReplyKind
from accounting.bills.statement import Statement, body_of, make_statement, sha256_of
from accounting.link import Link
from accounting.prices.packages import Commitment, Coverage
from accounting.prices.vouchers import EntryKind, Payment
from api.documents.statement import Names, statement_pdf
from tests.acceptance.brokers import ASCEND
from tests.builders import HOUR_MS, PARK, USAGE, summed
from tests.unit.accounting.bills.test_replies import REPLY
from tests.unit.accounting.prices.test_vouchers import VOUCHER
from tests.unit.accounting.storage.test_package_store import PACK

NAMES = Names(
    tenant="青岛某钢铁公司",
    park=replace(
        PARK, name="海洋园区", fields=(("manufacturing", "制造"),), device_kinds=(ASCEND,)
    ),
)
BIG = summed(replace(USAGE, device_count=64, to_ms=72 * HOUR_MS, project="*电池* #1 $x$"))
LOST = summed(replace(USAGE, device_count=2, to_ms=HOUR_MS), cause="node")
LATE = summed(replace(USAGE, to_ms=HOUR_MS))


def a_statement(closed_at_ms: int | None = 1_793_678_400_000) -> Statement:
    head = Link(1_234, bytes(range(32)))
    return make_statement("steel", "2026-10", closed_at_ms, [BIG, LOST], {"2026-09": [LATE]}, head)


def text_of(statement: Statement, *replies: Reply) -> str:
    """All of it, without the spaces that a PDF has between its glyphs."""
    pages = PdfReader(io.BytesIO(statement_pdf(body_of(statement), NAMES, replies))).pages
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))


def test_packages_are_shown_as_bought_and_as_used() -> None:
    held = Commitment(
        package=PACK, month="2026-10", used_device_ms=40 * HOUR_MS, earlier_device_ms=0
    )

    late = Coverage(
        package=PACK, month="2026-09", centre_id="qd", cause="node", device_ms=-8 * HOUR_MS
    )
    made = replace(a_statement(), purchases=(PACK,), commitments=(held,), coverage=(late,))

    said = text_of(made)

    assert "p1昇腾910B301002026-10-0100:002026-12-0100:00106.00" in said
    assert "p1昇腾910B31004060" in said
    assert "更正2026-09p1昇腾910B3qd节点故障-8-8.48" in said
    assert "用量价税合计16,124.50" in said
    assert "资源包不含税金额100.00" in said
    assert "资源包价税合计106.00" in said
    assert "应付金额16,230.50" in said


@pytest.mark.parametrize("project", ["longname" * 8, "experiments-0123456789-0123456789"])
def test_a_long_id_goes_on_below_and_runs_over_no_amount(project: str) -> None:
    body = body_of(make_statement("steel", "2026-10", 0, [replace(BIG, project=project)], {}))

    (page,) = PdfReader(io.BytesIO(statement_pdf(body, NAMES))).pages

    said = page.extract_text()
    assert project not in said
    assert max(len(run) for run in re.findall(r"[a-z]+|[-0-9]+", said) if run in project) <= 12
    assert project in re.sub(r"\s+", "", said)


def test_a_long_name_does_not_run_over_the_month_beside_it() -> None:
    named = replace(NAMES, tenant="Longname" * 16)

    page = PdfReader(io.BytesIO(statement_pdf(body_of(a_statement()), named))).pages[0]

    said = page.extract_text()
    assert max(map(len, re.findall(r"[A-Za-z]+", said))) < 60
    assert named.tenant in re.sub(r"\s+", "", said)


def test_what_is_disputed_and_how_it_was_decided_is_shown() -> None:
    disputed = replace(REPLY, lines=(2, 3), at_ms=1_793_678_400_000)
    decided = replace(
        disputed, kind=ReplyKind.REJECTED, lines=(), reason="the node was up", by="finance (2)"
    )

    said = text_of(a_statement(), disputed, decided)

    assert "企业回执与处理" in said
    assert "2026-11-0312:00有异议2、3twohoursarewrongsteel(1)" in said
    assert "异议不成立thenodewasupfinance(2)" in said
    assert "2*电池*#1$x$" not in said, "lines are counted from 1 on"
    assert "企业回执与处理" not in text_of(a_statement())


def test_a_statement_of_an_earlier_release_is_shown_as_well() -> None:
    body = json.loads(body_of(a_statement()))
    old = {key: value for key, value in body.items() if key not in {"purchases", "packages"}}
    totals = body["totals"].items()
    old["totals"] = {key: value for key, value in totals if not key.startswith("purchases")}

    assert statement_pdf(json.dumps(old).encode(), NAMES).startswith(b"%PDF")


@pytest.fixture(scope="module")
def closed_text() -> str:
    payment = Payment(voucher=VOUCHER, kind=EntryKind.BURNT, amount_fen=500_000)
    return text_of(replace(a_statement(), payments=(payment,)))


@pytest.mark.parametrize(
    "said",
    [
        "算力服务对账单",
        "青岛某钢铁公司（steel）",
        "海洋园区",
        "2026-10-0100:00至2026-11-0100:00（不含）",
        "已关账，2026-11-0312:00",
        "昇腾910B3",
        "制造",
        "4,6083.5016,128.00",
        "节点故障",
        "-23.50-7.00",
        "2026-09",
        "用量价税合计16,124.50",
        "不含税金额（税率6%）15,211.79",
        "算力券v1（合同QD-1）-5,000.00",
        "应付金额11,124.50",
        "人民币壹万壹仟壹佰贰拾肆元伍角",
        "企业（盖章）",
        "运营方（盖章）",
        bytes(range(32)).hex(),
        "账务事实1234条",
        "第1页，共1页",
    ],
)
def test_it_says_what_one_signs(said: str, closed_text: str) -> None:
    assert said in closed_text


def test_a_name_is_text_and_never_markup(closed_text: str) -> None:
    assert "*电池*#1$x$" in closed_text


def test_a_draft_says_that_it_is_one() -> None:
    said = text_of(a_statement(closed_at_ms=None))

    assert "草稿，金额可能变化" in said
    assert "已关账" not in said


def test_it_names_the_bytes_that_it_is_made_of() -> None:
    statement = a_statement()

    assert sha256_of(body_of(statement)) in text_of(statement)


def test_a_month_without_usage_says_so() -> None:
    empty = make_statement("steel", "2026-10", 0, [], {})

    assert "本账期无用量" in text_of(empty)
    assert "零元整" in text_of(empty)


def test_the_same_statement_is_the_same_bytes() -> None:
    body = body_of(a_statement())

    assert statement_pdf(body, NAMES) == statement_pdf(body, NAMES)


def test_a_long_statement_has_its_heads_on_each_page() -> None:
    lines = [replace(BIG, project=f"p{number:03}") for number in range(90)]
    body = body_of(make_statement("steel", "2026-10", 0, lines, {}))

    pages = PdfReader(io.BytesIO(statement_pdf(body, NAMES))).pages

    assert len(pages) > 2
    assert all("算力中心" in page.extract_text() for page in pages[:2])
