"""Who members run as: on a node that may choose, one user of the system for each tenant.

Then no member reads the files, the variables or the memory of another tenant's, or Ray's token; it
cannot signal its own shim either. A node may choose where its Ray runs as root, and where that
user reaches the centre's folder and the Python of its Ray: `why_not` tries it.
"""

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

PASSABLE = 0o711
"""The mode of a folder that others may pass through, but not list."""

TRIAL_TIMEOUT_S = 20.0
TRIED_AGAIN_S = 30.0
"""How long a trial that failed is believed: somebody may have repaired what was in the way."""

MESSAGE_LENGTH_MAX = 500

# Cards that belong to a group: their driver's installation made it, or the system did.
DEVICES = ("davinci*", "hisi_hdc", "devmm_svm", "kfd", "dri/*", "nvidia*", "mtgpu*", "cambricon*")
_TRIAL = 'cd "$1" && exec "$2" -c ""'


class NodeUsers:
    """Knows whether members of its node can run as the users they are given; any thread may ask."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._tried_at_s: float | None = None
        self.complaint = ""

    def why_not(self, uid: int) -> str:
        """Why members here cannot run as users of their own; empty where they can."""
        with self._lock:
            now_s = time.monotonic()
            is_old = self._tried_at_s is not None and now_s - self._tried_at_s > TRIED_AGAIN_S
            if self._tried_at_s is None or (self.complaint and is_old):
                self._tried_at_s = now_s
                self.complaint = _why_not(uid, self._folder)
            return self.complaint


def _why_not(uid: int, folder: Path) -> str:
    if os.geteuid() != 0:
        return "the node's Ray does not run as root, so that members run as its user"
    try:
        # Its owner may let others do more.
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | PASSABLE)
        tried = subprocess.run(
            ["/bin/sh", "-c", _TRIAL, "sh", str(folder), sys.executable],
            user=uid,
            group=uid,
            extra_groups=device_groups(),
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"nothing can run as user {uid}: {error}"
    if tried.returncode == 0:
        return ""
    said = tried.stderr.decode(errors="replace").strip()[-MESSAGE_LENGTH_MAX:]
    return (
        f"user {uid} cannot enter {folder}, or not start {sys.executable} "
        f"(all folders on the way must let others pass: chmod o+x): {said}"
    )


def device_groups(devices: Path = Path("/dev")) -> list[int]:
    """The groups to which this node's cards are open, without root's own."""
    groups = set()
    for pattern in DEVICES:
        for path in devices.glob(pattern):
            found = path.lstat()
            if found.st_mode & stat.S_IWGRP and not stat.S_ISDIR(found.st_mode):
                groups.add(found.st_gid)
    return sorted(groups - {0})


def let_pass(folders: Iterable[Path]) -> None:
    """Let other users pass through these folders of ours; makes those that are not there."""
    for folder in folders:
        folder.mkdir(mode=PASSABLE, parents=True, exist_ok=True)
        folder.chmod(PASSABLE)


def own(folder: Path, uid: int) -> None:
    """Make a folder, where there is none, and give it to a user with all that is in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.lstat().st_uid == uid:
        return
    for _, folders, files, parent in os.fwalk(folder):
        for name in (*folders, *files):
            os.chown(name, uid, uid, dir_fd=parent, follow_symlinks=False)
    os.lchown(folder, uid, uid)  # last: whose it is shows that all of it is
