"""News of the event log, told once by the database and passed on to all who wait here."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from scheduler.storage.queries import EventRecord, events_after, last_seq

CHANNEL = "brain_events"
KEPT_EVENTS = 5_000
PAGE = 1_000
LISTEN_S = 0.5
RETRY_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody on an event loop, to be woken from the feed's thread."""

    loop: asyncio.AbstractEventLoop
    news: asyncio.Event

    def wake(self) -> None:
        # A loop that was closed has nobody left to wake.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.news.set)


class Feed:
    """One thread that LISTENs; the newest events are kept, so that followers need no database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._turn = 0
        self._events: deque[EventRecord] = deque(maxlen=KEPT_EVENTS)
        self._last_seq = 0
        self._subscribers: set[Subscriber] = set()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        with self._engine.connect() as connection:
            self._last_seq = last_seq(connection)
        self._thread.start()

    def close(self) -> None:
        """Wake everybody: who follows sees `is_stopped`. Does not wait, so signals may call it."""
        self._stopping.set()
        self._tell()

    def stop(self) -> None:
        """Close, and end the thread."""
        self.close()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_stopped(self) -> bool:
        return self._stopping.is_set()

    @property
    def last_seq(self) -> int:
        return self._last_seq

    @property
    def subscriber_count(self) -> int:
        return len(self._subscribers)

    def after(self, seq: int) -> list[EventRecord] | None:
        """The kept events after `seq`, in order; `None` where some of them are not kept."""
        with self._changed:
            if seq >= self._last_seq:
                return []
            if not self._events or self._events[0].seq > seq + 1:
                return None
            first = seq + 1 - self._events[0].seq
            return [self._events[index] for index in range(first, len(self._events))]

    def turn(self) -> int:
        """A number that grows with each commit: what `wait` is told to have been seen."""
        with self._changed:
            return self._turn

    def wait(self, seen: int, timeout_s: float) -> None:
        """Return when something was committed since `turn` was `seen`, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._turn != seen or self.is_stopped, timeout_s)

    @contextmanager
    def subscription(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that is set whenever there is news."""
        subscriber = Subscriber(asyncio.get_running_loop(), asyncio.Event())
        with self._changed:
            self._subscribers.add(subscriber)
        try:
            yield subscriber.news
        finally:
            with self._changed:
                self._subscribers.discard(subscriber)

    def _run(self) -> None:
        while not self.is_stopped:
            try:
                self._listen()
            except (psycopg.Error, SQLAlchemyError) as error:
                _log.warning("the event feed lost the database, and tries again: %s", error)
                self._stopping.wait(RETRY_S)

    def _listen(self) -> None:
        with self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            listening = connection.connection.driver_connection
            assert isinstance(listening, psycopg.Connection)
            listening.execute(f"LISTEN {CHANNEL}")
            try:
                self._catch_up(connection)
                while not self.is_stopped:
                    if list(listening.notifies(timeout=LISTEN_S, stop_after=1)):
                        self._catch_up(connection)
            finally:
                # The connection must not go back to the pool with its ears open.
                connection.invalidate()

    def _catch_up(self, connection: Connection) -> None:
        """Read what is new; a commit that changed no event wakes those who wait all the same."""
        while True:
            events = events_after(connection, self._last_seq, PAGE)
            with self._changed:
                self._events.extend(events)
                self._last_seq = events[-1].seq if events else self._last_seq
            self._tell()
            if len(events) < PAGE:
                return

    def _tell(self) -> None:
        with self._changed:
            self._turn += 1
            self._changed.notify_all()
            subscribers = tuple(self._subscribers)
        for subscriber in subscribers:
            subscriber.wake()
