"""A month's bills as FOCUS rows: what adds up to each statement, to the fen.

Costs in FOCUS are before tax, and taxes are rows of their own, while our prices include it. So
each line of a statement becomes

* a row of Usage for each slice, net of tax to the micro-yuan; what is given back is negative,
* a row of Adjustment for what rounding the line to the fen makes of their sum,
* a row of Tax,

which together are the line's amount. The net amounts of lines are cut from the rounded sum of the
lines so far, so that they add up to the statement's own net amount of each tax rate. What vouchers
pay, and what was granted in disputes, are rows of Credit: with them, all rows add up to what is
due.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from accounting.bills.concessions import Concession
from accounting.bills.statement import Statement, make_statement
from accounting.exports.focus_columns import FOCUS_COLUMNS, MICRO_SCALE, UNIT_SCALE, FocusRow
from accounting.exports.focus_lines import (
    PACKAGE_TYPE,
    PRICING_UNIT,
    DatedSum,
    Line,
    Names,
    account_row,
    costing,
    line_of,
)
from accounting.exports.sheet import Sheet
from accounting.money import MICROS_PER_FEN, MS_PER_HOUR, divide_half_up
from accounting.prices.packages import Package
from accounting.prices.rating import PriceList, PriceMissing, split_tax
from accounting.prices.vouchers import Payment
from accounting.usage.slices import Charge, UsageSum


@dataclass(frozen=True, slots=True, kw_only=True)
class Bills:
    """All charges on the statements of `month`, its own and those that correct earlier months.

    `price_lists` are by id; `payments` says what vouchers pay of a statement. `purchases` are the
    packages that were bought, `packages` all there are, by id; `concessions` what was granted in
    disputes. Statements of a closed month have numbers, drafts have none.
    """

    month: str
    is_closed: bool
    price_lists: Mapping[str, PriceList]
    charges: Iterable[Charge]
    payments: Callable[[Statement], Iterable[Payment]]
    purchases: Iterable[Package] = ()
    concessions: Iterable[Concession] = ()
    packages: Mapping[str, Package] = field(default_factory=dict)


def focus_sheet(bills: Bills, names: Names) -> Sheet:
    """The rows of all bills; nothing in them is a total, as FOCUS has none."""
    return Sheet(FOCUS_COLUMNS, focus_rows(bills, names))


def focus_rows(bills: Bills, names: Names) -> Iterator[FocusRow]:
    """The row of each charge, in their order, then those of each statement as a whole.

    The lines of the statements are in memory, not their charges. Raises `PriceMissing` for usage
    by a price list that is not among the bills' own.
    """
    accounts: dict[str, FocusRow] = {}
    lines: dict[DatedSum, Line] = {}
    for charge in bills.charges:
        tenant_id = charge.usage.tenant_id
        if tenant_id not in accounts:
            accounts[tenant_id] = _account(bills, tenant_id, names)
        prices = _prices(bills, charge)
        key = line_of(charge, prices.vat_permille)
        if key not in lines:
            lines[key] = Line(charge, accounts[tenant_id], names, prices)
        package_id = charge.usage.reference.partition("/")[2]
        yield lines[key].charge_row(charge, bills.packages.get(package_id))
    for statement in _statements(bills.month, lines.values()):
        yield from _line_rows(statement, lines)
        for payment in bills.payments(statement):
            yield _voucher_row(accounts[statement.tenant_id], payment)
    for package in bills.purchases:
        yield from _purchase_rows(_account(bills, package.tenant_id, names), package)
    for one in bills.concessions:
        yield from _concession_rows(_account(bills, one.tenant_id, names), one)


def _account(bills: Bills, tenant_id: str, names: Names) -> FocusRow:
    invoice_id = f"{tenant_id}-{bills.month}" if bills.is_closed else None
    return account_row(tenant_id, bills.month, invoice_id, names)


def _prices(bills: Bills, charge: Charge) -> PriceList:
    price_list_id = charge.usage.price_list_id
    if price_list_id not in bills.price_lists:
        raise PriceMissing(f"price list {price_list_id} is used, but was never published")
    return bills.price_lists[price_list_id]


def _statements(month: str, lines: Iterable[Line]) -> Iterator[Statement]:
    """The statements that the lines make, by tenant: it is they who order and round them."""
    sums: defaultdict[str, defaultdict[str, list[UsageSum]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for line in lines:
        sums[line.summed.tenant_id][line.month].append(line.summed)
    for tenant_id in sorted(sums):
        own = sums[tenant_id].pop(month, [])
        yield make_statement(tenant_id, month, None, own, sums[tenant_id])


def _line_rows(statement: Statement, lines: Mapping[DatedSum, Line]) -> Iterator[FocusRow]:
    """Rounding and tax of each line, in the statement's order."""
    gross_fen: defaultdict[int, int] = defaultdict(int)
    net_fen: defaultdict[int, int] = defaultdict(int)
    for month, total in statement.dated_sums:
        line = lines[month, total.emptied()]
        rate = total.vat_permille
        gross_fen[rate] += total.amount_fen
        before_fen = net_fen[rate]
        net_fen[rate] = split_tax(gross_fen[rate], rate).net_fen
        line_net_fen = net_fen[rate] - before_fen
        rounding = line.rounding_row(line_net_fen, total.amount_fen)
        if rounding is not None:
            yield rounding
        yield line.tax_row(total.amount_fen - line_net_fen)


def _voucher_row(account: FocusRow, payment: Payment) -> FocusRow:
    """What a voucher pays, below zero, or is given back."""
    voucher = payment.voucher
    micros = -payment.paid_fen * MICROS_PER_FEN
    return costing(account, micros, micros, micros)._replace(
        charge_category="Credit",
        charge_description=f"Voucher {voucher.id} {payment.kind.value}",
        charge_frequency="One-Time",
        x_voucher=voucher.id,
        x_voucher_issuer=voucher.issuer,
        x_voucher_contract=voucher.contract,
    )


def _purchase_rows(account: FocusRow, package: Package) -> Iterator[FocusRow]:
    """A package that was bought, and the tax inside its price."""
    split = package.price
    net_micros, tax_micros = split.net_fen * MICROS_PER_FEN, split.tax_fen * MICROS_PER_FEN
    unit_price = net_micros * 10 ** (UNIT_SCALE - MICRO_SCALE)
    said = f"Package {package.id}: {package.device_kind_id}"
    bought = costing(account, net_micros, net_micros, net_micros)._replace(
        charge_category="Purchase",
        charge_description=said,
        charge_frequency="One-Time",
        effective_cost=0,  # as FOCUS has it of what is paid in advance
        sku_id=package.device_kind_id,
        sku_price_id=package.id,
        sku_meter="Package",
        pricing_category="Standard",
        pricing_quantity=10**UNIT_SCALE,
        pricing_unit="Packages",
        list_unit_price=unit_price,
        contracted_unit_price=unit_price,
        pricing_currency_list_unit_price=unit_price,
        pricing_currency_contracted_unit_price=unit_price,
        commitment_discount_id=package.id,
        commitment_discount_name=package.id,
        commitment_discount_category="Usage",
        commitment_discount_type=PACKAGE_TYPE,
        commitment_discount_quantity=divide_half_up(
            package.committed_device_ms * 10**UNIT_SCALE, MS_PER_HOUR
        ),
        commitment_discount_unit=PRICING_UNIT,
    )
    yield bought
    rate = f"{package.vat_permille / 10:g}"
    yield costing(account, tax_micros, tax_micros, tax_micros)._replace(
        charge_category="Tax", charge_description=f"VAT, {rate} %: {said}"
    )


def _concession_rows(account: FocusRow, one: Concession) -> Iterator[FocusRow]:
    """What was granted in a dispute, below zero, and the tax inside it, of each tax rate."""
    lines = f", lines {', '.join(map(str, one.lines))}" if one.lines else ""
    said = f"Granted in the dispute about {one.month}{lines}"
    corrected = account._replace(charge_class="Correction", x_corrected_month=one.month)
    for permille, split in one.splits:
        net_micros, tax_micros = split.net_fen * MICROS_PER_FEN, split.tax_fen * MICROS_PER_FEN
        yield costing(corrected, net_micros, net_micros, net_micros)._replace(
            charge_category="Credit", charge_description=said, charge_frequency="One-Time"
        )
        yield costing(corrected, tax_micros, tax_micros, tax_micros)._replace(
            charge_category="Tax", charge_description=f"VAT, {permille / 10:g} %: {said}"
        )
