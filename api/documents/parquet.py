"""A sheet as Parquet: rows are kept by DuckDB in a folder of their own, then written at once.

Memory holds a batch of rows and what DuckDB may take. A file is one thread's work, in the rows'
order, so that the same rows are the same bytes. The total is no row there: it is in the file's own
metadata, by the columns' names.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import assert_never

import duckdb
import numpy as np

from accounting.exports.sheet import TOTAL, Cell, Column, Kind, Row, Sheet, writing

BATCH_ROWS = 10_000
CHUNK_BYTES = 1 << 20
MEMORY = "256MB"
"""What DuckDB may take; what does not fit goes to its folder."""


def parquet(sheet: Sheet) -> Generator[bytes]:
    """The file, part by part; the first part comes when the last row was read."""
    with TemporaryDirectory(prefix="brain-export-") as folder:
        made = Path(folder) / "export.parquet"
        _make(sheet, Path(folder), made)
        with made.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def _make(sheet: Sheet, folder: Path, made: Path) -> None:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": "1",
        "memory_limit": MEMORY,
        "temp_directory": str(folder),
        "autoinstall_known_extensions": "false",
    }
    typed = ", ".join(f"{_name(column)} {_type(column)}" for column in sheet.columns)
    with duckdb.connect(str(folder / "rows.db"), config=settings) as database:
        database.execute(f"CREATE TABLE rows ({typed})")
        total = _insert(database, sheet)
        options = ["FORMAT parquet", "COMPRESSION zstd", *_metadata(sheet.columns, total)]
        quoted = str(made).replace("'", "''")
        database.execute(f"COPY rows TO '{quoted}' ({', '.join(options)})")


def _insert(database: duckdb.DuckDBPyConnection, sheet: Sheet) -> Row | None:
    """All rows but the total, which is given back. DuckDB reads the arrays where they are."""
    total = None
    rows = iter(sheet.rows)
    # Only our own names of columns and types are in it.
    insert = f"INSERT INTO rows SELECT {', '.join(map(_read, sheet.columns))} FROM batch"  # noqa: S608
    writes = [writing(column) if column.kind is Kind.DECIMAL else _same for column in sheet.columns]
    while batch := list(islice(rows, BATCH_ROWS)):
        if batch[-1][0] == TOTAL:
            total = batch.pop()
        if not batch:
            break
        arrays = {
            column.key: np.array(list(map(write, cells)), dtype=object)
            for column, write, cells in zip(
                sheet.columns, writes, zip(*batch, strict=True), strict=True
            )
        }
        database.register("batch", arrays)
        database.execute(insert)
        database.unregister("batch")
    return total


def _same(cell: Cell) -> Cell:
    return cell


def _metadata(columns: Sequence[Column], total: Row | None) -> Iterator[str]:
    """The total's numbers, as other formats write them."""
    said = [
        f"{_name(column)}: '{writing(column)(cell)}'"
        for column, cell in zip(columns, total or (), strict=False)
        if isinstance(cell, int)
    ]
    if said:
        yield f"KV_METADATA {{{', '.join(said)}}}"


def _name(column: Column) -> str:
    return f'"{column.key}"'


def _type(column: Column) -> str:
    match column.kind:
        case Kind.TEXT | Kind.WORD | Kind.NUMBER:
            return "VARCHAR"
        case Kind.INTEGER:
            return "BIGINT"
        case Kind.DECIMAL:
            return f"DECIMAL(38, {column.scale})"
        case Kind.TIME | Kind.INSTANT:
            return "TIMESTAMPTZ"
        case _:
            assert_never(column.kind)


def _read(column: Column) -> str:
    """The array of a column as its type; a decimal comes as text, so that it stays exact."""
    if column.kind in {Kind.TIME, Kind.INSTANT}:
        return f"make_timestamptz({_name(column)}::BIGINT * 1000)"
    return f"{_name(column)}::{_type(column)}"
