"""Statements of centres and of the platform: they add up, stay as closed, and are provable."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from accounting import ledger
from accounting.bills.platform_month import PLATFORM
from accounting.money import charge_micros
from accounting.months.closing import CannotClose, StatementAltered, statement
from accounting.months.settling import (
    TermsRefused,
    centre_party,
    publish_terms,
    settlement,
    terms,
)
from accounting.proof.verifying import Misfit, verify
from accounting.storage import store
from accounting.storage.fact_store import keep
from accounting.storage.voucher_store import issue
from accounting.usage.slices import UsageCredit, UsageSlice
from api.closing import close_once
from tests.builders import PRICES, shanghai, used
from tests.unit.accounting.bills.test_terms import COST, SHARE, TIERED
from tests.unit.accounting.prices.test_vouchers import VOUCHER
from tests.unit.accounting.proof.test_verifying import await_blocked
from tests.unit.accounting.storage.test_package_store import PACK

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2, centre_id="east")
FISH = replace(OCTOBER, reference="f.1", tenant_id="fish", device_count=1)
WEST = replace(FISH, reference="w.1", centre_id="west")
NOVEMBER = used("2026-11-02T00:00", "2026-11-02T01:00", reference="j3.1", centre_id="east")
LOST = UsageCredit(
    reference="j1.1", tenant_id="steel", at_ms=OCTOBER.to_ms, cause="node", recorded_at_ms=0
)
AFTER_OCTOBER = shanghai("2026-11-03T10:00")
AFTER_NOVEMBER = shanghai("2026-12-03T10:00")


def booked(connection: Connection, *slices: UsageSlice) -> None:
    """Slices, and what they cost in the ledger."""
    posts = [
        ledger.post(
            one.tenant_id,
            one.centre_id,
            one.reference,
            one.from_ms,
            charge_micros(one.device_ms, one.price_micros),
            one.to_ms,
        )
        for one in slices
        if one.price_micros
    ]
    store.book(connection, slices, [], posts)


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """October: steel used 56.00 and fish 28.00 in the east, fish 28.00 in the west."""
    booked(connection, OCTOBER, FISH, WEST)
    publish_terms(connection, COST)
    publish_terms(connection, replace(SHARE, centre_id="west"))
    year = shanghai("2027-01-01T00:00")
    issue(connection, replace(VOUCHER, amount_fen=600, until_ms=year))
    return connection


def read(connection: Connection, party: str, month: str = "2026-10") -> Any:
    return json.loads(settlement(connection, party, month).body)


def test_a_centre_by_cost_gets_its_price_for_each_card_hour(connection: Connection) -> None:
    """24 card-hours at 2.10; what tenants paid is none of its business."""
    east = read(connection, centre_party("east"))

    (line,) = east["lines"]
    assert (line["card_hours"], line["price"], line["amount"]) == ("24", "2.10", "50.40")
    assert "revenue" not in json.dumps(east["lines"])
    totals = east["totals"]
    assert (totals["gross"], totals["net"], totals["tax"]) == ("50.40", "47.55", "2.85")
    assert "steel" not in json.dumps(east)


def test_a_centre_by_share_gets_its_part_of_what_tenants_paid(connection: Connection) -> None:
    (line,) = read(connection, centre_party("west"))["lines"]

    assert (line["revenue"], line["share_permille"], line["amount"]) == ("28.00", "700", "19.60")


def test_the_platform_adds_up_to_its_tenants_its_centres_and_its_ledger(
    connection: Connection,
) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)

    made = read(connection, PLATFORM)

    totals = made["totals"]
    assert (totals["gross"], totals["net"], totals["tax"]) == ("112.00", "105.66", "6.34")
    assert (totals["vouchers"], totals["due"]) == ("6.00", "106.00")
    assert (totals["cost"], totals["cost_net"]) == ("70.00", "66.04")
    assert totals["margin"] == "39.62"
    assert made["vouchers"] == [{"issuer": "city", "receivable": "6.00", "receivable_fen": 600}]
    assert [(one["centre"], one["revenue"], one["ledger"]) for one in made["centres"]] == [
        ("east", "84.00", "84.00"),
        ("west", "28.00", "28.00"),
    ]
    told = made["ledger"]
    assert (told["posted"], told["given_back"], told["rounding"]) == ("112.00", "0.00", "0.00")
    assert told["agrees"]


def test_what_packages_were_sold_for_is_income_beside_the_usage(connection: Connection) -> None:
    keep(connection, PACK)
    paid = ledger.purchase("steel", PACK.id, 106_000_000, PACK.bought_at_ms)
    store.book(connection, [], [], [paid])

    made = read(connection, PLATFORM)

    totals = made["totals"]
    assert (totals["gross"], totals["purchases"], totals["due"]) == ("112.00", "106.00", "212.00")
    assert totals["margin"] == "139.62"
    assert (made["ledger"]["sold"], made["ledger"]["sales_agree"]) == ("106.00", True)
    assert [one["purchases"] for one in made["tenants"]] == ["0.00", "106.00"]


def test_a_package_that_nobody_paid_is_noticed(connection: Connection) -> None:
    keep(connection, PACK)

    told = read(connection, PLATFORM)["ledger"]

    assert (told["sold"], told["sales_agree"]) == ("0.00", False)


def drawn(connection: Connection, begin: str, end: str, name: str = "d.1") -> None:
    """Eight cards in the west that are drawn from 100 card-hours for 106.00."""
    covered = used(begin, end, reference=f"{name}/p1", device_count=8, centre_id="west")
    booked(connection, replace(covered, price_micros=0))


def test_a_centre_by_share_gets_its_part_of_what_packages_covered(connection: Connection) -> None:
    """40 of 100 card-hours are worth 42.40: with 28.00 that is 70.40, of which 70 % are 49.28."""
    keep(connection, PACK)
    drawn(connection, "2026-10-10T00:00", "2026-10-10T05:00")

    (line,) = read(connection, centre_party("west"))["lines"]

    assert (line["revenue"], line["covered"], line["amount"]) == ("70.40", "42.40", "49.28")
    totals = read(connection, PLATFORM)["totals"]
    assert (totals["revenue"], totals["covered"], totals["gross"]) == ("154.40", "42.40", "112.00")


def test_what_packages_covered_late_corrects_the_month_that_it_was_in(
    connection: Connection,
) -> None:
    keep(connection, PACK)
    drawn(connection, "2026-10-10T00:00", "2026-10-10T05:00")
    close_once(connection, "2026-10", AFTER_OCTOBER)
    drawn(connection, "2026-10-11T00:00", "2026-10-11T01:00", "late.1")
    drawn(connection, "2026-11-02T00:00", "2026-11-02T01:00", "own.1")
    store.book(connection, [], [replace(LOST, reference="d.1/p1")], [])
    close_once(connection, "2026-11", AFTER_NOVEMBER)

    told = json.loads(statement(connection, "steel", "2026-11").body)["covered"]

    assert [(one["month"], one["cause"], one["card_hours"], one["value"]) for one in told] == [
        ("2026-10", None, "8", "8.48"),
        ("2026-10", "node", "-40", "-42.40"),
        ("2026-11", None, "8", "8.48"),
    ]
    late = read(connection, centre_party("west"), "2026-11")["corrections"]
    assert [(one["month"], one["cause"], one["amount"]) for one in late] == [
        ("2026-10", None, "5.94"),
        ("2026-10", "node", "-29.68"),
    ]
    (own,) = json.loads(statement(connection, "steel", "2026-10").body)["covered"]
    assert (own["centre"], own["card_hours"], own["value"]) == ("west", "40", "42.40")
    assert [one for one in verify(connection) if isinstance(one, Misfit)] == []


def test_usage_that_the_ledger_has_not_posted_is_noticed(connection: Connection) -> None:
    store.book(connection, [NOVEMBER], [], [])

    told = read(connection, PLATFORM, "2026-11")["ledger"]

    assert (told["income"], told["rounding"], told["agrees"]) == ("0.00", "3.50", False)


def test_what_is_given_back_later_is_taken_from_the_centre(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    booked(connection, NOVEMBER)
    store.book(connection, [], [LOST], [])
    close_once(connection, "2026-11", AFTER_NOVEMBER)

    east = read(connection, centre_party("east"), "2026-11")

    (late,) = east["corrections"]
    assert (late["month"], late["cause"], late["amount"]) == ("2026-10", "node", "-33.60")
    assert east["totals"]["gross"] == "-31.50"
    told = read(connection, PLATFORM, "2026-11")["ledger"]
    assert (told["posted"], told["given_back"], told["agrees"]) == ("3.50", "56.00", True)


def test_a_closed_settlement_stays_the_same_bytes(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    parties = (PLATFORM, centre_party("east"), centre_party("west"))
    before = [settlement(connection, party, "2026-10") for party in parties]

    booked(connection, NOVEMBER)
    store.book(connection, [], [LOST], [])
    publish_terms(connection, replace(TIERED, month="2026-11"))

    assert [settlement(connection, party, "2026-10") for party in parties] == before
    assert {one.state for one in before} == {"closed"}
    assert [one for one in verify(connection) if isinstance(one, Misfit)] == []


def test_a_centre_without_terms_gets_nothing_and_its_statement_says_so(
    connection: Connection,
) -> None:
    booked(connection, replace(WEST, reference="n.1", centre_id="north"))

    north = read(connection, centre_party("north"))

    assert north["terms"] is None
    assert north["totals"]["gross"] == "0.00"


def test_a_month_whose_cost_is_not_known_stays_open(connection: Connection) -> None:
    booked(connection, replace(OCTOBER, reference="k.1", device_kind_id="abacus"))

    with pytest.raises(CannotClose, match="centre east has usage of abacus"):
        close_once(connection, "2026-10", AFTER_OCTOBER)


def test_terms_are_published_once_and_never_for_a_closed_month(connection: Connection) -> None:
    assert publish_terms(connection, replace(COST, at_ms=9)) == COST
    with pytest.raises(TermsRefused, match="east has other terms from 2026-10 on"):
        publish_terms(connection, SHARE)

    close_once(connection, "2026-10", AFTER_OCTOBER)

    with pytest.raises(TermsRefused, match="2026-10 is closed"):
        publish_terms(connection, replace(COST, centre_id="north"))
    assert [one.centre_id for one in terms(connection)] == ["east", "west"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (
            "UPDATE settlements SET body = overlay(body placing '9' from 40) WHERE party <> :p",
            "its checksum does not fit",
        ),
        ("DELETE FROM settlements WHERE party <> :p", "it is gone"),
        ("UPDATE centre_terms SET prices = '[[\"ascend-910b3\", 1]]' WHERE kind <> :p", "come to"),
        ("UPDATE settled_months SET statements = '[]' WHERE month <> :p", "noted another"),
        ("UPDATE settlements SET at_ms = at_ms + 1 WHERE party <> :p", "another moment than"),
    ],
)
def test_whatever_is_altered_is_named(connection: Connection, change: str, wrong: str) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text(change), {"p": PLATFORM})

    found = [one for one in verify(connection) if isinstance(one, Misfit)]

    assert wrong in " ".join(one.what for one in found if one.part == "settlements")


def test_an_altered_settlement_is_not_shown(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("UPDATE settlements SET body = overlay(body placing '9' from 40)"))

    with pytest.raises(StatementAltered, match="2026-10 of platform"):
        settlement(connection, PLATFORM, "2026-10")


def test_what_a_centre_that_ran_nothing_gives_back_is_in_the_ledger(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    store.book(connection, [], [LOST], [])

    close_once(connection, "2026-11", AFTER_NOVEMBER)

    told = read(connection, PLATFORM, "2026-11")["ledger"]
    assert (told["given_back"], told["income"], told["agrees"]) == ("56.00", "-56.00", True)


def test_terms_wait_for_the_close_of_a_month(database: Engine) -> None:
    """Else they would begin in a month that was settled without them."""
    with database.begin() as connection:
        store.publish_price_list(connection, PRICES)
        booked(connection, OCTOBER)
    with database.connect() as closing, ThreadPoolExecutor(1) as pool:
        close_once(closing, "2026-10", AFTER_OCTOBER)
        late = pool.submit(published, database)
        await_blocked(database)
        closing.commit()

        with pytest.raises(TermsRefused, match="2026-10 is closed"):
            late.result(timeout=20)


def published(database: Engine) -> None:
    with database.begin() as connection:
        publish_terms(connection, COST)
