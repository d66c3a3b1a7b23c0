"""Packages in the books: what they cover is usage, and statements show what was bought and used."""

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from accounting.exports.focus import focus_rows
from accounting.exports.focus_lines import Names
from accounting.months.billed import bills_of
from accounting.months.closing import CannotClose, close_month, statement
from accounting.months.known import months
from accounting.prices.packages import Package, PackageKind
from accounting.proof.verifying import Misfit, verify
from accounting.storage import package_store, store
from accounting.storage.fact_store import keep
from accounting.usage.slices import UsageCredit
from tests.builders import HOUR_MS, USAGE, shanghai, used

pytestmark = pytest.mark.postgres

PACK = Package(
    id="p1",
    tenant_id="steel",
    kind=PackageKind.CARD_HOURS,
    device_kind_id="ascend-910b3",
    card_count=0,
    device_ms=100 * HOUR_MS,
    from_ms=shanghai("2026-10-01T00:00"),
    until_ms=shanghai("2026-12-01T00:00"),
    amount_fen=10_600,
    vat_permille=60,
    bought_at_ms=shanghai("2026-10-01T00:00"),
)
NOVEMBER_MS = shanghai("2026-11-03T12:00")


def cover(connection: Connection, begin: str, end: str, name: str = "j1.1") -> None:
    """8 cards, paid by the package."""
    covered = used(begin, end, reference=f"{name}/p1", device_count=8)
    store.book(connection, [replace(covered, price_micros=0)], [], [])


def read(connection: Connection, month: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(statement(connection, "steel", month).body)
    return body


def test_a_package_is_bought_once(connection: Connection) -> None:
    keep(connection, PACK)

    assert package_store.packages(connection, "steel") == (PACK,)
    assert package_store.packages(connection, "port") == ()
    with pytest.raises(IntegrityError):
        keep(connection, replace(PACK, tenant_id="port"))


def test_a_statement_has_what_was_bought_and_what_was_used_of_it(connection: Connection) -> None:
    keep(connection, PACK)
    cover(connection, "2026-10-10T00:00", "2026-10-10T05:00")
    store.book(connection, [used("2026-10-10T05:00", "2026-10-10T06:00", device_count=8)], [], [])

    october = read(connection, "2026-10")

    (bought,) = october["purchases"]
    assert (bought["package"], bought["month"], bought["card_hours"]) == ("p1", "2026-10", "100")
    assert (bought["amount"], bought["net"], bought["tax"]) == ("106.00", "100.00", "6.00")
    (held,) = october["packages"]
    assert (held["committed_card_hours"], held["used_card_hours"]) == ("100", "40")
    assert held["unused_card_hours"] == "60"
    lines = [(line["price"], line["card_hours"], line["amount"]) for line in october["lines"]]
    assert lines == [("0.00", "40", "0.00"), ("3.50", "8", "28.00")]
    totals = october["totals"]
    assert (totals["gross"], totals["purchases"], totals["due"]) == ("28.00", "106.00", "134.00")
    assert (totals["purchases_net"], totals["purchases_tax"]) == ("100.00", "6.00")
    assert october["format"] == "industry-brain/statement/4"


def test_a_statement_has_no_packages_of_others(connection: Connection) -> None:
    keep(connection, PACK)
    keep(connection, replace(PACK, id="p2", tenant_id="port"))

    october = read(connection, "2026-10")

    assert [one["package"] for one in october["purchases"]] == ["p1"]
    assert [one["package"] for one in october["packages"]] == ["p1"]


def test_what_an_earlier_month_used_is_not_committed_again(connection: Connection) -> None:
    keep(connection, PACK)
    cover(connection, "2026-10-10T00:00", "2026-10-10T05:00")
    cover(connection, "2026-11-01T00:00", "2026-11-01T01:00")

    november = read(connection, "2026-11")

    assert november["purchases"] == []
    (held,) = november["packages"]
    assert (held["committed_card_hours"], held["used_card_hours"]) == ("60", "8")


def test_usage_that_was_given_back_is_not_used(connection: Connection) -> None:
    keep(connection, PACK)
    cover(connection, "2026-10-10T00:00", "2026-10-10T05:00")
    back = UsageCredit(
        reference="j1.1/p1", tenant_id="steel", at_ms=0, cause="node", recorded_at_ms=0
    )

    store.book(connection, [], [back], [])

    (held,) = read(connection, "2026-10")["packages"]
    assert held["used_card_hours"] == "0"


def test_a_closed_month_keeps_what_it_had_whatever_comes_late(connection: Connection) -> None:
    keep(connection, PACK)
    store.book(connection, [replace(USAGE, from_ms=PACK.from_ms, to_ms=PACK.from_ms + 1)], [], [])
    cover(connection, "2026-10-10T00:00", "2026-10-10T05:00")
    (closed,) = close_month(connection, "2026-10", NOVEMBER_MS)

    cover(connection, "2026-10-11T00:00", "2026-10-11T01:00", "j2.1")
    keep(connection, replace(PACK, id="p2", bought_at_ms=shanghai("2026-10-31T23:59")))

    assert statement(connection, "steel", "2026-10").body == closed.body
    november = read(connection, "2026-11")
    assert [(one["package"], one["month"]) for one in november["purchases"]] == [("p2", "2026-10")]
    first = november["packages"][0]
    assert (first["package"], first["committed_card_hours"]) == ("p1", "52")
    assert [line["month"] for line in november["corrections"]] == ["2026-10"]
    assert [one for one in verify(connection) if isinstance(one, Misfit)] == []


def test_focus_rows_say_what_was_bought_and_what_is_drawn_from_it(connection: Connection) -> None:
    keep(connection, PACK)
    cover(connection, "2026-10-10T00:00", "2026-10-10T05:00")

    bills = bills_of(lambda: nullcontext(connection), "2026-10")

    rows = [*focus_rows(bills, Names(provider="P"))]

    assert [(row.charge_category, row.billed_cost) for row in rows] == [
        ("Usage", 0),
        ("Tax", 0),
        ("Purchase", 100_000_000),
        ("Tax", 6_000_000),
    ]
    drawn, bought = rows[0], rows[2]
    assert (drawn.commitment_discount_id, drawn.commitment_discount_status) == ("p1", "Used")
    assert (drawn.commitment_discount_quantity, drawn.pricing_category) == (40 * 10**9, "Committed")
    assert (drawn.effective_cost, drawn.pricing_currency_effective_cost) == (40_000_000, 40_000_000)
    assert (bought.commitment_discount_id, bought.charge_frequency) == ("p1", "One-Time")
    assert (bought.commitment_discount_quantity, bought.effective_cost) == (100 * 10**9, 0)


def test_who_only_bought_gets_a_statement(connection: Connection) -> None:
    keep(connection, PACK)
    store.book(connection, [used("2026-10-10T00:00", "2026-10-10T01:00", tenant_id="port")], [], [])

    closed = close_month(connection, "2026-10", NOVEMBER_MS)

    assert [one.tenant_id for one in closed] == ["port", "steel"]


def test_a_package_that_was_altered_is_found(connection: Connection) -> None:
    keep(connection, PACK)
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("UPDATE packages SET device_ms = device_ms + 1"))

    (found,) = [one for one in verify(connection) if isinstance(one, Misfit)]

    assert (found.part, found.row) == ("chain of tenant steel", "packages p1")


def test_a_package_that_was_bought_before_anything_was_used_is_on_a_statement(
    connection: Connection,
) -> None:
    keep(connection, replace(PACK, bought_at_ms=shanghai("2026-09-20T00:00")))
    store.book(connection, [used("2026-10-10T00:00", "2026-10-10T01:00")], [], [])
    assert months(connection, "steel") == ["2026-10", "2026-09"]
    assert months(connection, "port") == []

    with pytest.raises(CannotClose, match="2026-09 has usage or a purchase"):
        close_month(connection, "2026-10", NOVEMBER_MS)
    (closed,) = close_month(connection, "2026-09", NOVEMBER_MS)

    assert [one["package"] for one in json.loads(closed.body)["purchases"]] == ["p1"]
