"""`submit`: durable submits a second, single and in batches, beside a bare INSERT and COMMIT.

A broker of its own process answers over HTTP; a submit counts when its answer says that the job is
committed, with fsync on. No centre is there, so all jobs wait, and the leader plans for them beside
the submits. The peer puts rows of the same size into the same PostgreSQL, without HTTP, checks or
queue: one row a commit, or as many as a batch has.
"""

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from statistics import median
from urllib.parse import urlsplit

import psycopg

from api.files.park_file import DEFAULT_PARK, load
from benchmarks.hardware import conditions
from benchmarks.local_broker import BenchmarkFailed, LocalBroker, local_broker
from benchmarks.options import add_count
from benchmarks.score import nearest_rank

MS_PER_S = 1_000
CREATED = 201
CLIENTS = 8
BATCHES = (100, 1_000)
LOOK_S = 0.05
SEED = 0  # nothing is drawn: every job is the same
TIMEOUT_S = 120.0
JOB = {"command": "python train.py --epochs 5", "devices": 8, "name": "bench", "limit": "4h"}

EXAMPLES = """examples:
  python -m benchmarks submit
  python -m benchmarks submit --runs 1 --singles 100 --waiting 1000 --json"""

Send = Callable[[int], None]
"""Makes so many jobs (or rows) durable, by one call."""
Connect = Callable[[], AbstractContextManager[Send]]
"""Opens a connection of one client's own."""


def add_arguments(parser: ArgumentParser) -> None:
    add_count(parser, "--runs", 3, "of each, of which the median is reported")
    add_count(parser, "--singles", 400, "single submits of one run")
    add_count(parser, "--waiting", 10_000, "submitted in batches of each size; they wait from then")


def run(arguments: Namespace) -> dict[str, object]:
    with local_broker(DEFAULT_PARK) as broker:
        figures = _measured(broker, arguments)
    return {**figures, **conditions(SEED)}


def _measured(broker: LocalBroker, arguments: Namespace) -> dict[str, object]:
    ours, peer = Submits(broker), Inserts(broker.database_url)
    runs, singles = arguments.runs, arguments.singles
    works = {f"single_{clients}": Work(singles, 1, clients) for clients in (1, CLIENTS)} | {
        f"batch_{size}": Work(max(1, arguments.waiting // size // runs), size, 1)
        for size in BATCHES
    }
    figures: dict[str, object] = {}
    for name, work in works.items():
        figures |= compared(name, ours, peer, work, runs)
    rates = [rate(ours.connect, works[f"single_{CLIENTS}"]) for _ in range(runs)]
    return figures | {
        f"single_{CLIENTS}_behind_others_per_s": round(median(rates), 1),
        "others_waiting": sum(runs * work.job_count for work in works.values()),
    }


@dataclass(frozen=True, slots=True)
class Work:
    """So many calls of `size` jobs each, shared among so many clients."""

    count: int
    size: int
    clients: int

    @property
    def job_count(self) -> int:
        return self.count * self.size


def compared(
    name: str, ours: "Submits", peer: "Inserts", work: Work, runs: int
) -> dict[str, object]:
    """By turns, so that what else the machine does falls on both."""
    rates, peers, computed_s = [], [], 0.0
    for _ in range(runs):
        began_s = ours.broker.processor_s()
        rates.append(rate(ours.connect, work))
        ours.await_taken()
        computed_s += ours.broker.processor_s() - began_s
        peers.append(rate(peer.connect, work))
    times = ours.take_times_ms()
    return {
        f"{name}_per_s": round(median(rates), 1),
        f"{name}_ms_p50": round(nearest_rank(times, 50), 2),
        f"{name}_ms_p95": round(nearest_rank(times, 95), 2),
        f"{name}_processor_ms": round(computed_s * MS_PER_S / runs / work.job_count, 2),
        f"{name}_inserts_per_s": round(median(peers), 1),
        f"{name}_share_of_inserts": round(median(rates) / median(peers), 3),
    }


def rate(connect: Connect, work: Work) -> float:
    """Jobs a second."""
    counts = [work.count // work.clients] * work.clients
    counts[0] += work.count % work.clients
    with ThreadPoolExecutor(work.clients) as clients:
        began_s = time.perf_counter()
        list(clients.map(lambda count: _send_all(connect, count, work.size), counts))
        return work.job_count / (time.perf_counter() - began_s)


def _send_all(connect: Connect, count: int, size: int) -> None:
    with connect() as send:
        for _ in range(count):
            send(size)


class Submits:
    """Jobs over HTTP, by the key of the park's first tenant."""

    def __init__(self, broker: LocalBroker) -> None:
        self.broker = broker
        self._address = urlsplit(broker.url).netloc
        self._database_url = broker.database_url
        self._key = broker.keys[load(DEFAULT_PARK).tenants[0].id]
        self._times_ms: list[float] = []

    @contextmanager
    def connect(self) -> Iterator[Send]:
        connection = HTTPConnection(self._address, timeout=TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}

        def send(size: int) -> None:
            path = "/v1/jobs" if size == 1 else "/v1/jobs:batch"
            body = json.dumps(JOB if size == 1 else {"jobs": [JOB] * size})
            began_s = time.perf_counter()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != CREATED:
                raise BenchmarkFailed(f"{path} answers {answer.status}: {said[:500]!r}")
            self._times_ms.append((time.perf_counter() - began_s) * MS_PER_S)

        try:
            yield send
        finally:
            connection.close()

    def take_times_ms(self) -> list[float]:
        """How long each call took since this was last asked."""
        taken, self._times_ms = self._times_ms, []
        return taken

    def await_taken(self) -> None:
        """Until the leader has taken all jobs out of its inbox, so that the peer runs alone."""
        deadline_s = time.monotonic() + TIMEOUT_S
        with _database(self._database_url) as connection:
            while connection.execute(_IS_ANY_LEFT).fetchone() != (False,):
                if time.monotonic() > deadline_s:
                    raise BenchmarkFailed(f"the inbox is not empty after {TIMEOUT_S:.0f} s")
                time.sleep(LOOK_S)


class Inserts:
    """The peer: rows into a table of its own."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._row = (json.dumps(JOB),)
        with _database(database_url) as connection:
            connection.execute(
                "CREATE TABLE bench_peer (id bigserial PRIMARY KEY, body jsonb NOT NULL)"
            )

    @contextmanager
    def connect(self) -> Iterator[Send]:
        with _database(self._database_url) as connection, connection.cursor() as cursor:

            def send(size: int) -> None:
                with connection.transaction():
                    cursor.executemany(_INSERT, [self._row] * size)

            yield send


def _database(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)


_IS_ANY_LEFT = "SELECT EXISTS (SELECT FROM inbox WHERE consumed_seq IS NULL)"
_INSERT = "INSERT INTO bench_peer (body) VALUES (%s)"
