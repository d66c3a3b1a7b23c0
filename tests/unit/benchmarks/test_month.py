"""A small month from its first job to closed, proven, reconciled and exported books."""

import csv
import json
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks import month

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("month")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("month")
    parser = ArgumentParser()
    month.add_arguments(parser)
    sizes = ["--jobs", "40", "--tenants", "6", "--meter-minutes", "240", "--seed", "3"]
    return month.run(parser.parse_args([*sizes, "--out", str(out)])), out


def test_the_books_are_whole_and_are_what_the_log_comes_to(
    made: tuple[dict[str, Any], Path],
) -> None:
    report, out = made

    assert (report["misfits"], report["differences"]) == (0, 0)
    assert json.loads((out / "reconciliation.json").read_text()) == {"differences": []}
    chains = json.loads((out / "verify.json").read_text())["chains"]
    assert sum(one["facts"] for one in chains) >= report["slices"] + report["transfers"]


def test_statements_and_exports_add_up(made: tuple[dict[str, Any], Path]) -> None:
    report, out = made

    bodies = [json.loads(path.read_text()) for path in (out / "statements").glob("*.json")]
    assert len(bodies) == report["statements"]
    assert sum(body["totals"]["gross_fen"] for body in bodies) == report["gross_yuan"] * 100
    assert report["gross_yuan"] > 0
    for name in ("usage", "charges"):
        last = (out / f"{name}.csv").read_text(encoding="utf-8-sig").splitlines()[-1]
        assert last.startswith("total,")


def test_focus_rows_add_up_to_what_is_due(made: tuple[dict[str, Any], Path]) -> None:
    report, out = made

    with (out / "focus.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    billed = sum(Decimal(row["BilledCost"]) for row in rows)
    gross, vouchers, packages = (
        Decimal(str(report[f"{name}_yuan"])) for name in ("gross", "vouchers", "packages")
    )
    assert billed == gross + packages - vouchers
    assert {row["ChargeCategory"] for row in rows} == {
        *("Usage", "Adjustment", "Tax", "Credit", "Purchase")
    }
    assert {row["PricingUnit"] for row in rows} >= {"Card-Hours", "Core-Hours"}
    typed = duckdb.read_parquet(str(out / "focus.parquet"))
    assert typed.aggregate("count(*), sum(BilledCost)").fetchall() == [(len(rows), billed)]


def test_the_price_change_the_vouchers_and_what_came_late_are_seen(
    made: tuple[dict[str, Any], Path],
) -> None:
    report, out = made

    bodies = [json.loads(path.read_text()) for path in (out / "statements").glob("*.json")]
    lists = {line["price_list"] for body in bodies for line in body["lines"]}
    assert lists == {"first", "second"}
    assert 0 < report["vouchers_yuan"] < report["gross_yuan"]
    assert report["corrections_in_the_next_month"] > 0


def test_cores_packages_and_what_cards_did_are_in_it(made: tuple[dict[str, Any], Path]) -> None:
    report, out = made

    assert Decimal(report["core_hours"]) > 0
    assert report["packages_yuan"] == 320
    assert report["measured"] > 0
    bodies = [json.loads(path.read_text()) for path in (out / "statements").glob("*.json")]
    assert sum(one["used_device_ms"] for body in bodies for one in body["packages"]) > 0


def test_the_month_after_has_what_was_granted_in_a_dispute(
    made: tuple[dict[str, Any], Path],
) -> None:
    report, out = made

    with (out / "focus-2026-11.csv").open(encoding="utf-8") as file:
        granted = [row for row in csv.DictReader(file) if "dispute" in row["ChargeDescription"]]
    billed = sum(Decimal(row["BilledCost"]) for row in granted)
    assert [row["ChargeCategory"] for row in granted] == ["Credit", "Tax"]
    assert billed == -Decimal(str(report["granted_in_a_dispute_yuan"])) < 0


def test_some_statements_are_documents(made: tuple[dict[str, Any], Path]) -> None:
    _, out = made

    documents = list((out / "statements").glob("*.pdf"))
    assert documents
    assert all(path.read_bytes().startswith(b"%PDF-") for path in documents)
