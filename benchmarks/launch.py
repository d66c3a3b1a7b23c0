"""`launch`: from submit to the user's command running, and jobs a second, beside Ray Jobs.

One centre with logical cards comes up as `brain up` does it: embedded PostgreSQL with fsync on, the
broker, a real Ray cluster and its agent, each a process of its own. Each job is asked for by HTTP
and writes down when it runs; then the same commands go to the Ray Jobs REST API of that cluster.
"""

import shlex
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Protocol

import httpx2

from api.running.guard import centres_of
from api.running.ports import free_port
from api.running.up import LocalPark
from benchmarks.hardware import conditions
from benchmarks.local_broker import BenchmarkFailed
from benchmarks.options import add_count, add_seed
from benchmarks.score import nearest_rank
from cluster.local_ray import WITH_DASHBOARD

NS_PER_MS = 1_000_000
LOOK_S = 0.02
PAUSE_S = (0.1, 0.4)
"""Between two single jobs, drawn: so that they meet the centre idle, and in no step with it."""
TIMEOUT_S = 300.0
CLIENTS = 4

PARK = """
id: bench
name: bench
note: one centre with logical cards
logical: true
stated_tflops: {tflops}
device_kinds:
  - {{id: card, name: card, vendor: none, tflops_fp16: 1, memory_gb: 1, ray_resource: NPU}}
centres:
  - id: centre
    name: centre
    operator: bench
    stated_tflops: {tflops}
    pools: [{{id: pool, device: card, nodes: {nodes}, cards_per_node: {cards}}}]
fields: [{{id: other, name: other}}]
price_lists:
  - id: free
    from: 2020-01-01T00:00:00+08:00
    on_demand: {{card: 1.00}}
    qos: {{low: 1.00, normal: 1.00, high: 1.00}}
    classes: {{standard: 1.00}}
    vat: 0.06
tenants:
  - {{id: bench, name: bench, type: enterprise, field: other, class: standard,
      max_cards: {tflops}, opening_balance: 1000000.00}}
"""
EXAMPLES = """examples:
  python -m benchmarks launch
  python -m benchmarks launch --nodes 2 --cards 8 --json
  python -m benchmarks launch --jobs 5 --burst 20 --peer-jobs 2 --peer-burst 2"""


class Launcher(Protocol):
    """Somebody who runs commands; `await_ends` raises `BenchmarkFailed` where one failed."""

    def submit(self, command: str) -> str:
        """Ask for it, and return its id."""
        ...

    def await_ends(self, ids: Sequence[str]) -> None:
        """Return when all of them are known to have succeeded."""
        ...


def add_arguments(parser: ArgumentParser) -> None:
    add_count(parser, "--jobs", 40, "one at a time: the latency")
    add_count(parser, "--burst", 200, "at once: jobs a second")
    add_count(parser, "--peer-jobs", 8, "one at a time, by Ray Jobs")
    add_count(parser, "--peer-burst", 12, "at once, by Ray Jobs")
    add_count(parser, "--nodes", 1, "Ray nodes of the centre")
    add_count(parser, "--cards", 64, "logical cards of each node")
    add_seed(parser, "the pauses between single jobs")


def run(arguments: Namespace) -> dict[str, object]:
    with _centre(arguments.nodes, arguments.cards) as (product, ray_jobs, folder):
        figures = compared(product, ray_jobs, folder, arguments)
    centre = f"{arguments.nodes} Ray nodes with {arguments.cards} logical cards each"
    return {**figures, "centre": centre, **conditions(arguments.seed)}


def compared(
    product: Launcher, peer: Launcher, folder: Path, arguments: Namespace
) -> dict[str, object]:
    """The same work by both; commands leave their marks in `folder`."""
    rng = Random(arguments.seed)
    ours = latencies(product, arguments.jobs, folder, rng)
    our_rate = jobs_per_s(product, arguments.burst)
    peers = latencies(peer, arguments.peer_jobs, folder, rng)
    peer_rate = jobs_per_s(peer, arguments.peer_burst)
    return {
        **ours.figures(""),
        "jobs_per_s": round(our_rate, 1),
        **peers.figures("ray_jobs_"),
        "ray_jobs_jobs_per_s": round(peer_rate, 2),
        "times_sooner_running": round(peers.p50_running_ms / ours.p50_running_ms, 1),
        "times_more_jobs_per_s": round(our_rate / peer_rate, 1),
        "jobs": arguments.jobs,
        "burst": arguments.burst,
        "ray_jobs_jobs": arguments.peer_jobs,
        "ray_jobs_burst": arguments.peer_burst,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Milliseconds from before the request: to the command's own clock, to its end being known."""

    running_ms: list[float]
    finished_ms: list[float]

    @property
    def p50_running_ms(self) -> float:
        return nearest_rank(self.running_ms, 50)

    def figures(self, prefix: str) -> dict[str, object]:
        return {
            f"{prefix}{name}_ms_p{percent}": round(nearest_rank(values, percent), 1)
            for name, values in (("running", self.running_ms), ("finished", self.finished_ms))
            for percent in (50, 95)
        }


def latencies(launcher: Launcher, count: int, folder: Path, rng: Random) -> Latencies:
    """One job at a time on an idle centre."""
    running_ms, finished_ms = [], []
    mark = folder / "mark"
    command = f"date +%s%N > {shlex.quote(str(mark))}"
    for _ in range(count):
        time.sleep(rng.uniform(*PAUSE_S))
        began_ns = time.time_ns()
        job_id = launcher.submit(command)
        launcher.await_ends([job_id])
        finished_ms.append((time.time_ns() - began_ns) / NS_PER_MS)
        running_ms.append((int(mark.read_text()) - began_ns) / NS_PER_MS)
        mark.unlink()
    return Latencies(running_ms=running_ms, finished_ms=finished_ms)


def jobs_per_s(launcher: Launcher, count: int) -> float:
    """Trivial jobs from a few clients at once, until all are known to have succeeded."""
    began_s = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        ids = list(clients.map(launcher.submit, ["true"] * count))
    launcher.await_ends(ids)
    return count / (time.perf_counter() - began_s)


@contextmanager
def _centre(nodes: int, cards: int) -> Iterator[tuple["Product", "RayJobs", Path]]:
    with tempfile.TemporaryDirectory(prefix="brain-") as name:
        folder = Path(name)
        park_path = folder / "park.yaml"
        text = PARK.format(tflops=nodes * cards, nodes=nodes, cards=cards)
        park_path.write_text(text, encoding="utf-8")
        park = LocalPark(folder, park_path, free_port(), lambda *_: None)
        [cluster] = centres_of(park_path, folder)
        cluster.start(WITH_DASHBOARD)  # which Ray Jobs need; the park adopts it, and ends it
        with (
            park.running() as profile,
            _client(park.url, profile.keys["bench"]) as broker,
            _client(cluster.dashboard_url, cluster.token_path.read_text()) as ray,
        ):
            yield Product(broker), RayJobs(ray), folder


def _client(url: str, key: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False)


class Product:
    """This project, by its HTTP interface."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def submit(self, command: str) -> str:
        answer = self._http.post("/v1/jobs", json={"command": command, "devices": 1})
        return str(_checked(answer).json()["id"])

    def await_ends(self, ids: Sequence[str]) -> None:
        """One job is looked at itself; of many, whether any is left."""
        if len(ids) == 1:
            _await(partial(self._has_succeeded, ids[0]))
            return
        _await(lambda: not self._any("queued", "leased", "starting", "running"))
        if failed := self._any("failed", "cancelled"):
            raise BenchmarkFailed(f"job {failed[0]['id']} did not succeed: {failed[0]['detail']}")

    def _has_succeeded(self, job_id: str) -> bool:
        job = _checked(self._http.get(f"/v1/jobs/{job_id}")).json()
        if job["state"] in {"failed", "cancelled"}:
            raise BenchmarkFailed(f"job {job_id} {job['state']}: {job['detail']}")
        return bool(job["state"] == "succeeded")

    def _any(self, *states: str) -> list[dict[str, str]]:
        """A job in one of these states, if there is one."""
        answer = self._http.get("/v1/jobs", params={"state": states, "limit": 1})
        jobs: list[dict[str, str]] = _checked(answer).json()["items"]
        return jobs


class RayJobs:
    """The peer: the REST interface of Ray's own job server."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def submit(self, command: str) -> str:
        answer = self._http.post("/api/jobs/", json={"entrypoint": command})
        return str(_checked(answer).json()["submission_id"])

    def await_ends(self, ids: Sequence[str]) -> None:
        for job_id in ids:
            _await(partial(self._has_succeeded, job_id))

    def _has_succeeded(self, job_id: str) -> bool:
        job = _checked(self._http.get(f"/api/jobs/{job_id}")).json()
        if job["status"] in {"FAILED", "STOPPED"}:
            raise BenchmarkFailed(f"Ray job {job_id} {job['status']}: {job['message']}")
        return bool(job["status"] == "SUCCEEDED")


def _checked(answer: httpx2.Response) -> httpx2.Response:
    if not answer.is_success:
        raise BenchmarkFailed(f"{answer.url} answers {answer.status_code}: {answer.text[:500]}")
    return answer


def _await(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise BenchmarkFailed(f"jobs are not done after {TIMEOUT_S:.0f} s")
        time.sleep(LOOK_S)
