"""The leader's loop under a stopwatch: simulated centres, PostgreSQL with fsync on, and a peer.

The peer inserts and commits the events of a cycle as bare rows into the same PostgreSQL.
"""

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random

import psycopg
from sqlalchemy import Connection, Engine
from typing_extensions import override

from api.database import engine, migrate
from api.postgres import EmbeddedPostgres
from benchmarks.crowd import TENANTS, Crowd, drawn_jobs
from benchmarks.hardware import cpu_s
from benchmarks.workload import declarations
from cluster.driver import Driver, LaunchOrder
from cluster.inventory import Park
from cluster.simulated import SimulatedCentre, World
from scheduler.controller import Batch, Controller, Settings
from scheduler.facts.events import Ended, Submitted
from scheduler.facts.log import Asked, Cycle, Log, Request
from scheduler.model.job import Job
from scheduler.model.plan import Plan
from scheduler.storage.codec import encode
from scheduler.storage.rows import SUBMIT_PREFIX, put_jobs
from scheduler.storage.store import SqlLog, put_requests

MS_PER_S = 1_000
BATCH = 1_000
SHAPES = 40


@contextmanager
def bench_database() -> Iterator[Engine]:
    with (
        tempfile.TemporaryDirectory(prefix="brain-") as folder,
        EmbeddedPostgres(Path(folder)) as server,
    ):
        migrate(server.url())
        database = engine(server.url())
        try:
            yield database
        finally:
            database.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One cycle: what it wrote, how long it took as a whole, its commit, and the peer's.

    `cpu_ms` is processor time of this process in the whole cycle: the database has its own.
    Of the cycle, `requests_ms` went into reading the inbox and `plan_ms` into the plan and its
    verification; of the commit, `events_ms` into the events and `rows_ms` into what others read.
    """

    cycle: Cycle
    cycle_ms: float
    commit_ms: float
    peer_ms: float = 0.0
    requests_ms: float = 0.0
    plan_ms: float = 0.0
    events_ms: float = 0.0
    rows_ms: float = 0.0
    cpu_ms: float = 0.0


class Stopwatch:
    """How long each part of the present cycle took."""

    def __init__(self) -> None:
        self._spent_ms: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began_s = time.perf_counter()
        try:
            yield
        finally:
            self._spent_ms[name] += (time.perf_counter() - began_s) * MS_PER_S

    def take(self) -> dict[str, float]:
        """The parts by name, and begin anew."""
        spent_ms, self._spent_ms = self._spent_ms, defaultdict(float)
        return dict(spent_ms)


class TimedLog(SqlLog):
    """The log, under the stopwatch."""

    def __init__(self, database: Engine, watch: Stopwatch) -> None:
        super().__init__(database, "http://bench")
        self._watch = watch

    @override
    def requests(self, limit: int) -> tuple[Asked, ...]:
        with self._watch.part("requests_ms"):
            return super().requests(limit)

    @override
    def commit(self, epoch: int, cycle: Cycle) -> None:
        with self._watch.part("commit_ms"):
            super().commit(epoch, cycle)

    @override
    def _write_events(self, connection: Connection, epoch: int, cycle: Cycle) -> int:
        with self._watch.part("events_ms"):
            return super()._write_events(connection, epoch, cycle)

    @override
    def _write_rows(self, connection: Connection, cycle: Cycle, last_seq: int) -> None:
        with self._watch.part("rows_ms"):
            super()._write_rows(connection, cycle, last_seq)


class TimedController(Controller):
    """The controller, under the stopwatch."""

    def __init__(self, log: Log, drivers: Mapping[str, Driver], watch: Stopwatch) -> None:
        super().__init__(log, drivers, Settings())
        self._watch = watch

    @override
    def _planned(self, batch: Batch) -> tuple[Plan, tuple[str, ...]]:
        with self._watch.part("plan_ms"):
            return super()._planned(batch)


class Bench:
    """The controller, its centres and their virtual time."""

    def __init__(self, park: Park, database: Engine, seed: int) -> None:
        self._database = database
        self._park = park
        self._rng = rng = Random(seed)
        self._jobs = drawn_jobs(Crowd(park=park, pending=0, shapes=SHAPES, seed=seed), rng)
        self._now_ms = 1
        world = World()
        self._centres = [
            SimulatedCentre(centre=centre, run_ms=self._run_ms, rng=rng, world=world)
            for centre in park.centres
        ]
        self._watch = Stopwatch()
        drivers = {centre.centre_id: centre for centre in self._centres}
        self.controller = TimedController(TimedLog(database, self._watch), drivers, self._watch)

    def declare(self) -> Lap:
        wishes = enumerate(declarations(TENANTS, self._park))
        self._ask([Request(id=f"declare-{number}", wish=wish) for number, wish in wishes])
        self.controller.lead(self._now_ms)
        return self._step()

    def crowd(self, waiting: int) -> Iterator[Lap]:
        """Submit, a batch a cycle, until so many wait."""
        while (missing := waiting - len(self.controller.state.queue)) > 0:
            jobs = islice(self._jobs, min(missing, BATCH))
            wishes = [Submitted(at_ms=self._now_ms, job=job) for job in jobs]
            self._ask([Request(id=f"submit:{wish.job.id}", wish=wish) for wish in wishes])
            yield self._step()

    def next_end(self, peer: "Peer") -> Lap:
        """The cycle after the next end of a job; those before it only hear of starts."""
        while True:
            self._now_ms = min(at_ms for c in self._centres if (at_ms := c.next_ms()) is not None)
            lap = self._step()
            if any(isinstance(event, Ended) for event in lap.cycle.events):
                return replace(lap, peer_ms=peer.commit_ms(lap.cycle))

    def submit(self, jobs: Sequence[Job]) -> None:
        """Durably, as the API does: each has its row and waits in the inbox."""
        wishes = [Submitted(at_ms=self._now_ms, job=job) for job in jobs]
        with self._database.begin() as connection:
            put_jobs(connection, wishes, self._now_ms)
            requests = [Request(id=SUBMIT_PREFIX + wish.job.id, wish=wish) for wish in wishes]
            put_requests(connection, requests, self._now_ms)

    def next_second(self, peer: "Peer") -> Lap:
        """The cycle a second of virtual time later."""
        self._now_ms += MS_PER_S
        lap = self._step()
        return replace(lap, peer_ms=peer.commit_ms(lap.cycle))

    def _step(self) -> Lap:
        for centre in self._centres:
            centre.advance(self._now_ms)
        began_s, used_s = time.perf_counter(), cpu_s()
        cycle = self.controller.step(self._now_ms)
        times_ms = {
            "commit_ms": 0.0,
            **self._watch.take(),
            "cycle_ms": (time.perf_counter() - began_s) * MS_PER_S,
            "cpu_ms": (cpu_s() - used_s) * MS_PER_S,
        }
        return Lap(cycle=cycle, **times_ms)

    def _ask(self, requests: list[Request]) -> None:
        with self._database.begin() as connection:
            put_requests(connection, requests, self._now_ms)

    def _run_ms(self, order: LaunchOrder) -> int:
        """A hundredth of the limit, or a half more or less: about one end a second."""
        limit_ms = self.controller.state.jobs[order.job_id].job.limit_ms
        return self._rng.randint(limit_ms // 200, 3 * limit_ms // 200)


class Peer:
    """The same events as rows of one table: nothing else is written, and nobody reads them."""

    def __init__(self, database: Engine) -> None:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(url)
        self._connection.execute("CREATE TABLE bench_peer (id bigserial PRIMARY KEY, body jsonb)")
        self._connection.commit()

    def commit_ms(self, cycle: Cycle) -> float:
        began_s = time.perf_counter()
        rows = [(json.dumps(encode(event)),) for event in cycle.events]
        with self._connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bench_peer (body) VALUES (%s)", rows)
        self._connection.commit()
        return (time.perf_counter() - began_s) * MS_PER_S

    def close(self) -> None:
        self._connection.close()
