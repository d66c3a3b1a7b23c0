"""A real broker on this machine, for measuring: its own process, and PostgreSQL with fsync on."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from api.database import migrate
from api.files.park_file import load
from api.postgres import EmbeddedPostgres
from api.running.local_keys import prepare_keys
from api.running.ports import free_port

READY_TIMEOUT_S = 60.0
LOOK_S = 0.05
SAID_BYTES = 2_000


class BenchmarkFailed(Exception):
    """Something did not work, so there is nothing to report; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBroker:
    """Where it answers, a key for each role, tenant and centre, its database, and its process."""

    url: str
    keys: dict[str, str]
    database_url: str
    process_id: int

    def processor_s(self) -> float:
        """How long it has computed until now; its database's processes are not in it."""
        times = psutil.Process(self.process_id).cpu_times()
        return times.user + times.system


@contextmanager
def local_broker(park_path: Path) -> Iterator[LocalBroker]:
    """`brain serve` on a fresh database; no centre is there unless somebody starts its agent."""
    with (
        tempfile.TemporaryDirectory(prefix="brain-") as folder,
        EmbeddedPostgres(Path(folder) / "postgres") as server,
    ):
        url = f"http://127.0.0.1:{free_port()}"
        migrate(server.url())
        profile = prepare_keys(server.url(), url, load(park_path), None)
        settings = {
            "BRAIN_DATABASE_URL": server.url(),
            "BRAIN_DATA": folder,
            "BRAIN_PARK": str(park_path),
            "BRAIN_URL": url,
        }
        with _serving(url, settings, Path(folder) / "serve.log") as process_id:
            yield LocalBroker(
                url=url, keys=profile.keys, database_url=server.url(), process_id=process_id
            )


@contextmanager
def _serving(url: str, settings: dict[str, str], log_path: Path) -> Iterator[int]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BRAIN_")}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "serve"],
            env=kept | settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _await_ready(url, process, log_path)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _await_ready(url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    for _ in range(int(READY_TIMEOUT_S / LOOK_S)):
        if process.poll() is not None:
            break
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{url}/readyz", trust_env=False).is_success:
                return
        time.sleep(LOOK_S)
    said = log_path.read_bytes()[-SAID_BYTES:].decode(errors="replace")
    raise BenchmarkFailed(f"the broker is not ready:\n{said}")
