"""Linux's processes: who descends from whom, and who follows whom into its end."""

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None)


def descendants(root: int) -> list[int]:
    """The processes under `root`, without itself, parents before their children."""
    by_parent = _children_by_parent()
    found = list(by_parent.get(root, ()))
    for process in found:
        found += by_parent.get(process, ())
    return found


def children(parent: int) -> list[int]:
    return _children_by_parent().get(parent, [])


def _children_by_parent() -> dict[int, list[int]]:
    """Who is whose child. Who looks dead may live on: its first thread alone is over."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are all we need
        if name.isdigit():
            with suppress(OSError, ValueError):
                # After the name in brackets, which may hold anything: state, parent, ...
                fields = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(name))
    return children


def dead_children() -> Iterator[tuple[int, int]]:
    """Bury children that have ended: each process and its exit code, negative for a signal."""
    with suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            yield process, os.waitstatus_to_exitcode(status)


def handles(number: int) -> Callable[[int], bool]:
    """Whether a process has a handler for this signal, or blocks it to wait for it elsewhere.

    Who has neither would just die of it.
    """

    def is_handled(process: int) -> bool:
        with suppress(OSError, ValueError):
            lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
            masks = [line.split()[1] for line in lines if line.startswith(("SigCgt:", "SigBlk:"))]
            return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)
        return False

    return is_handled


def anybody(_process: int) -> bool:
    return True


def kill(process: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def adopt_orphans() -> None:
    """From now on descendants whose parent ends become children of this process."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def follow_parent() -> None:
    """Be killed as soon as the parent ends; a change of user undoes it."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
