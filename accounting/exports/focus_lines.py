"""A line of a statement as FOCUS rows: its charges before tax, its rounding to the fen, its tax."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from accounting.bills.statement import CURRENCY
from accounting.calendar import month_bounds, month_of
from accounting.exports.focus_columns import COST_SCALE, MICRO_SCALE, UNIT_SCALE, FocusRow
from accounting.money import (
    MICROS_PER_FEN,
    MS_PER_HOUR,
    card_hour_micros,
    charge_micros,
    divide_half_up,
    p_hour_micros,
    yuan_of_micros,
)
from accounting.prices.packages import Package
from accounting.prices.rating import PERMILLE, PriceList
from accounting.units import Unit
from accounting.usage.slices import Charge, UsageSlice, UsageSum

PRICING_UNIT: Final = "Card-Hours"
_PRICED_IN: Final = {Unit.CARD: PRICING_UNIT, Unit.CORE: "Core-Hours"}
_CONSUMED_IN: Final = {Unit.CARD: "Card-Seconds", Unit.CORE: "Core-Seconds"}
_METERS: Final = {Unit.CARD: "Accelerator card time", Unit.CORE: "Processor core time"}
PACKAGE_TYPE: Final = "Package"

_COST_PER_MICRO: Final = 10 ** (COST_SCALE - MICRO_SCALE)
_UNITS_PER_MICRO: Final = 10 ** (UNIT_SCALE - MICRO_SCALE)

DatedSum = tuple[str, UsageSum]
"""A line of a statement, and the month in which it was used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What is shown beside ids; what has no name here is shown by its id.

    `provider` is the park, in ASCII.
    """

    provider: str
    centres: Mapping[str, str] = field(default_factory=dict)
    tenants: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[tuple[str, str], str] = field(default_factory=dict)


def line_of(charge: Charge, vat_permille: int) -> DatedSum:
    """The line that a charge is on, with nothing on it yet."""
    usage = charge.usage
    return month_of(usage.from_ms), UsageSum(
        tenant_id=usage.tenant_id,
        project=usage.project,
        field=usage.field,
        centre_id=usage.centre_id,
        device_kind_id=usage.device_kind_id,
        qos=usage.qos,
        price_list_id=usage.price_list_id,
        price_micros=usage.price_micros,
        vat_permille=vat_permille,
        device_ms=0,
        tflops_ms=0,
        cause=charge.cause,
    )


class Line:
    """A line of a statement while its charges pass by: what its rows share, and its sums."""

    def __init__(self, first: Charge, account: FocusRow, names: Names, prices: PriceList) -> None:
        """`account` is what all rows of the statement share, `first` any of its charges."""
        self.month, self._empty = line_of(first, prices.vat_permille)
        self._unit = first.usage.unit
        self._list_micros = prices.list_micros(self._empty.device_kind_id, self._empty.qos)
        self._device_ms = self._tflops_ms = self._gross_micros = self._net_micros = 0
        self._unit_price = self._net_unit_price(self._empty.price_micros)
        self._list_unit_price = self._net_unit_price(self._list_micros)
        self._shared = self._placed(account, names)
        self._priced = self._with_price()

    @property
    def summed(self) -> UsageSum:
        """The line with what has passed by."""
        return replace(self._empty, device_ms=self._device_ms, tflops_ms=self._tflops_ms)

    def charge_row(self, charge: Charge, package: Package | None = None) -> FocusRow:
        """A charge's row, `package` covers it; its quantities are added to the line's."""
        usage = charge.usage
        device_ms, tflops_ms = charge.sign * usage.device_ms, charge.sign * usage.tflops_ms
        net_micros = self._net_of(device_ms, usage.price_micros)
        gross_micros = charge.amount_micros
        self._device_ms += device_ms
        self._tflops_ms += tflops_ms
        self._gross_micros += gross_micros
        self._net_micros += net_micros
        hours = divide_half_up(device_ms * 10**UNIT_SCALE, MS_PER_HOUR)
        row = self._priced._replace(
            charge_period_start=usage.from_ms,
            charge_period_end=usage.to_ms,
            charge_description=_described(charge),
            billed_cost=net_micros,
            effective_cost=net_micros,
            pricing_currency_effective_cost=net_micros,
            contracted_cost=self._unit_price * hours,
            list_cost=self._list_unit_price * hours,
            pricing_quantity=hours,
            consumed_quantity=device_ms,
            resource_id=usage.reference,
            x_cost_tax_inclusive=gross_micros,
            x_device_ms=device_ms,
            x_p_hours=p_hour_micros(tflops_ms),
        )
        row = _counted(row, usage, card_hour_micros(device_ms))
        package_id = usage.reference.partition("/")[2]
        if not package_id:
            return row
        return _committed(row, package_id, hours, _part_of_price(package, device_ms))

    def rounding_row(self, net_fen: int, gross_fen: int) -> FocusRow | None:
        """What the line's amounts, rounded once, are more or less than the sum of its charges."""
        net_micros = net_fen * MICROS_PER_FEN - self._net_micros
        gross_micros = gross_fen * MICROS_PER_FEN - self._gross_micros
        if not net_micros and not gross_micros:
            return None
        row = costing(self._shared, net_micros, net_micros, net_micros)
        return row._replace(
            charge_category="Adjustment",
            charge_description=f"Rounding to the fen: {self._said}",
            x_cost_tax_inclusive=gross_micros,
        )

    def tax_row(self, tax_fen: int) -> FocusRow:
        """The tax inside the line's amount."""
        contracted = self._tax_micros(self._empty.price_micros)
        listed = self._tax_micros(self._list_micros)
        row = costing(self._shared, tax_fen * MICROS_PER_FEN, contracted, listed)
        rate = f"{self._empty.vat_permille / 10:g}"
        return row._replace(
            charge_category="Tax", charge_description=f"VAT, {rate} %: {self._said}"
        )

    @property
    def _said(self) -> str:
        line = self._empty
        late = "" if self._shared.x_corrected_month is None else f", {self.month}"
        return f"{line.project}, {line.device_kind_id} in {line.centre_id}, {line.qos}{late}"

    def _placed(self, account: FocusRow, names: Names) -> FocusRow:
        """What also the rows for the line as a whole say."""
        line = self._empty
        project = names.projects.get((line.tenant_id, line.project), line.project)
        centre = names.centres.get(line.centre_id, line.centre_id)
        centre_ascii = ascii_name(centre, line.centre_id)
        begin_ms = month_bounds(self.month)[0]
        return account._replace(
            sub_account_id=line.project,
            sub_account_name=ascii_name(project, line.project),
            region_id=line.centre_id,
            region_name=centre_ascii,
            publisher_name=centre_ascii,
            host_provider_name=centre_ascii,
            x_project_name=project,
            x_centre_id=line.centre_id,
            x_centre_name=centre,
            x_device_kind=line.device_kind_id,
            x_field=line.field,
            x_qos=line.qos,
            x_price_list=line.price_list_id,
            x_vat_permille=line.vat_permille,
            x_unit_price_tax_inclusive=line.price_micros,
            x_corrected_month=self.month if begin_ms < account.billing_period_start else None,
            x_cause=line.cause,
        )

    def _with_price(self) -> FocusRow:
        """What only the charges themselves say."""
        line = self._empty
        listed = {"x_Qos": line.qos, "x_ListPriceTaxInclusive": yuan_of_micros(self._list_micros)}
        return self._shared._replace(
            charge_class=None if self._shared.x_corrected_month is None else "Correction",
            resource_type="Job attempt",
            sku_id=line.device_kind_id,
            sku_price_id=f"{line.price_list_id}/{line.device_kind_id}/{line.qos}",
            sku_meter=_METERS[self._unit],
            sku_price_details=_object(listed),
            pricing_category="Standard",
            pricing_unit=_PRICED_IN[self._unit],
            consumed_unit=_CONSUMED_IN[self._unit],
            contracted_unit_price=self._unit_price,
            list_unit_price=self._list_unit_price,
            pricing_currency_contracted_unit_price=self._unit_price,
            pricing_currency_list_unit_price=self._list_unit_price,
            tags=_object({"brain:field": line.field, "brain:qos": line.qos}),
        )

    def _net_unit_price(self, price_micros: int) -> int:
        """A card-hour's price before tax, in units of 10^-9 yuan."""
        scaled = price_micros * _UNITS_PER_MICRO * PERMILLE
        return divide_half_up(scaled, PERMILLE + self._empty.vat_permille)

    def _net_of(self, device_ms: int, price_micros: int) -> int:
        """What a charge is before tax: rounded once, not the rounded charge again."""
        divisor = MS_PER_HOUR * (PERMILLE + self._empty.vat_permille)
        return divide_half_up(device_ms * price_micros * PERMILLE, divisor)

    def _tax_micros(self, price_micros: int) -> int:
        gross_micros = charge_micros(self._device_ms, price_micros)
        return gross_micros - self._net_of(self._device_ms, price_micros)


def account_row(tenant_id: str, month: str, invoice_id: str | None, names: Names) -> FocusRow:
    """What all rows of a tenant's statement share; a row's own columns are empty, or 0."""
    begin_ms, end_ms = month_bounds(month)
    tenant = names.tenants.get(tenant_id, tenant_id)
    return FocusRow(
        billing_account_id=tenant_id,
        billing_account_name=ascii_name(tenant, tenant_id),
        billing_period_start=begin_ms,
        billing_period_end=end_ms,
        billing_currency=CURRENCY,
        pricing_currency=CURRENCY,
        charge_category="Usage",
        charge_description="",
        charge_period_start=begin_ms,
        charge_period_end=end_ms,
        billed_cost=0,
        effective_cost=0,
        pricing_currency_effective_cost=0,
        contracted_cost=0,
        list_cost=0,
        provider_name=names.provider,
        service_provider_name=names.provider,
        invoice_issuer_name=names.provider,
        publisher_name=names.provider,
        host_provider_name=names.provider,
        x_tenant_name=tenant,
        invoice_id=invoice_id,
    )


def costing(row: FocusRow, billed: int, contracted: int, listed: int) -> FocusRow:
    """The row of a charge that has no quantity, and so no price; its costs in micro-yuan."""
    return row._replace(
        billed_cost=billed,
        effective_cost=billed,
        pricing_currency_effective_cost=billed,
        contracted_cost=contracted * _COST_PER_MICRO,
        list_cost=listed * _COST_PER_MICRO,
    )


def _counted(row: FocusRow, usage: UsageSlice, hours: int) -> FocusRow:
    """The same with how many, and for how long: of cards, or of cores in columns of their own."""
    if usage.unit is Unit.CORE:
        return row._replace(x_cores=usage.device_count, x_core_hours=hours)
    return row._replace(x_cards=usage.device_count, x_card_hours=hours)


def _part_of_price(package: Package | None, device_ms: int) -> int:
    """What of a package's price before tax is for so much of it, in micro-yuan."""
    if package is None:
        return 0
    net_micros = package.price.net_fen * MICROS_PER_FEN
    return divide_half_up(device_ms * net_micros, package.committed_device_ms)


def _committed(row: FocusRow, package_id: str, hours: int, effective_micros: int) -> FocusRow:
    """The same, drawn from a package, whose price is spread over what it covers."""
    return row._replace(
        effective_cost=effective_micros,
        pricing_currency_effective_cost=effective_micros,
        pricing_category="Committed",
        commitment_discount_id=package_id,
        commitment_discount_name=package_id,
        commitment_discount_category="Usage",
        commitment_discount_type=PACKAGE_TYPE,
        commitment_discount_status="Used",
        commitment_discount_quantity=hours,
        commitment_discount_unit=PRICING_UNIT,
    )


def ascii_name(name: str, id_: str) -> str:
    """FOCUS's own columns have ASCII alone, or its validator refuses them."""
    return name if name.isascii() else id_


def _described(charge: Charge) -> str:
    usage = charge.usage
    held = f"{usage.device_count} x {usage.device_kind_id} in {usage.centre_id}, {usage.qos}"
    return held if charge.cause is None else f"Given back ({charge.cause}): {held}"


def _object(values: Mapping[str, str]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
