"""Activity by the hour is the sum of its facts, and a window has each fact's part, exactly."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from accounting.proof.verifying import Misfit, verify
from accounting.storage import store
from accounting.storage.activity_hours import Active, active_in, of_attempts, unfit_hours
from accounting.usage.activity import ActivitySlice, Division, by_hour
from tests.builders import HOUR_MS, USAGE
from tests.unit.accounting.usage.test_activity import WATCHED

pytestmark = pytest.mark.postgres


def book(connection: Connection, *facts: ActivitySlice) -> None:
    store.book(connection, [], [], [], [part for one in facts for part in by_hour(one)])


def told(connection: Connection, from_ms: int, to_ms: int, *names: str) -> list[Active]:
    return list(active_in(connection, names or ("tenant_id",), from_ms, to_ms))


def test_facts_of_an_hour_are_added_up_and_weighed_by_what_a_card_has(
    connection: Connection,
) -> None:
    book(connection, WATCHED, replace(WATCHED, reference="j2.1", tflops=100))
    book(connection, replace(WATCHED, reference="j3.1", tenant_id="fish"))

    steel = Active(("steel",), 8 * HOUR_MS, 2 * HOUR_MS, 4 * 413 * HOUR_MS, 413 * HOUR_MS)
    fish = Active(("fish",), 4 * HOUR_MS, HOUR_MS, 4 * 313 * HOUR_MS, 313 * HOUR_MS)
    assert told(connection, 0, HOUR_MS) == [fish, steel]
    assert list(active_in(connection, ("tenant_id",), 0, HOUR_MS, "fish")) == [fish]
    assert told(connection, HOUR_MS, 2 * HOUR_MS) == []


def test_facts_of_a_later_batch_come_on_top(connection: Connection) -> None:
    book(connection, WATCHED)
    book(connection, replace(WATCHED, reference="j2.1"))

    assert told(connection, 0, HOUR_MS) == [
        Active(("steel",), 8 * HOUR_MS, 2 * HOUR_MS, 8 * 313 * HOUR_MS, 2 * 313 * HOUR_MS)
    ]


def test_a_window_is_cut_at_both_of_its_ends(connection: Connection) -> None:
    """Half of the first of three hours that are alike, the second, and half of the third."""
    whole = replace(WATCHED, to_ms=3 * HOUR_MS, measured_device_ms=12 * HOUR_MS)
    book(connection, replace(whole, active_device_ms=3 * HOUR_MS))

    (found,) = told(connection, HOUR_MS // 2, 5 * HOUR_MS // 2)

    assert (found.measured_device_ms, found.active_device_ms) == (8 * HOUR_MS, 2 * HOUR_MS)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3 * HOUR_MS), min_size=1, max_size=4), st.data())
def test_windows_side_by_side_have_each_fact_once(
    connection: Connection, edges: list[int], data: st.DataObject
) -> None:
    whole = replace(
        WATCHED,
        from_ms=data.draw(st.integers(0, HOUR_MS)),
        to_ms=data.draw(st.integers(HOUR_MS + 1, 3 * HOUR_MS)),
        measured_device_ms=data.draw(st.integers(1, HOUR_MS)),
    )
    whole = replace(
        whole,
        measured_device_ms=min(whole.measured_device_ms, 8 * (whole.to_ms - whole.from_ms)),
        active_device_ms=whole.measured_device_ms // 3,
    )
    whole = replace(whole, active_device_ms=min(whole.active_device_ms, whole.measured_device_ms))
    with connection.begin_nested() as savepoint:
        book(connection, whole)
        cuts = sorted({0, 3 * HOUR_MS, *edges})

        parts = [one for window in pairwise(cuts) for one in told(connection, *window)]
        savepoint.rollback()

    assert sum(one.measured_device_ms for one in parts) == whole.measured_device_ms
    assert sum(one.active_device_ms for one in parts) == whole.active_device_ms
    assert all(0 <= one.active_device_ms <= one.measured_device_ms for one in parts)


def test_what_was_watched_until_an_edge_is_rounded_down(connection: Connection) -> None:
    """As at the edges of hours: 2 of 3 ms were watched, so none of the first of them."""
    book(connection, replace(WATCHED, to_ms=3, measured_device_ms=2, active_device_ms=0))

    assert told(connection, 0, 1) == []
    assert told(connection, 1, 3) == [Active(("steel",), 2, 0, 2 * 313, 0)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"active_device_ms": 4 * HOUR_MS + 1},
        {"measured_device_ms": 8 * HOUR_MS + 1},
        {"to_ms": HOUR_MS + 1},
    ],
)
def test_the_books_refuse_what_cannot_be(connection: Connection, wrong: dict[str, int]) -> None:
    with pytest.raises(DBAPIError):
        store.book(connection, [], [], [], [replace(WATCHED, **wrong)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE activity SET active_device_ms = 0",
        "DELETE FROM activity",
        "UPDATE activity_hours SET active_device_ms = 0",
    ],
)
def test_nobody_changes_what_was_measured(connection: Connection, statement: str) -> None:
    book(connection, WATCHED)

    with pytest.raises(DBAPIError):
        connection.execute(text(statement))


def altered(connection: Connection, change: str) -> list[str]:
    """What a verification says of books in which somebody who may has changed this."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text(change))
    return [one.part for one in verify(connection) if isinstance(one, Misfit)]


def test_what_was_measured_is_in_its_tenants_chain(connection: Connection) -> None:
    book(connection, WATCHED)

    assert altered(connection, "SELECT 1") == []
    found = altered(connection, "UPDATE activity SET active_device_ms = active_device_ms + 1")
    assert found == ["chain of tenant steel", "activity by the hour"]


def test_an_hour_that_is_not_the_sum_of_its_facts_is_found(connection: Connection) -> None:
    book(connection, WATCHED)
    change = "UPDATE activity_hours SET measured_device_ms = measured_device_ms - 1"

    assert altered(connection, change) == ["activity by the hour"]
    (found,) = unfit_hours(connection)
    assert found.row == "0 steel default manufacturing east east-npu ascend-910b3 313"
    measured_ms, active_ms = WATCHED.measured_device_ms, WATCHED.active_device_ms
    assert found.what == (
        f"it says {measured_ms - 1} device-milliseconds measured and {active_ms} active, "
        f"and its facts come to {measured_ms} and {active_ms}"
    )


def test_what_an_attempt_used_is_told_with_what_packages_covered_of_it(
    connection: Connection,
) -> None:
    covered = replace(USAGE, reference="j1.1/p1", price_micros=0)
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(
        text(
            "INSERT INTO packages (id, tenant_id, kind, device_kind_id, card_count, device_ms,"
            " from_ms, until_ms, amount_fen, vat_permille, bought_at_ms, link, hash)"
            " VALUES ('p1', 'steel', 'nodes', 'x', 1, 0, 0, 1, 1, 60, 0, 1, '')"
        )
    )
    store.book(connection, [replace(USAGE, reference="j1.1"), covered], [], [], [])
    store.book(connection, [], [], [], [replace(WATCHED, measured_device_ms=9, active_device_ms=4)])

    assert of_attempts(connection, ["j1.1", "j2.1"]) == {
        "j1.1": Division(allocated=2 * HOUR_MS, active=4, inactive=5, unmeasured=2 * HOUR_MS - 9),
        "j2.1": Division(allocated=0, active=None, inactive=None, unmeasured=0),
    }
