"""What is old goes; what may still be asked for stays."""

from sqlalchemy import insert, select

from api.database import engine
from api.housekeeping import ANSWERS_KEPT_MS, REQUESTS_KEPT_MS, sweep
from api.tables import AnswerRow
from scheduler.tables import InboxRow

NOW_MS = 10 * REQUESTS_KEPT_MS


def request(name: str, received_at_ms: int, consumed_seq: int | None) -> dict[str, object]:
    return {
        "id": name,
        "tenant_id": None,
        "body": {},
        "received_at_ms": received_at_ms,
        "consumed_seq": consumed_seq,
    }


def test_only_what_is_old_and_done_is_swept(database_url: str) -> None:
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
        request("submit:untaken", old_ms, None),
        request("submit:young", young_ms, 1),
        request("file:x:0:0", old_ms, 1),
    ]
    database = engine(database_url)
    with database.begin() as connection:
        connection.execute(insert(AnswerRow), answers)
        connection.execute(insert(InboxRow), requests)

        sweep(connection, NOW_MS)

        assert connection.scalars(select(AnswerRow.key)).all() == ["young"]
        assert connection.scalars(select(InboxRow.id).order_by(InboxRow.seq)).all() == [
            "submit:untaken",
            "submit:young",
            "file:x:0:0",
        ]
    database.dispose()
