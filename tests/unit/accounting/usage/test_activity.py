"""Activity is cut and divided exactly: nothing is lost, and nothing is more than there was time."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from accounting.usage.activity import ActivitySlice, Division, by_hour, divide
from tests.builders import HOUR_MS

WATCHED = ActivitySlice(
    reference="j1.1",
    from_ms=0,
    to_ms=HOUR_MS,
    tenant_id="steel",
    project="default",
    field="manufacturing",
    centre_id="east",
    pool_id="east-npu",
    device_kind_id="ascend-910b3",
    device_count=8,
    tflops=313,
    measured_device_ms=4 * HOUR_MS,
    active_device_ms=HOUR_MS,
    recorded_at_ms=0,
)


def test_what_lies_in_one_hour_stays_whole() -> None:
    assert list(by_hour(WATCHED)) == [WATCHED]


def test_an_hours_edge_divides_by_time_and_activity_by_what_was_watched() -> None:
    across = replace(WATCHED, from_ms=HOUR_MS // 2, to_ms=2 * HOUR_MS)

    first, second = by_hour(across)

    assert (first.from_ms, first.to_ms, second.to_ms) == (HOUR_MS // 2, HOUR_MS, 2 * HOUR_MS)
    assert [one.measured_device_ms * 3 for one in (first, second)] == [4 * HOUR_MS, 8 * HOUR_MS]
    assert [one.active_device_ms * 3 for one in (first, second)] == [HOUR_MS, 2 * HOUR_MS]


@given(st.data())
def test_the_hours_of_a_fact_are_the_fact_and_each_has_time_for_it(data: st.DataObject) -> None:
    from_ms = data.draw(st.integers(0, 3 * HOUR_MS))
    lasted_ms = data.draw(st.integers(1, 4 * HOUR_MS))
    cards = data.draw(st.integers(1, 2_000))
    measured = data.draw(st.integers(1, cards * lasted_ms))
    active = data.draw(st.integers(0, measured))
    whole = replace(
        WATCHED,
        from_ms=from_ms,
        to_ms=from_ms + lasted_ms,
        device_count=cards,
        measured_device_ms=measured,
        active_device_ms=active,
    )

    parts = list(by_hour(whole))

    assert sum(one.measured_device_ms for one in parts) == measured
    assert sum(one.active_device_ms for one in parts) == active
    for one in parts:
        assert one.from_ms // HOUR_MS == (one.to_ms - 1) // HOUR_MS
        assert 0 <= one.active_device_ms <= one.measured_device_ms
        assert one.measured_device_ms <= cards * (one.to_ms - one.from_ms)


def test_time_that_nobody_watched_is_unknown_and_not_idle() -> None:
    assert divide(100, 0, 0) == Division(allocated=100, active=None, inactive=None, unmeasured=100)
    assert divide(100, 60, 45) == Division(allocated=100, active=45, inactive=15, unmeasured=40)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_parts_are_the_whole_whatever_was_told(
    allocated: int, measured: int, active: int
) -> None:
    parts = divide(allocated, measured, active)

    assert (parts.active or 0) + (parts.inactive or 0) + parts.unmeasured == allocated
    assert min(parts.active or 0, parts.inactive or 0, parts.unmeasured) >= 0


def test_what_is_too_little_for_each_hour_is_active_where_it_was_watched() -> None:
    five_hours = replace(WATCHED, to_ms=5 * HOUR_MS, measured_device_ms=3, active_device_ms=2)

    parts = [
        (one.from_ms // HOUR_MS, one.measured_device_ms, one.active_device_ms)
        for one in by_hour(five_hours)
    ]

    assert parts == [(1, 1, 0), (3, 1, 1), (4, 1, 1)]
