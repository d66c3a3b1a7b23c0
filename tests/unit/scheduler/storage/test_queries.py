"""Questions of one tenant: what they are told has nothing of others."""

import pytest
from sqlalchemy import Connection, Engine

from scheduler.facts import events as ev
from scheduler.facts.log import Cycle
from scheduler.model.job import JobState
from scheduler.storage import queries
from scheduler.storage.store import SqlLog
from tests.builders import a_job, a_lease, a_placement

RUNS = [ev.Submitted(at_ms=3, job=a_job(one, tenant_id=one)) for one in ("fish", "steel")]
WAITS = [ev.Submitted(at_ms=4, job=a_job(f"{one}2", tenant_id=one)) for one in ("fish", "steel")]


@pytest.fixture
def connection(database: Engine) -> Connection:
    """Of each of two tenants one job runs, named like it, and one waits."""
    log = SqlLog(database, "http://127.0.0.1")
    placement = a_placement("east-npu", 8)
    leased = [a_lease(one, placement, at_ms=5) for one in ("fish", "steel")]
    started = [ev.Started(at_ms=6, attempt_id=f"{one}.1") for one in ("fish", "steel")]
    epoch = log.lead(0)
    log.commit(epoch, Cycle(now_ms=4, events=(*RUNS, *WAITS)))
    log.commit(epoch, Cycle(now_ms=5, events=tuple(leased)))
    states = dict.fromkeys(("fish", "steel"), JobState.RUNNING)
    log.commit(epoch, Cycle(now_ms=6, events=tuple(started), states=states))
    return database.connect()


def test_a_tenant_is_told_of_its_own_jobs_alone(connection: Connection) -> None:
    with connection:
        listed = queries.jobs(connection, queries.JobFilter(tenant_id="steel"), 9)
        running = queries.running_in(connection, ["east"], "steel")
        events = queries.events_of_jobs(connection, "steel", ["fish", "steel"])

        assert {one.tenant_id for one in listed} == {"steel"}
        assert [one.job_id for one in running] == ["steel"]
        assert {one.tenant_id for one in events} == {"steel"}
        assert queries.ids_of(connection, ["fish", "steel"], "steel") == {"steel"}
        assert queries.waiting_count(connection, "steel") == 1
