"""A closed month stays as it is; what comes late corrects the next one, by name."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, combinations, permutations
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from accounting.months import closing
from accounting.months.closing import CannotClose, StatementAltered, close_month, statement
from accounting.months.known import months
from accounting.storage import store
from accounting.usage.slices import UsageCredit, UsageSlice
from tests.builders import PRICES, USAGE, shanghai, used

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
LATE = used("2026-10-31T23:00", "2026-11-01T00:00", reference="j2.1")
NOVEMBER = used("2026-11-02T00:00", "2026-11-02T01:00", reference="j3.1")
AFTER_OCTOBER = shanghai("2026-11-03T10:00")
AFTER_NOVEMBER = shanghai("2026-12-03T10:00")
CREDIT = UsageCredit(
    reference="j1.1",
    tenant_id="steel",
    at_ms=shanghai("2026-10-10T08:00"),
    cause="node",
    recorded_at_ms=0,
)


@pytest.fixture
def database(database: Engine) -> Engine:
    with database.begin() as connection:
        store.publish_price_list(connection, PRICES)
    return database


def read(connection: Connection, month: str, tenant_id: str = "steel") -> Any:
    return json.loads(statement(connection, tenant_id, month).body)


def test_a_late_fact_changes_no_byte_of_a_closed_month(connection: Connection) -> None:
    store.book(connection, [OCTOBER], [], [])
    (closed,) = close_month(connection, "2026-10", AFTER_OCTOBER)

    store.book(connection, [LATE, NOVEMBER], [CREDIT], [])
    close_month(connection, "2026-11", AFTER_NOVEMBER)

    assert statement(connection, "steel", "2026-10") == closed
    assert json.loads(closed.body)["totals"]["gross"] == "56.00"


def test_the_next_open_month_corrects_a_closed_one_by_name(connection: Connection) -> None:
    store.book(connection, [OCTOBER], [], [])
    close_month(connection, "2026-10", AFTER_OCTOBER)

    store.book(connection, [LATE, NOVEMBER], [CREDIT], [])
    november = read(connection, "2026-11")

    assert [(c["month"], c["amount"], c["cause"]) for c in november["corrections"]] == [
        ("2026-10", "3.50", None),
        ("2026-10", "-56.00", "node"),
    ]
    assert [line["amount"] for line in november["lines"]] == ["3.50"]
    assert november["credits"] == []
    assert november["totals"]["gross"] == "-49.00"


def test_a_correction_is_made_once(connection: Connection) -> None:
    close_month(connection, "2026-10", AFTER_OCTOBER)
    store.book(connection, [LATE], [], [])

    (november,) = close_month(connection, "2026-11", AFTER_NOVEMBER)
    december = read(connection, "2026-12")

    assert len(json.loads(november.body)["corrections"]) == 1
    assert december["corrections"] == []


def test_a_fact_that_is_late_for_an_empty_month_is_not_lost(connection: Connection) -> None:
    assert close_month(connection, "2026-10", AFTER_OCTOBER) == ()

    store.book(connection, [LATE], [], [])

    assert read(connection, "2026-11")["totals"]["gross"] == "3.50"
    assert read(connection, "2026-10")["state"] == "closed"
    assert read(connection, "2026-10")["lines"] == []


def test_only_the_first_open_month_corrects(connection: Connection) -> None:
    close_month(connection, "2026-10", AFTER_OCTOBER)
    store.book(connection, [LATE], [], [])

    assert len(read(connection, "2026-11")["corrections"]) == 1
    assert read(connection, "2026-12")["corrections"] == []


def test_a_credit_of_an_open_month_is_a_line_of_that_month(connection: Connection) -> None:
    store.book(connection, [OCTOBER, LATE], [CREDIT], [])

    october = read(connection, "2026-10")

    assert [(c["amount"], c["cause"]) for c in october["credits"]] == [("-56.00", "node")]
    assert october["totals"]["gross"] == "3.50"
    assert october["state"] == "draft"


def test_every_tenant_with_usage_or_corrections_gets_a_statement(connection: Connection) -> None:
    store.book(connection, [OCTOBER, replace(OCTOBER, reference="p.1", tenant_id="port")], [], [])
    october = close_month(connection, "2026-10", AFTER_OCTOBER)

    store.book(connection, [replace(LATE, tenant_id="port")], [], [])
    november = close_month(connection, "2026-11", AFTER_NOVEMBER)

    assert [given.tenant_id for given in october] == ["port", "steel"]
    assert [given.tenant_id for given in november] == ["port"]


def orders() -> Iterator[tuple[UsageSlice, ...]]:
    """Some of three slices, in every order."""
    facts = (OCTOBER, LATE, replace(OCTOBER, reference="j4.1", qos="high"))
    return chain.from_iterable(permutations(some) for some in combinations(facts, 2))


def test_the_order_of_facts_changes_no_byte(connection: Connection) -> None:
    bodies = set()
    for order in orders():
        savepoint = connection.begin_nested()
        for fact in order:
            store.book(connection, [fact], [], [])
        bodies.add(statement(connection, "steel", "2026-10").body)
        savepoint.rollback()

    assert len(bodies) == 3


@pytest.mark.parametrize(
    ("month", "at", "why"),
    [
        (
            "2026-11",
            "2026-11-30T23:59",
            "is not over before 2026-12-01 00:00 .UTC.8.: close",
        ),
        ("2026-12", "2027-01-03T10:00", "2026-11 is next"),
        ("2026-10", "2027-01-03T10:00", "closed already"),
        ("2026-09", "2027-01-03T10:00", "closed already"),
    ],
)
def test_months_are_closed_in_order_when_they_are_over(
    connection: Connection, month: str, at: str, why: str
) -> None:
    close_month(connection, "2026-10", AFTER_OCTOBER)

    with pytest.raises(CannotClose, match=why):
        close_month(connection, month, shanghai(at))


def test_the_first_month_closed_is_the_first_with_usage(connection: Connection) -> None:
    store.book(connection, [OCTOBER], [], [])

    with pytest.raises(CannotClose, match="2026-10 has usage"):
        close_month(connection, "2026-11", AFTER_NOVEMBER)


def test_a_month_in_which_something_was_counted_twice_stays_open(connection: Connection) -> None:
    inside = replace(OCTOBER, from_ms=OCTOBER.from_ms + 1)
    store.book(connection, [OCTOBER, inside], [], [])

    with pytest.raises(CannotClose, match=r"j1\.1 overlaps at 2026-10-10T00:00:00\.001"):
        close_month(connection, "2026-10", AFTER_OCTOBER)


def test_what_was_counted_twice_of_a_closed_month_keeps_the_next_open(
    connection: Connection,
) -> None:
    """It would be billed a second time, as a correction."""
    store.book(connection, [OCTOBER], [], [])
    close_month(connection, "2026-10", AFTER_OCTOBER)
    store.book(connection, [replace(OCTOBER, from_ms=OCTOBER.from_ms + 1)], [], [])

    with pytest.raises(CannotClose, match=r"j1\.1 overlaps at 2026-10-10T00:00:00\.001"):
        close_month(connection, "2026-11", AFTER_NOVEMBER)


def test_a_statement_that_was_altered_is_not_shown(connection: Connection) -> None:
    store.book(connection, [OCTOBER], [], [])
    close_month(connection, "2026-10", AFTER_OCTOBER)

    connection.execute(text("ALTER TABLE statements DISABLE TRIGGER refuse_changes"))
    connection.execute(text("UPDATE statements SET body = overlay(body placing '9' from 40)"))

    with pytest.raises(StatementAltered, match="2026-10 of tenant steel"):
        statement(connection, "steel", "2026-10")


def test_a_closed_statement_cannot_be_written_over(connection: Connection) -> None:
    store.book(connection, [OCTOBER], [], [])
    close_month(connection, "2026-10", AFTER_OCTOBER)

    with pytest.raises(DBAPIError, match="only ever added to"):
        connection.execute(text("DELETE FROM statements"))


def test_of_two_who_close_at_once_one_does(database: Engine) -> None:
    with database.begin() as connection:
        store.book(connection, [OCTOBER], [], [])

    def attempt(_: int) -> str:
        try:
            with database.begin() as connection:
                close_month(connection, "2026-10", AFTER_OCTOBER)
        except CannotClose as refusal:
            return str(refusal)
        return "closed"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, range(4)))

    assert answers.count("closed") == 1
    assert all("closed" in answer for answer in answers)


def test_closing_waits_for_whoever_is_booking_and_takes_it_in(database: Engine) -> None:
    with ThreadPoolExecutor(1) as pool, database.begin() as writer:
        store.book(writer, [OCTOBER], [], [])
        closing_ = pool.submit(_close, database)
        _wait_until_blocked(database)
        writer.commit()
        (closed,) = closing_.result(timeout=30)

    assert json.loads(closed.body)["totals"]["gross"] == "56.00"


def test_while_a_month_is_being_closed_others_may_book(database: Engine) -> None:
    with database.connect() as closer, database.begin() as writer:
        close_month(closer, "2026-10", AFTER_OCTOBER)

        writer.execute(text("SET LOCAL lock_timeout = '1s'"))
        store.book(writer, [LATE], [], [])
        closer.commit()

    with database.connect() as connection:
        assert read(connection, "2026-11")["totals"]["gross"] == "3.50"


def _close(database: Engine) -> tuple[closing.StoredStatement, ...]:
    with database.begin() as connection:
        return close_month(connection, "2026-10", AFTER_OCTOBER)


def _wait_until_blocked(database: Engine) -> None:
    """Until a backend waits for a lock: PostgreSQL says so, no clock does."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with database.connect() as connection:
        while not connection.scalar(waiting):
            connection.rollback()


def test_who_has_used_nothing_that_a_month_takes_in_gets_no_statement(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.book(connection, [OCTOBER], [], [])
    at_close = store.moment(connection)
    store.book(connection, [replace(LATE, tenant_id="port")], [], [])
    monkeypatch.setattr(closing, "moment", lambda _: at_close)  # it came a moment later

    (closed,) = close_month(connection, "2026-10", AFTER_OCTOBER)

    assert closed.tenant_id == "steel"


def test_months_are_told_newest_first_and_of_one_tenant_alone(connection: Connection) -> None:
    store.book(connection, [OCTOBER, replace(NOVEMBER, tenant_id="port")], [], [])

    assert months(connection) == ["2026-11", "2026-10"]
    assert months(connection, "steel") == ["2026-10"]
    assert months(connection, "nobody") == []


def test_a_month_without_anything_is_a_statement_of_nothing(connection: Connection) -> None:
    nothing = read(connection, "2026-10", "nobody")

    assert nothing["lines"] == []
    assert nothing["totals"]["gross"] == "0.00"


@pytest.mark.parametrize("month", ["2026-13", "2026", "october", "", "2026-10-01"])
def test_what_is_no_month_has_no_statement(connection: Connection, month: str) -> None:
    with pytest.raises(ValueError, match="write it like 2026-10"):
        statement(connection, "steel", month)


def test_a_draft_follows_what_is_known(connection: Connection) -> None:
    before = statement(connection, "steel", "2026-10")
    store.book(connection, [OCTOBER, USAGE], [], [])

    after = statement(connection, "steel", "2026-10")

    assert before.sha256 != after.sha256
    assert (before.state, after.state) == ("draft", "draft")
