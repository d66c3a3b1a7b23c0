"""Sheets as a workbook (XLSX): the same rows are the same bytes.

Every text is a text cell, so none is run as a formula; one that would become a formula when it is
edited is marked as a text as well.
"""

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

import xlsxwriter
from typing_extensions import override
from xlsxwriter.worksheet import Worksheet

from accounting.exports.sheet import FORMULA_SIGNS, TOTAL, Cell, Column, Kind, Sheet, writing

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - a file that knows no moment is always the same
_WIDTH_MIN, _WIDTH_MAX = 8, 48
_HEADERS = 2


class _Exact(float):
    """A number with 15 figures, as many as spreadsheets know: the library would write one more."""

    @override
    def __format__(self, how: str, /) -> str:
        return format(float(self), ".15g")


def workbook(sheets: Mapping[str, Sheet]) -> bytes:
    """A page for each sheet, by its name: Chinese headers, keys below them, rows, the total."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    book.set_properties({"created": _CREATED})
    formats = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
        "key": book.add_format({"font_color": "#808080"}),
        "text": book.add_format({}),
        "quoted": book.add_format({"quote_prefix": True}),
        "number": book.add_format({"num_format": "#,##0.00####"}),
        "integer": book.add_format({"num_format": "#,##0"}),
    }
    totals = {name: _total(book, name) for name in ("text", "number", "integer")}
    for name, sheet in sheets.items():
        _write(book.add_worksheet(name), sheet, formats, totals)
    book.close()
    return file.getvalue()


def _total(book: xlsxwriter.Workbook, name: str) -> Any:
    number = {"number": "#,##0.00####", "integer": "#,##0"}.get(name, "General")
    return book.add_format({"bold": True, "top": 1, "num_format": number})


def _write(
    page: Worksheet, sheet: Sheet, formats: Mapping[str, Any], totals: Mapping[str, Any]
) -> None:
    for index, column in enumerate(sheet.columns):
        page.write_string(0, index, column.chinese, formats["head"])
        page.write_string(1, index, column.key, formats["key"])
    widths = [max(len(column.key), 2 * len(column.chinese)) for column in sheet.columns]
    for line, row in enumerate(sheet.rows, start=_HEADERS):
        styles = totals if row[0] == TOTAL else formats
        for index, (column, cell) in enumerate(zip(sheet.columns, row, strict=True)):
            _put(page, (line, index), column, cell, styles)
            widths[index] = max(widths[index], len(str(cell if cell is not None else "")))
    for index, width in enumerate(widths):
        page.set_column(index, index, min(max(width + 2, _WIDTH_MIN), _WIDTH_MAX))
    page.freeze_panes(_HEADERS, 0)


def _put(
    page: Worksheet,
    place: tuple[int, int],
    column: Column,
    cell: Cell,
    styles: Mapping[str, Any],
) -> None:
    said = writing(column)(cell)
    if said is None:
        page.write_blank(*place, None, styles["text"])
        return
    match column.kind:
        case Kind.INTEGER:
            page.write_number(*place, int(said), styles["integer"])
        case Kind.NUMBER | Kind.DECIMAL:
            page.write_number(*place, _Exact(said), styles["number"])
        case Kind.TEXT | Kind.WORD | Kind.TIME | Kind.INSTANT:
            text = str(said)
            is_marked = text.startswith(FORMULA_SIGNS) and "quoted" in styles
            page.write_string(*place, text, styles["quoted" if is_marked else "text"])
        case _:
            assert_never(column.kind)
