"""The columns of the FinOps Open Cost and Usage Specification (FOCUS 1.2), and our own beside them.

A row's field `billed_cost` is the column `BilledCost`; what FOCUS does not know begins with `x_`.
ServiceProviderName and HostProviderName are FOCUS 1.3's names for ProviderName and PublisherName.
Specification: FinOps Foundation, FOCUS 1.2, Cost and Usage dataset.
"""

from typing import Final, NamedTuple

from accounting.exports.sheet import Column, Kind

UNIT_SCALE: Final = 9
"""Unit prices and priced quantities have nine decimals, so that their products have eighteen."""
COST_SCALE: Final = 2 * UNIT_SCALE
MICRO_SCALE: Final = 6


class FocusRow(NamedTuple):
    """One charge. Decimals are whole numbers of 10^-scale, moments milliseconds since 1970."""

    billing_account_id: str
    billing_account_name: str
    billing_period_start: int
    billing_period_end: int
    billing_currency: str
    pricing_currency: str
    charge_category: str
    charge_description: str
    charge_period_start: int
    charge_period_end: int
    billed_cost: int
    effective_cost: int
    pricing_currency_effective_cost: int
    contracted_cost: int
    list_cost: int
    provider_name: str
    service_provider_name: str
    invoice_issuer_name: str
    publisher_name: str
    host_provider_name: str
    x_tenant_name: str
    charge_frequency: str = "Usage-Based"
    service_category: str = "Compute"
    service_subcategory: str = "Other (Compute)"
    service_name: str = "Compute service"
    charge_class: str | None = None
    invoice_id: str | None = None
    sub_account_id: str | None = None
    sub_account_name: str | None = None
    region_id: str | None = None
    region_name: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    resource_type: str | None = None
    sku_id: str | None = None
    sku_price_id: str | None = None
    sku_meter: str | None = None
    sku_price_details: str | None = None
    pricing_category: str | None = None
    pricing_quantity: int | None = None
    pricing_unit: str | None = None
    consumed_quantity: int | None = None
    consumed_unit: str | None = None
    contracted_unit_price: int | None = None
    list_unit_price: int | None = None
    pricing_currency_contracted_unit_price: int | None = None
    pricing_currency_list_unit_price: int | None = None
    commitment_discount_id: str | None = None
    commitment_discount_name: str | None = None
    commitment_discount_category: str | None = None
    commitment_discount_type: str | None = None
    commitment_discount_status: str | None = None
    commitment_discount_quantity: int | None = None
    commitment_discount_unit: str | None = None
    tags: str | None = None
    x_project_name: str | None = None
    x_centre_id: str | None = None
    x_centre_name: str | None = None
    x_device_kind: str | None = None
    x_field: str | None = None
    x_qos: str | None = None
    x_price_list: str | None = None
    x_vat_permille: int | None = None
    x_unit_price_tax_inclusive: int | None = None
    x_cost_tax_inclusive: int | None = None
    x_cards: int | None = None
    x_device_ms: int | None = None
    x_card_hours: int | None = None
    x_p_hours: int | None = None
    x_corrected_month: str | None = None
    x_cause: str | None = None
    x_voucher: str | None = None
    x_voucher_issuer: str | None = None
    x_voucher_contract: str | None = None
    x_cores: int | None = None
    x_core_hours: int | None = None


_SCALES: Final = {
    "billed_cost": MICRO_SCALE,
    "effective_cost": MICRO_SCALE,
    "pricing_currency_effective_cost": MICRO_SCALE,
    "contracted_cost": COST_SCALE,
    "list_cost": COST_SCALE,
    "contracted_unit_price": UNIT_SCALE,
    "list_unit_price": UNIT_SCALE,
    "pricing_currency_contracted_unit_price": UNIT_SCALE,
    "pricing_currency_list_unit_price": UNIT_SCALE,
    "pricing_quantity": UNIT_SCALE,
    "consumed_quantity": 3,
    "commitment_discount_quantity": UNIT_SCALE,
    "x_unit_price_tax_inclusive": MICRO_SCALE,
    "x_cost_tax_inclusive": MICRO_SCALE,
    "x_card_hours": MICRO_SCALE,
    "x_p_hours": MICRO_SCALE,
    "x_core_hours": MICRO_SCALE,
}
_INTEGERS: Final = {"x_vat_permille", "x_cards", "x_cores", "x_device_ms"}


def _column(field: str) -> Column:
    key = _key(field)
    if field in _SCALES:
        return Column(key, kind=Kind.DECIMAL, scale=_SCALES[field])
    if field in _INTEGERS:
        return Column(key, kind=Kind.INTEGER)
    if field.endswith(("_period_start", "_period_end")):
        return Column(key, kind=Kind.INSTANT)
    return Column(key)


def _key(field: str) -> str:
    prefix, words = ("x_", field[2:]) if field.startswith("x_") else ("", field)
    return prefix + "".join(word.title() for word in words.split("_"))


FOCUS_COLUMNS: Final = tuple(_column(field) for field in FocusRow._fields)
