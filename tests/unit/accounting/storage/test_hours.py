"""Usage by the hour is the sum of its slices, and questions that read it answer the same."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from accounting.storage import hours, store
from accounting.storage.hours import HourKey, Unfit, Used
from accounting.usage.slices import UsageSlice
from tests.builders import HOUR_MS, PRICES, USAGE, shanghai, used

DAY_MS = 24 * HOUR_MS
NEWER = replace(PRICES, id="2027", from_ms=DAY_MS)


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """A transaction that nobody commits, in books that know two price lists."""
    store.publish_price_list(connection, NEWER)
    return connection


def kept(connection: Connection) -> list[tuple[int, int]]:
    rows = connection.execute(text("SELECT hour_ms, device_ms FROM usage_hours ORDER BY hour_ms"))
    return [(row.hour_ms, row.device_ms) for row in rows]


def test_a_slice_is_in_each_hour_that_it_touches(connection: Connection) -> None:
    long = replace(USAGE, from_ms=HOUR_MS - 5, to_ms=3 * HOUR_MS + 7, device_count=8)

    store.book(connection, [long], [], [])

    assert kept(connection) == [
        (0, 8 * 5),
        (HOUR_MS, 8 * HOUR_MS),
        (2 * HOUR_MS, 8 * HOUR_MS),
        (3 * HOUR_MS, 8 * 7),
    ]


def test_a_slice_that_ends_with_an_hour_is_not_in_the_next(connection: Connection) -> None:
    store.book(connection, [USAGE], [], [])

    assert kept(connection) == [(0, HOUR_MS)]


def test_slices_of_other_batches_come_on_top(connection: Connection) -> None:
    store.book(connection, [replace(USAGE, to_ms=5)], [], [])
    store.book(connection, [replace(USAGE, from_ms=5, to_ms=9, device_count=2)], [], [])

    assert kept(connection) == [(0, 5 + 2 * 4)]


SLICES = st.builds(
    lambda begin, length, cards, tflops, tenant, prices: replace(
        USAGE,
        from_ms=begin,
        to_ms=begin + length,
        device_count=cards,
        tflops=tflops,
        tenant_id=tenant,
        price_list_id=prices,
    ),
    st.integers(0, DAY_MS),
    st.integers(1, 5 * HOUR_MS),
    st.integers(1, 64),
    st.sampled_from((313, 400)),
    st.sampled_from(("port", "steel")),
    st.sampled_from((PRICES.id, NEWER.id)),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(SLICES, min_size=1, max_size=5), min_size=1, max_size=4),
    st.integers(0, DAY_MS),
    st.integers(1, DAY_MS),
)
def test_any_window_is_what_its_slices_come_to(
    connection: Connection, batches: list[list[UsageSlice]], from_ms: int, length_ms: int
) -> None:
    with connection.begin_nested() as savepoint:
        for number, batch in enumerate(batches):
            numbered = [replace(one, reference=f"j{number}.{at}") for at, one in enumerate(batch)]
            store.book(connection, numbered, [], [])
        window = (from_ms, from_ms + length_ms)

        found = {line.tenant_id: 0 for line in store.usage_sums(connection, *window)}
        for line in store.usage_sums(connection, *window):
            found[line.tenant_id] += line.tflops_ms
        assert [*hours.unfit(connection)] == []
        savepoint.rollback()

    expected: dict[str, int] = {}
    for one in (one for batch in batches for one in batch):
        if one.from_ms < window[1] and one.to_ms > window[0]:
            inside = one.clipped(*window)
            expected[one.tenant_id] = expected.get(one.tenant_id, 0) + inside.tflops_ms
    assert found == expected


def test_a_window_reads_whole_hours_and_cuts_at_both_of_its_ends(connection: Connection) -> None:
    minute_ms = HOUR_MS // 60
    nine_ms = 9 * HOUR_MS
    one = replace(USAGE, from_ms=nine_ms + 30 * minute_ms, to_ms=nine_ms + 135 * minute_ms)
    store.book(connection, [replace(one, device_count=8, tflops=400)], [], [])

    (line,) = store.usage_sums(connection, nine_ms + 40 * minute_ms, nine_ms + 130 * minute_ms)

    assert line.device_ms == 8 * 90 * minute_ms
    assert line.tflops_ms == 400 * line.device_ms


def test_a_tenants_window_has_nothing_of_others_at_its_ends(connection: Connection) -> None:
    store.book(connection, [USAGE, replace(USAGE, reference="j2.1", tenant_id="port")], [], [])

    found = store.usage_sums(connection, 5, HOUR_MS - 5, "steel")

    assert [(one.tenant_id, one.device_ms) for one in found] == [("steel", HOUR_MS - 10)]


def test_a_month_up_to_a_fact_leaves_out_what_came_after(connection: Connection) -> None:
    first, second = (
        used("2026-10-10T00:00", "2026-10-10T02:00"),
        used("2026-10-11T00:00", "2026-10-11T01:00", reference="j2.1"),
    )
    only_later = used("2026-10-12T00:00", "2026-10-12T01:00", reference="j3.1", project="new")
    store.book(connection, [first], [], [])
    seq = store.moment(connection).seq
    store.book(connection, [second, only_later], [], [])
    store.book(connection, [replace(second, reference="j4.1", tenant_id="port")], [], [])

    (line,) = store.month_sums(connection, "2026-10", "steel", None, seq)

    assert line.device_ms == 2 * HOUR_MS
    assert len(store.month_sums(connection, "2026-10", "steel", None, None)) == 2


def test_hours_are_told_by_who_used_them(connection: Connection) -> None:
    other = replace(USAGE, tenant_id="port", reference="j2.1", device_count=2, tflops=400)
    store.book(connection, [replace(USAGE, to_ms=2 * HOUR_MS), other], [], [])

    found = [*hours.used_by(connection, HourKey.TENANT, 0, HOUR_MS, None)]
    own = [*hours.used_by(connection, HourKey.FIELD, 0, 2 * HOUR_MS, "steel")]

    assert found == [
        Used("port", 0, 2 * HOUR_MS, 800 * HOUR_MS),
        Used("steel", 0, HOUR_MS, 313 * HOUR_MS),
    ]
    mine = (HOUR_MS, 313 * HOUR_MS)
    assert own == [Used(USAGE.field, 0, *mine), Used(USAGE.field, HOUR_MS, *mine)]


def test_an_altered_hour_is_named(connection: Connection) -> None:
    store.book(connection, [USAGE], [], [])
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("UPDATE usage_hours SET device_ms = device_ms + 1"))

    (found,) = hours.unfit(connection)

    assert found == Unfit(
        "steel 0 default manufacturing qdaicc ascend-910b3 normal 313 2026 3500000",
        HOUR_MS + 1,
        HOUR_MS,
    )


@pytest.mark.parametrize(
    "change", ["UPDATE usage_hours SET device_ms = 1", "DELETE FROM usage_hours"]
)
def test_nobody_else_writes_hours(connection: Connection, change: str) -> None:
    store.book(connection, [USAGE], [], [])

    with pytest.raises(DBAPIError, match="table usage_hours follows from the usage"):
        connection.execute(text(change))


def test_a_month_is_that_of_shanghai(connection: Connection) -> None:
    store.book(connection, [used("2026-10-31T23:00", "2026-11-01T00:00")], [], [])
    store.book(connection, [used("2026-11-01T00:00", "2026-11-01T01:00", reference="j2.1")], [], [])

    (line,) = store.month_sums(connection, "2026-10", "steel", None, None)

    assert line.device_ms == HOUR_MS
    assert [*hours.tenants_of(connection, "2026-10")] == ["steel"]
    assert kept(connection)[0][0] == shanghai("2026-10-31T23:00")
