"""A nursery as a real process, and the runs that a test asks of it."""

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cluster import shim
from cluster.processes import descendants
from cluster.run_files import Stop, write_json
from cluster.shim import Request

PATIENCE_S = 20.0
LOOK_S = 0.005
LONG_TTL_MS = 600_000


class Nursery:
    """A nursery, and the runs that a test asks of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lease = root / "lease"
        self.lease.touch()
        self.control, its = socket.socketpair()
        subprocess.run(shim.command(root), stdin=its.fileno(), check=True)
        its.close()

    def start(self, name: str, command: str, ttl_ms: int = LONG_TTL_MS, cwd: str = "/") -> Path:
        (self.root / name).mkdir()
        return self.ask(name, command, ttl_ms, cwd)

    def ask(
        self,
        name: str,
        command: str,
        ttl_ms: int = LONG_TTL_MS,
        cwd: str = "/",
        uid: int | None = None,
    ) -> Path:
        run = self.root / name
        os.mkfifo(run / "alive")
        request = Request(
            run=str(run),
            command=command,
            env={"PATH": os.environ["PATH"]},
            cwd=cwd,
            lease=str(self.lease),
            lease_ttl_ms=ttl_ms,
            uid=uid,
            groups=(7,),
        )
        message = json.dumps(vars(request)).encode()
        self.control.sendall(shim.LENGTH.pack(len(message)) + message)
        return run

    def end(self) -> None:
        """Kill the shims that are left; their nursery ends what they leave behind, and itself."""
        self.control.close()
        for started in self.root.glob("*/started"):
            with suppress(ProcessLookupError):
                os.kill(json.loads(started.read_text())["shim"], signal.SIGKILL)


def stop(run: Path, how: Stop) -> None:
    write_json(run / "stop", vars(how))
    os.kill(shim_of(run), signal.SIGTERM)
    eventually(lambda: not is_pending(shim_of(run)))


def is_pending(process: int) -> bool:
    """Whether a TERM is still on its way to this process."""
    with suppress(FileNotFoundError):
        text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        pending = next(line for line in text.splitlines() if line.startswith("ShdPnd"))
        return bool(int(pending.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def shim_of(run: Path) -> int:
    eventually((run / "started").exists)
    return int(json.loads((run / "started").read_text())["shim"])


def tree_of(run: Path) -> list[int]:
    return descendants(shim_of(run))


def end_of(run: Path) -> dict[str, object]:
    eventually((run / "ended").exists)
    ended = json.loads((run / "ended").read_text())
    assert isinstance(ended, dict)
    return ended


def await_output(run: Path, text: str) -> None:
    eventually(lambda: (run / "out").exists() and (run / "out").read_text() == text)


def eventually(is_so: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / LOOK_S)):
        if is_so():
            return
        pause.wait(LOOK_S)
    raise AssertionError("it did not become so")
