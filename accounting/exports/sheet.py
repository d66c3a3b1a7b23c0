"""A sheet: typed columns and rows that come one by one, written as CSV or as JSON lines.

An export is read while it is written: a few rows are in memory, and the same rows are always the
same bytes. Decimals are whole numbers of 10^-`scale`, so that no amount is ever a float.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from accounting.calendar import iso_time, utc_time
from accounting.money import decimal_text

CHUNK_ROWS = 500
BYTE_ORDER_MARK = "\ufeff"
TOTAL = "total"
"""What the first cell of a row says that is the sum of all before it."""

Cell = str | int | None
Row = tuple[Cell, ...]

_COMPACT: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}


class Kind(StrEnum):
    """What a column holds: somebody's text, our own word, a number, a moment in milliseconds.

    A NUMBER comes as text, to the letter. A TIME is written as people in the park write it, an
    INSTANT in UTC.
    """

    TEXT = "text"
    WORD = "word"
    NUMBER = "number"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TIME = "time"
    INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class Column:
    """`key` never changes.

    A decimal cell is in units of 10^-`scale`, and is shown with at least `places_min` decimals.
    """

    key: str
    chinese: str = ""
    kind: Kind = Kind.TEXT
    scale: int = 0
    places_min: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows to be read once; the last may be the total (`TOTAL`)."""

    columns: Sequence[Column]
    rows: Iterable[Row]


def spreadsheet_csv(sheet: Sheet) -> Iterator[bytes]:
    """CSV for people: headers in two languages, and nothing that a spreadsheet would run or turn.

    UTF-8 with a byte order mark, so that spreadsheets read Chinese. A text that they would run as a
    formula, or turn into a number or a date, begins with an apostrophe.
    """
    writes = [_text if c.kind is Kind.TEXT else writing(c) for c in sheet.columns]
    headers = [f"{column.key} {column.chinese}" for column in sheet.columns]
    return _csv(BYTE_ORDER_MARK, headers, _cells(sheet, writes))


def plain_csv(sheet: Sheet) -> Iterator[bytes]:
    """CSV for programs: the keys, and every value as it is."""
    keys = [column.key for column in sheet.columns]
    return _csv("", keys, _cells(sheet, [writing(column) for column in sheet.columns]))


def json_lines(sheet: Sheet) -> Iterator[bytes]:
    """An object a line, all with the same keys; decimals are text, so that none becomes a float."""
    keys = [column.key for column in sheet.columns]
    text = io.StringIO()
    rows = _cells(sheet, [writing(column) for column in sheet.columns])
    for count, row in enumerate(rows, start=1):
        text.write(json.dumps(dict(zip(keys, row, strict=True)), **_COMPACT))
        text.write("\n")
        if count % CHUNK_ROWS == 0:
            yield _taken(text)
    yield _taken(text)


def writing(column: Column) -> Callable[[Cell], Cell]:
    """How a column's cells are written: integers and texts as they are, all else as text."""
    match column.kind:
        case Kind.DECIMAL:
            return lambda cell: _number(cell, column)
        case Kind.TIME:
            return lambda cell: iso_time(cell) if isinstance(cell, int) else cell
        case Kind.INSTANT:
            return lambda cell: utc_time(cell) if isinstance(cell, int) else cell
        case Kind.TEXT | Kind.WORD | Kind.NUMBER | Kind.INTEGER:
            return lambda cell: cell
        case _:
            assert_never(column.kind)


def _number(cell: Cell, column: Column) -> Cell:
    if not isinstance(cell, int):
        return cell
    return decimal_text(cell, column.scale, column.places_min)


def _cells(sheet: Sheet, writes: Sequence[Callable[[Cell], Cell]]) -> Iterator[list[Cell]]:
    for row in sheet.rows:
        yield [write(cell) for write, cell in zip(writes, row, strict=True)]


def _csv(begin: str, headers: Sequence[str], rows: Iterable[list[Cell]]) -> Iterator[bytes]:
    """Encode a few rows at a time, so that an export takes no more memory than they do."""
    text = io.StringIO()
    text.write(begin)
    writer = csv.writer(text)
    writer.writerow(headers)
    for count, row in enumerate(rows, start=1):
        writer.writerow(row)
        if count % CHUNK_ROWS == 0:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    chunk = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return chunk


FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The last four are the wide forms: spreadsheets of East Asia may take them for the others."""

_MONTH = (
    "(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?"
    "|nov(ember)?|dec(ember)?)"
)
_TAKEN = re.compile(
    r"[\d.,]+(e[+-]?\d+|[-/:]\d+([-/:]\d+)?)?"
    rf"|{_MONTH}[-./ ]?\d{{1,4}}|\d{{1,2}}[-./ ]?{_MONTH}([-./ ]?\d{{1,4}})?"
    r"|true|false",
    re.ASCII | re.IGNORECASE,
)
"""A number or a date to a spreadsheet, or one of its words: `007`, `1e5`, `3-4`, `mar1`."""


def _text(value: Cell) -> Cell:
    """A text that stays one in a spreadsheet."""
    if not isinstance(value, str):
        return value
    is_taken = value.startswith(FORMULA_SIGNS) or _TAKEN.fullmatch(value)
    return f"'{value}" if is_taken else value
