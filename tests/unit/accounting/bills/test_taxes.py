"""Tax leaves income when a month is closed: to the fen, by centre, once, and provable."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, select, text

from accounting import ledger
from accounting.bills.platform_month import PLATFORM
from accounting.bills.taxes import taxes_of
from accounting.ledger import (
    CONCESSIONS_ACCOUNT,
    PREPAID_ACCOUNT,
    TAX_ACCOUNT,
    Transfer,
    TransferKind,
    income_account,
)
from accounting.months.closing import statement
from accounting.months.replying import reply
from accounting.months.settling import settlement
from accounting.prices.rating import split_tax
from accounting.proof.verifying import Misfit, verify
from accounting.storage import store
from accounting.storage.fact_store import keep
from accounting.storage.tables import TransferRow
from api.closing import close_once
from api.granting import decide_once
from scheduler.controller import Controller
from scheduler.facts import events as ev
from scheduler.facts.log import Request
from scheduler.facts.metering import book
from scheduler.facts.state import State
from scheduler.storage.codec import decode_wish
from scheduler.storage.reconciling import Difference, reconcile
from scheduler.storage.store import SqlLog, put_requests
from scheduler.storage.tables import InboxRow
from tests.builders import PARK_PRICES, TENANT, used
from tests.unit.accounting.bills.test_concessions import (
    ACCEPT,
    AFTER_NOVEMBER,
    AFTER_OCTOBER,
    DISPUTE,
)
from tests.unit.accounting.bills.test_invoices import a_body, a_line, with_packages
from tests.unit.accounting.months.test_settling import FISH, OCTOBER, WEST, booked
from tests.unit.accounting.storage.test_package_store import PACK

EAST, WESTERN = income_account("east"), income_account("west")


def of_centre(centre_id: str, fen: int, rate: int = 60) -> dict[str, Any]:
    return a_line(fen, rate=rate) | {"centre": centre_id}


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """October: steel used 56.00 in the east, fish 28.00 there and 28.00 in the west."""
    booked(connection, OCTOBER, FISH, WEST)
    return connection


def asked(connection: Connection) -> list[ev.TaxStated]:
    """What the leader is asked to move."""
    wishes = connection.scalars(select(InboxRow.body).order_by(InboxRow.seq))
    known = map(decode_wish, wishes)
    return [wish for wish in known if isinstance(wish, ev.TaxStated)]


def moved(connection: Connection, *wishes: ev.Wish) -> None:
    """As the leader books it."""
    transfers = [one for wish in wishes for one in book(State(), wish, 0).transfers]
    store.book(connection, [], [], transfers)


def misfits(connection: Connection) -> list[tuple[str, str]]:
    return [(one.row, one.what) for one in verify(connection) if isinstance(one, Misfit)]


def test_each_centre_has_its_tax_and_the_parts_add_up_to_the_statements() -> None:
    """Of 0.10 at 6 % in each of two centres, 0.20 together, 0.01 is tax: one of them has it."""
    body = a_body(of_centre("east", 10), of_centre("west", 10))

    assert split_tax(10, 60).tax_fen * 2 == 2
    assert taxes_of(body) == ((EAST, 10_000),)


def test_each_tax_rate_is_split_by_itself() -> None:
    body = a_body(of_centre("east", 10_600), of_centre("east", 10_900, rate=90))

    assert taxes_of(body) == ((EAST, 15_000_000),)


def test_what_was_given_back_takes_its_tax_back() -> None:
    body = a_body(of_centre("west", 10_600), given_back=(of_centre("east", -10_600),))

    assert taxes_of(body) == ((EAST, -6_000_000), (WESTERN, 6_000_000))


def test_packages_and_concessions_have_accounts_of_their_own() -> None:
    body = with_packages(a_body(), 10_600)
    body["totals"] |= {"purchases_tax_fen": 600, "concessions_tax_fen": -40}

    assert taxes_of(body) == ((CONCESSIONS_ACCOUNT, -400_000), (PREPAID_ACCOUNT, 6_000_000))


def test_what_has_no_tax_moves_nothing() -> None:
    body = a_body(of_centre("east", 500, rate=0), of_centre("west", 0), of_centre("north", 3))

    assert taxes_of(body) == ()


CENTRES, RATES = st.sampled_from(("east", "west", "north")), st.sampled_from((0, 10, 60, 90, 130))
LINES = st.lists(st.tuples(CENTRES, st.integers(-5_000, 20_000), RATES), max_size=12)


@given(LINES)
def test_whatever_is_on_a_statement_its_parts_add_up(
    lines: Sequence[tuple[str, int, int]],
) -> None:
    body = a_body(*(of_centre(*line) for line in lines))
    gross_fen: Counter[int] = Counter()
    for _, fen, rate in lines:
        gross_fen[rate] += fen

    stated_fen = sum(split_tax(fen, rate).tax_fen for rate, fen in gross_fen.items())

    assert sum(micros for _, micros in taxes_of(body)) == stated_fen * 10_000


def test_the_tax_of_a_closed_month_leaves_income(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    closed = statement(connection, "steel", "2026-10").body

    moved(connection, *asked(connection))

    left = store.balances(connection)
    assert (left[EAST], left[WESTERN], left[TAX_ACCOUNT]) == (79_250_000, 26_410_000, 6_340_000)
    told = json.loads(settlement(connection, PLATFORM, "2026-10").body)
    assert (told["totals"]["net"], told["totals"]["tax"]) == ("105.66", "6.34")
    assert (told["ledger"]["posted"], told["ledger"]["agrees"]) == ("112.00", True)
    assert statement(connection, "steel", "2026-10").body == closed
    assert sum(left.values()) == 0
    assert misfits(connection) == []


def test_what_is_bought_and_what_is_granted_have_their_tax_moved(connection: Connection) -> None:
    keep(connection, PACK)
    paid = ledger.purchase("steel", PACK.id, 106_000_000, PACK.bought_at_ms)
    store.book(connection, [], [], [paid])
    close_once(connection, "2026-10", AFTER_OCTOBER)
    reply(connection, replace(DISPUTE, lines=()))
    decide_once(connection, ACCEPT, 700)
    store.book(connection, [], [], [ledger.concede("steel", "steel@2026-10#2", 7_000_000, 0)])
    close_once(connection, "2026-11", AFTER_NOVEMBER)

    moved(connection, *asked(connection))

    left = store.balances(connection)
    assert (left[PREPAID_ACCOUNT], left[CONCESSIONS_ACCOUNT]) == (100_000_000, -6_600_000)
    assert left[TAX_ACCOUNT] == 6_340_000 + 6_000_000 - 400_000


def test_a_month_that_is_closed_again_asks_for_nothing_more(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    first = asked(connection)

    close_once(connection, "2026-10", AFTER_NOVEMBER)

    assert asked(connection) == first
    assert [(one.tenant_id, one.at_ms) for one in first] == [
        ("fish", AFTER_OCTOBER),
        ("steel", AFTER_OCTOBER),
    ]


def test_a_statement_without_tax_asks_for_nothing(connection: Connection) -> None:
    store.book(
        connection, [replace(WEST, reference="z.1", tenant_id="zinc", price_micros=0)], [], []
    )

    book = close_once(connection, "2026-10", AFTER_OCTOBER)

    assert [one.tenant_id for one in book.statements] == ["fish", "steel", "zinc"]
    assert [one.tenant_id for one in asked(connection)] == ["fish", "steel"]


def test_what_an_earlier_release_closed_is_moved_when_its_month_is_closed_again(
    connection: Connection,
) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    first = asked(connection)
    connection.execute(delete(InboxRow))
    assert misfits(connection) == []

    close_once(connection, "2026-10", AFTER_NOVEMBER)

    assert asked(connection) == first


def test_tax_that_is_moved_otherwise_is_named(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    fish, steel = asked(connection)
    more = replace(steel, parts=((EAST, 9_000_000),))

    moved(connection, fish, more, replace(steel, month="2026-09"))

    assert misfits(connection) == [
        (
            "steel@2026-10:income:east",
            "the ledger has moved it otherwise than the closed statement states",
        ),
        ("steel@2026-09:income:east", "the ledger has moved it, and no closed statement states it"),
    ]


def test_tax_that_is_left_out_is_named(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    fish, steel = asked(connection)

    moved(connection, replace(fish, parts=fish.parts[:1]), steel)

    assert misfits(connection) == [
        (
            "fish@2026-10:income:west",
            "a closed statement states it, and the ledger has left it out: close 2026-10 again",
        )
    ]


def test_a_statement_that_was_altered_states_no_tax(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    moved(connection, *asked(connection))
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("UPDATE statements SET body = 'no JSON' WHERE tenant_id = 'steel'"))

    found = misfits(connection)

    assert ("steel 2026-10", "its checksum does not fit") in found
    nobody = "the ledger has moved it, and no closed statement states it"
    assert [row for row, what in found if what == nobody] == ["steel@2026-10:income:east"]


def test_a_transfer_of_tax_that_was_altered_breaks_the_chain(connection: Connection) -> None:
    close_once(connection, "2026-10", AFTER_OCTOBER)
    moved(connection, *asked(connection))
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("UPDATE transfers SET debit_account = 'prepaid' WHERE kind = 'tax'"))

    rows = [row for row, _ in misfits(connection)]

    assert rows[0] == "transfers tax fish@2026-10:income:east"
    assert rows.count("steel@2026-10:income:east") == 1


def taxes(database: Engine) -> list[Transfer]:
    names = Transfer.__dataclass_fields__
    rows = select(*(getattr(TransferRow, name) for name in names))
    with database.connect() as connection:
        found = connection.execute(rows.where(TransferRow.kind == TransferKind.TAX)).mappings()
        return [Transfer(**{**row, "kind": TransferKind.TAX}) for row in found]


def leader(database: Engine) -> Controller:
    made = Controller(SqlLog(database, "http://127.0.0.1:1"), {})
    made.lead(AFTER_NOVEMBER)
    return made


def test_whoever_leads_next_moves_it_and_nobody_moves_it_again(database: Engine) -> None:
    """The first leader goes between the close and the move; the tax is neither lost nor doubled."""
    wishes: list[ev.Wish] = [
        ev.PriceListPublished(at_ms=0, price_list=PARK_PRICES),
        ev.TenantDeclared(at_ms=0, tenant=TENANT),
    ]
    requests = [Request(id=str(number), wish=wish) for number, wish in enumerate(wishes)]
    with database.begin() as connection:
        put_requests(connection, requests, 0)
    leader(database).step(AFTER_OCTOBER)
    with database.begin() as connection:
        store.book(connection, [used("2026-10-10T00:00", "2026-10-10T08:00")], [], [])
        close_once(connection, "2026-10", AFTER_OCTOBER)
    assert taxes(database) == []

    leader(database).step(AFTER_NOVEMBER)
    (tax,) = taxes(database)
    with database.begin() as connection:
        connection.execute(delete(InboxRow))
        close_once(connection, "2026-10", AFTER_NOVEMBER)
    cycle = leader(database).step(AFTER_NOVEMBER)

    assert cycle.refused == {
        "tax:steel@2026-10": "the tax of steel's statement 2026-10 is booked already"
    }
    assert taxes(database) == [tax]
    assert (tax.credit_account, tax.at_ms) == (TAX_ACCOUNT, AFTER_OCTOBER)
    with database.connect() as connection:
        found = [one.part for one in reconcile(connection) if isinstance(one, Difference)]
    assert "transfers" not in found


def test_tax_of_a_tenant_that_nobody_knows_is_refused() -> None:
    wish = ev.TaxStated(at_ms=0, tenant_id="nobody", month="2026-10", parts=((EAST, 1),))

    assert State().apply(wish) == "there is no tenant nobody"
