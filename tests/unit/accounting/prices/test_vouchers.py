"""Vouchers by hand, and what holds of any: never below zero, never above the total."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.prices.vouchers import (
    Balance,
    EntryKind,
    Payment,
    Reimbursement,
    Voucher,
    burn,
    faults,
    give_back,
    operator_subsidy,
    settle,
)
from accounting.usage.slices import UsageSum
from tests.builders import HOUR_MS, USAGE, summed

YUAN = 100
AT_MS = 1_000
VOUCHER = Voucher(
    id="v1",
    tenant_id="steel",
    issuer="city",
    contract="QD-1",
    amount_fen=1_000 * YUAN,
    share_permille=1_000,
    from_ms=0,
    until_ms=10_000,
    issued_at_ms=0,
)


def line(cards: int = 8, kind: str = "ascend-910b3", **words: str) -> UsageSum:
    """An hour of so many cards at 3.50."""
    used = replace(USAGE, device_count=cards, to_ms=HOUR_MS, device_kind_id=kind)
    return replace(summed(used), **words)  # type: ignore[arg-type] # words of the line


def paid(lines: list[UsageSum], *balances: Balance, gross_fen: int | None = None) -> dict[str, int]:
    total = sum(one.amount_fen for one in lines) if gross_fen is None else gross_fen
    return {one.voucher.id: one.amount_fen for one in burn(lines, total, balances, AT_MS)}


def left(voucher: Voucher, yuan: int = 1_000) -> Balance:
    return Balance(voucher=voucher, left_fen=yuan * YUAN)


def test_a_voucher_pays_what_was_used_as_far_as_it_goes() -> None:
    assert paid([line()], left(VOUCHER)) == {"v1": 28 * YUAN}
    assert paid([line()], left(VOUCHER, 20)) == {"v1": 20 * YUAN}


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"device_kind_ids": ("ascend-910b3",)}, {}),
        ({"fields": ("manufacturing",), "centre_ids": ("qdaicc",)}, {"fields": ("manufacturing",)}),
        ({"until_ms": 5_000}, {"until_ms": 9_000}),
    ],
)
def test_the_narrowest_scope_burns_first_then_the_soonest_to_expire(
    narrow: dict[str, tuple[str, ...]], wide: dict[str, tuple[str, ...]]
) -> None:
    first = replace(VOUCHER, id="z", **narrow)  # type: ignore[arg-type] # by name
    second = replace(VOUCHER, id="a", **wide)  # type: ignore[arg-type] # by name

    assert paid([line()], left(second, 20), left(first, 20)) == {"z": 20 * YUAN, "a": 8 * YUAN}


def test_scope_comes_before_the_end_and_the_end_before_the_balance() -> None:
    narrow = replace(VOUCHER, id="n", fields=("manufacturing",), until_ms=9_999)
    soon = replace(VOUCHER, id="s", until_ms=5_000)
    small = replace(VOUCHER, id="b", until_ms=6_000)

    found = paid([line()], left(small, 1), left(soon, 10), left(narrow, 10))

    assert [*found] == ["n", "s", "b"]


def test_of_equals_the_smallest_balance_burns_first() -> None:
    small, large = replace(VOUCHER, id="z"), replace(VOUCHER, id="a")

    assert paid([line()], left(large, 30), left(small, 10)) == {"z": 10 * YUAN, "a": 18 * YUAN}


@pytest.mark.parametrize(
    "scope",
    [{"fields": ("ocean",)}, {"device_kind_ids": ("hygon-k100-ai",)}, {"centre_ids": ("hzx",)}],
)
def test_a_voucher_pays_nothing_beyond_its_scope(scope: dict[str, tuple[str, ...]]) -> None:
    other = replace(VOUCHER, **scope)  # type: ignore[arg-type] # by name

    assert paid([line()], left(other)) == {}


def test_two_vouchers_never_pay_the_same_line_twice() -> None:
    """Both of one kind alone: 28 yuan of it, and 14 of another that neither covers."""
    lines = [line(), line(4, "hygon-k100-ai")]
    first = replace(VOUCHER, id="a", device_kind_ids=("ascend-910b3",))
    second = replace(first, id="b")

    assert paid(lines, left(first, 20), left(second)) == {"a": 20 * YUAN, "b": 8 * YUAN}


def test_a_voucher_may_pay_a_share_only() -> None:
    half = replace(VOUCHER, share_permille=500)

    assert paid([line()], left(half)) == {"v1": 14 * YUAN}


def test_a_share_is_never_rounded_up() -> None:
    third = replace(VOUCHER, share_permille=333)

    assert paid([line(1)], left(third)) == {"v1": 116}  # of 3.50 yuan 1.1655


def test_vouchers_pay_no_more_than_the_total() -> None:
    """A credit of the same month has lowered it."""
    assert paid([line()], left(VOUCHER), gross_fen=5 * YUAN) == {"v1": 5 * YUAN}


def test_nor_do_two_of_them_together() -> None:
    first, second = VOUCHER, replace(VOUCHER, id="v2")

    found = paid([line()], left(first, 3), left(second), gross_fen=5 * YUAN)

    assert found == {"v1": 3 * YUAN, "v2": 2 * YUAN}


@pytest.mark.parametrize(("from_ms", "until_ms"), [(AT_MS + 1, 10_000), (0, AT_MS)])
def test_a_voucher_pays_within_its_window_alone(from_ms: int, until_ms: int) -> None:
    other = replace(VOUCHER, from_ms=from_ms, until_ms=until_ms)

    assert paid([line()], left(other)) == {}
    assert paid([line()], left(replace(VOUCHER, from_ms=AT_MS, until_ms=AT_MS + 1))) != {}


def test_a_credit_gives_back_what_was_paid_last_first() -> None:
    other = replace(VOUCHER, id="v2")
    earlier = [burnt(VOUCHER, 30), burnt(other, 10), burnt(VOUCHER, 1), returned(other, 4)]

    found = give_back(20 * YUAN, earlier)

    assert [(one.voucher.id, one.kind, one.amount_fen) for one in found] == [
        ("v2", EntryKind.RETURNED, 6 * YUAN),
        ("v1", EntryKind.RETURNED, 14 * YUAN),
    ]


def test_who_paid_first_and_again_has_paid_last() -> None:
    other = replace(VOUCHER, id="v2")
    earlier = [burnt(VOUCHER, 30), burnt(other, 10), burnt(VOUCHER, 1)]

    found = give_back(35 * YUAN, earlier)

    assert [(one.voucher.id, one.amount_fen) for one in found] == [
        ("v1", 31 * YUAN),
        ("v2", 4 * YUAN),
    ]


def test_no_more_comes_back_than_was_paid() -> None:
    found = give_back(99 * YUAN, [burnt(VOUCHER, 30), returned(VOUCHER, 25)])

    assert [one.amount_fen for one in found] == [5 * YUAN]


def test_a_month_below_zero_gives_back_and_burns_nothing() -> None:
    found = settle([line()], -7 * YUAN, [left(VOUCHER)], [burnt(VOUCHER, 30)], AT_MS)

    assert [(one.kind, one.amount_fen) for one in found] == [(EntryKind.RETURNED, 7 * YUAN)]
    assert found[0].paid_fen == -7 * YUAN


def burnt(voucher: Voucher, yuan: int) -> Payment:
    return Payment(voucher=voucher, kind=EntryKind.BURNT, amount_fen=yuan * YUAN)


def returned(voucher: Voucher, yuan: int) -> Payment:
    return Payment(voucher=voucher, kind=EntryKind.RETURNED, amount_fen=yuan * YUAN)


@pytest.mark.parametrize(
    ("paid_yuan", "claim_yuan"),
    [
        ("99999.99", "0.00"),
        ("100000.00", "20000.00"),
        ("430080.00", "86016.00"),
        ("6000000.00", "1000000.00"),
    ],
)
def test_a_fifth_of_what_was_paid_in_a_year_is_claimed_back(
    paid_yuan: str, claim_yuan: str
) -> None:
    rule = Reimbursement(
        issuer="city",
        share_permille=200,
        min_paid_fen=100_000 * YUAN,
        cap_fen=1_000_000 * YUAN,
    )

    assert rule.claim_fen(fen(paid_yuan)) == fen(claim_yuan)


def fen(yuan: str) -> int:
    return int(yuan.replace(".", ""))


def test_half_of_a_contract_is_borne_by_city_and_district_alike() -> None:
    found = operator_subsidy(fen("800001.00"), 500)

    assert found.amount_fen == fen("400000.50")
    assert (found.city_fen, found.district_fen) == (fen("200000.25"), fen("200000.25"))


def test_an_odd_fen_is_the_citys() -> None:
    found = operator_subsidy(3, 1_000)

    assert (found.city_fen, found.district_fen) == (2, 1)


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (
            replace(VOUCHER, amount_fen=0),
            "its amount is 0.00 yuan: it must be more than 0, and 1,000,000,000 at most",
        ),
        (replace(VOUCHER, amount_fen=10**12), "its amount is"),
        (replace(VOUCHER, share_permille=0), "it would pay 0 permille"),
        (replace(VOUCHER, share_permille=1_001), "it would pay 1001 permille"),
        (replace(VOUCHER, until_ms=0), "it ends before it begins"),
    ],
)
def test_a_voucher_that_cannot_be_says_why(bad: Voucher, what: str) -> None:
    (fault,) = faults(bad)

    assert fault.startswith(what)


@st.composite
def balances(draw: st.DrawFn) -> list[Balance]:
    words = st.sampled_from([(), ("manufacturing",), ("ocean",)])
    kinds = st.sampled_from([(), ("ascend-910b3",), ("hygon-k100-ai",)])
    return [
        Balance(
            voucher=replace(
                VOUCHER,
                id=f"v{number}",
                fields=draw(words),
                device_kind_ids=draw(kinds),
                share_permille=draw(st.integers(1, 1_000)),
                until_ms=draw(st.sampled_from([AT_MS, AT_MS + 1, 9_000])),
            ),
            left_fen=draw(st.integers(0, 5_000)),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


lines_of_a_month = st.lists(
    st.builds(
        line,
        cards=st.integers(1, 16),
        kind=st.sampled_from(["ascend-910b3", "hygon-k100-ai"]),
        field=st.sampled_from(["manufacturing", "ocean"]),
    ),
    max_size=5,
    unique=True,
)


@given(lines_of_a_month, balances(), st.integers(0, 3_000))
def test_nothing_is_paid_twice_nor_beyond_balance_scope_share_and_total(
    lines: list[UsageSum], known: list[Balance], given_back_fen: int
) -> None:
    gross_fen = max(0, sum(one.amount_fen for one in lines) - given_back_fen)

    found = burn(lines, gross_fen, known, AT_MS)

    assert sum(one.amount_fen for one in found) <= gross_fen
    left_fen = {one.voucher.id: one.left_fen for one in known}
    assert max(Counter(one.voucher.id for one in found).values(), default=1) == 1
    for one in found:
        covered = sum(each.amount_fen for each in lines if one.voucher.covers(each))
        assert 0 < one.amount_fen <= left_fen[one.voucher.id]
        assert one.amount_fen * 1_000 <= covered * one.voucher.share_permille
    for kind in ("ascend-910b3", "hygon-k100-ai"):
        of_kind = sum(one.amount_fen for one in lines if one.device_kind_id == kind)
        mine = [one for one in found if one.voucher.device_kind_ids == (kind,)]
        assert sum(one.amount_fen for one in mine) <= of_kind


def given_back(one: UsageSum) -> UsageSum:
    return replace(one, device_ms=-one.device_ms, tflops_ms=-one.tflops_ms, cause="node")


def test_a_share_is_of_what_was_not_given_back() -> None:
    """Of 56.00 half was given back: half of the other half is paid."""
    lines = [line(16), given_back(line(8))]

    assert paid(lines, left(replace(VOUCHER, share_permille=500))) == {"v1": 14 * YUAN}


def test_what_was_given_back_whole_is_not_paid_out_of_other_work() -> None:
    lines = [line(8), given_back(line(8)), line(8, "hygon-k100-ai")]

    assert paid(lines, left(replace(VOUCHER, device_kind_ids=("ascend-910b3",)))) == {}
