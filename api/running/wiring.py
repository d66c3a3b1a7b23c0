"""A whole broker from its parts: database, leader, centres' links, application, server."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import uvicorn
from anyio import to_thread
from fastapi import FastAPI
from sqlalchemy import Engine
from typing_extensions import override

from api.app import create_app
from api.clock import now_ms
from api.data_folder import hold
from api.database import engine, migrate, own_engine
from api.declaring import declare
from api.feed import Feed
from api.files.park_file import ParkFile, load
from api.garbage import look_seldom
from api.housekeeping import Housekeeper, Retention
from api.metrics import MeasuredLog, Metrics
from api.postgres import EmbeddedPostgres
from api.services import Services
from api.settings import Settings
from cluster.driver import Driver
from cluster.link import CentreLink
from scheduler import controller
from scheduler.leader import InboxListener, LeaderLoop
from scheduler.model.policy import DEFAULT, Policy, Preemption

GRACEFUL_S = 5
JOIN_S = 10.0
REQUESTS_AT_ONCE = 2_000
THREADS = 100
MS_PER_S = 1_000

_log = logging.getLogger(__name__)


def policy_of(settings: Settings) -> Policy:
    """The default policy, with preemption as it is set."""
    if settings.preemption == "off":
        return replace(DEFAULT, preemption=None)
    preemption = Preemption(
        is_shared=settings.preemption == "turns",
        patience_ms=settings.preemption_patience_s * MS_PER_S,
        min_run_ms=settings.preemption_min_run_s * MS_PER_S,
        max_per_day=settings.preemption_max_per_day,
    )
    return replace(DEFAULT, preemption=preemption)


class Broker:
    """One candidate for the lead, with its API; `start` and `stop` it once."""

    def __init__(
        self,
        settings: Settings,
        database: Engine,
        links: Mapping[str, Driver],
        loop_settings: controller.Settings | None = None,
    ) -> None:
        metrics = Metrics()
        self._links = links
        # Requests may use up their connections: to lead, and to tell news, needs none of those.
        self._own_database = own_engine(database)
        log = MeasuredLog(metrics, self._own_database, settings.url)
        loop_settings = loop_settings or controller.Settings(policy=policy_of(settings))
        self.loop = LeaderLoop(log, links, loop_settings, now_ms)
        self.feed = Feed(self._own_database)
        self.services = Services(
            settings=settings,
            database=database,
            feed=self.feed,
            links=links,
            leads=lambda: self.loop.is_leading,
            ask=self.loop.ask,
            flaw_count=lambda: self.loop.flaw_count,
            step_count=lambda: self.loop.step_count,
            failure_count=lambda: self.loop.failure_count,
            is_failing=lambda: self.loop.is_failing,
            metrics=metrics,
        )
        self.app: FastAPI = create_app(self.services)
        runs: dict[str, Callable[[], None]] = {
            "leader": self.loop.run,
            "inbox": InboxListener(self._own_database, self.loop.wake, self.loop.stop).run,
            "housekeeper": Housekeeper(
                self._own_database, now_ms, Retention.of(settings), self.loop.stop
            ).run,
        }
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True) for name, run in runs.items()
        ]

    def start(self, park_file: ParkFile) -> None:
        """Ask for what the park file says, and begin to lead where nobody does."""
        with self.services.database.begin() as connection:
            count = declare(connection, park_file, now_ms())
        _log.info("the park file has %d new wishes", count)
        self.feed.start()
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Have the leader look at once, where it is this broker."""
        self.loop.wake.set()

    def close(self) -> None:
        """Answer everybody who waits. Does not wait itself, so signals may call it."""
        self.feed.close()
        for link in self._links.values():
            if isinstance(link, CentreLink):
                link.close()

    def stop(self) -> None:
        """Let another lead at once, and end all threads; running jobs are not touched."""
        self.close()
        self.loop.stop.set()
        self.loop.wake.set()
        self.feed.stop()
        for thread in self._threads:
            thread.join(JOIN_S)
        self._own_database.dispose()


@contextmanager
def running(broker: Broker, park_file: ParkFile) -> Iterator[Broker]:
    """The broker between its start and its stop."""
    broker.start(park_file)
    try:
        yield broker
    finally:
        broker.stop()


class Server(uvicorn.Server):
    """Tells open streams to end as soon as it is told to: it waits for them itself.

    uvicorn's own way of ending raises the signal once more, which would end the process before
    the lead is given up and the database stopped.
    """

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Agents' long polls each keep a thread; the default would leave few for others.
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_exit()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(settings: Settings) -> None:
    """One broker until SIGTERM or SIGINT; an embedded database where no other is named."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    look_seldom()
    park_file = load(settings.park)
    with _database_url(settings) as url:
        migrate(url)
        database = engine(url)
        try:
            with running(_broker(settings, database, park_file), park_file) as broker:
                server(broker).run()
        finally:
            database.dispose()


def server(broker: Broker) -> Server:
    """The HTTP server of a broker."""
    settings = broker.services.settings
    config = uvicorn.Config(
        broker.app,
        host=settings.host,
        port=settings.port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=REQUESTS_AT_ONCE,
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    return Server(config, broker.close)


def _broker(settings: Settings, database: Engine, park_file: ParkFile) -> Broker:
    """A broker with a link to each centre's agent; a report wakes the leader."""
    links: dict[str, Driver] = {}
    broker = Broker(settings, database, links)
    for centre in park_file.park.centres:
        links[centre.id] = CentreLink(centre.id, now_ms, broker.wake)
    return broker


@contextmanager
def _database_url(settings: Settings) -> Iterator[str]:
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    lock = hold(settings.data)
    try:
        with EmbeddedPostgres(settings.data / "postgres") as embedded, embedded.kept():
            yield embedded.url()
    finally:
        os.close(lock)
