"""A park as docs/operations.md builds one: a database, a broker, and agents beside Rays of others.

Unlike under `brain up`, nobody but us starts and ends these Ray clusters.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.files.park_file import load
from api.running.ports import free_port
from api.schemas.jobs import JobCreate, JobView
from api.sdk import Client
from cluster.local_ray import LocalRay
from tests.acceptance.processes import (
    await_ready,
    brain,
    clean_environment,
    eventually,
    run_until_left,
)

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(300),
]

PARK = Path(__file__).resolve().parents[1] / "data" / "small-park.yaml"
RAYS_FROM = 92  # addresses that no park on this machine is likely to use
NOBODYS_ADDRESS = "127.255.255.1"
FOR_LONG = JobCreate(tenant="steel", command="exec sleep 1000", devices=1, retries=1)
# As a service manager does it, which `Restart=always` tells to.
FOR_EVER = 'while :; do "$0" -m api agent "$@"; sleep 0.5; done'


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    client: Client
    ray_by_centre: dict[str, LocalRay]

    def job(self, job_id: str) -> JobView:
        return self.client.job(job_id)

    def is_online(self, centre_id: str) -> bool:
        centres = self.client.capacity().centres
        return any(one.online_tflops > 0 for one in centres if one.id == centre_id)

    def await_attempt(self, job_id: str, number: int) -> str:
        """The centre at which the attempt of this number, counted from 1, runs."""

        def runs() -> bool:
            attempts = self.job(job_id).attempts
            return len(attempts) >= number and attempts[number - 1].started_at_ms is not None

        eventually(runs, lambda: f"attempt {number} runs of {self.job(job_id)}")
        return self.job(job_id).attempts[number - 1].centre


@pytest.fixture(scope="module")
def deployed(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    url = f"http://127.0.0.1:{free_port()}"
    common = {"BRAIN_PARK": str(PARK), "BRAIN_URL": url}
    own = {"BRAIN_DATABASE_URL": module_database_url, "BRAIN_DATA": str(folder / "broker")}
    operator = made(brain("migrate", "--operator-key", cwd=folder, **common, **own))
    with ExitStack() as stack:
        rays = stack.enter_context(rays_in(folder))
        log = folder / "serve.log"
        serving = stack.enter_context(run_until_left(log, "serve", cwd=folder, **common, **own))
        client = stack.enter_context(Client(url, operator))
        await_ready(serving, url)
        for centre_id, ray in rays.items():
            words = ["keys", "create", "--role", "agent", "--centre", centre_id]
            key = made(brain(*words, cwd=folder, BRAIN_API_KEY=operator, **common))
            stack.enter_context(agent_of(ray, BRAIN_API_KEY=key, **common))
        yield Deployed(client=client, ray_by_centre=rays)


def made(done: subprocess.CompletedProcess[str]) -> str:
    """The key that a command has printed."""
    assert done.returncode == 0, done.stderr
    return next(word for word in done.stdout.split() if word.startswith("brk_"))


@contextmanager
def rays_in(folder: Path) -> Iterator[dict[str, LocalRay]]:
    park = load(PARK).park
    rays = {
        centre.id: LocalRay(centre, park, folder / centre.id, RAYS_FROM + number)
        for number, centre in enumerate(park.centres)
    }
    try:
        with ThreadPoolExecutor(len(rays)) as threads:
            list(threads.map(LocalRay.start, rays.values()))
        yield rays
    finally:
        for ray in rays.values():
            ray.stop()


@contextmanager
def agent_of(ray: LocalRay, **variables: str) -> Iterator[None]:
    words = ["--centre", ray.centre.id]
    words += ["--ray-address", ray.address, "--ray-token-path", str(ray.token_path)]
    with (ray.data_dir / "agent.log").open("wb") as log:
        service = subprocess.Popen(
            ["/bin/sh", "-c", FOR_EVER, sys.executable, *words],
            env=clean_environment({"BRAIN_DATA": str(ray.data_dir), **variables}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()


@contextmanager
def gone(ray: LocalRay) -> Iterator[None]:
    """It ends, and meanwhile no other Ray of this machine takes its ports.

    That one would answer in its stead at all addresses, and an agent that is not let in does not
    know who it is.
    """
    port = int(ray.address.rpartition(":")[2])
    ray.stop()
    with socket.create_server((NOBODYS_ADDRESS, port)):
        yield


def test_a_job_whose_centre_is_gone_starts_again_elsewhere_and_others_where_it_is_back(
    deployed: Deployed,
) -> None:
    job_id = deployed.client.submit(FOR_LONG).id
    first = deployed.await_attempt(job_id, 1)

    with gone(deployed.ray_by_centre[first]):
        second = deployed.await_attempt(job_id, 2)
        eventually(lambda: not deployed.is_online(first), "the broker knows that it is gone")
    deployed.ray_by_centre[first].start()
    later = deployed.client.submit(FOR_LONG.model_copy(update={"centres": [first]})).id

    assert {first, second} == {"north", "south"}
    assert deployed.job(job_id).attempts[0].cause == "centre"
    assert deployed.await_attempt(later, 1) == first
