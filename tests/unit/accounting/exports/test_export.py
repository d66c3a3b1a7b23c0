"""CSV that spreadsheets and programs read alike: nothing runs, nothing is lost, it adds up."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounting.bills.statement import body_of, make_statement
from accounting.exports.export import charges_sheet, statement_sheet, usage_sheet
from accounting.exports.sheet import CHUNK_ROWS, spreadsheet_csv
from accounting.prices.packages import Commitment, Coverage
from accounting.prices.vouchers import EntryKind, Payment
from accounting.usage.slices import Charge, UsageSlice
from tests.builders import HOUR_MS, USAGE, summed, used
from tests.unit.accounting.prices.test_vouchers import VOUCHER
from tests.unit.accounting.storage.test_package_store import PACK

SLICE = used("2026-10-31T20:00", "2026-11-01T00:00", device_count=64)


def usage_csv(slices: Iterable[UsageSlice]) -> Iterator[bytes]:
    return spreadsheet_csv(usage_sheet(slices))


def charges_csv(charges: Iterable[Charge]) -> Iterator[bytes]:
    return spreadsheet_csv(charges_sheet(charges))


def rows_of(chunks: Iterable[bytes]) -> list[dict[str, str]]:
    """Rows by their stable keys, which are the headers' first words."""
    found = list(csv.reader(io.StringIO(b"".join(chunks).decode("utf-8-sig"))))
    keys = [header.split(" ")[0] for header in found[0]]
    return [dict(zip(keys, row, strict=True)) for row in found[1:]]


def test_a_file_begins_with_a_byte_order_mark_and_headers_in_two_languages() -> None:
    content = b"".join(usage_csv([]))

    assert content.startswith(b"\xef\xbb\xbfrow ")
    assert "tenant 企业" in content.decode()
    assert content.count(b"\r\n") == 2


def test_a_slice_is_written_in_the_time_of_the_park() -> None:
    row, total = rows_of(usage_csv([SLICE]))

    assert row["from"] == "2026-10-31T20:00:00.000+08:00"
    assert row["to"] == "2026-11-01T00:00:00.000+08:00"
    assert row["month"] == "2026-10"
    assert (row["devices"], row["card_hours"], row["p_hours"]) == ("64", "256", "80.128")
    assert (total["row"], total["card_hours"], total["p_hours"]) == ("total", "256", "80.128")


def test_charges_add_up_to_their_total() -> None:
    charges = [
        Charge(usage=SLICE),
        Charge(usage=replace(USAGE, to_ms=35_000)),
        Charge(usage=replace(USAGE, to_ms=35_000), cause="node"),
    ]

    *rows, total = rows_of(charges_csv(charges))

    assert [row["amount"] for row in rows] == ["896.00", "0.034028", "-0.034028"]
    assert [row["row"] for row in rows] == ["usage", "usage", "credit"]
    assert rows[2]["cause"] == "node"
    assert Decimal(total["amount"]) == sum(Decimal(row["amount"]) for row in rows)
    assert int(total["device_ms"]) == sum(int(row["device_ms"]) for row in rows)


def test_a_statements_table_reconciles_with_its_json() -> None:
    late = {"2026-09": [summed(USAGE)]}
    own = [summed(SLICE), summed(SLICE, cause="centre"), summed(replace(SLICE, qos="high"))]
    body = body_of(make_statement("steel", "2026-10", None, own, late))
    totals = json.loads(body)["totals"]

    *rows, total = rows_of(spreadsheet_csv(statement_sheet(body)))

    assert [row["row"] for row in rows] == ["line", "line", "credit", "correction"]
    assert [row["month"] for row in rows] == ["2026-10", "2026-10", "2026-10", "2026-09"]
    assert (total["amount"], total["net"], total["tax"]) == (
        totals["gross"],
        totals["net"],
        totals["tax"],
    )
    assert Decimal(total["amount"]) == sum(Decimal(row["amount"]) for row in rows)
    assert sum(Decimal(row["card_hours"]) for row in rows) == Decimal(total["card_hours"])


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+8613800000000",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠A",
    ],
)
def test_what_a_spreadsheet_would_run_stays_text(name: str) -> None:
    row, _ = rows_of(usage_csv([replace(SLICE, project=name)]))

    assert row["project"] == f"'{name}"


@pytest.mark.parametrize("name", [
    *("007", "913702001234567890", "1e5", "3-4", "1/2/2026", "1.50", "TRUE", "false"),
    *("mar1", "MARCH-1", "Sept2", "dec-2026", "oct.10", "1-may", "3jan", "10-oct-2026"),
])  # fmt: skip
def test_an_id_that_looks_like_a_number_or_a_date_stays_text(name: str) -> None:
    row, _ = rows_of(usage_csv([replace(SLICE, tenant_id=name)]))

    assert row["tenant"] == f"'{name}"


@pytest.mark.parametrize("name", [
    *("j01K5.1", "steel", "钢铁", 'a"b,c', "910b3", "t01"),
    *("may", "march", "marketing-2", "mars1", "decoder1", "1-jany", "dec12345", "truer"),
])  # fmt: skip
def test_other_text_is_written_as_it_is(name: str) -> None:
    row, _ = rows_of(usage_csv([replace(SLICE, reference=name)]))

    assert row["reference"] == name


def test_our_own_negative_amounts_stay_numbers() -> None:
    row, _ = rows_of(charges_csv([Charge(usage=USAGE, cause="node")]))

    assert row["amount"] == "-3.50"


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_no_text_begins_as_a_formula(texts: list[str]) -> None:
    slices = [replace(SLICE, project=text, field=text) for text in texts]

    for text, row in zip(texts, rows_of(usage_csv(slices)), strict=False):
        assert not row["project"].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert row["project"] in {text, f"'{text}"}


def test_the_same_input_is_the_same_bytes() -> None:
    charges = [Charge(usage=SLICE), Charge(usage=USAGE, cause="node")]

    assert b"".join(charges_csv(charges)) == b"".join(charges_csv(iter(charges)))


def test_an_export_reads_no_further_than_it_has_written() -> None:
    taken = 0

    def endless() -> Iterator[UsageSlice]:
        nonlocal taken
        while True:
            taken += 1
            yield SLICE

    chunks = usage_csv(endless())

    for count in (1, 2, 3):
        assert next(chunks).count(b"\r\n") == CHUNK_ROWS + (count == 1)
        assert taken == count * CHUNK_ROWS


def test_packages_follow_the_total_of_usage_and_are_due_as_well() -> None:
    held = Commitment(
        package=PACK, month="2026-10", used_device_ms=40 * HOUR_MS, earlier_device_ms=0
    )
    made = make_statement("steel", "2026-10", None, [summed(SLICE)], {})
    late = Coverage(
        package=PACK, month="2026-09", centre_id="qdaicc", cause=None, device_ms=8 * HOUR_MS
    )
    bills = replace(made, purchases=(PACK,), commitments=(held,), coverage=(late,))
    body = body_of(bills)

    _, total, bought, committed, used, covered, due = rows_of(
        spreadsheet_csv(statement_sheet(body))
    )

    assert (total["row"], bought["row"], bought["package"]) == ("total", "purchase", "p1")
    assert (bought["amount"], bought["net"], bought["tax"]) == ("106.00", "100.00", "6.00")
    assert (committed["row"], committed["card_hours"]) == ("committed", "100")
    assert (used["row"], used["card_hours"], used["device"]) == ("used", "40", "ascend-910b3")
    assert (covered["row"], covered["month"], covered["package"]) == ("covered", "2026-09", "p1")
    assert (covered["card_hours"], covered["value"], covered["amount"]) == ("8", "8.48", "")
    assert (due["row"], due["amount"]) == ("due", "1002.00")


def test_a_statement_ends_with_what_vouchers_pay_and_what_is_due() -> None:
    payment = Payment(voucher=VOUCHER, kind=EntryKind.BURNT, amount_fen=2_800)
    statement = make_statement("steel", "2026-10", 0, [summed(replace(USAGE, device_count=16))], {})
    body = body_of(replace(statement, payments=(payment,)))

    *_, total, voucher, due = rows_of(spreadsheet_csv(statement_sheet(body)))

    assert (total["row"], total["amount"]) == ("total", "56.00")
    assert (voucher["row"], voucher["voucher"], voucher["amount"]) == ("voucher", "v1", "-28.00")
    assert (due["row"], due["amount"], due["field"]) == ("due", "28.00", "")
