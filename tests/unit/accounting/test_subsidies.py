"""What may be claimed, by hand: the vectors, and all that bars a claim."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounting.bills.claims import (
    Claimed,
    ClaimMode,
    ClaimRefused,
    ClaimRule,
    Contract,
    assess,
    contract_faults,
    counted_of,
    halves,
    rule_faults,
)
from accounting.bills.invoices import Receipt
from tests.builders import shanghai

YUAN = 100
NOW = shanghai("2027-04-10T09:00")
RULE = ClaimRule(
    id="qd-2026",
    mode=ClaimMode.REIMBURSEMENT,
    issuer="青岛市",
    pool="算力券",
    year="2026",
    budget_fen=10_000_000 * YUAN,
    share_permille=200,
    min_fen=100_000 * YUAN,
    cap_fen=1_000_000 * YUAN,
    bars_related=True,
    from_ms=shanghai("2027-04-01T00:00"),
    until_ms=shanghai("2027-06-01T00:00"),
    fields=(),
    device_kind_ids=(),
    centre_ids=(),
    by="finance (1)",
    at_ms=0,
)
OPERATOR = replace(RULE, id="op-2026", mode=ClaimMode.OPERATOR, share_permille=500, min_fen=0)
CONTRACT = Contract(
    number="HT-1",
    tenant_id="steel",
    amount_fen=800_001 * YUAN,
    district="黄岛区",
    is_related=False,
    from_ms=shanghai("2026-01-01T00:00"),
    until_ms=shanghai("2027-01-01T00:00"),
    by="finance (1)",
    at_ms=0,
)
PAID = Receipt(
    reference="bank-1",
    tenant_id="steel",
    month="2026-10",
    invoice_id="",
    amount_fen=0,
    paid_at_ms=shanghai("2026-11-07T10:00"),
    by="finance (1)",
    at_ms=0,
)


def paid(fen: int) -> tuple[tuple[Receipt, int], ...]:
    return ((replace(PAID, amount_fen=fen), fen),)


@pytest.mark.parametrize(
    ("paid_fen", "claim_fen"),
    [
        (100_000_00, 20_000_00),
        (430_080_00, 86_016_00),
        (6_000_000_00, 1_000_000_00),
    ],
)
def test_a_share_of_what_was_paid_is_claimed_back(paid_fen: int, claim_fen: int) -> None:
    assert assess(RULE, CONTRACT, paid(paid_fen), Claimed(), NOW).amount_fen == claim_fen


def test_below_the_least_amount_nothing_is() -> None:
    with pytest.raises(ClaimRefused, match=r"from 100000\.00 yuan on, and 99999\.99 count"):
        assess(RULE, CONTRACT, paid(99_999_99), Claimed(), NOW)


def test_the_operator_claims_half_of_a_contract_from_city_and_district() -> None:
    made = assess(OPERATOR, CONTRACT, (), Claimed(), NOW)

    assert (made.base_fen, made.amount_fen) == (800_001_00, 400_000_50)
    assert halves(OPERATOR, made.amount_fen) == (200_000_25, 200_000_25)
    assert halves(OPERATOR, 101) == (51, 50)
    assert halves(RULE, 101) == (0, 0)


def test_no_more_is_claimed_than_the_budget_and_the_cap_have_left() -> None:
    scarce = Claimed(of_pool_fen=RULE.budget_fen - 7)
    capped = Claimed(by_tenant_fen=RULE.cap_fen - 9)

    assert assess(RULE, CONTRACT, paid(430_080_00), scarce, NOW).amount_fen == 7
    assert assess(RULE, CONTRACT, paid(430_080_00), capped, NOW).amount_fen == 9
    gone = Claimed(of_pool_fen=RULE.budget_fen)
    with pytest.raises(ClaimRefused, match=r"of its budget 0\.00 yuan are left"):
        assess(RULE, CONTRACT, paid(430_080_00), gone, NOW)


@pytest.mark.parametrize(
    ("contract", "claimed", "at_ms", "why"),
    [
        (CONTRACT, Claimed(), RULE.from_ms - 1, "claimed from 2027-04-01 to 2027-05-31"),
        (CONTRACT, Claimed(), RULE.until_ms, "claimed from 2027-04-01 to 2027-05-31"),
        (replace(CONTRACT, is_related=True), Claimed(), NOW, "steel is a related party"),
        (CONTRACT, Claimed(voucher_id="v1"), NOW, "voucher v1 is for it: no double subsidy"),
        (CONTRACT, Claimed(other_claim_id="c1"), NOW, "claim c1 is for it: no double subsidy"),
    ],
)
def test_what_bars_a_claim_is_said(
    contract: Contract, claimed: Claimed, at_ms: int, why: str
) -> None:
    with pytest.raises(ClaimRefused, match=f"rule qd-2026, contract HT-1: .*{why}"):
        assess(RULE, contract, paid(430_080_00), claimed, at_ms)


def test_a_related_party_may_claim_where_the_rule_lets_it() -> None:
    related = replace(CONTRACT, is_related=True)

    made = assess(replace(RULE, bars_related=False), related, paid(100_000_00), Claimed(), NOW)

    assert made.amount_fen == 20_000_00


BODY: dict[str, Any] = {
    "lines": [
        {"field": "manufacturing", "device": "npu", "centre": "east", "amount_fen": 3_000},
        {"field": "ocean", "device": "npu", "centre": "east", "amount_fen": 1_000},
    ],
    "credits": [],
    "corrections": [],
    "totals": {"gross_fen": 4_000},
}


@pytest.mark.parametrize(
    ("scope", "fen"),
    [
        ({}, 2_000),
        ({"fields": ("manufacturing",)}, 1_500),
        ({"device_kind_ids": ("npu",), "centre_ids": ("east",)}, 2_000),
        ({"centre_ids": ("west",)}, None),
    ],
)
def test_of_a_payment_counts_what_the_rule_covers(scope: dict[str, Any], fen: int | None) -> None:
    rule = replace(RULE, **scope)

    counted = counted_of(rule, [replace(PAID, amount_fen=2_000)], {"2026-10": BODY})

    assert [part for _, part in counted] == ([] if fen is None else [fen])


def test_no_more_counts_than_was_paid_where_the_rest_was_given_back() -> None:
    back = [{"centre": "west", "amount_fen": -2_000}]
    rule = replace(RULE, centre_ids=("east",))
    one = replace(PAID, amount_fen=2_000)

    body = {**BODY, "credits": back, "totals": {"gross_fen": 2_000}}

    ((_, fen),) = counted_of(rule, [one], {"2026-10": body})

    assert fen == 2_000


@pytest.mark.parametrize(
    ("scope", "fen"),
    [
        ({}, 5_000),
        ({"device_kind_ids": ("npu",)}, 5_000),
        ({"fields": ("ocean",)}, 500),
        ({"device_kind_ids": ("dcu",)}, None),
    ],
)
def test_of_a_payment_for_packages_counts_what_the_rule_covers(
    scope: dict[str, Any], fen: int | None
) -> None:
    """Half of 40.00 for usage and 60.00 for a package is paid; a package is of no field."""
    totals = {"gross_fen": 4_000, "due_fen": 10_000, "purchases_fen": 6_000}
    sold = [{"device": "npu", "amount_fen": 6_000}]
    body = {**BODY, "totals": totals, "purchases": sold}

    counted = counted_of(
        replace(RULE, **scope), [replace(PAID, amount_fen=5_000)], {"2026-10": body}
    )

    assert [part for _, part in counted] == ([] if fen is None else [fen])


@given(
    usage=st.lists(st.tuples(st.sampled_from(["npu", "dcu"]), st.integers(-5_000, 5_000))),
    sold=st.lists(st.tuples(st.sampled_from(["npu", "dcu"]), st.integers(1, 5_000))),
    paid_permille=st.integers(1, 1_000),
    device_kind_ids=st.sampled_from([(), ("npu",)]),
)
@example(usage=[("npu", -5_000)], sold=[("npu", 10_000)], paid_permille=1_000, device_kind_ids=())
def test_never_more_counts_than_was_paid(
    usage: list[tuple[str, int]],
    sold: list[tuple[str, int]],
    paid_permille: int,
    device_kind_ids: tuple[str, ...],
) -> None:
    """As in a month that gave more back than was used, in which a package was bought."""
    lines, purchases = (
        [{"device": device, "amount_fen": fen} for device, fen in one] for one in (usage, sold)
    )
    gross_fen, sold_fen = (sum(fen for _, fen in one) for one in (usage, sold))
    due_fen = gross_fen + sold_fen
    totals = {"gross_fen": gross_fen, "purchases_fen": sold_fen, "due_fen": due_fen}
    body = {**BODY, "lines": lines, "purchases": purchases, "totals": totals}
    one = replace(PAID, amount_fen=max(1, due_fen * paid_permille // 1_000))
    rule = replace(RULE, device_kind_ids=device_kind_ids)

    counted = sum(fen for _, fen in counted_of(rule, [one], {"2026-10": body}))

    assert 0 <= counted <= one.amount_fen


@pytest.mark.parametrize(
    ("came", "counts"),
    [
        ("2025-12-31T23:59", False),
        ("2026-01-01T00:00", True),
        ("2026-12-31T23:59", True),
        ("2027-01-01T00:00", False),
    ],
)
def test_the_year_is_that_in_which_the_money_came(came: str, counts: bool) -> None:
    one = replace(PAID, amount_fen=2_000, paid_at_ms=shanghai(came))

    assert bool(counted_of(RULE, [one], {"2026-10": BODY})) is counts


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (replace(RULE, share_permille=0), "it would pay 0 permille"),
        (replace(RULE, share_permille=1_001), "it would pay 1001 permille"),
        (replace(RULE, until_ms=RULE.from_ms), "it ends before it begins"),
        (replace(RULE, cap_fen=0), "more than nothing"),
        (replace(RULE, budget_fen=0), "more than nothing"),
        (replace(OPERATOR, fields=("ocean",)), "contracts as a whole"),
    ],
)
def test_a_rule_that_cannot_be_says_why(rule: ClaimRule, fault: str) -> None:
    assert list(rule_faults(RULE)) == []
    assert fault in " ".join(rule_faults(rule))


def test_a_contract_that_cannot_be_says_why() -> None:
    assert list(contract_faults(CONTRACT)) == []
    assert list(contract_faults(replace(CONTRACT, amount_fen=0))) == [
        "its amount is 0.00 yuan: it must be more than 0, and 1,000,000,000,000 at most"
    ]
    assert list(contract_faults(replace(CONTRACT, until_ms=0))) == ["it ends before it begins"]
