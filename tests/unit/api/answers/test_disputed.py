"""Time in which a centre is not heard of is told apart, and is in no sum."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, update

from accounting.storage import store
from accounting.storage.fact_store import keep
from api.answers.disputed import disputed_time
from api.schemas.jobs import DisputedTime
from scheduler.facts import events as ev
from scheduler.storage.rows import put_jobs
from scheduler.storage.tables import AttemptRow, ViewRow
from tests.builders import HOUR_MS, PRICES, USAGE, a_job, a_park, a_pool
from tests.unit.accounting.storage.test_package_store import PACK

PARK = a_park(a_pool("east-npu", 2, 8), a_pool("west-npu", 1, 8))
NOW_MS = 3 * HOUR_MS
ALL = (0, 1 << 50)


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """`east` is silent and `west` heard; a job runs in each since the first hour."""
    store.publish_price_list(connection, PRICES)
    jobs = [a_job("j1"), a_job("j2")]
    put_jobs(connection, [ev.Submitted(at_ms=0, job=job) for job in jobs], 0)
    attempts = [_attempt("j1", "east"), _attempt("j2", "west")]
    connection.execute(insert(AttemptRow), attempts)
    heard = {"east": False, "west": True}
    views = [
        {"name": f"centre:{name}", "at_ms": 0, "body": {"is_heard": is_heard}}
        for name, is_heard in heard.items()
    ]
    connection.execute(insert(ViewRow), views)
    return connection


def _attempt(job_id: str, centre_id: str) -> dict[str, object]:
    shares = [
        {"node_id": f"{centre_id}-npu-n001", "card_count": 8},
        {"node_id": f"{centre_id}-npu-n002", "card_count": 4},
    ]
    return {
        "id": f"{job_id}.1",
        "job_id": job_id,
        "centre_id": centre_id,
        "device_kind_id": "npu",
        "placement": {"shares": shares},
        "leased_at_ms": 0,
        "started_at_ms": HOUR_MS,
    }


def told(
    connection: Connection, window: tuple[int, int] = ALL, tenant_id: str | None = None
) -> list[DisputedTime]:
    return list(disputed_time(connection, PARK, window, NOW_MS, tenant_id))


def test_what_runs_in_a_silent_centre_is_disputed_since_it_was_last_metered(
    connection: Connection,
) -> None:
    store.book(connection, [replace(USAGE, from_ms=HOUR_MS, to_ms=2 * HOUR_MS)], [], [])

    (one,) = told(connection)

    assert (one.attempt, one.job, one.centre, one.cards) == ("j1.1", "j1", "east", 12)
    assert (one.from_ms, one.to_ms, one.device_ms) == (2 * HOUR_MS, NOW_MS, 12 * HOUR_MS)


def test_what_was_never_metered_is_disputed_since_its_start(connection: Connection) -> None:
    (one,) = told(connection)

    assert one.from_ms == HOUR_MS


def test_disputed_time_is_cut_to_the_window(connection: Connection) -> None:
    (one,) = told(connection, (NOW_MS - 5, NOW_MS - 2))

    assert one.device_ms == 12 * 3
    assert told(connection, (0, HOUR_MS)) == []


def test_a_tenant_is_told_of_its_own_alone(connection: Connection) -> None:
    tenant_id = a_job("j1").tenant_id

    assert len(told(connection, tenant_id=tenant_id)) == 1
    assert told(connection, tenant_id="nobody") == []


def test_where_all_are_heard_nothing_is_disputed(connection: Connection) -> None:
    connection.execute(update(ViewRow).values(body={"is_heard": True}))

    assert told(connection) == []


def test_what_a_package_covered_is_metered_as_well(connection: Connection) -> None:
    keep(connection, PACK)
    covered = replace(USAGE, reference="j1.1/p1", price_micros=0, from_ms=HOUR_MS)
    store.book(connection, [replace(covered, to_ms=2 * HOUR_MS)], [], [])

    (one,) = told(connection)

    assert one.from_ms == 2 * HOUR_MS
