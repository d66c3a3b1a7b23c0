"""Questions of one tenant: what they are told has nothing of others."""

import pytest
from sqlalchemy import Connection, Engine, insert

from scheduler.facts import events as ev
from scheduler.facts.log import Cycle
from scheduler.model.job import EndCause, JobState
from scheduler.storage import queries
from scheduler.storage.store import SqlLog
from scheduler.storage.tables import UtilisationRow, ViewRow
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


def test_what_runs_in_a_centre_has_started_and_is_not_over(database: Engine) -> None:
    log = SqlLog(database, "http://127.0.0.1")
    names = ("leased", "runs", "over")
    submitted = [ev.Submitted(at_ms=1, job=a_job(one)) for one in names]
    leased = [a_lease(one, a_placement("east-npu", 1), at_ms=2) for one in names]
    started = [ev.Started(at_ms=3, attempt_id=f"{one}.1") for one in names[1:]]
    ended = ev.Ended(at_ms=4, attempt_id="over.1", cause=EndCause.FINISHED, exit_code=0)
    epoch = log.lead(0)
    for events in (submitted, leased, started, [ended]):
        log.commit(epoch, Cycle(now_ms=4, events=tuple(events)))

    with database.connect() as connection:
        assert [one.id for one in queries.running_in(connection, ["east"])] == ["runs.1"]


def test_who_is_held_for_another_waits_as_well(database: Engine) -> None:
    log = SqlLog(database, "http://127.0.0.1")
    submitted = [ev.Submitted(at_ms=1, job=a_job(one)) for one in ("first", "then")]
    states = {"first": JobState.QUEUED, "then": JobState.HELD}
    log.commit(log.lead(0), Cycle(now_ms=1, events=tuple(submitted), states=states))

    with database.connect() as connection:
        assert queries.waiting_count(connection, "steel") == 2


def test_loads_of_a_window_begin_with_it_and_end_before_its_end(database: Engine) -> None:
    pools = ["east-npu"]
    with database.begin() as connection:
        connection.execute(insert(UtilisationRow), [a_load(at_ms) for at_ms in (0, 10, 20)])

    with database.connect() as connection:
        between = queries.loads_between(connection, pools, 0, 20)
        before = queries.loads_at(connection, pools, 20)
        assert [one.at_ms for one in between] == [0, 10]
        assert [one.at_ms for one in before] == [10]
        assert queries.load_count(connection, pools, 0, 20, 9) == 2
        assert queries.load_count(connection, pools, 0, 20, 1) == 1, "no more are looked at"


def a_load(at_ms: int) -> dict[str, int | str]:
    cards = ("registered_cards", "online_cards", "schedulable_cards", "allocated_cards", "tflops")
    return {"pool_id": "east-npu", "at_ms": at_ms, "centre_id": "east", **dict.fromkeys(cards, 1)}


def test_views_under_a_name_are_no_others(database: Engine) -> None:
    """An underscore would stand for any letter."""
    names = ("east_1:a", "eastx1:b")
    with database.begin() as connection:
        connection.execute(insert(ViewRow), [{"name": n, "at_ms": 1, "body": {}} for n in names])

    with database.connect() as connection:
        assert [*queries.views_under(connection, "east_1:")] == ["east_1:a"]
