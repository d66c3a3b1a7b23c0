"""The command `brain` as processes of their own, in an environment where nothing else is set."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import psutil

PATIENCE_S = 120.0
LOOK_S = 0.05


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Ours without what would choose a broker or a language; 80 columns, no colours."""
    kept = {name: value for name, value in os.environ.items() if not is_set_by_users(name)}
    return kept | {"COLUMNS": "80", "NO_COLOR": "1", **variables}


def is_set_by_users(name: str) -> bool:
    return name.startswith(("BRAIN_", "RAY_", "LC_", "LANG"))


def brain(
    *arguments: str, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """One command, run to its end, which no user ever sees as a stack trace."""
    done = subprocess.run(
        [sys.executable, "-m", "api", *arguments],
        env=clean_environment(variables),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


class Running:
    """A command that goes on until it is told to end; what it says is in `log`."""

    def __init__(self, log: Path, *arguments: str, cwd: Path, **variables: str) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api", *arguments],
                env=clean_environment(variables),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def said(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    def await_words(self, words: str) -> None:
        """Until it has said them; fails at once where it ends without."""

        def has_said() -> bool:
            assert self.process.poll() is None or words in self.said(), self.said()
            return words in self.said()

        eventually(has_said, lambda: f"it says {words!r}: {self.said()}")

    def end(self, number: int = signal.SIGINT) -> int:
        """Its exit code, once it has ended of this signal."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextmanager
def run_until_left(log: Path, *arguments: str, cwd: Path, **variables: str) -> Iterator[Running]:
    """A command inside the block, which is told to end where the block leaves it running."""
    running = Running(log, *arguments, cwd=cwd, **variables)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end(signal.SIGTERM)


def await_ready(serving: Running, url: str) -> None:
    """Until a `brain serve` answers; fails at once where it ends without."""

    def is_ready() -> bool:
        assert serving.process.poll() is None, serving.said()
        try:
            return client.get(f"{url}/readyz").is_success
        except httpx2.TransportError:
            return False

    with httpx2.Client(trust_env=False) as client:
        eventually(is_ready, "the broker is ready")


def eventually(is_so: Callable[[], bool], what: Callable[[], str] | str) -> None:
    """Wait for it; where it does not come, `what` says what was waited for, and how it stands."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / LOOK_S)):
        if is_so():
            return
        pause.wait(LOOK_S)
    text = what if isinstance(what, str) else what()
    raise AssertionError(f"after {PATIENCE_S:.0f} s it is not so that {text}")


def processes_of(folder: Path) -> list[str]:
    """Processes that have to do with a folder: by their command, environment or place."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            words = [*process.cmdline(), *process.environ().values(), process.cwd()]
            if any(word == str(folder) or f"{folder}/" in word for word in words):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
    return found
