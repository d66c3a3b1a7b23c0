"""A node's nursery, seen from its supervisor: asked for members, found by its command line."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from cluster import shim
from cluster.devices import VISIBLE_DEVICES_VARIABLE

MORE_VARIABLES = "BRAIN_MEMBER_VARIABLES"
INHERITED = (
    *("HOME", "LANG", "LANGUAGE", "LC_*", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "USER"),
    *("LD_LIBRARY_PATH", "PYTHONPATH", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    # What the makers of cards and of their libraries want to be set.
    *("ASCEND_*", "HCCL_*", "CUDA_*", "NCCL_*", "NVIDIA_*", "HIP_*", "HSA_*", "ROCM_*"),
    *("MUSA_*", "MCCL_*", "CNCL_*", "NEUWARE_*", "GLOO_*", "UCX_*"),
)

NURSERY_TIMEOUT_S = 10.0
SWEEPS_MAX = 50


class NurseryAsked:
    """Has members run by a nursery, which it starts when there is none (any more)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._control: socket.socket | None = None

    def run(self, request: shim.Request) -> None:
        message = json.dumps(vars(request)).encode()
        message = shim.LENGTH.pack(len(message)) + message
        if self._control is not None:
            with suppress(OSError):  # somebody killed it; its shims live on
                self._control.sendall(message)
                return
        try:
            self._control = self._open()
        except subprocess.SubprocessError as error:
            raise OSError(f"the node's nursery does not start: {error}") from error
        self._control.sendall(message)

    def _open(self) -> socket.socket:
        """Start the process that forks this node's shims; it is not to be a child of ours."""
        ours, its = socket.socketpair()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with its, os.fdopen(os.open(self._root / "nursery.log", flags, 0o600), "ab") as log:
            subprocess.run(
                shim.command(self._root),
                stdin=its.fileno(),
                stdout=log,
                stderr=log,
                env={},
                cwd=self._root,
                start_new_session=True,
                check=True,
                timeout=NURSERY_TIMEOUT_S,
            )
        ours.settimeout(NURSERY_TIMEOUT_S)
        return ours


def member_environment(mine: Mapping[str, str]) -> dict[str, str]:
    """What a member inherits of the node's variables: those on the list, and no secret by accident.

    The node's owner may name more in `BRAIN_MEMBER_VARIABLES`: separated by commas, `NAME*` for all
    that begin so. `python` is that of the environment in which the centre's Ray runs.
    """
    wanted = (*INHERITED, *filter(None, mine.get(MORE_VARIABLES, "").split(",")))
    kept = {
        name: value
        for name, value in mine.items()
        if any(fnmatchcase(name, pattern.strip()) for pattern in wanted)
        and not name.startswith(("RAY_", "BRAIN_"))
        and name not in _VISIBLE_DEVICES
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{mine.get('PATH', os.defpath)}"
    return kept | {"PATH": path, "VIRTUAL_ENV": sys.prefix, "PYTHONUNBUFFERED": "1"}


_VISIBLE_DEVICES = frozenset(VISIBLE_DEVICES_VARIABLE.values())


def terminate_shim(run: Path) -> None:
    """Tell a shim to read how it shall stop, if it lives; else another may have its number."""
    with suppress(OSError, ValueError, KeyError):
        shim = json.loads((run / "started").read_bytes())["shim"]
        words = Path(f"/proc/{shim}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(run.parent.parent) in words:
            os.kill(shim, signal.SIGTERM)


def sweep(attempt_id: str, rank: int) -> None:
    """End what a killed shim left behind, should nobody have done it: found by its environment."""
    marks = {f"BRAIN_ATTEMPT={attempt_id}".encode(), f"RANK={rank}".encode()}
    for _ in range(SWEEPS_MAX):
        strays = [path for path in Path("/proc").glob("[0-9]*/environ") if _has(path, marks)]
        for path in strays:
            with suppress(ProcessLookupError):
                os.kill(int(path.parent.name), signal.SIGKILL)
        if not strays:
            return


def _has(environ: Path, marks: set[bytes]) -> bool:
    with suppress(OSError):
        return marks <= set(environ.read_bytes().split(b"\0"))
    return False
