"""Parquet: exact decimals, moments in UTC, the total beside the rows, and nothing left behind."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from accounting.exports.export import charges_sheet, usage_sheet
from accounting.exports.focus_columns import FOCUS_COLUMNS
from accounting.exports.sheet import Column, Kind, Row, Sheet
from accounting.usage.slices import Charge
from api.documents import parquet as module
from api.documents.parquet import parquet
from tests.builders import USAGE, used

SLICE = used("2026-10-31T20:00", "2026-11-01T00:00", device_count=64, project="=1+1")
COLUMNS = (
    Column("text"),
    Column("count", kind=Kind.INTEGER),
    Column("cost", kind=Kind.DECIMAL, scale=18),
    Column("at", kind=Kind.INSTANT),
)
EXTREMES: tuple[Row, ...] = (
    ("钢铁 'a\"b", 2**62, 10**37 + 1, 1_793_000_000_123),
    (None, None, None, None),
    ("", -1, -1, 0),
)


def written(folder: Path, sheet: Sheet) -> Path:
    file = folder / "x.parquet"
    file.write_bytes(b"".join(parquet(sheet)))
    return file


def test_every_value_comes_back_as_it_was(tmp_path: Path) -> None:
    file = written(tmp_path, Sheet(COLUMNS, EXTREMES))

    first, nothing, last = duckdb.read_parquet(str(file)).fetchall()

    moment = datetime(2026, 10, 26, 7, 33, 20, 123_000, tzinfo=UTC)
    assert first[:2] == ("钢铁 'a\"b", 2**62)
    assert first[2] == Decimal("10000000000000000000.000000000000000001")
    assert first[3] == moment
    assert nothing == (None, None, None, None)
    assert last[:3] == ("", -1, Decimal("-0.000000000000000001"))


def test_columns_have_types_of_their_own(tmp_path: Path) -> None:
    file = written(tmp_path, Sheet(FOCUS_COLUMNS, ()))

    found = duckdb.read_parquet(str(file))
    types = {name: str(type_) for name, type_ in zip(found.columns, found.types, strict=True)}

    assert types["BilledCost"] == "DECIMAL(38,6)"
    assert types["ListCost"] == "DECIMAL(38,18)"
    assert types["ChargePeriodStart"] == "TIMESTAMP WITH TIME ZONE"
    assert types["x_DeviceMs"] == "BIGINT"
    assert types["Tags"] == "VARCHAR"
    assert found.fetchall() == []


def test_the_total_is_in_the_metadata_and_no_row(tmp_path: Path) -> None:
    charges = [Charge(usage=SLICE), Charge(usage=USAGE), Charge(usage=USAGE, cause="node")]
    file = written(tmp_path, charges_sheet(charges))

    metadata = duckdb.execute(
        "SELECT key, value FROM parquet_kv_metadata(?)", [str(file)]
    ).fetchall()
    rows = duckdb.read_parquet(str(file)).project("row, project, amount").fetchall()

    assert dict(metadata) == {
        b"device_ms": b"921600000",
        b"card_hours": b"256",
        b"p_hours": b"80.128",
        b"amount": b"896.00",
        b"core_ms": b"0",
        b"core_hours": b"0",
    }
    assert [row for row, _, _ in rows] == ["usage", "usage", "credit"]
    assert rows[0][1] == "=1+1", "no spreadsheet reads this: every text is as it was"
    assert sum(amount for _, _, amount in rows) == Decimal("896.00")


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 4])
def test_batches_of_any_size_are_the_same_file(
    monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    slices = [replace(SLICE, reference=f"j{number}.1") for number in range(3)]
    whole = b"".join(parquet(usage_sheet(slices)))

    monkeypatch.setattr(module, "BATCH_ROWS", batch_rows)

    assert b"".join(parquet(usage_sheet(slices))) == whole


def test_an_export_that_breaks_off_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken() -> Iterator[Row]:
        yield EXTREMES[0]
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        next(parquet(Sheet(COLUMNS, broken())))
    abandoned = parquet(Sheet(COLUMNS, EXTREMES))
    next(abandoned)
    abandoned.close()

    assert list(tmp_path.iterdir()) == []
