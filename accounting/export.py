"""The books as CSV for people and programs: streamed, and the same rows are always the same bytes.

UTF-8 with a byte order mark, so that spreadsheets read Chinese; each column is headed by its stable
key and its Chinese name; times carry +08:00; the last row is the total, in exactly the quantities
that were added up. A text that a spreadsheet would run as a formula, or turn into a number or a
date, begins with an apostrophe.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from accounting.calendar import iso_time, month_of
from accounting.money import card_hours, p_hours, yuan_of_micros
from accounting.usage import Charge, UsageSlice

CHUNK_ROWS = 500
BYTE_ORDER_MARK = "\ufeff"

Row = tuple[str | int, ...]
Columns = Sequence[tuple[str, str]]

USAGE_COLUMNS: Columns = (
    ("row", "行类型"),
    ("reference", "用量编号"),
    ("tenant", "企业"),
    ("project", "项目"),
    ("field", "行业领域"),
    ("centre", "算力中心"),
    ("device", "设备型号"),
    ("qos", "服务等级"),
    ("month", "账期"),
    ("from", "起始时间"),
    ("to", "结束时间"),
    ("devices", "卡数"),
    ("tflops", "单卡算力TFLOPS"),
    ("device_ms", "卡毫秒"),
    ("card_hours", "卡时"),
    ("p_hours", "P·h"),
    ("recorded_at", "记录时间"),
)
CHARGE_COLUMNS: Columns = (
    *USAGE_COLUMNS,
    ("price_list", "价格表"),
    ("price", "单价(元/卡时,含税)"),
    ("amount", "金额(元,含税)"),
    ("cause", "退回原因"),
)
STATEMENT_COLUMNS: Columns = (
    ("row", "行类型"),
    ("tenant", "企业"),
    ("month", "账期"),
    ("project", "项目"),
    ("centre", "算力中心"),
    ("device", "设备型号"),
    ("qos", "服务等级"),
    ("price_list", "价格表"),
    ("price", "单价(元/卡时,含税)"),
    ("device_ms", "卡毫秒"),
    ("card_hours", "卡时"),
    ("p_hours", "P·h"),
    ("vat_permille", "税率(‰)"),
    ("amount", "金额(元,含税)"),
    ("net", "不含税金额(元)"),
    ("tax", "税额(元)"),
    ("cause", "退回原因"),
)

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER_OR_DATE = re.compile(r"[\d.,]+([eE][+-]?\d+|[-/:]\d+([-/:]\d+)?)?", re.ASCII)


def usage_csv(slices: Iterable[UsageSlice]) -> Iterator[bytes]:
    """Who held what, from when to when."""
    return _encode(USAGE_COLUMNS, _usage_rows(slices))


def charges_csv(charges: Iterable[Charge]) -> Iterator[bytes]:
    """What each slice came to, to the micro-yuan, and what was given back."""
    return _encode(CHARGE_COLUMNS, _charge_rows(charges))


def statement_csv(body: bytes) -> Iterator[bytes]:
    """A statement's JSON as a table; its total is the total of the JSON, to the letter."""
    return _encode(STATEMENT_COLUMNS, _statement_rows(json.loads(body)))


def _encode(columns: Columns, rows: Iterable[Row]) -> Iterator[bytes]:
    """Encode a few rows at a time, so that an export takes no more memory than they do."""
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text)
    writer.writerow([f"{key} {chinese}" for key, chinese in columns])
    for count, row in enumerate(rows, start=1):
        assert len(row) == len(columns), f"a row of {len(row)} cells for {len(columns)} columns"
        writer.writerow(row)
        if count % CHUNK_ROWS == 0:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    chunk = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return chunk


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
            _text(usage.price_list_id),
            yuan_of_micros(usage.price_micros),
            yuan_of_micros(charge.amount_micros),
            _text(charge.cause or ""),
        )
    yield (*_total_row(device_ms, tflops_ms), "", "", yuan_of_micros(micros), "")


def _usage_row(kind: str, usage: UsageSlice, sign: int) -> Row:
    return (
        kind,
        _text(usage.reference),
        _text(usage.tenant_id),
        _text(usage.project),
        _text(usage.field),
        _text(usage.centre_id),
        _text(usage.device_kind_id),
        _text(usage.qos),
        month_of(usage.from_ms),
        iso_time(usage.from_ms),
        iso_time(usage.to_ms),
        usage.device_count,
        usage.tflops,
        sign * usage.device_ms,
        card_hours(sign * usage.device_ms),
        p_hours(sign * usage.tflops_ms),
        iso_time(usage.recorded_at_ms),
    )


def _total_row(device_ms: int, tflops_ms: int) -> Row:
    labels = len(USAGE_COLUMNS) - 5
    sums = (device_ms, card_hours(device_ms), p_hours(tflops_ms))
    return ("total", *[""] * labels, *sums, "")


def _statement_rows(statement: Mapping[str, object]) -> Iterator[Row]:
    for kind, rows in (("line", "lines"), ("credit", "credits"), ("correction", "corrections")):
        for line in _objects(statement[rows]):
            yield _statement_row(kind, {**_heading(statement), **line})
    (total,) = _objects([statement["totals"]])
    yield _statement_row("total", {**_heading(statement), **total, "amount": total["gross"]})


def _heading(statement: Mapping[str, object]) -> dict[str, object]:
    """What every row says; a correction's own month comes before the statement's."""
    return {"tenant": statement["tenant"], "month": statement["month"]}


def _objects(found: object) -> Iterator[Mapping[str, object]]:
    assert isinstance(found, list), "a statement has lists of lines"
    for line in found:
        assert isinstance(line, dict), "a line is an object"
        yield line


def _statement_row(kind: str, line: Mapping[str, object]) -> Row:
    return (kind, *(_cell(key, line.get(key)) for key, _ in STATEMENT_COLUMNS[1:]))


def _cell(key: str, value: object) -> str | int:
    """Numbers are written as they are; all other text could be somebody's."""
    if value is None:
        return ""
    return str(value) if key in _NUMERIC or isinstance(value, int) else _text(str(value))


_NUMERIC = {"month", "price", "card_hours", "p_hours", "amount", "net", "tax"}


def _text(value: str) -> str:
    """A text that stays one in a spreadsheet."""
    is_taken = value.startswith(_FORMULA_SIGNS) or _NUMBER_OR_DATE.fullmatch(value)
    return f"'{value}" if is_taken else value
