"""What is thrown away in time: answers nobody will ask for again, and requests long since taken."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Connection, Engine, delete, or_
from sqlalchemy.exc import SQLAlchemyError

from api.tables import AnswerRow
from scheduler.rows import SUBMIT_PREFIX
from scheduler.tables import InboxRow

HOUR_MS = 3_600_000
EVERY_S = 3_600.0
ANSWERS_KEPT_MS = 48 * HOUR_MS
REQUESTS_KEPT_MS = 7 * 24 * HOUR_MS

_log = logging.getLogger(__name__)


class Housekeeper:
    """Sweeps once an hour; several brokers may do so at once."""

    def __init__(self, engine: Engine, clock: Callable[[], int], stop: threading.Event) -> None:
        self._engine = engine
        self._clock = clock
        self._stop = stop

    def run(self) -> None:
        while True:
            try:
                with self._engine.begin() as connection:
                    sweep(connection, self._clock())
            except SQLAlchemyError as error:
                _log.warning("cannot sweep, trying again in an hour: %s", error)
            if self._stop.wait(EVERY_S):
                return


def sweep(connection: Connection, now_ms: int) -> None:
    """Delete what is too old, in the caller's transaction.

    Requests about jobs alone: what they asked for is in the event log. Others keep their ids, by
    which a park file is known to be declared.
    """
    connection.execute(delete(AnswerRow).where(AnswerRow.created_at_ms < now_ms - ANSWERS_KEPT_MS))
    about_jobs = or_(InboxRow.id.startswith(SUBMIT_PREFIX), InboxRow.id.startswith("cancel:"))
    connection.execute(
        delete(InboxRow).where(
            about_jobs,
            InboxRow.consumed_seq.is_not(None),
            InboxRow.received_at_ms < now_ms - REQUESTS_KEPT_MS,
        )
    )
