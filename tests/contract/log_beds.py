"""Logs under test: writers of one log, an inbox, and all that was ever written."""

from typing import Protocol

from sqlalchemy import Engine, func, select

from accounting.storage.tables import TransferRow, UsageCreditRow, UsageRow
from scheduler.facts import events as ev
from scheduler.facts.log import Log, MemoryLog, Request
from scheduler.storage import queries
from scheduler.storage.codec import decode
from scheduler.storage.store import SqlLog, put_requests

ALL = 1_000


class Bed(Protocol):
    """A log under test."""

    def writer(self) -> Log:
        """One more process that may lead."""
        ...

    def ask(self, *requests: Request) -> None: ...

    def written(self) -> list[ev.Event]:
        """All events from the first."""
        ...

    def refusal(self, request_id: str) -> str | None: ...

    def booked(self) -> tuple[int, int, int]:
        """How many slices of usage, credits and transfers."""
        ...


class MemoryBed:
    """All writers share what one process remembers."""

    def __init__(self) -> None:
        self.log = MemoryLog()

    def writer(self) -> Log:
        return self.log

    def ask(self, *requests: Request) -> None:
        for request in requests:
            self.log.ask(request)

    def written(self) -> list[ev.Event]:
        return self.log.events

    def refusal(self, request_id: str) -> str | None:
        return self.log.refused.get(request_id)

    def booked(self) -> tuple[int, int, int]:
        return len(self.log.usage), len(self.log.credits), len(self.log.transfers)


class SqlBed:
    """Each writer knows only what is in the database."""

    def __init__(self, database: Engine) -> None:
        self.database = database

    def writer(self) -> Log:
        return SqlLog(self.database, "http://127.0.0.1")

    def ask(self, *requests: Request) -> None:
        with self.database.begin() as connection:
            put_requests(connection, requests, 0)

    def written(self) -> list[ev.Event]:
        with self.database.connect() as connection:
            records = queries.events_after(connection, 0, ALL)
        assert [record.seq for record in records] == list(range(1, len(records) + 1)), "dense"
        return [decode(record.body) for record in records]

    def refusal(self, request_id: str) -> str | None:
        with self.database.connect() as connection:
            return queries.verdict(connection, request_id).refused

    def booked(self) -> tuple[int, int, int]:
        with self.database.connect() as connection:
            usage, credits_, transfers = (
                connection.scalar(select(func.count()).select_from(table)) or 0
                for table in (UsageRow, UsageCreditRow, TransferRow)
            )
        return usage, credits_, transfers
