"""Rules of reading a period out of the broker's own database."""

import pytest
from sqlalchemy import Engine, insert, text

from benchmarks.happened import Recorded, happened
from benchmarks.local_broker import BenchmarkFailed
from benchmarks.own_log import connected, read_period
from benchmarks.traces import BadTrace
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.storage.codec import encode, encode_snapshot
from scheduler.storage.tables import CheckpointRow, EventRow
from tests.broker_log import logged

LOG = logged(3)
FIRST = 2
"""The number of its first event."""
MIDDLE_MS = LOG[len(LOG) // 2].at_ms
MIDDLE = next(number for number, one in enumerate(LOG) if one.at_ms == MIDDLE_MS)
"""Where a moment begins: a checkpoint has all of one, or nothing."""


def put(database: Engine, log: list[Recorded], checkpoint_ms: int | None) -> None:
    """These events, and a checkpoint of the state before the middle, saved at that moment."""
    state = State()
    with database.begin() as connection:
        for seq, one in enumerate(log, start=FIRST):
            connection.execute(insert(EventRow).values(_row(seq, one)))
            if seq < FIRST + MIDDLE and checkpoint_ms is not None:
                state.apply(one.event)
        if checkpoint_ms is not None:
            body = encode_snapshot(state.snapshot())
            row = {"seq": FIRST + MIDDLE - 1, "recorded_at_ms": checkpoint_ms, "body": body}
            connection.execute(insert(CheckpointRow).values(row))


def _row(seq: int, one: Recorded) -> dict[str, object]:
    event = one.event
    return {
        "seq": seq,
        "epoch": one.epoch,
        "kind": event.kind,
        "at_ms": event.at_ms,
        "recorded_at_ms": one.at_ms,
        "body": encode(event),
    }


@pytest.mark.parametrize("checkpoint_ms", [None, MIDDLE_MS - 1, MIDDLE_MS])
def test_a_period_is_the_same_from_a_checkpoint_before_it_and_from_the_first_event(
    database: Engine, database_url: str, checkpoint_ms: int | None
) -> None:
    put(database, LOG, checkpoint_ms)

    with connected(database_url) as connection:
        found = read_period(connection, MIDDLE_MS, None)

    wanted = happened(State(), LOG, MIDDLE_MS)
    assert found.before == wanted.before
    assert (found.turns, found.beats, found.decided) == (wanted.turns, wanted.beats, wanted.decided)
    assert found.course_by_attempt == wanted.course_by_attempt
    assert found.state.snapshot() == wanted.state.snapshot()


def test_what_cannot_be_played_is_refused_with_the_checkpoints_after_which_a_period_can_begin(
    database: Engine, database_url: str
) -> None:
    unfit = Recorded(at_ms=0, event=ev.Launching(at_ms=0, attempt_id="j999.1"))
    put(database, LOG, MIDDLE_MS - 1)
    with database.begin() as connection:
        connection.execute(insert(EventRow).values(_row(FIRST - 1, unfit)))

    with connected(database_url) as connection:
        with pytest.raises(BenchmarkFailed, match="begin after a checkpoint, at 1970-01-01T08:00:"):
            read_period(connection, 1, None)
        assert read_period(connection, MIDDLE_MS, None).arrived_ids
        with pytest.raises(BadTrace, match="no job of that period"):
            read_period(connection, LOG[-1].at_ms + 1, None)


def test_a_database_without_a_log_is_named_as_that(database_url: str) -> None:
    with (
        pytest.raises(BenchmarkFailed, match="no broker's log of this release"),
        connected(database_url) as connection,
    ):
        connection.execute(text("SELECT 1 FROM nowhere"))
