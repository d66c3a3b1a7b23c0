"""The books as sheets: usage, charges, and a statement, row by row.

The last row is the total, in exactly the quantities that were added up.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from accounting.calendar import month_of
from accounting.money import card_hour_micros, p_hour_micros, yuan_of_fen
from accounting.sheet import TOTAL, Cell, Column, Kind, Row, Sheet
from accounting.usage import Charge, UsageSlice

_HOURS = (Kind.DECIMAL, 6)
_YUAN = (Kind.DECIMAL, 6, 2)

USAGE_COLUMNS = (
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
    Column("devices", "卡数", Kind.INTEGER),
    Column("tflops", "单卡算力TFLOPS", Kind.INTEGER),
    Column("device_ms", "卡毫秒", Kind.INTEGER),
    Column("card_hours", "卡时", *_HOURS),
    Column("p_hours", "P·h", *_HOURS),
    Column("recorded_at", "记录时间", Kind.TIME),
)
CHARGE_COLUMNS = (
    *USAGE_COLUMNS,
    Column("price_list", "价格表"),
    Column("price", "单价(元/卡时,含税)", *_YUAN),
    Column("amount", "金额(元,含税)", *_YUAN),
    Column("cause", "退回原因"),
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
    Column("price", "单价(元/卡时,含税)", Kind.NUMBER),
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
    device_ms = tflops_ms = 0
    for usage in slices:
        device_ms += usage.device_ms
        tflops_ms += usage.tflops_ms
        yield _usage_row("usage", usage, 1)
    yield _total_row(device_ms, tflops_ms)


def _charge_rows(charges: Iterable[Charge]) -> Iterator[Row]:
    device_ms = tflops_ms = micros = 0
    for charge in charges:
        usage = charge.usage
        device_ms += charge.sign * usage.device_ms
        tflops_ms += charge.sign * usage.tflops_ms
        micros += charge.amount_micros
        yield (
            *_usage_row("usage" if charge.cause is None else "credit", usage, charge.sign),
            usage.price_list_id,
            usage.price_micros,
            charge.amount_micros,
            charge.cause,
        )
    yield (*_total_row(device_ms, tflops_ms), None, None, micros, None)


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
        sign * usage.device_ms,
        card_hour_micros(sign * usage.device_ms),
        p_hour_micros(sign * usage.tflops_ms),
        usage.recorded_at_ms,
    )


def _total_row(device_ms: int, tflops_ms: int) -> Row:
    labels = len(USAGE_COLUMNS) - 5
    sums = (device_ms, card_hour_micros(device_ms), p_hour_micros(tflops_ms))
    return (TOTAL, *[None] * labels, *sums, None)


def _statement_rows(statement: Mapping[str, object]) -> Iterator[Row]:
    for kind, rows in (("line", "lines"), ("credit", "credits"), ("correction", "corrections")):
        for line in objects(statement[rows]):
            yield _statement_row(kind, {**_heading(statement), **line})
    (total,) = objects([statement["totals"]])
    yield _statement_row(TOTAL, {**_heading(statement), **total, "amount": total["gross"]})
    yield from _package_rows(statement)
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
