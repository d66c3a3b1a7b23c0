"""What others read of a cycle, as it is written."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text

from scheduler.facts import events as ev
from scheduler.facts.log import Cycle, PoolLoad, Request, Waiting
from scheduler.model.job import (
    EndCause,
    JobState,
    PlannedStart,
    Reason,
    ReasonCode,
)
from scheduler.storage import queries
from scheduler.storage.codec import decode
from scheduler.storage.rows import Owners, put_jobs, write_jobs
from scheduler.storage.store import SqlLog, put_requests
from scheduler.storage.tables import AttemptRow, EventRow, JobRow, UtilisationRow, ViewRow
from tests.builders import PARK, TENANT, YUAN, a_job, a_lease, a_placement

SUBMITTED = ev.Submitted(at_ms=3, job=a_job(submitted_at_ms=3))
LEASED = a_lease("j1", a_placement("east-npu", 8), at_ms=5)
BUSY = Reason(code=ReasonCode.DEVICES_BUSY, where="east-npu", need=8, free=2)


@pytest.fixture
def log(database: Engine) -> SqlLog:
    return SqlLog(database, "http://127.0.0.1")


def cycle(*events: ev.Event, now_ms: int = 0, **states: JobState) -> Cycle:
    return Cycle(now_ms=now_ms, events=events, states=states)


def ended(cause: EndCause, at_ms: int = 9, number: int = 1, detail: str = "") -> ev.Ended:
    return ev.Ended(at_ms=at_ms, attempt_id=f"j1.{number}", cause=cause, exit_code=3, detail=detail)


def the_job(database: Engine) -> Any:
    with database.connect() as connection:
        return connection.execute(select(JobRow.__table__)).one()


def planned(job: Any) -> tuple[int | str | None, ...]:
    quantiles = job.start_p50_ms, job.start_p90_ms
    where = job.planned_pool_id, job.planned_device_count
    return job.planned_start_ms, *where, *quantiles, job.is_start_promised


def test_a_job_whose_attempt_ended_is_leased_anew_in_the_same_cycle(
    log: SqlLog, database: Engine
) -> None:
    epoch = log.lead(0)
    started = ev.Started(at_ms=6, attempt_id="j1.1")
    again = a_lease("j1", LEASED.placement, at_ms=9, number=2)

    log.commit(epoch, cycle(SUBMITTED, LEASED, now_ms=5, j1=JobState.LEASED))
    lost = ended(EndCause.NODE, at_ms=9)
    log.commit(epoch, cycle(started, lost, again, now_ms=9, j1=JobState.LEASED))

    statement = select(AttemptRow.id, AttemptRow.ended_at_ms).order_by(AttemptRow.id)
    with database.connect() as connection:
        rows = [tuple(row) for row in connection.execute(statement)]
    assert rows == [("j1.1", 9), ("j1.2", None)]


def test_each_event_says_whose_it_is_and_when_it_was_learnt(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(0)
    log.commit(epoch, cycle(ev.ParkDeclared(at_ms=1, park=PARK), now_ms=2))
    paid = ev.Credited(at_ms=4, tenant_id="steel", amount_micros=YUAN, reference="r")

    log.commit(epoch, cycle(SUBMITTED, paid, now_ms=6, j1=JobState.QUEUED))
    log.commit(epoch, cycle(LEASED, now_ms=8))

    columns = (EventRow.kind, EventRow.tenant_id, EventRow.job_id, EventRow.recorded_at_ms)
    with database.connect() as connection:
        rows = connection.execute(select(*columns).order_by(EventRow.seq)).all()
        bodies = connection.scalars(select(EventRow.body).order_by(EventRow.seq)).all()
    assert [tuple(row) for row in rows] == [
        ("park_declared", None, None, 2),
        ("submitted", "steel", "j1", 6),
        ("credited", "steel", None, 6),
        ("leased", "steel", "j1", 8),
    ]
    assert decode(bodies[3]) == LEASED


def told_first(job: Any) -> tuple[int | None, int | None, str | None]:
    return job.told_at_ms, job.told_start_ms, job.told_pool_id


def test_what_it_was_told_first_of_its_start_stays_while_it_waits(
    log: SqlLog, database: Engine
) -> None:
    def waits(start: PlannedStart | None) -> dict[str, Waiting]:
        return {"j1": Waiting(position=1, reasons=(BUSY,), start=start)}

    epoch = log.lead(0)

    log.commit(epoch, Cycle(now_ms=4, events=(SUBMITTED,), waiting=waits(None)))
    assert told_first(the_job(database)) == (None, None, None), "it was told no start"
    log.commit(epoch, Cycle(now_ms=5, events=(), waiting=waits(PlannedStart(50, "east-npu"))))
    assert told_first(the_job(database)) == (5, 50, "east-npu")
    epoch = log.lead(6)
    log.commit(epoch, Cycle(now_ms=7, events=(), waiting=waits(PlannedStart(90, "west"))))
    assert the_job(database).planned_start_ms == 90
    assert told_first(the_job(database)) == (5, 50, "east-npu"), "whoever leads"
    log.commit(epoch, Cycle(now_ms=8, events=(), waiting=waits(None)))
    assert told_first(the_job(database)) == (5, 50, "east-npu")

    log.commit(epoch, cycle(LEASED, now_ms=9, j1=JobState.LEASED))
    assert told_first(the_job(database)) == (None, None, None)
    log.commit(epoch, cycle(ended(EndCause.NODE), now_ms=9, j1=JobState.QUEUED))
    log.commit(epoch, Cycle(now_ms=10, events=(), waiting=waits(PlannedStart(70, "west"))))
    assert told_first(the_job(database)) == (10, 70, "west"), "it waits anew"


def test_a_job_is_read_as_it_stands(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(0)
    start = PlannedStart(50, "east-npu", is_promised=True, p90_ms=70, p50_ms=60, card_count=16)
    waits = Waiting(position=2, reasons=(BUSY, replace(BUSY, where="west")), start=start)

    log.commit(epoch, Cycle(now_ms=4, events=(SUBMITTED,), waiting={"j1": waits}))
    job = the_job(database)
    assert (job.state, job.position) == ("queued", 2)
    assert planned(job) == (50, "east-npu", 16, 60, 70, True)
    told = [(reason["code"], reason["where"]) for reason in job.reasons]
    assert told == [("devices_busy", BUSY.where), ("devices_busy", "west")]

    log.commit(epoch, cycle(LEASED, now_ms=5, j1=JobState.LEASED))
    job = the_job(database)
    assert (job.state, job.position, job.reasons) == ("leased", None, [])
    assert planned(job) == (None, None, None, None, None, False)

    started = ev.Started(at_ms=7, attempt_id="j1.1")
    log.commit(epoch, cycle(started, now_ms=8, j1=JobState.RUNNING))
    assert (the_job(database).state, the_job(database).started_at_ms) == ("running", 7)

    failed = ended(EndCause.USER_ERROR, detail="out of memory")
    log.commit(epoch, cycle(failed, now_ms=10, j1=JobState.FAILED))
    job = the_job(database)
    assert (job.state, job.ended_at_ms, job.end_cause) == ("failed", 9, "user_error")
    assert (job.detail, job.started_at_ms) == ("out of memory", 7)


def test_a_job_that_is_tried_again_keeps_its_first_start_and_has_not_ended(
    log: SqlLog, database: Engine
) -> None:
    epoch = log.lead(0)
    log.commit(epoch, cycle(SUBMITTED, LEASED, now_ms=5, j1=JobState.LEASED))
    started = ev.Started(at_ms=7, attempt_id="j1.1")
    log.commit(epoch, cycle(started, now_ms=8, j1=JobState.RUNNING))

    log.commit(epoch, cycle(ended(EndCause.NODE), now_ms=10, j1=JobState.QUEUED))
    job = the_job(database)
    assert (job.state, job.ended_at_ms, job.end_cause) == ("queued", None, "node")
    again = a_lease("j1", LEASED.placement, at_ms=20, number=2)
    log.commit(epoch, cycle(again, now_ms=20, j1=JobState.LEASED))
    started = ev.Started(at_ms=21, attempt_id="j1.2")
    log.commit(epoch, cycle(started, now_ms=22, j1=JobState.RUNNING))

    assert the_job(database).started_at_ms == 7
    with database.connect() as connection:
        attempts = queries.attempts(connection, ["j1"])
    assert [(a.id, a.started_at_ms, a.ended_at_ms, a.cause, a.exit_code) for a in attempts] == [
        ("j1.1", 7, 9, "node", 3),
        ("j1.2", 21, None, None, None),
    ]


def test_of_an_attempt_it_is_told_when_its_job_last_saved_itself(
    log: SqlLog, database: Engine
) -> None:
    epoch, started = log.lead(0), ev.Started(at_ms=7, attempt_id="j1.1")
    log.commit(epoch, cycle(SUBMITTED, LEASED, now_ms=5, j1=JobState.LEASED))
    log.commit(epoch, cycle(started, now_ms=8, j1=JobState.RUNNING))
    saves = [ev.Saved(at_ms=20, attempt_id="j1.1", saved_at_ms=at_ms) for at_ms in (11, 12)]
    log.commit(epoch, cycle(*saves, now_ms=20))

    with database.connect() as connection:
        (attempt,) = queries.attempts(connection, ["j1"])
    assert (attempt.started_at_ms, attempt.saved_at_ms) == (7, 12)


def test_of_two_starts_in_one_cycle_a_job_keeps_the_first(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(0)
    log.commit(epoch, cycle(SUBMITTED, LEASED, now_ms=5, j1=JobState.LEASED))
    first, second = (ev.Started(at_ms=6 + n, attempt_id=f"j1.{n}") for n in (1, 2))
    again = a_lease("j1", LEASED.placement, at_ms=7, number=2)

    both = cycle(first, ended(EndCause.NODE, at_ms=7), again, second, j1=JobState.RUNNING)
    log.commit(epoch, both)

    assert the_job(database).started_at_ms == 7


def test_of_many_jobs_of_a_cycle_each_is_told_its_own(log: SqlLog, database: Engine) -> None:
    """Text of any kind comes through as it was said."""
    said = ["plain", "quotes \" ' and \\ and \n", "显存不足 🙂", '{a,"b"} NULL', ""]
    numbers = range(1, len(said) + 1)
    jobs = [a_job(f"j{number}", submitted_at_ms=3) for number in numbers]
    leases = [a_lease(job.id, a_placement("east-npu", 1), at_ms=5) for job in jobs]
    submits = [ev.Submitted(at_ms=3, job=job) for job in jobs]
    epoch = log.lead(0)
    leased = {job.id: JobState.LEASED for job in jobs}
    log.commit(epoch, cycle(*submits, *leases, now_ms=5, **leased))

    ends = [
        ev.Ended(
            at_ms=10 + number,
            attempt_id=f"j{number}.1",
            cause=EndCause.USER_ERROR,
            exit_code=number,
            detail=said[number - 1],
        )
        for number in numbers
    ]
    log.commit(epoch, cycle(*ends, now_ms=20, **{job.id: JobState.FAILED for job in jobs}))

    with database.connect() as connection:
        told = connection.execute(select(JobRow.ended_at_ms, JobRow.detail).order_by(JobRow.id))
        attempts = queries.attempts(connection, [job.id for job in jobs])
        assert [tuple(row) for row in told] == [(10 + n, said[n - 1]) for n in numbers]
        bodies = connection.scalars(select(EventRow.body).order_by(EventRow.seq)).all()
    ran = [(attempt.exit_code, attempt.detail) for attempt in attempts]
    assert sorted(ran) == [(number, said[number - 1]) for number in numbers]
    assert [decode(body) for body in bodies] == [*submits, *leases, *ends]


def test_a_refusal_changes_no_job_that_has_gone_on(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(0)
    log.commit(epoch, cycle(SUBMITTED, LEASED, now_ms=5, j1=JobState.LEASED))

    log.commit(epoch, Cycle(now_ms=8, events=(), refused={"submit:j1": "it is there already"}))

    assert the_job(database).state == "leased"


def test_a_job_cancelled_before_it_ran_ends_when_that_was_learnt(
    log: SqlLog, database: Engine
) -> None:
    epoch = log.lead(0)
    log.commit(epoch, cycle(SUBMITTED, now_ms=4, j1=JobState.QUEUED))

    gone = ev.CancelRequested(at_ms=5, job_id="j1", by="u")
    log.commit(epoch, cycle(gone, now_ms=6, j1=JobState.CANCELLED))

    job = the_job(database)
    assert (job.state, job.ended_at_ms, job.end_cause) == ("cancelled", 6, "cancelled")


def test_a_submission_that_is_refused_is_a_failed_job_with_the_reason(
    log: SqlLog, database: Engine
) -> None:
    """The API has written the job's row beside its request; the leader finds that it cannot be."""
    epoch = log.lead(0)
    with database.begin() as connection:
        put_job(connection)
        put_requests(connection, [Request(id="submit:j1", wish=SUBMITTED)], 3)

    refused = {"submit:j1": "there is no tenant steel"}
    log.commit(epoch, Cycle(now_ms=8, events=(), request_ids=("submit:j1",), refused=refused))

    job = the_job(database)
    assert (job.state, job.ended_at_ms, job.end_cause) == ("failed", 8, "broker")
    assert job.detail == "there is no tenant steel"


def put_job(connection: Connection) -> None:
    put_jobs(connection, [SUBMITTED], 3)


def test_a_job_whose_row_is_there_already_is_not_written_again(
    log: SqlLog, database: Engine
) -> None:
    with database.begin() as connection:
        put_job(connection)

    ahead = ev.Submitted(at_ms=4, job=a_job("j2", submitted_at_ms=9))
    log.commit(log.lead(0), cycle(SUBMITTED, ahead, now_ms=4))

    with database.connect() as connection:
        rows = connection.execute(select(JobRow.id, JobRow.submitted_at_ms).order_by(JobRow.id))
        assert [tuple(row) for row in rows] == [("j1", 3), ("j2", 4)], "not later than now"


def test_what_changes_is_looked_up_however_long_the_table_is(database: Engine) -> None:
    jobs = [a_job(f"j{number}", submitted_at_ms=3) for number in range(2_000)]
    with database.begin() as connection:
        put_jobs(connection, [ev.Submitted(at_ms=3, job=job) for job in jobs], 3)
    with database.begin() as connection:
        connection.execute(text("ANALYZE jobs"))
    scanned = text("SELECT pg_stat_get_xact_tuples_returned('jobs'::regclass)")
    resubmitted = ev.Submitted(at_ms=3, job=jobs[1])

    with database.begin() as connection:
        write_jobs(connection, cycle(resubmitted, now_ms=9, j7=JobState.CANCELLED))
        Owners.of(connection, [ev.Released(at_ms=9, job_id="j8")])
        assert (connection.scalar(scanned) or 0) < 100

    with database.connect() as connection:
        cancelled = select(JobRow.id).where(JobRow.state == JobState.CANCELLED)
        assert connection.scalars(cancelled).all() == ["j7"]


def test_views_are_what_the_newest_event_says(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(0)
    silent = ev.CentreLinkChanged(at_ms=1, centre_id="east", is_heard=False)
    heard = ev.CentreLinkChanged(at_ms=2, centre_id="east", is_heard=True)

    log.commit(epoch, cycle(ev.TenantDeclared(at_ms=1, tenant=TENANT), silent, now_ms=1))
    log.commit(epoch, cycle(heard, now_ms=2))

    with database.connect() as connection:
        rows = connection.execute(select(ViewRow.__table__).order_by(ViewRow.name)).all()
    assert [(row.name, row.at_ms) for row in rows] == [("centre:east", 2), ("tenant:steel", 1)]
    assert rows[0].body == {"is_heard": True}


def test_of_two_loads_of_one_moment_the_later_counts(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(0)

    for allocated in (8, 3):
        load = PoolLoad(
            pool_id="east-npu",
            centre_id="east",
            tflops=313,
            registered_cards=16,
            online_cards=16,
            schedulable_cards=16,
            allocated_cards=allocated,
        )
        log.commit(epoch, Cycle(now_ms=1, events=(), loads=(load,)))

    with database.connect() as connection:
        rows = connection.execute(select(UtilisationRow.allocated_cards)).all()
    assert [tuple(row) for row in rows] == [(3,)]
