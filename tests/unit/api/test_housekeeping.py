"""What is old goes; what may still be asked for stays."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, func, insert, select, text

from accounting.storage import store
from api import housekeeping
from api.database import SWEEP_LOCK
from api.housekeeping import ANSWERS_KEPT_MS, DAY_MS, REQUESTS_KEPT_MS, Retention, sweep
from api.logs import Piece, append
from api.settings import Settings
from api.tables import AnswerRow, ArchiveChunkRow, ArchiveRow, LogChunkRow, LogRow, QuoteRow
from scheduler.model.job import JobState
from scheduler.storage import queries
from scheduler.storage.tables import AttemptRow, InboxRow, JobRow, UtilisationRow
from tests.builders import USAGE

NOW_MS = 200 * DAY_MS
MINUTE_MS = 60_000
KEPT = Retention()


def sweep_all(database: Engine) -> None:
    for _ in sweep(database, NOW_MS, KEPT):
        pass


def request(name: str, received_at_ms: int, consumed_seq: int | None) -> dict[str, object]:
    return {
        "id": name,
        "tenant_id": None,
        "body": {},
        "received_at_ms": received_at_ms,
        "consumed_seq": consumed_seq,
    }


def test_what_cannot_be_swept_keeps_nobody_from_sweeping_the_rest(
    database: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of quotes the database refuses it, at answers the broker itself fails."""
    with database.begin() as connection:
        connection.execute(insert(InboxRow), request("submit:old", 0, 1))
        store.book(connection, [USAGE], [], [])
        rule = "CREATE RULE odd AS ON DELETE TO quotes DO INSTEAD SELECT 1 / 0"
        connection.execute(text(rule))

    def _answers(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(housekeeping, "_answers", _answers)

    sweep_all(database)

    with database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(InboxRow)) == 0
        assert connection.scalar(text("SELECT count(*) FROM daily_roots")) == 1, "the last of all"
    assert "cannot sweep answers, trying again in an hour" in caplog.text
    assert "cannot sweep quotes, trying again in an hour" in caplog.text


def test_only_what_is_old_and_done_is_swept(database: Engine) -> None:
    old_ms, young_ms = NOW_MS - REQUESTS_KEPT_MS - 1, NOW_MS - REQUESTS_KEPT_MS
    answers = [
        {
            "scope": "tenant:steel",
            "key": name,
            "request_digest": b"",
            "status": 201,
            "body": {},
            "created_at_ms": NOW_MS - ANSWERS_KEPT_MS - age_ms,
        }
        for name, age_ms in (("old", 1), ("young", 0))
    ]
    requests = [
        request("submit:old", old_ms, 1),
        request("cancel:old", old_ms, 1),
        request("keep:old", old_ms, 1),
        request("drop:old", old_ms, 1),
        request("submit:untaken", old_ms, None),
        request("submit:young", young_ms, 1),
        request("file:x:0:0", old_ms, 1),
    ]
    with database.begin() as connection:
        connection.execute(insert(AnswerRow), answers)
        connection.execute(insert(InboxRow), requests)

    sweep_all(database)

    with database.connect() as connection:
        assert connection.scalars(select(AnswerRow.key)).all() == ["young"]
        assert connection.scalars(select(InboxRow.id).order_by(InboxRow.seq)).all() == [
            "submit:untaken",
            "submit:young",
            "file:x:0:0",
        ]


def test_a_quote_goes_with_the_answer_to_who_took_it(database: Engine) -> None:
    quotes = [
        {
            "id": name,
            "tenant_id": "steel",
            "at_ms": 1,
            "expires_at_ms": NOW_MS - ANSWERS_KEPT_MS - age_ms,
            "spec": {},
            "pool_id": "east",
        }
        for name, age_ms in (("old", 1), ("young", 0))
    ]
    with database.begin() as connection:
        connection.execute(insert(QuoteRow), quotes)

    sweep_all(database)

    with database.connect() as connection:
        assert connection.scalars(select(QuoteRow.id)).all() == ["young"]


def write_job(
    connection: Connection, name: str, ended_at_ms: int | None, archive: str | None = None
) -> None:
    state = JobState.RUNNING if ended_at_ms is None else JobState.SUCCEEDED
    job = {
        "id": name,
        "tenant_id": "steel",
        "state": state,
        "submitted_at_ms": 1,
        "ended_at_ms": ended_at_ms,
        "spec": {"archive": archive},
    }
    attempt = {
        "id": f"{name}.1",
        "job_id": name,
        "centre_id": "east",
        "device_kind_id": "npu",
        "placement": {},
        "leased_at_ms": 1,
        "ended_at_ms": ended_at_ms,
    }
    connection.execute(insert(JobRow), job)
    connection.execute(insert(AttemptRow), attempt)


def test_output_goes_some_time_after_its_job_ended(database: Engine) -> None:
    ends = {"old": NOW_MS - KEPT.logs_ms - 1, "young": NOW_MS - KEPT.logs_ms, "runs": None}
    with database.begin() as connection:
        for name, ended_at_ms in ends.items():
            write_job(connection, name, ended_at_ms)
            pieces = [
                Piece(attempt_id=f"{name}.1", member=member, offset=0, data=b"x")
                for member in range(2)
            ]
            append(connection, pieces)

    sweep_all(database)

    with database.connect() as connection:
        for table in (LogRow, LogChunkRow):
            left = connection.scalars(select(table.attempt_id).order_by(table.attempt_id)).all()
            assert left == ["runs.1"] * 2 + ["young.1"] * 2


def write_archive(connection: Connection, tenant_id: str, sha256: str, age_ms: int) -> None:
    row = {
        "tenant_id": tenant_id,
        "sha256": sha256,
        "byte_count": 1,
        "created_at_ms": NOW_MS - age_ms,
    }
    connection.execute(insert(ArchiveRow), row)


def test_a_working_directory_goes_once_no_job_needs_it(database: Engine) -> None:
    old_ms, young_ms = KEPT.archives_ms + 1, KEPT.archives_ms
    with database.begin() as connection:
        for sha256 in ("done", "runs", "young", "shared"):
            chunk = {"sha256": sha256, "number": 0, "body": b"x"}
            connection.execute(insert(ArchiveChunkRow), chunk)
        write_archive(connection, "steel", "done", old_ms)
        write_archive(connection, "steel", "runs", old_ms)
        write_archive(connection, "steel", "young", young_ms)
        write_archive(connection, "steel", "shared", old_ms)
        write_archive(connection, "fish", "shared", young_ms)
        write_job(connection, "j1", NOW_MS - 1, archive="done")
        write_job(connection, "j2", None, archive="runs")

    sweep_all(database)

    with database.connect() as connection:
        rows = connection.execute(select(ArchiveRow.tenant_id, ArchiveRow.sha256)).all()
        assert sorted(map(tuple, rows)) == [
            ("fish", "shared"),
            ("steel", "runs"),
            ("steel", "young"),
        ]
        chunks = connection.scalars(select(ArchiveChunkRow.sha256)).all()
        assert sorted(chunks) == ["runs", "shared", "young"]


def write_loads(connection: Connection, pool_id: str, *moments_ms: int) -> None:
    rows = [
        {
            "pool_id": pool_id,
            "at_ms": at_ms,
            "centre_id": "east",
            "registered_cards": 8,
            "online_cards": 8,
            "schedulable_cards": 8,
            "allocated_cards": number,
            "tflops": 1,
        }
        for number, at_ms in enumerate(moments_ms)
    ]
    connection.execute(insert(UtilisationRow), rows)


def moments(connection: Connection, pool_id: str) -> list[int]:
    of_pool = select(UtilisationRow.at_ms).where(UtilisationRow.pool_id == pool_id)
    return list(connection.scalars(of_pool.order_by(UtilisationRow.at_ms)))


@pytest.mark.parametrize("at_once", [1, 2, 1_000])
def test_loads_go_in_time_but_how_a_pool_stood_stays_known(
    database: Engine, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(housekeeping, "LOADS_AT_ONCE", at_once)
    cut_ms = NOW_MS - KEPT.loads_ms
    with database.begin() as connection:
        write_loads(connection, "a", cut_ms - 30, cut_ms - 20, cut_ms - 10, cut_ms + 10)
        write_loads(connection, "b", cut_ms - 30, cut_ms - 5, cut_ms)
        before = queries.loads_at(connection, ["a", "b"], cut_ms + 5)

    sweep_all(database)

    with database.connect() as connection:
        assert moments(connection, "a") == [cut_ms - 10, cut_ms + 10]
        assert moments(connection, "b") == [cut_ms]
        assert queries.loads_at(connection, ["a", "b"], cut_ms + 5) == before


def test_after_two_days_the_last_load_of_each_minute_is_kept(database: Engine) -> None:
    cut_ms = NOW_MS - housekeeping.LOADS_EXACT_MS
    minute_ms = cut_ms - 2 * MINUTE_MS
    with database.begin() as connection:
        write_loads(connection, "a", minute_ms, minute_ms + 5, cut_ms - 1, cut_ms, cut_ms + 1)
        write_loads(connection, "b", minute_ms, minute_ms + MINUTE_MS)

    sweep_all(database)

    with database.connect() as connection:
        assert moments(connection, "a") == [minute_ms + 5, cut_ms - 1, cut_ms, cut_ms + 1]
        assert moments(connection, "b") == [minute_ms, minute_ms + MINUTE_MS]


def test_one_sweeps_at_a_time(database: Engine) -> None:
    with database.begin() as connection:
        write_job(connection, "j1", 1)
        append(connection, [Piece(attempt_id="j1.1", member=0, offset=0, data=b"x")])

    with database.begin() as other:
        other.execute(select(func.pg_advisory_xact_lock(SWEEP_LOCK)))
        sweep_all(database)
        assert other.scalar(select(func.count()).select_from(LogRow)) == 1

    sweep_all(database)
    with database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(LogRow)) == 0


def test_who_runs_a_broker_says_how_long_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAIN_LOGS_KEPT_DAYS", "3")
    monkeypatch.setenv("BRAIN_ARCHIVES_KEPT_DAYS", "4")
    monkeypatch.setenv("BRAIN_UTILISATION_KEPT_DAYS", "5")

    asked = Retention.of(Settings())

    assert asked == Retention(logs_ms=3 * DAY_MS, archives_ms=4 * DAY_MS, loads_ms=5 * DAY_MS)


def test_new_usage_is_found_by_its_number(database: Engine) -> None:
    unindexed = text("SELECT brin_summarize_new_values('usage_by_time')")
    with database.begin() as connection:
        # More than the index sums up by itself as rows come in.
        store.book(connection, [replace(USAGE, reference=f"j{n}") for n in range(9_000)], [], [])

    sweep_all(database)

    with database.begin() as connection:
        assert connection.scalar(unindexed) == 0
