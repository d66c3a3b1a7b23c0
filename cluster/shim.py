"""The shim: stands over one member, ends its whole tree, and writes down how it ended.

As a process of its own (`command`; standard library and neighbours only) it is a node's nursery:
it forks a shim for each request on its standard input. A fork of this small process costs a
millisecond where a new interpreter costs twenty, and nothing here is a child of Ray, which kills
its children. Whatever a member leaves behind is adopted by its shim; what a killed shim leaves
behind is adopted by the nursery, which ends it.

`alive` is a pipe that the shim holds open for writing: its reader learns at once that the shim is
gone. The lease is a file that the supervisor touches; when it has not been for too long, nobody
counts on this member any more.
"""

import json
import os
import resource
import select
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.processes import (
    adopt_orphans,
    children,
    dead_children,
    descendants,
    follow_parent,
    heed,
    kill,
)
from cluster.run_files import OUTPUT_BYTES_MAX, Reserved, claim, read_stop

LOOK_S = 1.0
"""How often a shim looks at its lease, and at how much its member has said."""

LOUD_LOOK_S = 0.05
"""The same for one who has said too much: so long it may fill the disk."""

KILL_LOOK_S = 0.02
LAST_WORDS_MS = 2_000
"""What a member gets between TERM and KILL when a signal of its own choice came first."""

STARTING_MS_MAX = 1_000
"""So long is waited for who starts a process just as it is to be told to save itself."""

STARTING_LOOK_S = 0.01

REQUEST_BYTES_MAX = 16 * 1024 * 1024
LENGTH = struct.Struct("!I")

_NOT_FOUND = 127


@dataclass(frozen=True)
class Request:
    """What to run: `command` goes to `/bin/sh -c`; `run` is the run's folder.

    `uid` is as whom, `None` as ourselves; `groups` are those that it belongs to besides its own.
    """

    run: str
    command: str
    env: dict[str, str]
    cwd: str
    lease: str
    lease_ttl_ms: int
    uid: int | None = None
    groups: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, text: bytes) -> "Request":
        return cls(**json.loads(text))


def command(root: Path) -> list[str]:
    """How to start the nursery of the runs under `root`, without what a site adds to Python."""
    ours = str(Path(__file__).resolve().parent.parent)
    code = f"import sys; sys.path.append({ours!r}); from cluster.shim import main; main()"
    return [sys.executable, "-I", "-S", "-c", code, str(root)]


def main() -> None:
    """Detach from whoever started this, then be the nursery."""
    if os.fork():
        os._exit(0)
    adopt_orphans()
    Nursery(control=0).tend()


class Nursery:
    """Forks shims on request; lives until nobody can ask any more and no shim is left."""

    def __init__(self, control: int) -> None:
        self._control: int | None = control
        self._shims: set[int] = set()
        self._may_have_strays = False
        self._woken = _wake_on(signal.SIGCHLD, signal.SIGTERM)  # TERM is for its shims

    def tend(self) -> None:
        while self._control is not None or self._shims or self._may_have_strays:
            for ready in _wait([self._woken, self._control], None):
                if ready == self._control:
                    self._obey()
                else:
                    _drain(self._woken)
            self._reap()

    def _obey(self) -> None:
        assert self._control is not None
        message = _read_message(self._control)
        if message is None:
            os.close(self._control)
            self._control = None
            return
        shim = os.fork()
        if shim == 0:
            os.close(self._control)
            _in_a_fork(lambda: Shim(Request.from_json(message)).stand())
        self._shims.add(shim)

    def _reap(self) -> None:
        """Bury the dead; end what a shim left behind that was killed itself."""
        for process, exit_code in dead_children():
            is_shim = process in self._shims
            self._shims.discard(process)
            self._may_have_strays |= not is_shim or exit_code != 0
        if self._may_have_strays:
            strays = set(children(os.getpid())) - self._shims
            self._may_have_strays = bool(strays)
            for stray in strays:
                kill(stray, signal.SIGKILL)


class Shim:
    """Stands over one member from its first to its last process."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._run = Path(request.run)
        self._exit_code: int | None = None
        self._why = "exited"
        self._term_at_s: float | None = None
        self._kill_at_s: float | None = None
        self._lease = _Lease(request.lease, request.lease_ttl_ms)
        self._woken = -1
        self._child = -1
        self._out = -1
        self._is_loud = False

    def stand(self) -> None:
        """Where the disk has no room for what must be written, the member does not begin."""
        os.setsid()
        adopt_orphans()
        started, ended = Reserved(self._run / "started"), Reserved(self._run / "ended")
        self._out = os.open(self._run / "out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if not claim(self._run):
            return
        self._woken = _wake_on(signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        alive = os.open(self._run / "alive", os.O_RDWR)  # opens whether or not somebody reads
        shim = os.getpid()
        # What is sent to the member before it is one waits for it: our handlers would swallow it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self._child = os.fork()
        if self._child == 0:
            os.close(alive)
            _in_a_fork(lambda: self._become_member(shim))
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        started_at_ms, began_s = _now_ms(), time.monotonic()
        self._write(started, {"shim": shim, "started_at_ms": started_at_ms})
        with suppress(OSError):
            os.write(alive, b"started\n")
        self._watch()
        self._bound_output()
        # By the steady clock: who sets the other one changes nobody's bill.
        ended_at_ms = started_at_ms + round((time.monotonic() - began_s) * 1000)
        end = {"exit_code": self._exit_code, "ended_at_ms": ended_at_ms, "why": self._why}
        end["cpu_ms"] = _cpu_ms()
        while not self._write(ended, end):
            _wait([self._woken], LOOK_S)
            _drain(self._woken)

    def _write(self, file: Reserved, value: Mapping[str, object]) -> bool:
        """Whether it is done with: written, or nobody wants it who has removed the run."""
        try:
            file.write_json(value)
        except OSError:
            return not self._run.exists()
        return True

    def _watch(self) -> None:
        """Until no process of the member is left."""
        while self._has_processes():
            self._bound_output()
            for _ in _wait([self._woken], self._patience_s()):
                if signal.SIGTERM in _drain(self._woken):
                    self._plan_the_stop()
            self._bury()
            if self._exit_code is not None and self._kill_at_s is None:
                self._kill_at_s = time.monotonic()  # the member is over: so are its helpers
            if not self._lease.is_held():
                self._why = "lease" if self._exit_code is None else self._why
                self._kill_at_s = time.monotonic()
            if self._has_processes():
                self._act_on_time()

    def _has_processes(self) -> bool:
        """Whatever its parent was, an orphan of the member has become a child of ours."""
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    def _bound_output(self) -> None:
        """Drop what is more than anybody keeps; one byte more shows that there was more."""
        with suppress(OSError):
            if os.fstat(self._out).st_size > OUTPUT_BYTES_MAX:
                self._is_loud = True
                os.ftruncate(self._out, OUTPUT_BYTES_MAX + 1)

    def _patience_s(self) -> float:
        if self._kill_at_s is not None and self._kill_at_s <= time.monotonic():
            return KILL_LOOK_S
        times = [at_s for at_s in (self._term_at_s, self._kill_at_s) if at_s is not None]
        look_s = LOUD_LOOK_S if self._is_loud else LOOK_S
        return min([look_s, *(max(0.0, at_s - time.monotonic()) for at_s in times)])

    def _plan_the_stop(self) -> None:
        """When to send what; who asks again may shorten the grace, not prolong it."""
        stop = read_stop(self._run)
        now_s = time.monotonic()
        kill_at_s = now_s + stop.grace_ms / 1000
        if self._kill_at_s is not None:
            self._kill_at_s = min(self._kill_at_s, kill_at_s)
            return
        self._why = "stopped"
        self._kill_at_s = kill_at_s
        self._term_at_s = now_s
        patience_s = min(STARTING_MS_MAX, stop.grace_ms // 4) / 1000
        if stop.signal is not None and _tell_who_heeds(stop.signal, patience_s):
            last_words_ms = min(LAST_WORDS_MS, stop.grace_ms // 4)
            self._term_at_s = kill_at_s - last_words_ms / 1000

    def _act_on_time(self) -> None:
        now_s = time.monotonic()
        if self._term_at_s is not None and self._term_at_s <= now_s:
            self._term_at_s = None
            _tell_all(signal.SIGTERM)
        if self._kill_at_s is not None and self._kill_at_s <= now_s:
            _tell_all(signal.SIGKILL)
            self._bury()

    def _bury(self) -> None:
        for process, exit_code in dead_children():
            if process == self._child:
                self._exit_code = exit_code

    def _become_member(self, shim: int) -> None:
        request = self._request
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (self._out, 1), (self._out, 2)):
            os.dup2(source, target)
        try:
            _become_user(request)
            follow_parent()
            if os.getppid() != shim:  # it was killed before we could ask to follow it
                return
            # Python ignores two of them, and who started Ray perhaps more; programs rely on them.
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.chdir(request.cwd)
            os.execve("/bin/sh", ["/bin/sh", "-c", request.command], request.env)  # noqa: S606
        except (OSError, ValueError) as error:
            os.write(2, f"cannot start in {request.cwd}: {error}\n".encode())
            os._exit(_NOT_FOUND)


class _Lease:
    """A file's time of change, judged by this machine's steady clock: no clock step ends a job."""

    def __init__(self, path: str, ttl_ms: int) -> None:
        self._path = Path(path)
        self._ttl_s = ttl_ms / 1000
        self._seen = -1
        self._seen_at_s = time.monotonic()

    def is_held(self) -> bool:
        touched = self._seen
        with suppress(OSError):
            touched = self._path.stat().st_mtime_ns
        if touched != self._seen:
            self._seen, self._seen_at_s = touched, time.monotonic()
        return time.monotonic() - self._seen_at_s <= self._ttl_s


def _tell_all(number: int) -> None:
    for process in descendants(os.getpid()):
        kill(process, number)


def _tell_who_heeds(number: int, patience_s: float) -> bool:
    """Whether it was for any. Who is starting a process is waited for, as is what it starts.

    What is started seems to handle what its parent handles, and would die of what comes then.
    """
    is_told = False
    processes = descendants(os.getpid())
    until_s = time.monotonic() + patience_s
    while processes:
        is_late = time.monotonic() >= until_s
        starting: list[int] = []
        for process in processes:
            heeding = heed(process, number)
            if not is_late and (heeding.is_starting or heeding.parent in starting):
                starting.append(process)
            elif heeding:
                kill(process, number)
                is_told = True
        processes = starting
        if processes:
            time.sleep(STARTING_LOOK_S)
    return is_told


def _become_user(request: Request) -> None:
    if request.uid is not None:
        os.setgroups(request.groups)
        os.setresgid(request.uid, request.uid, request.uid)
        os.setresuid(request.uid, request.uid, request.uid)


def _wake_on(*signals: int) -> int:
    """A descriptor from which the numbers of these signals can be read as they come."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    for number in signals:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def _drain(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""


def _wait(descriptors: list[int | None], timeout_s: float | None) -> list[int]:
    reading = [descriptor for descriptor in descriptors if descriptor is not None]
    return select.select(reading, [], [], timeout_s)[0]


def _read_message(control: int) -> bytes | None:
    """One request, or `None` when nobody will ask any more."""
    head = _read_exactly(control, LENGTH.size)
    if head is None:
        return None
    length = LENGTH.unpack(head)[0]
    return _read_exactly(control, length) if length <= REQUEST_BYTES_MAX else None


def _read_exactly(control: int, count: int) -> bytes | None:
    parts = b""
    while len(parts) < count:
        part = os.read(control, count - len(parts))
        if not part:
            return None
        parts += part
    return parts


def _in_a_fork(work: Callable[[], None]) -> None:
    """Do the work of a forked process and end it: it must never return into its parent's code."""
    try:
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, it has failed and must end
        traceback.print_exc()
    finally:
        os._exit(1)


def _cpu_ms() -> int:
    """The processor time of all that we have buried: when the member is over, of its whole tree."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((used.ru_utime + used.ru_stime) * 1000)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
