"""A month as a file, in each format: the same rows, the same sums, the same bytes again."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance.brokers import Served, await_state, problem_of, submitted

pytestmark = pytest.mark.slow

KINDS = ("usage", "charges", "focus")


@pytest.fixture(autouse=True)
def _used(park: Served) -> None:
    for who in (park.steel, park.fish):
        await_state(who, submitted(who), "succeeded")


def exported(park: Served, what: str, file_format: str, **more: str) -> bytes:
    answer = park.finance.get(f"/v1/exports/{what}", params={"format": file_format, **more})
    assert answer.status_code == 200
    assert f'filename="{what}-2' in answer.headers["content-disposition"]
    assert f'.{file_format}"' in answer.headers["content-disposition"]
    return bytes(answer.content)


def parquet_rows(content: bytes, folder: Path) -> list[dict[str, Any]]:
    file = folder / "x.parquet"
    file.write_bytes(content)
    found = duckdb.read_parquet(str(file))
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize("what", KINDS)
def test_all_formats_have_the_same_rows(park: Served, what: str, tmp_path: Path) -> None:
    text = exported(park, what, "csv").decode("utf-8-sig")
    from_csv = list(csv.DictReader(io.StringIO(text)))
    from_json = [json.loads(line) for line in exported(park, what, "jsonl").splitlines()]
    from_parquet = parquet_rows(exported(park, what, "parquet"), tmp_path)

    assert len(from_csv) == len(from_json) > 1
    assert len(from_parquet) == len(from_json) - (what != "focus"), "a total is no row"
    keys = [header.split(" ")[0] for header in from_csv[0]]
    assert keys == list(from_json[0]) == list(from_parquet[0])
    amount = "BilledCost" if what == "focus" else "device_ms"
    sums = [
        sum(Decimal(row[amount]) for row in rows)
        for rows in (from_json[: len(from_parquet)], from_parquet)
    ]
    assert sums[0] == sums[1]


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_the_same_request_is_the_same_bytes(park: Served, what: str, file_format: str) -> None:
    assert exported(park, what, file_format) == exported(park, what, file_format)


def test_focus_rows_add_up_to_what_each_statement_says_is_due(park: Served) -> None:
    rows = [json.loads(line) for line in exported(park, "focus", "jsonl").splitlines()]

    tenants = {row["BillingAccountId"] for row in rows}
    assert tenants >= {"steel", "fish"}
    for tenant in tenants:
        due = park.finance.get("/v1/statements", params={"tenant": tenant}).json()["totals"]["due"]
        own = [row for row in rows if row["BillingAccountId"] == tenant]
        assert sum(Decimal(row["BilledCost"]) for row in own) == Decimal(due)
    assert park.fish.get("/v1/exports/focus", params={"format": "jsonl"}).content == exported(
        park, "focus", "jsonl", tenant="fish"
    )


def test_a_spreadsheet_has_its_mark_and_focus_the_names_that_it_asks_for(park: Served) -> None:
    assert exported(park, "usage", "csv").startswith("\ufeffrow 行类型,".encode())
    assert exported(park, "focus", "csv").startswith(b"BillingAccountId,BillingAccountName,")


def test_each_caller_has_one_parquet_file_on_its_way(park: Served) -> None:
    path = "/v1/exports/usage"
    with park.broker.services.parquets.admitted("tenant:steel"):
        refused = park.steel.get(path, params={"format": "parquet"})
        others = park.fish.get(path, params={"format": "parquet"})
        text = park.steel.get(path, params={"format": "csv"})

    problem = problem_of(refused, 429)
    assert problem["detail"] == "a Parquet export of yours is under way: ask again in 5 seconds"
    assert refused.headers["retry-after"] == "5"
    assert (others.status_code, text.status_code) == (200, 200)
    for _ in range(2):
        assert park.steel.get(path, params={"format": "parquet"}).status_code == 200
