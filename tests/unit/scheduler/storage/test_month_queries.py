"""What a month's report asks of jobs and attempts."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, update

from scheduler.facts import events as ev
from scheduler.storage import month_queries
from scheduler.storage.month_queries import Waits
from scheduler.storage.rows import put_jobs
from scheduler.storage.tables import AttemptRow, JobRow
from tests.builders import a_job

WAITS_MS = {"j1": 10, "j2": 20, "j3": 90, "late": 500}


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """Three jobs that start in the window [0, 1,000), and one after it; nobody commits them."""
    fields = {name: "health" if name == "j3" else "ocean" for name in WAITS_MS}
    jobs = [replace(a_job(name), field=field) for name, field in fields.items()]
    put_jobs(connection, [ev.Submitted(at_ms=0, job=job) for job in jobs], 0)
    for name, wait_ms in WAITS_MS.items():
        begin_ms = 1_000 if name == "late" else 100
        times = {"released_at_ms": begin_ms, "started_at_ms": begin_ms + wait_ms}
        connection.execute(update(JobRow).where(JobRow.id == name).values(**times))
    return connection


def test_waits_are_told_for_all_and_by_field(connection: Connection) -> None:
    assert [*month_queries.waits(connection, 0, 1_000)] == [
        Waits(None, 3, 40, 20, 90),
        Waits("health", 1, 90, 90, 90),
        Waits("ocean", 2, 15, 10, 20),
    ]
    assert [*month_queries.waits(connection, 5_000, 6_000)] == []


def test_reasons_are_those_of_jobs_that_wait_now_the_most_frequent_first(
    connection: Connection,
) -> None:
    busy, silent = {"code": "devices_busy"}, {"code": "centre_silent"}
    told = {"j1": [busy, busy], "j2": [busy, silent], "j3": [silent], "late": [busy]}
    for name, reasons in told.items():
        connection.execute(update(JobRow).where(JobRow.id == name).values(reasons=reasons))
    connection.execute(update(JobRow).where(JobRow.id == "j3").values(state="running"))

    assert list(month_queries.reasons_now(connection, 10).items()) == [
        ("devices_busy", 3),
        ("centre_silent", 1),
    ]
    assert list(month_queries.reasons_now(connection, 1)) == ["devices_busy"]


def test_ends_are_counted_by_cause(connection: Connection) -> None:
    ended = [("j1", 5, "node"), ("j2", 6, "finished"), ("j3", 7, "node"), ("late", 1_000, "node")]
    rows = [
        {
            "id": f"{name}.1",
            "job_id": name,
            "centre_id": "east",
            "device_kind_id": "npu",
            "placement": {},
            "leased_at_ms": 0,
            "ended_at_ms": at_ms,
            "cause": cause,
        }
        for name, at_ms, cause in ended
    ]
    connection.execute(insert(AttemptRow), rows)

    assert month_queries.ends(connection, 0, 1_000) == {"finished": 1, "node": 2}
    assert month_queries.submitted(connection, 0, 1_000) == 4
    assert month_queries.submitted(connection, 1, 1_000) == 0
