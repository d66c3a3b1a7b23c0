"""The books as sheets: usage, charges, and a statement, row by row.

The last row is the total, in exactly the quantities that were added up.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from accounting.calendar import month_of
from accounting.exports.sheet import TOTAL, Cell, Column, Kind, Row, Sheet
from accounting.money import card_hour_micros, p_hour_micros, yuan_of_fen
from accounting.units import Unit, card_ms, core_ms
from accounting.usage.slices import Charge, UsageSlice

_HOURS = (Kind.DECIMAL, 6)
_YUAN = (Kind.DECIMAL, 6, 2)
PRICE_ZH = "单价(元/卡时或核时,含税)"

_CORE_COLUMNS = (
    Column("unit", "计量单位", Kind.WORD),
    Column("core_ms", "核毫秒", Kind.INTEGER),
    Column("core_hours", "核时", *_HOURS),
)
"""What is used of cores; it came later, so it stands behind all else."""
_SLICE_COLUMNS = (
    Column("row", "行类型", Kind.WORD),
    Column("reference", "用量编号"),
    Column("tenant", "企业"),
    Column("project", "项目"),
    Column("field", "行业领域"),
    Column("centre", "算力中心"),
    Column("device", "设备型号"),
    Column("qos", "服务等级"),
    Column("month", "账期", Kind.WORD),
    Column("from", "起始时间", Kind.TIME),
    Column("to", "结束时间", Kind.TIME),
    Column("devices", "卡数或核数", Kind.INTEGER),
    Column("tflops", "单卡算力TFLOPS", Kind.INTEGER),
    Column("device_ms", "卡毫秒", Kind.INTEGER),
    Column("card_hours", "卡时", *_HOURS),
    Column("p_hours", "P·h", *_HOURS),
    Column("recorded_at", "记录时间", Kind.TIME),
)
USAGE_COLUMNS = (*_SLICE_COLUMNS, *_CORE_COLUMNS)
CHARGE_COLUMNS = (
    *_SLICE_COLUMNS,
    Column("price_list", "价格表"),
    Column("price", PRICE_ZH, *_YUAN),
    Column("amount", "金额(元,含税)", *_YUAN),
    Column("cause", "退回原因"),
    *_CORE_COLUMNS,
)
# A statement's numbers are the texts of its JSON, to the letter.
STATEMENT_COLUMNS = (
    Column("row", "行类型", Kind.WORD),
    Column("tenant", "企业"),
    Column("month", "账期", Kind.WORD),
    Column("project", "项目"),
    Column("centre", "算力中心"),
    Column("device", "设备型号"),
    Column("qos", "服务等级"),
    Column("price_list", "价格表"),
    Column("price", PRICE_ZH, Kind.NUMBER),
    Column("device_ms", "卡毫秒", Kind.INTEGER),
    Column("card_hours", "卡时", Kind.NUMBER),
    Column("p_hours", "P·h", Kind.NUMBER),
    Column("vat_permille", "税率(‰)", Kind.INTEGER),
    Column("amount", "金额(元,含税)", Kind.NUMBER),
    Column("net", "不含税金额(元)", Kind.NUMBER),
    Column("tax", "税额(元)", Kind.NUMBER),
    Column("cause", "退回原因"),
    Column("field", "行业领域"),
    Column("voucher", "算力券"),
    Column("package", "资源包"),
    Column("value", "资源包折合(元,含税)", Kind.NUMBER),
    Column("unit", "计量单位", Kind.WORD),
    Column("core_ms", "核毫秒", Kind.INTEGER),
    Column("core_hours", "核时", Kind.NUMBER),
)


def usage_sheet(slices: Iterable[UsageSlice]) -> Sheet:
    """Who held what, from when to when."""
    return Sheet(USAGE_COLUMNS, _usage_rows(slices))


def charges_sheet(charges: Iterable[Charge]) -> Sheet:
    """What each slice came to, to the micro-yuan, and what was given back."""
    return Sheet(CHARGE_COLUMNS, _charge_rows(charges))


def statement_sheet(body: bytes) -> Sheet:
    """A statement's JSON as a table; its total is the total of the JSON, to the letter."""
    return Sheet(STATEMENT_COLUMNS, _statement_rows(json.loads(body)))


def _usage_rows(slices: Iterable[UsageSlice]) -> Iterator[Row]:
    total = _Total()
    for usage in slices:
        total.add(usage, 1)
        yield (*_usage_row("usage", usage, 1), *_core_cells(usage, 1))
    yield (*total.row(), *total.core_cells())


def _charge_rows(charges: Iterable[Charge]) -> Iterator[Row]:
    total, micros = _Total(), 0
    for charge in charges:
        usage = charge.usage
        total.add(usage, charge.sign)
        micros += charge.amount_micros
        yield (
            *_usage_row("usage" if charge.cause is None else "credit", usage, charge.sign),
            usage.price_list_id,
            usage.price_micros,
            charge.amount_micros,
            charge.cause,
            *_core_cells(usage, charge.sign),
        )
    yield (*total.row(), None, None, micros, None, *total.core_cells())


def _usage_row(kind: str, usage: UsageSlice, sign: int) -> Row:
    return (
        kind,
        usage.reference,
        usage.tenant_id,
        usage.project,
        usage.field,
        usage.centre_id,
        usage.device_kind_id,
        usage.qos,
        month_of(usage.from_ms),
        usage.from_ms,
        usage.to_ms,
        usage.device_count,
        usage.tflops,
        sign * card_ms(usage),
        card_hour_micros(sign * card_ms(usage)),
        p_hour_micros(sign * usage.tflops_ms),
        usage.recorded_at_ms,
    )


def _core_cells(usage: UsageSlice, sign: int) -> Row:
    time_ms = sign * core_ms(usage)
    return usage.unit.value, time_ms, card_hour_micros(time_ms)


class _Total:
    """What rows that pass by come to: of cards, and apart from them of cores."""

    def __init__(self) -> None:
        self._card_ms = self._tflops_ms = self._core_ms = 0

    def add(self, usage: UsageSlice, sign: int) -> None:
        self._card_ms += sign * card_ms(usage)
        self._tflops_ms += sign * usage.tflops_ms
        self._core_ms += sign * core_ms(usage)

    def row(self) -> Row:
        labels = len(_SLICE_COLUMNS) - 5
        sums = (
            self._card_ms,
            card_hour_micros(self._card_ms),
            p_hour_micros(self._tflops_ms),
        )
        return (TOTAL, *[None] * labels, *sums, None)

    def core_cells(self) -> Row:
        return None, self._core_ms, card_hour_micros(self._core_ms)


def _statement_rows(statement: Mapping[str, object]) -> Iterator[Row]:
    for kind, rows in (("line", "lines"), ("credit", "credits"), ("correction", "corrections")):
        for line in objects(statement[rows]):
            yield _statement_row(kind, {**_heading(statement), **line, **of_unit(line)})
    (total,) = objects([statement["totals"]])
    yield _statement_row(TOTAL, {**_heading(statement), **total, "amount": total["gross"]})
    yield from _package_rows(statement)
    for one in objects(statement.get("concessions", [])):
        yield _statement_row("concession", {**_heading(statement), **one})
    yield from _paid_rows(statement, total)


def _package_rows(statement: Mapping[str, object]) -> Iterator[Row]:
    """Packages that were bought, beside the total of usage, and what they covered."""
    for one in objects(statement.get("purchases", [])):
        yield _statement_row("purchase", {**_heading(statement), **one})
    for one in objects(statement.get("packages", [])):
        for kind in ("committed", "used"):
            quantity = {key: one[f"{kind}_{key}"] for key in ("device_ms", "card_hours")}
            said = {"package": one["package"], "device": one["device"]}
            yield _statement_row(kind, {**_heading(statement), **said, **quantity})
    for one in objects(statement.get("covered", [])):
        yield _statement_row("covered", {**_heading(statement), **one})


def _paid_rows(statement: Mapping[str, object], total: Mapping[str, object]) -> Iterator[Row]:
    """What vouchers take off the total, or get back, and what is due where that is another sum."""
    paid = list(objects(statement.get("vouchers", [])))
    for one in paid:
        fen = one["amount_fen"]
        assert isinstance(fen, int), "an amount is whole fen"
        taken_off = {"voucher": one["voucher"], "amount": yuan_of_fen(-fen)}
        yield _statement_row("voucher", {**_heading(statement), **taken_off})
    if total.get("due", total["gross"]) != total["gross"] or paid:
        yield _statement_row("due", {**_heading(statement), "amount": total["due"]})


def _heading(statement: Mapping[str, object]) -> dict[str, object]:
    """What every row says; a correction's own month comes before the statement's."""
    return {"tenant": statement["tenant"], "month": statement["month"]}


def of_unit(line: Mapping[str, object]) -> dict[str, object]:
    """What it is in; the time of cores is in a column of its own, as columns are added up."""
    unit = line.get("unit", Unit.CARD.value)
    return {"unit": unit} | ({"device_ms": 0} if unit == Unit.CORE else {})


def objects(found: object) -> Iterator[Mapping[str, object]]:
    assert isinstance(found, list), "a statement has lists of lines"
    for line in found:
        assert isinstance(line, dict), "a line is an object"
        yield line


def _statement_row(kind: str, line: Mapping[str, object]) -> Row:
    return (kind, *(cell_of(line.get(column.key)) for column in STATEMENT_COLUMNS[1:]))


def cell_of(value: object) -> Cell:
    assert value is None or isinstance(value, str | int), "a line has texts and whole numbers"
    return value
