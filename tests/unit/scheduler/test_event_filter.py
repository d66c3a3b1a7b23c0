"""A filter of events passes the same ones in the database as in memory."""

import pytest
from sqlalchemy import insert

from api.database import engine
from scheduler.storage import queries
from scheduler.storage.queries import EventFilter, events_after
from scheduler.storage.tables import EventRow

OWNERS = (None, "steel", "fish")
KINDS = ("leased", "credited", "metered")
ALL = 1_000


def rows(count: int) -> list[dict[str, object]]:
    return [
        {
            "seq": seq,
            "epoch": 1,
            "kind": KINDS[seq // 3 % 3],
            "tenant_id": OWNERS[seq % 3],
            "job_id": None,
            "at_ms": seq,
            "recorded_at_ms": seq,
            "body": {},
        }
        for seq in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (EventFilter(), 18),
        (EventFilter(tenant_id="steel"), 12),
        (EventFilter(kinds=frozenset({"credited"})), 6),
        (EventFilter(hidden_kinds=frozenset({"credited"})), 12),
        (EventFilter(tenant_id="fish", kinds=frozenset({"leased", "metered"})), 8),
    ],
)
def test_the_database_passes_what_memory_passes(
    database_url: str, wanted: EventFilter, count: int
) -> None:
    database = engine(database_url)
    with database.connect() as connection:
        connection.execute(insert(EventRow), rows(18))

        found = events_after(connection, 0, ALL, wanted)

        assert found == [e for e in events_after(connection, 0, ALL) if wanted.passes(e)]
        assert len(found) == count
    database.dispose()


def test_one_statement_looks_at_so_many_events_and_no_more(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SCANNED_SEQS", 4)
    database = engine(database_url)
    with database.connect() as connection:
        connection.execute(insert(EventRow), rows(18))

        found = events_after(connection, 3, ALL, EventFilter(tenant_id="steel"))

    database.dispose()
    assert [event.seq for event in found] == [4, 6, 7]
