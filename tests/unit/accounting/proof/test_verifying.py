"""Whoever changes the books behind their back is found, and the first row is named."""

# ruff: noqa: S608 # the statements are the tests' own

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, text

from accounting import ledger
from accounting.chain import PARK, links
from accounting.link import GENESIS, Link
from accounting.months.closing import ClosedBook, close_month
from accounting.proof.roots import draw_root
from accounting.proof.verifying import Misfit, Walked, verify
from accounting.storage import store
from accounting.usage.slices import UsageCredit
from api.closing import close_once
from tests.builders import HOUR_MS, PRICES, shanghai, used

DAY_MS = 24 * HOUR_MS
OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
NOVEMBER = used("2026-11-02T00:00", "2026-11-02T01:00", reference="j3.1")
LATE = used("2026-10-31T23:00", "2026-11-01T00:00", reference="j2.1")
AFTER_OCTOBER = shanghai("2026-11-03T10:00")
CREDIT = UsageCredit(
    reference="j1.1", tenant_id="steel", at_ms=OCTOBER.to_ms, cause="node", recorded_at_ms=0
)
TRANSFERS = (
    ledger.top_up("steel", 90_000_000, "bank-1", 0),
    ledger.hold("steel", "j1.1", 60_000_000, 1),
    ledger.post("steel", "qdaicc", "j1.1", OCTOBER.from_ms, 56_000_000, 2),
    ledger.release("steel", "j1.1", 4_000_000, 3),
)


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """Books with two tenants, a closed month and what came after it; nobody commits them."""
    store.book(connection, [OCTOBER], [], TRANSFERS)
    store.book(connection, [], [], [ledger.top_up("port", 5, "bank-2", 0)])
    close_month(connection, "2026-10", AFTER_OCTOBER)
    draw_root(connection, AFTER_OCTOBER)
    store.book(connection, [NOVEMBER, LATE], [CREDIT], [])
    return connection


def altered(connection: Connection, *changes: str) -> None:
    """As one would who may do everything in the database."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for change in changes:
        assert connection.execute(text(change)).rowcount == 1, change


def misfits(connection: Connection) -> list[Misfit]:
    return [one for one in verify(connection) if isinstance(one, Misfit)]


def test_whole_books_have_no_misfit(connection: Connection) -> None:
    assert [
        (one.chain, one.head.number) for one in verify(connection) if isinstance(one, Walked)
    ] == [(PARK, 2), ("port", 1), ("steel", 8)]
    assert misfits(connection) == []


NUMBERS = ("from_ms", "to_ms", "device_count", "tflops", "price_micros", "recorded_at_ms")
WORDS = ("tenant_id", "project", "field", "centre_id", "device_kind_id", "qos", "price_list_id")


@pytest.mark.parametrize("change", [
    *(f"{name} = {name} + 1" for name in NUMBERS),
    *(f"{name} = {name} || 'x'" for name in (*WORDS, "reference")),
    "hash = sha256(hash)",
    "link = 100",
])  # fmt: skip
def test_one_value_of_a_slice_is_enough(connection: Connection, change: str) -> None:
    altered(connection, f"UPDATE usage SET {change} WHERE reference = 'j1.1'")

    assert any("steel" in one.part for one in misfits(connection))


@pytest.mark.parametrize("change", [
    "kind = 'credit'", "reference = 'bank-9'", "tenant_id = 'port'", "debit_account = 'x'",
    "credit_account = 'x'", "amount_micros = amount_micros + 1", "at_ms = at_ms + 1",
])  # fmt: skip
def test_one_value_of_a_transfer_is_enough(connection: Connection, change: str) -> None:
    altered(connection, f"UPDATE transfers SET {change} WHERE reference = 'bank-1'")

    assert misfits(connection)


@pytest.mark.parametrize("change", [
    "reference = 'j3.1'", "at_ms = 7", "cause = 'centre'", "recorded_at_ms = 7",
])  # fmt: skip
def test_one_value_of_a_credit_is_enough(connection: Connection, change: str) -> None:
    altered(connection, f"UPDATE usage_credits SET {change}")

    assert misfits(connection)


@pytest.mark.parametrize("change", [
    "id = 'x'", "from_ms = 1", """on_demand = '[["ascend-910b3", 1]]'""",
    "qos_permille = '[]'", "class_permille = '[]'", "vat_permille = 30",
])  # fmt: skip
def test_one_value_of_a_price_list_is_enough(connection: Connection, change: str) -> None:
    altered(connection, f"UPDATE price_lists SET {change}")

    found = misfits(connection)[0]
    assert found.part == "chain of the park"
    assert found.row.startswith("price_lists")


def test_a_price_list_that_is_gone_hides_nothing_else(connection: Connection) -> None:
    altered(connection, "DELETE FROM price_lists")

    what = "price list 2026 is used, but was never published"
    assert Misfit(part="statements", row="steel 2026-10", what=what) in misfits(connection)


@pytest.mark.parametrize("change", ["month = '2026-09'", "through_seq = 1", "closed_at_ms = 1"])
def test_one_value_of_a_closing_is_enough(connection: Connection, change: str) -> None:
    altered(connection, f"UPDATE closings SET {change}")

    assert any(one.row.startswith("closings") for one in misfits(connection))


def test_the_first_row_that_does_not_fit_is_named(connection: Connection) -> None:
    altered(
        connection,
        "UPDATE transfers SET amount_micros = 1 WHERE kind = 'hold'",
        "UPDATE usage_credits SET cause = 'x'",
    )

    first, *_ = misfits(connection)

    assert first == Misfit(
        part="chain of tenant steel",
        row="transfers hold j1.1",
        what="link 3: what it says does not give its hash",
    )


def test_a_row_that_is_gone_is_missed(connection: Connection) -> None:
    altered(connection, "DELETE FROM transfers WHERE kind = 'hold'")

    assert misfits(connection)[0].what == "link 4: it follows link 2"


def test_a_last_row_that_is_gone_is_missed(connection: Connection) -> None:
    altered(connection, "DELETE FROM usage_credits")

    assert misfits(connection)[0].what == "links 8 to 8 are gone"


def test_a_row_that_was_slipped_in_is_found(connection: Connection) -> None:
    altered(
        connection,
        "INSERT INTO transfers SELECT 'top_up', 'bank-3', tenant_id, debit_account,"
        " credit_account, 7, at_ms, seq, 9, hash FROM transfers WHERE reference = 'bank-1'",
    )

    assert misfits(connection)[0].row == "transfers top_up bank-3"


def test_a_chain_that_was_dropped_as_a_whole_is_missed(connection: Connection) -> None:
    altered(
        connection,
        "DELETE FROM transfers WHERE tenant_id = 'port'",
        "DELETE FROM chain_heads WHERE chain = 'port'",
    )

    assert misfits(connection)[0] == Misfit(
        part="chain of tenant port", row="", what="links 1 to 1 are gone"
    )


def test_who_works_out_all_hashes_anew_still_contradicts_the_root(connection: Connection) -> None:
    forged = (OCTOBER, ledger.top_up("steel", 91_000_000, "bank-1", 0), *TRANSFERS[1:])
    made, _ = links({}, forged)
    rewrite(connection, made)
    altered(connection, "UPDATE transfers SET amount_micros = 91000000 WHERE reference = 'bank-1'")

    found = misfits(connection)

    assert found[0].what == "link 5: a root or a statement has noted another hash"


def rewrite(connection: Connection, made: list[Link]) -> None:
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for table in ("usage", "transfers"):
        rewrite_one = text(
            f"UPDATE {table} SET hash = :hash WHERE tenant_id = 'steel' AND link = :n"
        )
        for number, digest in made:
            connection.execute(rewrite_one, {"hash": digest, "n": number})


def test_a_root_that_was_exchanged_is_found(connection: Connection) -> None:
    altered(connection, "UPDATE daily_roots SET root = sha256(root)")

    assert [(one.part, one.row) for one in misfits(connection)] == [("daily roots", "2026-11-02")]


def test_a_statement_that_was_changed_is_found(connection: Connection) -> None:
    altered(connection, "UPDATE statements SET body = body || ' '")

    assert ("statements", "steel 2026-10", "its checksum does not fit") in [
        (one.part, one.row, one.what) for one in misfits(connection)
    ]


def test_a_statement_that_was_exchanged_with_its_checksum_is_found(connection: Connection) -> None:
    altered(
        connection,
        "UPDATE statements SET body = body || ' ', sha256 = encode(sha256(body || ' '), 'hex')",
    )

    found = misfits(connection)

    assert found[0].row == "closings 2026-10, or a statement of it"
    assert found[-1].what == "its facts come to something else"


def test_a_statement_with_another_moment_of_closing_is_found(connection: Connection) -> None:
    altered(connection, "UPDATE statements SET closed_at_ms = closed_at_ms + 1")

    what = "it says another moment of closing than the close of its month"
    assert misfits(connection) == [Misfit(part="statements", row="steel 2026-10", what=what)]


def test_a_balance_that_does_not_follow_from_transfers_is_found(connection: Connection) -> None:
    altered(
        connection,
        "UPDATE balances SET amount_micros = 1 WHERE account = 'paid_in' AND tenant_id = 'port'",
    )

    assert misfits(connection) == [
        Misfit(
            part="balances",
            row="port paid_in",
            what="it says 1 micro-yuan, and its transfers come to -5",
        )
    ]


def test_a_closed_statement_prints_where_its_tenants_chain_ended(connection: Connection) -> None:
    body = connection.scalar(text("SELECT body FROM statements"))
    made, _ = links({}, [OCTOBER, *TRANSFERS])

    assert json.loads(body)["chain"] == {"facts": 5, "head": made[-1].hash.hex()}


def test_a_root_is_drawn_once_for_each_day_that_is_over(connection: Connection) -> None:
    assert draw_root(connection, AFTER_OCTOBER + HOUR_MS) is None

    assert draw_root(connection, AFTER_OCTOBER + DAY_MS) is not None

    days = connection.scalars(text("SELECT day FROM daily_roots ORDER BY day")).all()
    assert days == ["2026-11-02", "2026-11-03"]
    assert misfits(connection) == []


def test_books_without_a_fact_have_no_root(database: Engine) -> None:
    with database.connect() as connection:
        assert draw_root(connection, AFTER_OCTOBER) is None
        assert list(verify(connection)) == [Walked(chain=PARK, head=GENESIS)]


def test_a_database_may_sort_names_otherwise_than_they_were_sorted(connection: Connection) -> None:
    """Python has B before a, many a locale a before B; without an order it is as written."""
    december = shanghai("2027-01-03T10:00")
    for tenant_id in ("B", "a"):
        used_by = replace(NOVEMBER, tenant_id=tenant_id, reference=f"{tenant_id}.1")
        store.book(connection, [used_by], [], [])
    close_month(connection, "2026-11", december)
    altered(connection, "UPDATE statements SET month = month WHERE tenant_id = 'B'")

    assert misfits(connection) == []


def test_writers_that_begin_one_chain_at_once_take_turns(database: Engine) -> None:
    """Neither sees the other's first facts yet."""
    payments = [ledger.top_up("steel", 1, f"bank-{number}", 0) for number in range(4)]
    with database.connect() as first, ThreadPoolExecutor(1) as pool:
        store.book(first, [], [], payments[:1])
        second = pool.submit(booked, database, payments[1:])
        await_blocked(database)
        first.commit()
        second.result(timeout=20)

    with database.connect() as connection:
        assert [
            (one.chain, one.head.number) for one in verify(connection) if isinstance(one, Walked)
        ][-1] == ("steel", 4)
        assert misfits(connection) == []


def booked(database: Engine, payments: list[ledger.Transfer]) -> None:
    with database.begin() as connection:
        store.book(connection, [], [], payments)


def await_blocked(database: Engine) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    for _ in range(500):
        with database.connect() as connection:  # a transaction sees what it saw first
            if connection.scalar(waiting):
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits")


def test_who_closes_at_the_same_moment_is_told_what_was_closed(database: Engine) -> None:
    with database.begin() as connection:
        store.publish_price_list(connection, PRICES)
        store.book(connection, [OCTOBER], [], [])
    with database.connect() as first, ThreadPoolExecutor(1) as pool:
        book = close_once(first, "2026-10", AFTER_OCTOBER)
        second = pool.submit(closed_too, database)
        await_blocked(database)
        first.commit()

        assert second.result(timeout=20) == book


def closed_too(database: Engine) -> ClosedBook:
    with database.begin() as connection:
        return close_once(connection, "2026-10", AFTER_OCTOBER + 1)


def test_an_hour_that_is_not_the_sum_of_its_slices_is_enough(connection: Connection) -> None:
    altered(connection, f"UPDATE usage_hours SET device_ms = 1 WHERE hour_ms = {LATE.from_ms}")

    statement, found = misfits(connection)

    assert statement.part == "statements"  # which are added up from hours
    assert found.part == "usage by the hour"
    assert found.row.startswith(f"steel {LATE.from_ms} ")
    assert found.what == f"it says 1 device-milliseconds, and its slices come to {HOUR_MS}"


@pytest.mark.parametrize(("change", "part", "what"), [
    ("month = '2026-12'", "months of usage", "it says 2026-12, and begins in 2026-11"),
    ("seq = 1", "chain of tenant steel", "link 6: it was written before link 5"),
])  # fmt: skip
def test_to_which_month_a_slice_is_counted_is_proven(
    connection: Connection, change: str, part: str, what: str
) -> None:
    """Neither is in its hash."""
    altered(connection, f"UPDATE usage SET {change} WHERE reference = 'j3.1'")

    found = next(one for one in misfits(connection) if one.part == part)

    assert found.row == f"usage j3.1 {NOVEMBER.from_ms}"
    assert found.what == what


def test_usage_that_was_counted_twice_is_found_though_its_chain_is_whole(
    connection: Connection,
) -> None:
    goes_on = replace(NOVEMBER, from_ms=NOVEMBER.to_ms, to_ms=NOVEMBER.to_ms + HOUR_MS)
    again = replace(goes_on, from_ms=goes_on.to_ms - 1)
    store.book(connection, [goes_on, again], [], [])

    (found,) = misfits(connection)

    assert (found.part, found.row) == ("overlaps", f"usage j3.1 {again.from_ms}")
    assert found.what == f"it overlaps the slice before it, which ends at {goes_on.to_ms}"
