"""The data folder of a broker on this machine: private, and used by one at a time."""

import fcntl
import os
from pathlib import Path

LOCK_NAME = "up.lock"


class DataFolderFailed(Exception):
    """The folder cannot be used; the message says why and what to do."""


def hold(data: Path) -> int:
    """Make the folder, and hold it until the descriptor and all its copies are closed."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DataFolderFailed(
            f"{data} cannot hold data ({error.strerror}): choose another folder by --data or "
            "BRAIN_DATA"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataFolderFailed(
            f"another `brain up` or `brain serve` (or its clean-up) uses {data}: end it, or choose "
            "another folder by --data or BRAIN_DATA"
        ) from None
    return lock
