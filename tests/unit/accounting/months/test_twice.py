"""What was granted, and given back by the park as well, is told when the month is closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event

from accounting.bills.concessions import Concession
from accounting.bills.replies import ReplyKind
from accounting.months.closing import close_month
from accounting.months.replying import decide, reply
from accounting.months.twice import granted_and_given_back
from accounting.storage import fact_store, store
from accounting.storage.concession_store import transfer_of
from accounting.usage.slices import UsageCredit
from tests.builders import shanghai, used
from tests.unit.accounting.bills.test_replies import REPLY

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
BESIDE = used("2026-10-20T00:00", "2026-10-20T08:00", reference="j2.1", project="beside")
ALIKE = replace(OCTOBER, reference="j3.1")
BESIDE_TOO = replace(BESIDE, reference="j4.1")
LINE = 2
"""That of both; that of `beside` is the first."""
DISPUTE = replace(REPLY, number=0, sha256="", lines=())


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """Books of October, in which steel has two lines; nobody commits them."""
    store.book(connection, [OCTOBER, BESIDE, ALIKE, BESIDE_TOO], [], [])
    close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))
    return connection


def granted(connection: Connection, month: str = "2026-10", line: int = LINE) -> Concession:
    about = replace(DISPUTE, month=month)
    reply(connection, replace(about, lines=(line,)))
    _, made = decide(connection, replace(about, kind=ReplyKind.ACCEPTED), 700)
    assert made is not None
    store.book(connection, [], [], [transfer_of(made, made.at_ms)])
    return made


def give_back(connection: Connection, reference: str = "j1.1") -> None:
    credit = UsageCredit(
        reference=reference, tenant_id="steel", at_ms=0, cause="node", recorded_at_ms=0
    )
    store.book(connection, [], [credit], [])


def told(connection: Connection, month: str = "2026-11") -> list[tuple[str, int, int]]:
    found = granted_and_given_back(connection, month)
    return [(one.granted.month, one.granted.amount_fen, one.given_back_fen) for one in found]


@contextmanager
def asked(connection: Connection) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    found: list[str] = []

    def note(*said: Any) -> None:
        found.append(said[2])

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(connection, "before_cursor_execute", note)


def close(connection: Connection, month: str, at: str) -> None:
    close_month(connection, month, shanghai(at))


def test_what_is_given_back_after_it_was_granted_is_told(connection: Connection) -> None:
    granted(connection)
    give_back(connection)
    close(connection, "2026-11", "2026-12-03T10:00")

    assert told(connection) == [("2026-10", 700, 5_600)]
    assert told(connection, "2026-10") == []


def test_what_was_given_back_before_is_not(connection: Connection) -> None:
    give_back(connection, "j3.1")
    granted(connection)
    close(connection, "2026-11", "2026-12-03T10:00")

    assert told(connection) == []


def test_another_line_is_not(connection: Connection) -> None:
    granted(connection)
    give_back(connection, "j2.1")
    close(connection, "2026-11", "2026-12-03T10:00")

    assert told(connection) == []


def test_it_is_told_in_the_month_that_has_it_and_in_no_other(connection: Connection) -> None:
    granted(connection)
    for month, at, reference in (
        ("2026-11", "2026-12-03T10:00", "j2.1"),
        ("2026-12", "2027-01-03T10:00", "j1.1"),
        ("2027-01", "2027-02-03T10:00", "j4.1"),
    ):
        give_back(connection, reference)
        close(connection, month, at)

    assert [told(connection, month) for month in ("2026-11", "2026-12", "2027-01")] == [
        [],
        [("2026-10", 700, 5_600)],
        [],
    ]


def test_what_corrected_an_earlier_month_is_told_as_well(connection: Connection) -> None:
    late = used("2026-10-25T00:00", "2026-10-25T08:00", reference="late.1", project="late")
    store.book(connection, [late], [], [])
    close(connection, "2026-11", "2026-12-03T10:00")
    granted(connection, "2026-11", 1)
    give_back(connection, "late.1")
    close(connection, "2026-12", "2027-01-03T10:00")

    assert told(connection, "2026-12") == [("2026-11", 700, 2_800)]


def test_whom_nothing_was_given_back_costs_nothing_however_much_was_granted(
    connection: Connection,
) -> None:
    first = granted(connection)
    many = [replace(first, number=first.number + more) for more in range(1, 20)]
    fact_store.keep(connection, *many)
    store.book(connection, [], [], [transfer_of(one, one.at_ms) for one in many])
    close(connection, "2026-11", "2026-12-03T10:00")
    own = used("2026-12-10T00:00", "2026-12-10T08:00", reference="own.1")
    store.book(connection, [own], [], [])
    give_back(connection, "own.1")
    close(connection, "2026-12", "2027-01-03T10:00")
    give_back(connection)
    close(connection, "2027-01", "2027-02-03T10:00")

    assert told(connection, "2026-11") == []
    with asked(connection) as months_own:
        assert told(connection, "2026-12") == []
    with asked(connection) as earlier:
        assert len(told(connection, "2027-01")) == 20

    assert not [one for one in months_own if "FROM statements" in one]
    assert len([one for one in earlier if "usage_credits" in one]) == 2
    assert len(earlier) < 12
