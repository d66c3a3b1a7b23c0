"""What an invoice asks for: parts that add up to the fen, and what may become of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounting.bills.invoice_lines import PACKAGE_ITEM, lines_of
from accounting.bills.invoices import (
    BillRefused,
    Invoice,
    InvoiceRequest,
    InvoiceState,
    InvoiceStep,
    StepKind,
    account,
    check_credit_code,
    check_step,
    withdrawn_number,
)
from accounting.prices.rating import split_tax

CODE = "91370200163562681G"


def a_line(fen: int, device: str = "npu", rate: int = 60, hours: int = 1) -> dict[str, Any]:
    return {
        "device": device,
        "price": "3.50",
        "vat_permille": rate,
        "device_ms": hours * 3_600_000,
        "amount_fen": fen,
    }


def a_body(*lines: dict[str, Any], given_back: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    gross_fen = sum(line["amount_fen"] for line in (*lines, *given_back))
    totals = {"gross_fen": gross_fen, "due_fen": gross_fen}
    return {"lines": [*lines], "credits": [*given_back], "corrections": [], "totals": totals}


def with_packages(body: dict[str, Any], *fens: int, vouchers_fen: int = 0) -> dict[str, Any]:
    """The same statement, of a tenant that bought packages for so much as well."""
    gross_fen = body["totals"]["gross_fen"]
    due_fen = gross_fen + sum(fens) - vouchers_fen
    totals = {"gross_fen": gross_fen, "due_fen": due_fen, "purchases_fen": sum(fens)}
    sold = [{"device": "npu", "vat_permille": 60, "amount_fen": fen} for fen in fens]
    return body | {"totals": totals, "purchases": sold}


def test_a_whole_statement_is_its_lines() -> None:
    """4,608 card-hours at 3.50."""
    (line,) = lines_of(a_body(a_line(1_612_800, hours=4_608)), 1_612_800)

    assert (line.item, line.unit) == ("*信息技术服务*算力服务费", "卡时")
    assert (line.quantity_micros, line.price_micros) == (4_608_000_000, 3_500_000)
    assert (line.net_fen, line.tax_fen, line.gross_fen) == (1_521_509, 91_291, 1_612_800)


def test_what_was_given_back_is_taken_off_its_kind() -> None:
    body = a_body(a_line(700, hours=2), given_back=(a_line(-350, hours=-1),))

    (line,) = lines_of(body, 350)

    assert (line.quantity_micros, line.gross_fen) == (1_000_000, 350)


def test_packages_are_lines_of_their_own_those_alike_together() -> None:
    body = with_packages(a_body(a_line(350)), 10_600, 10_600, 5_300)

    used, cheap, two = lines_of(body, 26_850)

    assert (used.item, used.gross_fen) == ("*信息技术服务*算力服务费", 350)
    assert (cheap.item, cheap.unit, cheap.gross_fen) == ("*信息技术服务*算力资源包", "个", 5_300)
    assert (two.quantity_micros, two.price_micros) == (2_000_000, 106_000_000)
    assert (two.gross_fen, two.net_fen) == (21_200, 20_000)


def test_vouchers_pay_of_usage_alone_and_not_of_packages() -> None:
    body = with_packages(a_body(a_line(5_600, hours=16)), 10_600, vouchers_fen=2_800)

    used, sold = lines_of(body, 13_400)

    assert (used.quantity_micros, used.gross_fen) == (8_000_000, 2_800)
    assert (sold.quantity_micros, sold.gross_fen) == (1_000_000, 10_600)
    half = lines_of(body, 6_700)
    assert [(line.quantity_micros, line.gross_fen) for line in half] == [
        (4_000_000, 1_400),
        (500_000, 5_300),
    ]


def test_what_was_given_back_is_taken_off_what_packages_cost() -> None:
    """As much as 3.50 was used, 56.00 given back, of which the voucher gets its 28.00 again."""
    given_back = (a_line(-5_600, "dcu", hours=-16),)
    body = with_packages(a_body(a_line(350), given_back=given_back), 10_000, vouchers_fen=-2_800)

    lines = lines_of(body, 7_550)

    assert sum(line.gross_fen for line in lines) == 7_550
    assert lines[-1].gross_fen == 10_000
    assert [line.gross_fen < 0 for line in lines] == [True, False, False]


def test_a_statement_of_an_earlier_form_charged_for_no_packages() -> None:
    body = with_packages(a_body(a_line(350)), 10_600)
    del body["totals"]["purchases_fen"]
    body["totals"]["due_fen"] = 350

    assert [line.gross_fen for line in lines_of(body, 350)] == [350]


def test_a_part_is_a_part_of_each_line() -> None:
    """A voucher pays half: 28.00 of 56.00 are asked for."""
    body = a_body(a_line(3_500, hours=10), a_line(2_100, "dcu", hours=6))

    lines = lines_of(body, 2_800)

    assert [(line.device_kind_id, line.gross_fen) for line in lines] == [
        ("dcu", 1_050),
        ("npu", 1_750),
    ]
    assert [line.quantity_micros for line in lines] == [3_000_000, 5_000_000]


@given(
    st.lists(st.tuples(st.integers(-500, 10**7), st.sampled_from([0, 60, 130])), min_size=1),
    st.integers(1, 10**9),
)
def test_lines_net_and_tax_add_up_whatever_is_asked_for(
    amounts: list[tuple[int, int]], wanted: int
) -> None:
    total = sum(fen for fen, _ in amounts)
    if total <= 0:
        return
    asked = min(wanted, total)
    body = a_body(*(a_line(fen, f"k{n}", rate) for n, (fen, rate) in enumerate(amounts)))

    lines = lines_of(body, asked)

    assert sum(line.gross_fen for line in lines) == asked
    for rate in (0, 60, 130):
        of_rate = [line for line in lines if line.vat_permille == rate]
        whole = split_tax(sum(line.gross_fen for line in of_rate), rate)
        assert abs(sum(line.net_fen for line in of_rate) - whole.net_fen) <= len(amounts)


@given(
    used=st.lists(st.integers(-500, 10**7), min_size=1),
    sold=st.lists(st.integers(1, 10**7), max_size=5),
)
@example(used=[5_600], sold=[100] * 100)
@example(used=[5_600], sold=[1_000_000] * 3)
def test_an_invoice_of_all_has_the_net_of_the_statement(used: list[int], sold: list[int]) -> None:
    """Which splits the tax of its usage once, and of each package."""
    body = with_packages(a_body(*(a_line(fen, f"k{n}") for n, fen in enumerate(used))), *sold)
    asked = sum(used) + sum(sold)
    if asked <= 0:
        return

    lines = lines_of(body, asked)

    of_packages = [one.net_fen for one in lines if one.item == PACKAGE_ITEM]
    assert sum(of_packages) == sum(split_tax(fen, 60).net_fen for fen in sold)
    assert sum(one.net_fen for one in lines) - sum(of_packages) == split_tax(sum(used), 60).net_fen


@given(sold=st.lists(st.integers(1, 10**4), min_size=1), permille=st.integers(1, 1_000))
def test_the_net_of_a_part_of_packages_is_no_more_than_the_part(
    sold: list[int], permille: int
) -> None:
    lines = lines_of(with_packages(a_body(), *sold), max(1, sum(sold) * permille // 1_000))

    assert all(0 <= one.net_fen <= one.gross_fen for one in lines)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("91370200163562681A", "is mistyped: its last character would be G"),
        ("9137020016356268G", "has 17 characters, and needs 18"),
        ("91370200163562681g", "is no credit code"),
        ("I1370200163562681G", "is no credit code"),
        ("91370200163562O81G", "is no credit code"),
    ],
)
def test_a_wrong_credit_code_is_refused_in_words(code: str, why: str) -> None:
    check_credit_code(CODE)

    with pytest.raises(BillRefused, match=why):
        check_credit_code(code)


REQUEST = InvoiceRequest(
    id="r1",
    tenant_id="steel",
    month="2026-10",
    sha256="",
    buyer_name="青岛某钢铁有限公司",
    credit_code=CODE,
    lines=lines_of(a_body(a_line(5_600, hours=16)), 5_600),
    by="steel (1)",
    at_ms=0,
)
ISSUED = InvoiceStep(
    number="26370001",
    kind=StepKind.ISSUED,
    invoice_id="r1",
    tenant_id="steel",
    amount_fen=5_600,
    reason="",
    by="finance (2)",
    at_ms=0,
)
CREDITED = replace(ISSUED, number="26370002", kind=StepKind.CREDITED, amount_fen=600)
WITHDRAWN = replace(ISSUED, number="r1", kind=StepKind.WITHDRAWN)


@pytest.mark.parametrize(
    ("steps", "state", "open_fen"),
    [
        ((), InvoiceState.REQUESTED, 5_600),
        ((WITHDRAWN,), InvoiceState.WITHDRAWN, 0),
        ((ISSUED,), InvoiceState.ISSUED, 5_600),
        ((ISSUED, CREDITED), InvoiceState.ISSUED, 5_000),
        ((ISSUED, replace(CREDITED, amount_fen=5_600)), InvoiceState.CREDITED, 0),
    ],
)
def test_an_invoice_stands_as_what_became_of_it(
    steps: tuple[InvoiceStep, ...], state: InvoiceState, open_fen: int
) -> None:
    invoice = Invoice(request=REQUEST, steps=steps)

    assert (invoice.state, invoice.open_fen) == (state, open_fen)


@pytest.mark.parametrize(
    ("steps", "step", "why"),
    [
        ((ISSUED,), replace(ISSUED, number="9"), "is issued: it cannot be issued"),
        ((ISSUED,), WITHDRAWN, "is issued: it cannot be withdrawn"),
        ((), CREDITED, "is requested: it cannot be credited"),
        ((WITHDRAWN,), ISSUED, "is withdrawn: it cannot be issued"),
        ((ISSUED,), replace(CREDITED, amount_fen=5_601), "56.00 yuan of invoice 26370001 are left"),
        ((ISSUED,), replace(CREDITED, amount_fen=0), "is over 0.00 yuan"),
    ],
)
def test_what_cannot_become_of_it_is_refused(
    steps: tuple[InvoiceStep, ...], step: InvoiceStep, why: str
) -> None:
    with pytest.raises(BillRefused, match=why):
        check_step(Invoice(request=REQUEST, steps=steps), step)


def test_for_what_is_credited_may_be_asked_again() -> None:
    standing = account("steel", "2026-10", 5_600, [Invoice(request=REQUEST)], 1_000)
    credited = Invoice(request=REQUEST, steps=(ISSUED, CREDITED))

    again = account("steel", "2026-10", 5_600, [credited], 1_000)

    assert (standing.unrequested_fen, standing.outstanding_fen) == (0, 4_600)
    assert (again.unrequested_fen, again.issued_fen, again.credited_fen) == (600, 5_600, 600)


def test_what_only_is_asked_for_is_not_issued() -> None:
    asked = Invoice(request=replace(REQUEST, id="r2"))
    issued = Invoice(request=REQUEST, steps=(ISSUED,))

    standing = account("steel", "2026-10", 20_000, [issued, asked], 0)

    assert (standing.requested_fen, standing.issued_fen) == (11_200, 5_600)


def test_a_withdrawal_is_told_by_its_request() -> None:
    kept = replace(WITHDRAWN, number=withdrawn_number("r1"))

    assert (kept.said_number, ISSUED.said_number) == ("r1", "26370001")


def test_where_the_tenant_has_something_to_come_no_invoice_may_be_asked_for() -> None:
    standing = account("steel", "2026-10", -700, [], 0)

    assert (standing.unrequested_fen, standing.outstanding_fen) == (0, -700)


def test_usage_that_comes_to_nothing_but_not_of_each_rate_is_on_the_invoice() -> None:
    """The statement's net is that of both rates, so the invoice's of all that is due is as well."""
    body = a_body(a_line(10_600), given_back=(a_line(-10_600, rate=90),))

    used, back, package = lines_of(with_packages(body, 5_300), 5_300)
    half = lines_of(with_packages(body, 5_300), 2_650)

    assert (used.gross_fen, used.net_fen, back.gross_fen, back.net_fen) == (
        10_600,
        10_000,
        -10_600,
        -9_725,
    )
    assert package.gross_fen == 5_300
    assert [line.gross_fen for line in half] == [5_300, -5_300, 2_650]
