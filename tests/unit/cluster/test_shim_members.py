"""What becomes a member under a shim, and whether the shim finds all of it when it ends it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cluster.processes import heed
from cluster.run_files import Stop, read_json
from cluster.shim import Request
from tests.nursery import (
    LONG_TTL_MS,
    PATIENCE_S,
    Nursery,
    await_output,
    end_of,
    eventually,
    stop,
    tree_of,
)

pytestmark = pytest.mark.enable_socket

LEADERLESS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=[1000]).start()
print("up", flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""
WAITS_FOR_USR1 = """
import signal, threading
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
waiting = threading.Thread(target=lambda: print(signal.sigwait([signal.SIGUSR1]).name))
waiting.start()
print("up", flush=True)
waiting.join()
"""
WAITS_WHILE_IT_COMPUTES = """
import signal, threading
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
waiting = threading.Thread(target=lambda: print(signal.sigwait([signal.SIGUSR1]).name))
waiting.start()
print("up", flush=True)
while waiting.is_alive(): pass
"""
STARTS_ANOTHER = """
import os, signal
{}
print("up", flush=True)
waits = (os.POSIX_SPAWN_OPEN, 3, "go", os.O_RDONLY, 0)
another = os.posix_spawn("/bin/true", ["true"], dict(), file_actions=[waits])
print("another", os.waitstatus_to_exitcode(os.waitpid(another, 0)[1]))
"""
BECOME = """
import sys
from cluster.shim import Request, Shim
shim = Shim(Request.from_json(sys.argv[1].encode()))
shim._out = 1
shim._become_member(int(sys.argv[2]))
"""
STANDS_WHILE_THE_CLOCK_IS_SET_BACK = """
import itertools, sys, time
from cluster.shim import Request, Shim
now_ns, hours = time.time_ns(), itertools.count()
time.time_ns = lambda: now_ns - next(hours) * 3_600_000_000_000
Shim(Request.from_json(sys.argv[1].encode())).stand()
"""
BECOMES_LATE = """
import os, sys
from cluster.shim import Request, Shim
parent = os.getppid
os.getppid = lambda: open("go").close() or parent()
os.chdir(sys.argv[2])
Shim(Request.from_json(sys.argv[1].encode())).stand()
"""
ROOT = Path(__file__).parents[3]


def test_a_process_whose_first_thread_is_over_ends_with_the_others(nursery: Nursery) -> None:
    """The system shows it as dead; it computes, and what it has started hangs on it."""
    run = nursery.start("run", python(LEADERLESS))
    await_output(run, "up\n")
    tree = tree_of(run)

    stop(run, Stop(grace_ms=60_000))

    assert len(tree) == 1
    assert end_of(run)["exit_code"] == -signal.SIGTERM
    assert not any(map(psutil.pid_exists, tree))


def test_a_nursery_ends_after_all_that_it_has_to_end(nursery: Nursery) -> None:
    """What a stray had started is its own child only once that one is dead."""
    deep = 'sh -c "sh -c \\"echo up; sleep 1000; :\\"; :"'
    run = nursery.start("run", f"{deep} & wait")
    await_output(run, "up\n")
    tree = tree_of(run)

    nursery.end()

    eventually(lambda: not any(map(psutil.pid_exists, tree)))


@pytest.mark.parametrize("code", [WAITS_FOR_USR1, WAITS_WHILE_IT_COMPUTES])
def test_who_has_a_thread_wait_for_the_signal_to_save_itself_gets_it(
    nursery: Nursery, code: str
) -> None:
    run = nursery.start("run", python(code))
    await_output(run, "up\n")

    stop(run, Stop(grace_ms=60_000, signal=signal.SIGUSR1))

    assert end_of(run)["exit_code"] == 0
    assert (run / "out").read_text() == "up\nSIGUSR1\n"


@pytest.mark.parametrize("handling", ["", "signal.signal(signal.SIGUSR1, lambda *_: None)"])
def test_who_starts_a_process_and_what_it_starts_do_not_die_of_the_signal(
    nursery: Nursery, handling: str
) -> None:
    """For that moment all signals are blocked, and what is started has its parent's handlers."""
    os.mkfifo(nursery.root / "go")
    saves = "trap 'echo saved; exit' USR1; echo up; while :; do :; done"
    starts = f"{sys.executable} -c '{STARTS_ANOTHER.format(handling)}'; exit $?"
    run = nursery.start("run", f'sh -c "{saves}" & {starts}', cwd=str(nursery.root))
    await_output(run, "up\nup\n")
    eventually(lambda: would_be_told_late(run) == [bool(handling)])

    stop(run, Stop(grace_ms=60_000, signal=signal.SIGUSR1))
    await_output(run, "up\nup\nsaved\n")
    (nursery.root / "go").write_text("")

    assert end_of(run)["exit_code"] == 0
    assert (run / "out").read_text() == "up\nup\nsaved\nanother 0\n"


def test_a_member_begins_with_no_signal_ignored_or_blocked(tmp_path: Path) -> None:
    """Whatever started the node's Ray: programs rely on what a signal does unless they say else."""
    numbers = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGQUIT, signal.SIGHUP]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        made = Nursery(tmp_path)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
    run = made.start("run", "exec grep -E 'Sig(Blk|Ign)' /proc/self/status")
    end_of(run)
    made.end()

    _, blocked, _, ignored = (run / "out").read_text().split()
    # The C library keeps two signals to itself, which no program can set back.
    settable = sum(1 << number - 1 for number in signal.valid_signals())
    assert (int(blocked, 16) & settable, int(ignored, 16) & settable) == (0, 0)


@pytest.mark.parametrize(("another", "said"), [(0, b"here\n"), (1, b"")])
def test_nothing_becomes_a_member_of_a_shim_that_is_gone(another: int, said: bytes) -> None:
    """It would not be told of that shim's end, and outlive it."""
    request = Request(run="", command="echo here", env={}, cwd="/", lease="", lease_ttl_ms=0)
    words = [sys.executable, "-c", BECOME, json.dumps(vars(request)), str(os.getpid() + another)]

    begun = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True)

    assert begun.stdout == said


def test_who_is_told_to_end_before_it_is_the_member_never_is(tmp_path: Path) -> None:
    """Until then it has the shim's own handlers, which heed nothing for it.

    By HUP: of a TERM the shim itself would hear by them, and end the member for another reason.
    """
    os.mkfifo(tmp_path / "go")
    words = [*standing(BECOMES_LATE, tmp_path, "echo here"), str(tmp_path)]
    shim = subprocess.Popen(words, cwd=ROOT)
    eventually(lambda: len(tree_of(tmp_path)) == 1)

    os.kill(tree_of(tmp_path)[0], signal.SIGHUP)
    (tmp_path / "go").write_text("")
    shim.wait()

    assert end_of(tmp_path)["exit_code"] == -signal.SIGHUP
    assert (tmp_path / "out").read_text() == ""


def test_a_clock_that_is_set_back_does_not_shorten_what_a_member_took(tmp_path: Path) -> None:
    words = standing(STANDS_WHILE_THE_CLOCK_IS_SET_BACK, tmp_path, "exec sleep 0.1")

    subprocess.run(words, cwd=ROOT, check=True)

    took_ms = number_in(tmp_path / "ended", "ended_at_ms") - number_in(
        tmp_path / "started", "started_at_ms"
    )
    assert 100 <= took_ms < PATIENCE_S * 1_000


def standing(code: str, run: Path, command: str) -> list[str]:
    """How to start `code` as a shim in the folder of `run`."""
    (run / "lease").touch()
    os.mkfifo(run / "alive")
    request = Request(
        run=str(run),
        command=command,
        env={},
        cwd=str(run),
        lease=str(run / "lease"),
        lease_ttl_ms=LONG_TTL_MS,
    )
    return [sys.executable, "-c", code, json.dumps(vars(request))]


def would_be_told_late(run: Path) -> list[bool]:
    """Whether those would be told at last that are starting a process now."""
    heeds = [heed(process, signal.SIGUSR1) for process in tree_of(run)]
    return [bool(heeding) for heeding in heeds if heeding.is_starting]


def number_in(file: Path, name: str) -> int:
    number = read_json(file)[name]
    assert isinstance(number, int)
    return number


def python(code: str) -> str:
    return f"exec {sys.executable} -c '{code}'"
