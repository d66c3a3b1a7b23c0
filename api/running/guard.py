"""Ends everything that `brain up` started, however `brain up` itself ended.

It reads a pipe from its parent: a line for each process that was started. When the pipe closes -
the parent stopped, crashed or was killed - it stops these processes, the local Ray clusters and the
embedded database. There is no other way in which they are stopped, so this one is always tried.
"""

import json
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import psutil

from api.files.park_file import load
from api.postgres import EmbeddedPostgres
from cluster.local_ray import LocalRay

GRACE_S = 15.0
KILL_WAIT_S = 5.0
POLL_S = 0.05


def line_of(process: psutil.Process) -> str:
    """How a process is told to the guard: a number alone may later be somebody else's."""
    return json.dumps([process.pid, process.create_time()]) + "\n"


def centres_of(park_path: Path, data: Path) -> list[LocalRay]:
    """The local Ray cluster of each centre; both who starts and who stops them ask here."""
    park = load(park_path).park
    return [
        LocalRay(centre, park, data / "centres" / centre.id, index)
        for index, centre in enumerate(park.centres)
    ]


def postgres_folder(data: Path) -> Path:
    return data / "postgres"


def guard(pipe: TextIO, park_path: Path, data: Path) -> None:
    """Read until the pipe closes, then stop it all."""
    told = [line for line in pipe if line.endswith("\n")]
    _end(_still_there(told))
    clusters = centres_of(park_path, data)
    with ThreadPoolExecutor(len(clusters)) as threads:
        list(threads.map(LocalRay.stop, clusters))
    EmbeddedPostgres(postgres_folder(data)).stop()


def _still_there(lines: list[str]) -> list[psutil.Process]:
    found = []
    for line in lines:
        process_id, created_at = json.loads(line)
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(process_id)
            if process.create_time() == created_at:
                found.append(process)
    return found


def _end(processes: list[psutil.Process]) -> None:
    for process in reversed(processes):
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in _await_end(processes, GRACE_S):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _await_end(processes, KILL_WAIT_S)


def _await_end(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait for all of them, at most so long; returns those that still run."""
    pause = threading.Event()
    alive = processes
    for _ in range(int(timeout_s / POLL_S)):
        alive = [process for process in alive if _runs(process)]
        if not alive:
            break
        pause.wait(POLL_S)
    return alive


def _runs(process: psutil.Process) -> bool:
    """Whether it still does anything: an ended one may wait for its parent to ask how it ended."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def main() -> None:
    # Ctrl-C and a closed terminal are the parent's business; we hear of them by the pipe.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guard(sys.stdin, Path(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
