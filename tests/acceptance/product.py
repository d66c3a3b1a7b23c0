"""The whole product: `brain up` of a small park of two centres, and what users do with it."""

import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import psutil
import pytest

from api.client.profile import Profile, read_profile
from api.client.sdk_errors import ApiError
from api.running.guard import centres_of
from api.running.ports import free_port
from api.schemas.jobs import AttemptView, JobView
from api.sdk import Client
from cluster.local_ray import LocalRay
from tests.acceptance import in_process, processes
from tests.acceptance.processes import Running, eventually, processes_of

PARK = Path(__file__).resolve().parents[1] / "data" / "small-park.yaml"
NORTH, SOUTH = "ascend-910b3", "hygon-k100-ai"
NORTH_NODES = ("north-910b3-n001", "north-910b3-n002")
MARKS = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("up"),
]
"""Of every test of the whole product: one worker runs them all."""
SETTINGS = "BRAIN_PREEMPTION_PATIENCE_S=1\nBRAIN_PREEMPTION_MIN_RUN_S=1\n"
FINAL = frozenset({"succeeded", "failed", "cancelled"})


class Product:
    """A park that was brought up in an empty folder, as a newcomer does it."""

    def __init__(self, folder: Path, park: Path = PARK) -> None:
        self.folder = folder
        self.data = folder / "park-data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._running: Running | None = None
        self._client: Client | None = None
        shutil.copy(park, folder / "park.yaml")
        self.data.mkdir(mode=0o700)
        (self.data / "settings.env").write_text(SETTINGS, encoding="utf-8")

    # `brain up`

    def begin(self) -> Running:
        """Start it, and do not wait."""
        words = ["--park", "park.yaml", "--data", "park-data", "--port", str(self.port)]
        log = self.folder / "up.log"
        self._running = Running(log, "up", *words, cwd=self.folder)
        return self._running

    def start(self) -> None:
        self.begin().await_words("Ctrl-C stops everything")

    @property
    def up(self) -> Running:
        assert self._running is not None, "not started"
        return self._running

    def stop(self) -> int:
        """As Ctrl-C does."""
        return self.up.end(signal.SIGINT)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._running is not None and self._running.process.poll() is None:
            self.stop()

    def await_nothing_left(self) -> None:
        """Until no process is left that has to do with it."""
        eventually(lambda: not self.left(), lambda: f"nothing is left: {self.left()}")

    def left(self) -> list[str]:
        folders = [self.folder, *(cluster.temp_dir for cluster in self.clusters().values())]
        return [process for folder in folders for process in processes_of(folder)]

    # Its parts

    def profile(self) -> Profile:
        profile = read_profile(self.data)
        assert profile is not None, "no keys were written"
        return profile

    def clusters(self) -> dict[str, LocalRay]:
        found = centres_of(self.folder / "park.yaml", self.data)
        return {cluster.centre.id: cluster for cluster in found}

    def part(self, *words: str) -> psutil.Process | None:
        """The process `brain serve` or `brain agent --centre ID` of this park, if it runs."""
        wanted = ["-m", "api", *words]
        for process in psutil.Process(self.up.process.pid).children():
            with suppress(psutil.Error):
                if process.cmdline()[1:] == wanted:
                    return process
        return None

    def kill(self, *words: str) -> None:
        """End a part as a crash would, and wait until `brain up` has started it again."""
        before = self.part(*words)
        assert before is not None, f"no {' '.join(words)} runs"
        before.kill()
        eventually(lambda: self.part(*words) not in {None, before}, f"{words} runs again")

    # What users do

    def brain(self, *arguments: str, **variables: str) -> CompletedProcess[str]:
        """A command in our language, which here is no process of its own."""
        own = {"BRAIN_DATA": str(self.data), **variables}
        return in_process.brain(*arguments, cwd=self.folder, **own)

    def process(self, *arguments: str, **variables: str) -> CompletedProcess[str]:
        """Any command, as a user starts it, at ten times the cost."""
        own = {"BRAIN_DATA": str(self.data), **variables}
        return processes.brain(*arguments, cwd=self.folder, **own)

    def data_of(self, *arguments: str, **variables: str) -> dict[str, Any]:
        """What a command prints for other programs."""
        done = self.brain(*arguments, "--json", **variables)
        assert done.returncode == 0, done.stderr
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    @property
    def client(self) -> Client:
        """The operator's connection, which is cheaper than a process for each look."""
        if self._client is None:
            # A broker that was killed on a busy machine may take a while to come back.
            self._client = Client(self.url, self.profile().keys["operator"], pause_first_s=0.4)
        return self._client

    def submit(self, *options: str, command: str) -> str:
        done = self.brain("submit", "--limit", "10m", *options, "--", command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def await_state(self, job_id: str, *states: str) -> JobView:
        def is_in_one() -> bool:
            with suppress(ApiError):  # the broker may be away for as long as we are patient
                return self.client.job(job_id).state in states
            return False

        wanted = " or ".join(states)
        eventually(is_in_one, lambda: f"{job_id} is {wanted}: {self.client.job(job_id)}")
        return self.client.job(job_id)

    def await_end(self, job_id: str) -> JobView:
        return self.await_state(job_id, *FINAL)

    def await_attempt(self, job_id: str, number: int) -> AttemptView:
        """Until its attempt of this number (counted from 1) runs."""

        def runs() -> bool:
            with suppress(ApiError):
                attempts = self.client.job(job_id).attempts
                return len(attempts) >= number and attempts[number - 1].started_at_ms is not None
            return False

        eventually(runs, lambda: f"attempt {number} runs of {self.client.job(job_id)}")
        return self.client.job(job_id).attempts[number - 1]


@contextmanager
def product_in(folder: Path, park: Path = PARK) -> Iterator[Product]:
    """A park inside the block, and nothing of it after, whatever happened."""
    product = Product(folder, park)
    try:
        yield product
    finally:
        product.close()
        product.await_nothing_left()
