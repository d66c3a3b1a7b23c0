"""The nodes of a local Ray, each of which is started again where it was killed.

What ran there is lost all the same: Ray does not notice for ten seconds that the node was gone, and
gives it no supervisor before. The head is not looked after here: with it the whole Ray goes, and
the centre's agent begins anew.
"""

import logging
import threading

import psutil

from cluster.local_ray import LocalRay, RayFailed
from cluster.steady import in_background

LOOK_S = 1.0
RETRY_S = 60.0

_log = logging.getLogger(__name__)


class KeptNodes:
    """Looks after the nodes of this cluster until it is told to end."""

    def __init__(self, cluster: LocalRay) -> None:
        self._cluster = cluster
        self._ending = threading.Event()
        self._raylets: list[psutil.Process] = []
        self._thread = in_background(self._look, self._ending)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Begin nothing more; what is being started comes up, or goes with the cluster."""
        self._ending.set()
        self._cluster.give_up()

    def _look(self) -> None:
        self._ending.wait(LOOK_S)
        # Cheaper than a look at all processes of the machine, each second.
        if self._ending.is_set() or self._are_all_there():
            return
        if not self._cluster.is_running():
            return
        self._raylets = list(self._cluster.raylets().values())
        if not self._are_all_there():
            self._start_missing()

    def _are_all_there(self) -> bool:
        return len(self._raylets) == self._cluster.node_count and all(map(_runs, self._raylets))

    def _start_missing(self) -> None:
        _log.warning(
            "a node of the Ray of %s is not there: it is started again", self._cluster.centre.id
        )
        try:
            self._cluster.start_missing()
        except RayFailed as error:
            _log.warning("%s; it is tried again in a minute", error)
            self._ending.wait(RETRY_S)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
