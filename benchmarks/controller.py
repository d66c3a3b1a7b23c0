"""`controller`: a cycle of the leader's loop with the durable log: events in, plan, one commit.

The real controller on simulated centres of the default park, and PostgreSQL with fsync on. First
jobs are submitted until the park is taken and as many wait as asked for; then a cycle follows each
end of a job, about one a second of virtual time. The peer inserts and commits the events of these
cycles as bare rows into the same PostgreSQL, by turns with them.
"""

import json
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median

import psycopg
from sqlalchemy import Engine
from typing_extensions import override

from api.database import engine, migrate
from api.park_file import load
from api.postgres import EmbeddedPostgres
from benchmarks.crowd import TENANTS, Crowd, drawn_jobs
from benchmarks.hardware import conditions, cpu_s
from benchmarks.options import add_count, add_seed
from benchmarks.score import nearest_rank
from benchmarks.workload import declarations
from cluster.driver import LaunchOrder
from cluster.inventory import Park
from cluster.simulated import SimulatedCentre, World
from scheduler.codec import encode
from scheduler.controller import Controller, Settings
from scheduler.events import Ended, Event, Leased, Submitted
from scheduler.log import Cycle, Request
from scheduler.state import State
from scheduler.store import SqlLog, put_requests

MS_PER_S = 1_000
BATCH = 1_000
SHAPES = 40

EXAMPLES = """examples:
  python -m benchmarks controller
  python -m benchmarks controller --jobs 1000 --cycles 20 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    add_count(parser, "--jobs", 10_000, "that wait when the park is taken")
    add_count(parser, "--cycles", 100, "of the second part, each after the end of a job")
    add_seed(parser, "jobs and how long they run")


def run(arguments: Namespace) -> dict[str, object]:
    with _database() as database, closing(Peer(database)) as peer:
        bench = Bench(load().park, database, arguments.seed)
        first = [bench.declare(), *bench.crowd(arguments.jobs)]
        then = [bench.next_end(peer) for _ in range(arguments.cycles)]
        waiting = len(bench.controller.state.queue)
    return {
        **taking_in(first),
        **steady(then),
        "cycles": arguments.cycles,
        "jobs_waiting": waiting,
        **conditions(arguments.seed),
    }


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What the first part came to, and how long its cycles took together.

    `cpu_s` is of this process: the database has its own.
    """

    state: State
    seconds: float
    cpu_s: float


def taken_in(park: Park, waiting: int, seed: int) -> TakenIn:
    """The first part alone, on any park."""
    with _database() as database:
        bench = Bench(park, database, seed)
        began_s = cpu_s()
        laps = [bench.declare(), *bench.crowd(waiting)]
        used_s = cpu_s() - began_s
        return TakenIn(bench.controller.state, _total_s(laps), used_s)


@contextmanager
def _database() -> Iterator[Engine]:
    with (
        tempfile.TemporaryDirectory(prefix="brain-") as folder,
        EmbeddedPostgres(Path(folder)) as server,
    ):
        migrate(server.url())
        database = engine(server.url())
        yield database
        database.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One cycle: what it wrote, how long it took as a whole, its commit, and the peer's."""

    cycle: Cycle
    cycle_ms: float
    commit_ms: float
    peer_ms: float = 0.0


class TimedLog(SqlLog):
    """The log, with a stopwatch for the commit."""

    commit_s = 0.0

    @override
    def commit(self, epoch: int, cycle: Cycle) -> None:
        began_s = time.perf_counter()
        super().commit(epoch, cycle)
        self.commit_s = time.perf_counter() - began_s


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
        self._log = TimedLog(database, "http://bench")
        drivers = {centre.centre_id: centre for centre in self._centres}
        self.controller = Controller(self._log, drivers, Settings())

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

    def _step(self) -> Lap:
        for centre in self._centres:
            centre.advance(self._now_ms)
        began_s = time.perf_counter()
        cycle = self.controller.step(self._now_ms)
        cycle_ms = (time.perf_counter() - began_s) * MS_PER_S
        return Lap(cycle=cycle, cycle_ms=cycle_ms, commit_ms=self._log.commit_s * MS_PER_S)

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


def taking_in(laps: list[Lap]) -> dict[str, object]:
    """The first part: all cycles together."""
    total_s = _total_s(laps)
    leased = _count(laps, Leased)
    return {
        "submitted": _count(laps, Submitted),
        "placed": leased,
        "taking_in_s": round(total_s, 2),
        "placements_per_s": round(leased / total_s, 1),
        "taking_in_events_per_s": round(sum(len(lap.cycle.events) for lap in laps) / total_s, 1),
    }


def steady(laps: list[Lap]) -> dict[str, object]:
    """The second part: cycle by cycle."""
    cycles = [lap.cycle_ms for lap in laps]
    events = sum(len(lap.cycle.events) for lap in laps)
    peer_ms = median(lap.peer_ms for lap in laps)
    return {
        "cycle_ms_p50": round(nearest_rank(cycles, 50), 1),
        "cycle_ms_p95": round(nearest_rank(cycles, 95), 1),
        "cycle_ms_max": round(max(cycles), 1),
        "commit_ms_p50": round(median(lap.commit_ms for lap in laps), 1),
        "events_per_cycle": round(events / len(laps), 1),
        "answers_per_cycle": round(sum(len(lap.cycle.waiting) for lap in laps) / len(laps), 1),
        "ms_per_event": round(sum(cycles) / events, 2),
        "bare_inserts_ms_p50": round(peer_ms, 2),
        "times_bare_inserts": round(median(cycles) / peer_ms, 1),
    }


def _total_s(laps: list[Lap]) -> float:
    return sum(lap.cycle_ms for lap in laps) / MS_PER_S


def _count(laps: list[Lap], kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for lap in laps for event in lap.cycle.events)
