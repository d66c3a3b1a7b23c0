"""Whatever goes wrong, the books in PostgreSQL are what the log comes to, and can be proven."""

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import Engine, text
from typing_extensions import override

from accounting.proof.verifying import Misfit, verify
from cluster.simulated import Run
from scheduler.facts.log import Cycle, MemoryLog
from scheduler.storage.reconciling import Difference, Played, reconcile
from scheduler.storage.store import SqlLog
from tests.simulation.harness import run_seed


@dataclass(slots=True)
class BothLogs(MemoryLog):
    """What a simulation commits is committed to PostgreSQL as well."""

    kept: SqlLog = field(kw_only=True)

    @override
    def lead(self, now_ms: int) -> int:
        epoch = MemoryLog.lead(self, now_ms)
        assert self.kept.lead(now_ms) == epoch
        return epoch

    @override
    def commit(self, epoch: int, cycle: Cycle) -> None:
        MemoryLog.commit(self, epoch, cycle)
        self.kept.commit(epoch, cycle)


@pytest.mark.parametrize("seed", [0, 35, 97])
def test_books_and_log_agree_and_are_whole(seed: int, database: Engine) -> None:
    log = BothLogs(kept=SqlLog(database, "http://127.0.0.1:1"))

    run_seed(seed, log)

    with database.connect() as connection:
        found = list(reconcile(connection))
        assert [one for one in found if isinstance(one, Difference)] == []
        assert [one.events for one in found if isinstance(one, Played)][-1] == len(log.events)
    with database.connect() as connection:
        assert [one for one in verify(connection) if isinstance(one, Misfit)] == []
        assert connection.scalar(text("SELECT sum(amount_micros) FROM balances")) == 0


def test_whatever_goes_wrong_no_more_is_measured_than_was_held(database: Engine) -> None:
    log = BothLogs(kept=SqlLog(database, "http://127.0.0.1:1"))

    run_seed(35, log, lambda _, scenario: replace(scenario, active_permille=700))

    held: Counter[str] = Counter()
    measured: Counter[str] = Counter()
    active: Counter[str] = Counter()
    for usage in log.usage.values():
        held[usage.reference.partition("/")[0]] += usage.device_ms
    for one in log.activity.values():
        measured[one.reference] += one.measured_device_ms
        active[one.reference] += one.active_device_ms
    assert measured
    assert all(measured[one] <= held[one] for one in measured)
    assert all(active[one] <= measured[one] * 700 // 1_000 for one in measured)
    assert measured.total() > held.total() * 8 // 10, (
        "what is not measured was lost with its centre"
    )
    with database.connect() as connection:
        assert [one for one in reconcile(connection) if isinstance(one, Difference)] == []
    with database.connect() as connection:
        assert [one for one in verify(connection) if isinstance(one, Misfit)] == []
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("DELETE FROM activity WHERE ctid = (SELECT min(ctid) FROM activity)")
        )
        (lost,) = [one for one in reconcile(connection) if isinstance(one, Difference)]
        assert (lost.part, lost.what, lost.count) == ("activity", "in the log alone", 1)


CHANGES = {
    "usage": "UPDATE usage SET to_ms = to_ms + 1 WHERE ctid = (SELECT min(ctid) FROM usage)",
    "usage_credits": "DELETE FROM usage_credits WHERE ctid = (SELECT min(ctid) FROM usage_credits)",
    "transfers": "UPDATE transfers SET amount_micros = amount_micros + 1 WHERE kind = 'top_up'",
    "attempts": "UPDATE attempts SET ended_at_ms = ended_at_ms + 1 WHERE ended_at_ms ="
    " (SELECT min(ended_at_ms) FROM attempts)",
    "price_lists": "UPDATE price_lists SET vat_permille = 30",
    "balances": "UPDATE balances SET amount_micros = 1 WHERE account LIKE '%available'",
}


def test_each_difference_is_told(database: Engine) -> None:
    run_seed(0, BothLogs(kept=SqlLog(database, "http://127.0.0.1:1")))

    for part, change in CHANGES.items():
        with database.connect() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            assert connection.execute(text(change)).rowcount > 0, change
            found = [one for one in reconcile(connection) if isinstance(one, Difference)]
            also = {"usage by the hour"} if part == "usage" else set()
            assert {one.part for one in found} == {part} | also


def test_a_ghost_in_a_centre_is_found_at_the_end_of_a_seed() -> None:
    """What ran beside the log; the rules of the harness look for it as the log's own would not."""
    harness = run_seed(0)
    order = replace(harness.world.runs[0].order, attempt_id="ghost.1", job_id="ghost")
    ghost = Run(order=order, launched_at_ms=1, due_ms=2, started_at_ms=1, ended_at_ms=2)
    harness.world.runs.append(ghost)

    with pytest.raises(AssertionError, match=r"has otherwise than the log.*ghost\.1"):
        harness.check_end()


def test_only_what_a_centre_forgot_before_it_was_heard_of_may_be_in_no_log() -> None:
    """One began and was lost with its centre, unheard, and was cancelled before that was back."""
    harness = run_seed(136)
    harness.world.amnesias.clear()

    with pytest.raises(AssertionError, match=r"has otherwise than the log.*j000\.1"):
        harness.check_end()


def test_a_difference_names_the_row_and_the_side(database: Engine) -> None:
    run_seed(0, BothLogs(kept=SqlLog(database, "http://127.0.0.1:1")))

    with database.connect() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(CHANGES["usage"]))
        found = [one for one in reconcile(connection) if isinstance(one, Difference)]
    found = [one for one in found if one.part == "usage"]

    assert [one.what for one in found] == ["in the log alone", "in the books alone"]
    assert all(one.row.startswith("reference=") for one in found)
    assert [one.count for one in found] == [1, 1]


def test_an_event_that_would_be_refused_today_is_told_and_ends_it(database: Engine) -> None:
    log = BothLogs(kept=SqlLog(database, "http://127.0.0.1:1"))
    run_seed(0, log)

    with database.connect() as connection:
        copied = (
            "INSERT INTO events SELECT (SELECT max(seq) + 1 FROM events), epoch, kind, tenant_id,"
            " job_id, at_ms, recorded_at_ms, body FROM events WHERE kind = 'credited' LIMIT 1"
        )
        connection.execute(text(copied))
        *_, last = reconcile(connection)

    assert isinstance(last, Difference)
    assert (last.part, last.row) == ("events", str(len(log.events) + 1))
    assert "is booked already" in last.what
