"""FOCUS rows: what the specification asks of each, and that they are the statement, to the fen."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.bills.statement import Statement, make_statement
from accounting.exports.focus import Bills, focus_rows, focus_sheet
from accounting.exports.focus_columns import FOCUS_COLUMNS, FocusRow
from accounting.exports.focus_lines import Names
from accounting.exports.sheet import Kind, json_lines, plain_csv
from accounting.prices.rating import PriceList, PriceMissing
from accounting.prices.vouchers import EntryKind, Payment
from accounting.usage.slices import Charge, UsageSum
from tests.builders import HOUR_MS, PRICES, ms, summed, used
from tests.unit.accounting.prices.test_vouchers import VOUCHER

NAMES = Names(
    provider="AI park",
    centres={"qdaicc": "青岛 AI centre"},
    tenants={"steel": "Steel works", "fish": "海洋渔业"},
    projects={("steel", "default"): "Rolling mill"},
)
LISTS = replace(
    PRICES,
    on_demand=(("ascend-910b3", 3_500_000), ("a800", 5_200_000)),
    qos_permille=(("normal", 1_000), ("high", 1_300)),
)
TAX_FREE = replace(LISTS, id="free", from_ms=1, vat_permille=0)
THREE_MINUTES = Charge(usage=used("2026-08-01T00:00", "2026-08-01T00:03"))
LATE = Charge(usage=used("2026-07-31T23:00", "2026-08-01T00:00", reference="j2.1"))

# FOCUS 1.2: columns of the feature level Mandatory, and what may stand in them.
MANDATORY = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass"),
    *("ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost"),
    *("EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit"),
    *("ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}
MAY_BE_NULL = {"ChargeClass", "PricingQuantity", "PricingUnit"}
PRICED = (
    *("list_unit_price", "contracted_unit_price", "pricing_quantity", "pricing_unit"),
    *("pricing_category", "consumed_quantity", "consumed_unit", "sku_id", "sku_price_id"),
)


def bills(
    *charges: Charge,
    month: str = "2026-08",
    is_closed: bool = True,
    payments: Sequence[Payment] = (),
) -> Bills:
    return Bills(
        month=month,
        is_closed=is_closed,
        price_lists={LISTS.id: LISTS, TAX_FREE.id: TAX_FREE},
        charges=charges,
        payments=lambda _: payments,
    )


def rows_of(*charges: Charge, **more: object) -> list[FocusRow]:
    return list(focus_rows(bills(*charges, **more), NAMES))  # type: ignore[arg-type]  # by name


def test_the_rows_of_a_line_are_its_amount() -> None:
    usage, rounding, tax = rows_of(THREE_MINUTES)

    assert (usage.charge_category, usage.billed_cost) == ("Usage", 165_094)
    assert (rounding.charge_category, rounding.billed_cost) == ("Adjustment", 4_906)
    assert (tax.charge_category, tax.billed_cost) == ("Tax", 10_000)
    assert usage.billed_cost + rounding.billed_cost + tax.billed_cost == 180_000


def test_what_needs_no_rounding_has_no_row_for_it() -> None:
    sixty = Charge(usage=used("2026-08-01T00:00", "2026-08-01T01:00", price_micros=5_300_000))

    assert [row.charge_category for row in rows_of(sixty)] == ["Usage", "Tax"]


def test_a_price_is_before_tax_and_times_its_quantity_exactly_the_cost() -> None:
    usage = rows_of(Charge(usage=replace(THREE_MINUTES.usage, qos="high", price_micros=3_640_000)))[
        0
    ]

    assert usage.list_unit_price == 4_292_452_830  # 3.50 x 1.3 / 1.06
    assert usage.contracted_unit_price == 3_433_962_264  # 0.8 of it
    assert usage.pricing_quantity == 50_000_000
    assert usage.list_cost == 4_292_452_830 * 50_000_000
    assert usage.contracted_cost == 3_433_962_264 * 50_000_000
    assert usage.consumed_quantity == 180_000
    assert usage.sku_price_id == "2026/ascend-910b3/high"


def test_a_month_of_shanghai_is_written_in_utc_and_ends_with_the_next() -> None:
    content = b"".join(plain_csv(focus_sheet(bills(THREE_MINUTES), NAMES))).decode()
    usage = rows_of(THREE_MINUTES)[0]

    assert usage.billing_period_start == ms("2026-07-31T16:00:00+00:00")
    assert usage.billing_period_end == ms("2026-08-31T16:00:00+00:00")
    assert "2026-07-31T16:00:00.000Z,2026-08-31T16:00:00.000Z" in content
    assert "2026-07-31T16:00:00.000Z,2026-07-31T16:03:00.000Z" in content


def test_what_is_given_back_is_negative_usage_of_the_same_period() -> None:
    given_back = replace(THREE_MINUTES, cause="node")

    first, second, *rest = rows_of(THREE_MINUTES, given_back)

    assert second.charge_category == "Usage"
    assert second.charge_class is None
    assert second.x_cause == "node"
    assert second.list_unit_price == first.list_unit_price
    for name in ("billed_cost", "list_cost", "pricing_quantity", "x_device_ms"):
        assert getattr(second, name) == -getattr(first, name)
    assert sum(row.billed_cost for row in (first, second, *rest)) == 0


def test_what_corrects_a_closed_month_says_so() -> None:
    _, late, *whole_lines = rows_of(THREE_MINUTES, LATE)

    assert late.charge_class == "Correction"
    assert late.x_corrected_month == "2026-07"
    assert late.billing_period_start == ms("2026-07-31T16:00:00+00:00")
    assert late.charge_period_start == ms("2026-07-31T15:00:00+00:00")
    assert {row.charge_class for row in whole_lines} == {None}
    assert [row.x_corrected_month for row in whole_lines].count("2026-07") == 2


def test_a_voucher_is_a_credit_of_the_account() -> None:
    paid = [
        Payment(voucher=VOUCHER, kind=EntryKind.BURNT, amount_fen=9),
        Payment(voucher=VOUCHER, kind=EntryKind.RETURNED, amount_fen=2),
    ]

    burnt, returned = rows_of(THREE_MINUTES, payments=paid)[-2:]

    assert (burnt.charge_category, burnt.billed_cost) == ("Credit", -90_000)
    assert (returned.charge_category, returned.billed_cost) == ("Credit", 20_000)
    assert burnt.list_cost == burnt.contracted_cost == -9 * 10**16
    assert (burnt.x_voucher, burnt.x_voucher_contract) == (VOUCHER.id, VOUCHER.contract)
    assert (burnt.sub_account_id, burnt.region_id) == (None, None)


def test_a_draft_has_no_number() -> None:
    assert {row.invoice_id for row in rows_of(THREE_MINUTES)} == {"steel-2026-08"}
    assert {row.invoice_id for row in rows_of(THREE_MINUTES, is_closed=False)} == {None}


def test_names_are_shown_and_those_that_readers_refuse_stand_beside_the_ids() -> None:
    fish = Charge(usage=replace(THREE_MINUTES.usage, tenant_id="fish"))

    steel, other, *_ = rows_of(THREE_MINUTES, fish)

    assert (steel.billing_account_name, steel.sub_account_name) == ("Steel works", "Rolling mill")
    assert (other.billing_account_name, other.x_tenant_name) == ("fish", "海洋渔业")
    assert (steel.region_name, steel.x_centre_name) == ("qdaicc", "青岛 AI centre")


def test_a_price_list_that_nobody_published_is_no_free_lunch() -> None:
    unknown = Charge(usage=replace(THREE_MINUTES.usage, price_list_id="secret"))

    with pytest.raises(PriceMissing, match="secret"):
        rows_of(unknown)


def test_columns_are_those_of_focus_and_our_own_say_that_they_are() -> None:
    keys = [column.key for column in FOCUS_COLUMNS]

    assert set(keys) >= MANDATORY
    assert len(keys) == len(set(keys))
    assert keys[:3] == ["BillingAccountId", "BillingAccountName", "BillingPeriodStart"]
    assert {"x_CardHours", "x_PHours", "x_CentreId", "x_DeviceKind"} < set(keys)


CHARGES = st.builds(
    lambda seconds, cards, price, credited, tenant, project, qos, month, list_id: Charge(
        usage=replace(
            used(f"{month}-15T00:00", f"{month}-15T01:00"),
            to_ms=ms(f"{month}-15T00:00:00+08:00") + seconds * 1_000 + cards,
            tenant_id=tenant,
            project=project,
            qos=qos,
            device_count=cards,
            price_micros=price,
            price_list_id=list_id,
        ),
        cause="node" if credited else None,
    ),
    seconds=st.integers(1, 300),
    cards=st.integers(1, 512),
    price=st.sampled_from([0, 1, 2_800_000, 3_500_000, 30_000_000]),
    credited=st.booleans(),
    tenant=st.sampled_from(["steel", "fish"]),
    project=st.sampled_from(["default", "ml"]),
    qos=st.sampled_from(["normal", "high"]),
    month=st.sampled_from(["2026-06", "2026-07", "2026-08"]),
    list_id=st.sampled_from([LISTS.id, TAX_FREE.id]),
)


def statement_of(tenant_id: str, charges: Iterable[Charge]) -> Statement:
    """The statement as the books make it: from sums of the same charges."""
    by_line: defaultdict[tuple[str, UsageSum], list[Charge]] = defaultdict(list)
    for charge in charges:
        if charge.usage.tenant_id == tenant_id:
            vat = TAX_FREE.vat_permille if charge.usage.price_list_id == "free" else 60
            line = summed(charge.usage, vat_permille=vat, cause=charge.cause)
            month = charge.usage.from_ms < ms("2026-07-31T16:00:00+00:00")
            late = "2026-08" if not month else _month(charge)
            by_line[late, line.emptied()].append(charge)
    sums: defaultdict[str, list[UsageSum]] = defaultdict(list)
    for (month_name, line), parts in by_line.items():
        whole = summed(
            *(part.usage for part in parts), vat_permille=line.vat_permille, cause=line.cause
        )
        sums[month_name].append(whole)
    own = sums.pop("2026-08", [])
    return make_statement(tenant_id, "2026-08", None, own, sums)


def _month(charge: Charge) -> str:
    return "2026-07" if charge.usage.from_ms >= ms("2026-06-30T16:00:00+00:00") else "2026-06"


@given(charges=st.lists(CHARGES, max_size=30))
def test_all_rows_of_a_tenant_are_its_statement(charges: list[Charge]) -> None:
    rows = rows_of(*charges)

    for tenant_id in ("steel", "fish"):
        made = statement_of(tenant_id, charges)
        mine = [row for row in rows if row.billing_account_id == tenant_id]
        tax = sum(row.billed_cost for row in mine if row.charge_category == "Tax")
        assert sum(row.billed_cost for row in mine) == made.gross_fen * 10_000
        assert tax == made.tax_fen * 10_000
        for month, line in made.dated_sums:
            assert _sum_of(mine, month, line) == line.amount_fen * 10_000


def _sum_of(rows: Iterable[FocusRow], month: str, line: UsageSum) -> int:
    """What the rows of a line cost, found by what they say."""
    late = None if month == "2026-08" else month
    said = (late, line.project, line.qos, line.price_list_id, line.price_micros, line.cause)
    return sum(
        row.billed_cost
        for row in rows
        if said
        == (
            row.x_corrected_month,
            row.x_project_name if row.x_project_name == "ml" else row.sub_account_id,
            row.x_qos,
            row.x_price_list,
            row.x_unit_price_tax_inclusive,
            row.x_cause,
        )
    )


@given(charges=st.lists(CHARGES, min_size=1, max_size=10))
def test_each_row_keeps_the_rules_of_the_specification(charges: list[Charge]) -> None:
    for row in rows_of(*charges):
        values = dict(zip((column.key for column in FOCUS_COLUMNS), row, strict=True))
        assert all(values[key] is not None for key in MANDATORY - MAY_BE_NULL)
        assert "" not in values.values()
        assert row.charge_category in {"Usage", "Tax", "Adjustment"}
        assert row.charge_class in {None, "Correction"}
        assert row.provider_name == row.invoice_issuer_name
        is_usage = row.charge_category == "Usage"
        assert all((getattr(row, name) is not None) == is_usage for name in PRICED)
        assert row.charge_period_start < row.charge_period_end
        if is_usage:
            assert row.list_cost == (row.list_unit_price or 0) * (row.pricing_quantity or 0)
            off = Decimal(row.contracted_cost).scaleb(-18) - Decimal(row.billed_cost).scaleb(-6)
            assert abs(off) < Decimal("0.000002"), "priced and billed are the same charge"
        for column in FOCUS_COLUMNS:
            is_text = column.kind is Kind.TEXT
            assert values[column.key] is None or isinstance(values[column.key], str) == is_text


def test_an_hour_of_a_card_in_json_has_no_float() -> None:
    hour = Charge(usage=replace(THREE_MINUTES.usage, to_ms=THREE_MINUTES.usage.from_ms + HOUR_MS))
    first = b"".join(json_lines(focus_sheet(bills(hour), NAMES))).split(b"\n")[0]

    assert b'"BilledCost":"3.301887"' in first
    assert b'"PricingQuantity":"1"' in first
    assert b'"ListCost":"3.301886792"' in first
    assert b'"x_DeviceMs":3600000' in first


def test_prices_for_everybody_leave_price_classes_out() -> None:
    classed: PriceList = replace(LISTS, class_permille=(("standard", 1_000), ("lab", 500)))

    assert classed.list_micros("a800", "high") == 6_760_000
    with pytest.raises(PriceMissing, match="unheard"):
        classed.list_micros("a800", "unheard")
