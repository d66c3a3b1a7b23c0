"""Linux's processes: who descends from whom, and who follows whom into its end."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Heed:
    """What a process does with a signal: its handler is called, or it is blocked.

    Who has neither would just die of it. Who blocks it waits for it elsewhere, unless it starts a
    process: it blocks all signals until that is another program. It may be `is_starting` where it
    is awake, and goes on so for long only if it computes while another thread waits; or where the
    kernel holds it, and then it `is_held` until that program is there.
    """

    parent: int = 0
    handles: bool = False
    blocks: bool = False
    is_starting: bool = False
    is_held: bool = False

    def __bool__(self) -> bool:
        return self.handles or (self.blocks and not self.is_held)


def heed(process: int, number: int) -> Heed:
    with suppress(OSError, LookupError, ValueError):
        text = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        blocked, state = int(fields["SigBlk"], 16), fields["State"][0]
        blocks_all = _has(blocked, signal.SIGSEGV)
        return Heed(
            parent=int(fields["PPid"]),
            handles=_has(int(fields["SigCgt"], 16), number),
            blocks=_has(blocked, number),
            is_starting=blocks_all and state in "RD",
            is_held=blocks_all and state == "D",
        )
    return Heed()


def _has(mask: int, number: int) -> bool:
    return bool(mask >> (number - 1) & 1)


def kill(process: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def adopt_orphans() -> None:
    """From now on descendants whose parent ends become children of this process."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def follow_parent() -> None:
    """Be killed as soon as the parent ends; a change of user undoes it."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
