"""What is special to the log in PostgreSQL: the lease of the lead, and many processes at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from api.database import at_once
from scheduler.facts import events as ev
from scheduler.facts.log import Cycle, Deposed, Request, Unwritable
from scheduler.facts.record import Snapshot
from scheduler.model.job import ArrayTask, JobState
from scheduler.storage import queries, store
from scheduler.storage.rows import put_jobs
from scheduler.storage.store import (
    EVENTS_CHANNEL,
    INBOX_CHANNEL,
    KEPT_CHECKPOINTS,
    SqlLog,
    put_requests,
    put_submits,
)
from scheduler.storage.tables import CheckpointRow, InboxRow, JobRow
from tests.builders import PARK, YUAN, a_job

URL = "http://127.0.0.1:1"
WRITERS = 4
TURNS = 25
SUBMITTED = ev.Submitted(at_ms=3, job=a_job(submitted_at_ms=3))


@pytest.fixture
def log(database: Engine) -> SqlLog:
    return SqlLog(database, URL, lease_ms=10_000)


def paid(number: int) -> ev.Credited:
    return ev.Credited(
        at_ms=number, tenant_id="steel", amount_micros=YUAN, reference=f"payment-{number}"
    )


def cycle(*events: ev.Event, now_ms: int = 0, **states: JobState) -> Cycle:
    return Cycle(now_ms=now_ms, events=events, states=states)


# The lead is a lease.


def test_nobody_leads_at_first(log: SqlLog) -> None:
    assert log.leads_until_ms() == 0


def test_a_lead_lasts_as_long_as_its_lease_and_a_commit_renews_it(log: SqlLog) -> None:
    epoch = log.lead(1_000)
    assert log.leads_until_ms() == 11_000

    log.commit(epoch, cycle(paid(1), now_ms=4_000))

    assert log.leads_until_ms() == 14_000


def test_who_has_nothing_to_write_renews_and_who_goes_resigns(log: SqlLog) -> None:
    epoch = log.lead(1_000)

    log.renew(epoch, 5_000)
    assert log.leads_until_ms() == 15_000
    log.resign(epoch, 6_000)

    assert log.leads_until_ms() == 6_000


def test_a_deposed_leader_neither_renews_nor_resigns_the_lead_of_another(
    log: SqlLog, database: Engine
) -> None:
    epoch = log.lead(1_000)
    SqlLog(database, "http://other").lead(2_000)

    with pytest.raises(Deposed, match="epoch 1 is over"):
        log.renew(epoch, 3_000)
    log.resign(epoch, 3_000)

    assert log.leads_until_ms() == 12_000


def test_a_checkpoint_makes_no_lead_longer(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(1_000)

    log.save(epoch, Snapshot())

    assert log.leads_until_ms() == 11_000
    with database.connect() as connection:
        assert connection.scalars(select(CheckpointRow.recorded_at_ms)).all() == [1_000]


def test_agents_are_told_where_the_newest_leader_is(log: SqlLog, database: Engine) -> None:
    log.lead(0)
    SqlLog(database, "http://other").lead(0)

    with database.connect() as connection:
        leader = queries.leader(connection)

    assert leader is not None
    assert (leader.epoch, leader.url) == (2, "http://other")


# Several processes at once.


def test_who_does_not_know_the_logs_end_writes_nothing(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(0)
    log.commit(epoch, cycle(paid(1)))
    stranger = SqlLog(database, URL)

    with pytest.raises(Unwritable, match="23505"):
        stranger.commit(epoch, cycle(paid(2)))

    assert list(log.replay()[1]) == [paid(1)]


def test_writers_that_depose_one_another_at_any_moment_leave_one_unbroken_log(
    database: Engine,
) -> None:
    start = threading.Barrier(WRITERS)

    def write(writer: int) -> list[str]:
        """The payments that were acknowledged to this process."""
        log, acknowledged = SqlLog(database, URL), []
        start.wait()
        epoch = log.lead(0)
        for turn in range(TURNS):
            event = paid(writer * TURNS + turn)
            try:
                log.commit(epoch, cycle(event))
            except Deposed:
                epoch = log.lead(0)
            else:
                acknowledged.append(event.reference)
        return acknowledged

    with ThreadPoolExecutor(WRITERS) as pool:
        acknowledged = list(pool.map(write, range(WRITERS)))

    with database.connect() as connection:
        records = queries.events_after(connection, 0, WRITERS * TURNS)
    written = [record.body["reference"] for record in records]
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert sorted(written) == sorted(reference for mine in acknowledged for reference in mine)
    for mine in acknowledged:
        assert [reference for reference in written if reference in mine] == mine, "in its order"


def test_who_takes_over_waits_for_a_commit_under_way_and_goes_on_after_it(
    database: Engine,
) -> None:
    old, new = SqlLog(database, URL), SqlLog(database, URL)
    epoch = old.lead(0)

    with ThreadPoolExecutor(2) as pool, database.connect() as connection:
        # Whoever holds the leader's row is in the middle of a commit.
        connection.execute(text("SELECT epoch FROM leader FOR UPDATE"))
        committing = pool.submit(old.commit, epoch, cycle(paid(1)))
        await_waiting(database, 1)
        leading = pool.submit(new.lead, 0)
        await_waiting(database, 2)
        connection.rollback()
        committing.result(10)
        new_epoch = leading.result(10)

    new.commit(new_epoch, cycle(paid(2)))
    assert list(new.replay()[1]) == [paid(1), paid(2)]


def await_waiting(database: Engine, count: int) -> None:
    """Until so many sessions wait for a lock."""
    statement = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    for _ in range(1_000):
        with database.connect() as connection:
            if connection.scalar(statement) >= count:
                return
        threading.Event().wait(0.01)
    raise AssertionError(f"fewer than {count} sessions wait")


def test_a_request_that_many_processes_put_at_once_is_in_the_inbox_once(
    log: SqlLog, database: Engine
) -> None:
    request = Request(id="submit:j1", wish=SUBMITTED)
    start = threading.Barrier(WRITERS)

    def put(_: int) -> int:
        start.wait()
        with database.begin() as connection:
            return put_requests(connection, [request], 7)

    with ThreadPoolExecutor(WRITERS) as pool:
        counts = list(pool.map(put, range(WRITERS)))

    assert sorted(counts) == [0, 0, 0, 1]
    assert log.requests(10) == (request,)


# Submits.


def rows_of(database: Engine) -> list[tuple[object, ...]]:
    """All jobs and requests, but for the numbers of these; and none of them is left."""
    asked = [column for column in InboxRow.__table__.columns if column.name != "seq"]
    with database.begin() as connection:
        jobs = connection.execute(select(JobRow.__table__).order_by(JobRow.id)).all()
        requests = connection.execute(select(*asked).order_by(InboxRow.seq)).all()
        connection.execute(text("TRUNCATE jobs, inbox CASCADE"))
    return [tuple(row) for row in (*jobs, *requests)]


def test_a_submit_writes_what_its_job_and_its_request_are(database: Engine) -> None:
    task = ArrayTask(id="a1", index=7, count=2, lowest=7, highest=8, at_most=1)
    jobs = [
        replace(a_job("j3", submitted_at_ms=3), name="作业", env=(("A", 'é\n"\\'),)),
        a_job("j1", submitted_at_ms=9),
        a_job("j2", submitted_at_ms=3, array=task),
    ]
    wishes = [ev.Submitted(at_ms=4, job=job) for job in jobs]
    with database.begin() as connection:
        put_jobs(connection, wishes, 4)
        put_requests(connection, [Request(id=f"submit:{w.job.id}", wish=w) for w in wishes], 4)
    one_by_one = rows_of(database)

    with database.begin() as connection:
        put_submits(connection, wishes, 4)

    together = rows_of(database)
    assert together == one_by_one
    assert len(together) == 6


def test_of_submits_of_which_one_is_known_nothing_is_written(database: Engine) -> None:
    with database.begin() as connection:
        put_submits(connection, [SUBMITTED], 4)
    new = ev.Submitted(at_ms=3, job=a_job("j2", submitted_at_ms=3))

    with pytest.raises(IntegrityError), at_once(database) as connection:
        put_submits(connection, [new, SUBMITTED], 4)

    assert len(rows_of(database)) == 2


def test_a_submit_wakes_the_leader(database: Engine, database_url: str) -> None:
    address = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as listener:
        listener.execute(f"LISTEN {INBOX_CHANNEL}")
        with at_once(database) as connection:
            put_submits(connection, [SUBMITTED], 4)

        (news,) = listener.notifies(timeout=10, stop_after=1)
    assert news.channel == INBOX_CHANNEL


# Replay.


def test_a_long_log_is_replayed_page_by_page(log: SqlLog, monkeypatch: pytest.MonkeyPatch) -> None:
    epoch = log.lead(0)
    events = tuple(paid(number) for number in range(10))
    log.commit(epoch, cycle(*events))

    for page in (1, 3, 5, 10, 11):
        monkeypatch.setattr(store, "REPLAY_BATCH", page)
        assert tuple(log.replay()[1]) == events


def test_the_last_checkpoints_are_kept_and_older_ones_go(log: SqlLog, database: Engine) -> None:
    epoch = log.lead(0)

    for number in range(1, KEPT_CHECKPOINTS + 3):
        log.commit(epoch, cycle(paid(number)))
        log.save(epoch, Snapshot())

    with database.connect() as connection:
        kept = connection.scalars(select(CheckpointRow.seq).order_by(CheckpointRow.seq)).all()
    assert kept == [3, 4, 5]


def test_two_checkpoints_of_one_moment_are_one(log: SqlLog) -> None:
    epoch = log.lead(0)

    log.save(epoch, Snapshot(credit_references=["first"]))
    log.save(epoch, Snapshot(credit_references=["first"]))

    assert log.replay()[0] == Snapshot(credit_references=["first"])


# News.


def test_a_commit_tells_all_who_listen_how_far_the_log_is(log: SqlLog, database_url: str) -> None:
    address = database_url.replace("postgresql+psycopg://", "postgresql://")
    epoch = log.lead(0)
    with psycopg.connect(address, autocommit=True) as listener:
        listener.execute(f"LISTEN {EVENTS_CHANNEL}")
        listener.execute(f"LISTEN {INBOX_CHANNEL}")

        log.commit(epoch, cycle(paid(1), paid(2)))

        (news,) = listener.notifies(timeout=10, stop_after=1)
    assert (news.channel, news.payload) == (EVENTS_CHANNEL, "2")


def test_a_request_wakes_the_leader_only_once_it_is_committed(
    database: Engine, database_url: str
) -> None:
    address = database_url.replace("postgresql+psycopg://", "postgresql://")
    request = Request(id="r", wish=paid(1))
    with psycopg.connect(address, autocommit=True) as listener:
        listener.execute(f"LISTEN {INBOX_CHANNEL}")
        with database.begin() as connection:
            put_requests(connection, [request], 0)
            assert list(listener.notifies(timeout=0)) == []

        (news,) = listener.notifies(timeout=10, stop_after=1)
    assert news.channel == INBOX_CHANNEL


def test_nothing_asked_wakes_nobody(database: Engine) -> None:
    with database.begin() as connection:
        assert put_requests(connection, [], 0) == 0


# Whose.


def test_whose_a_request_is_stands_beside_it(database: Engine) -> None:
    with database.begin() as connection:
        requests = [Request(id="a", wish=paid(1)), Request(id="b", wish=SUBMITTED)]
        park = Request(id="c", wish=ev.ParkDeclared(at_ms=0, park=PARK))
        assert put_requests(connection, [*requests, park], 9) == 3

        rows = connection.execute(select(InboxRow.tenant_id).order_by(InboxRow.seq)).all()
    assert [row.tenant_id for row in rows] == ["steel", "steel", None]
