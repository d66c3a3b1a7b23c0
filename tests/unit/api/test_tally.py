"""What is added up as it is written is what would be added up anew."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, insert, text, update

from accounting.calendar import month_bounds
from accounting.storage import store
from accounting.usage.slices import UsageCredit, UsageSlice, UsageSum
from api.tally import Tally
from scheduler.storage.tables import EventRow, JobRow
from tests.builders import PRICES, USAGE, shanghai

MONTH = "2026-10"
BEGIN_MS = shanghai("2026-10-01 00:00")


@pytest.fixture
def database(database: Engine) -> Engine:
    with database.begin() as connection:
        store.publish_price_list(connection, PRICES)
    return database


def slice_of(reference: str, minute: int, **changes: int | str) -> UsageSlice:
    from_ms = BEGIN_MS + minute * 60_000
    dated = replace(USAGE, reference=reference, from_ms=from_ms, to_ms=from_ms + 60_000)
    return replace(dated, price_list_id=PRICES.id, **changes)  # type: ignore[arg-type] # by name


def book(database: Engine, *slices: UsageSlice, credited: tuple[str, ...] = ()) -> None:
    credits_ = [
        UsageCredit(reference=reference, tenant_id="steel", at_ms=0, cause="node", recorded_at_ms=0)
        for reference in credited
    ]
    with database.begin() as connection:
        store.book(connection, slices, credits_, [])


def seen(database: Engine) -> Connection:
    return database.connect().execution_options(isolation_level="REPEATABLE READ")


def anew(connection: Connection, month: str = MONTH) -> set[UsageSum]:
    window = month_bounds(month)
    return {*store.usage_sums(connection, *window), *store.credit_sums(connection, *window)}


def test_each_look_adds_what_was_written_since_the_last(database: Engine) -> None:
    tally = Tally()
    steps: tuple[tuple[tuple[UsageSlice, ...], tuple[str, ...]], ...] = (
        ((slice_of("a", 0), slice_of("b", 0, tenant_id="port")), ()),
        ((slice_of("a", 1),), ()),
        ((), ()),
        ((slice_of("c", 0), slice_of("a", 2)), ("a",)),
        # Usage that is known only after it was given back.
        ((slice_of("a", 3),), ("b",)),
        ((slice_of("d", 0, qos="high"),), ("d",)),
    )
    for slices, credited in steps:
        book(database, *slices, credited=credited)
        with seen(database) as connection:
            lines = tally.usage(connection, MONTH)

            assert len(lines) == len(set(lines))
            assert set(lines) == anew(connection)


def test_what_was_added_up_is_not_read_again(database: Engine) -> None:
    tally = Tally()
    book(database, slice_of("a", 0))
    with seen(database) as connection:
        before = tally.usage(connection, MONTH)
    with database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
        connection.execute(text("DELETE FROM usage"))

    with seen(database) as connection:
        assert tally.usage(connection, MONTH) == before != ()


def test_another_month_begins_at_nothing(database: Engine) -> None:
    tally = Tally()
    book(database, slice_of("a", 0), slice_of("b", 60 * 24 * 31))
    with seen(database) as connection:
        (october,) = tally.usage(connection, MONTH)
        (november,) = tally.usage(connection, "2026-11")

        assert {october} == anew(connection)
        assert {november} == anew(connection, "2026-11")


def test_a_look_at_an_older_moment_counts_nothing_twice(database: Engine) -> None:
    tally = Tally()
    book(database, slice_of("a", 0))
    end(database, "j1", "ended", "succeeded", "finished")
    with seen(database) as older:
        older.execute(text("SELECT 1 FROM usage"))  # its moment is now
        book(database, slice_of("a", 1))
        end(database, "j2", "ended", "succeeded", "finished")
        for look in (seen(database), older, seen(database)):
            with look as connection:
                (line,) = tally.usage(connection, MONTH)

                assert line.device_ms == 2 * 60_000 * USAGE.device_count
                assert tally.ended(connection) == {("succeeded", "finished"): 2}


def test_a_job_is_over_once_whatever_is_written_of_it(database: Engine) -> None:
    tally = Tally()
    end(database, "before", "ended", "failed", "user_error")
    end(database, "waits", "submitted", "queued", None)
    looks = []
    for job_id, kind, state, cause in (
        ("waits", "leased", "running", None),
        ("waits", "cancel_requested", "stopping", None),
        ("waits", "ended", "cancelled", "cancelled"),
        ("waits", "credited", "cancelled", "cancelled"),
        ("early", "cancel_requested", "cancelled", None),
        ("retried", "ended", "queued", None),
        ("retried", "ended", "succeeded", "finished"),
    ):
        end(database, job_id, kind, state, cause)
        with seen(database) as connection:
            looks.append(sum(tally.ended(connection).values()))

    assert looks == [1, 1, 2, 2, 3, 3, 4]
    with seen(database) as connection:
        assert tally.ended(connection) == {
            ("failed", "user_error"): 1,
            ("cancelled", "cancelled"): 1,
            ("cancelled", ""): 1,
            ("succeeded", "finished"): 1,
        }
        assert tally.ended(connection) == Tally().ended(connection)


def end(database: Engine, job_id: str, kind: str, state: str, cause: str | None) -> None:
    """One fact of a job's, and how the job stands after it."""
    with database.begin() as connection:
        seq = connection.execute(text("SELECT coalesce(max(seq), 0) + 1 FROM events")).scalar_one()
        facts = {"epoch": 1, "at_ms": 0, "recorded_at_ms": 0, "tenant_id": "steel", "body": {}}
        connection.execute(insert(EventRow), {**facts, "seq": seq, "kind": kind, "job_id": job_id})
        now = {"state": state, "end_cause": cause}
        known = connection.execute(update(JobRow).where(JobRow.id == job_id).values(**now))
        if known.rowcount == 0:
            job = {"id": job_id, "tenant_id": "steel", "submitted_at_ms": 0, "spec": {}}
            connection.execute(insert(JobRow), job | now)
