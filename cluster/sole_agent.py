"""One agent alone serves a centre: it holds a lock in the centre's folder as long as it lives."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_log = logging.getLogger(__name__)


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Wait until no other agent has this folder: two would each tell a gang another port.

    Where the file system knows no locks, nobody is kept away.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "agent.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("another agent serves from %s: this one waits until it ends", data_dir)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            _log.warning("see that no other agent serves from %s: no lock, %s", data_dir, error)
        yield
