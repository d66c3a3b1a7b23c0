"""Looks at a node's members every few seconds, and counts how much of their cards' time is used."""

from collections.abc import Iterable
from contextlib import suppress

import psutil

from cluster.activity import MeterKind, keep, of_processor
from cluster.driver import Activity
from cluster.member import MemberPhase
from cluster.run_files import read_json
from cluster.runs import Run

SAMPLE_S = 5.0


class Sampling:
    """The samples of one node, by its meter; for one caller at a time."""

    def __init__(self, meter: MeterKind) -> None:
        self._meter = meter

    def take(self, runs: Iterable[Run], now_ms: int) -> None:
        """Count until now; what a full disk does not take is counted with the next sample."""
        for run in runs:
            if run.state.phase is MemberPhase.RUNNING and run.state.cards:
                activity = self._activity(run, now_ms)
                if activity is not None:
                    with suppress(OSError):
                        keep(run.folder, activity)

    def _activity(self, run: Run, now_ms: int) -> Activity | None:
        match self._meter:
            case MeterKind.PROCESSOR:
                return _of_processor(run, now_ms)
            case MeterKind.CARDS:
                return None


def _of_processor(run: Run, now_ms: int) -> Activity | None:
    shim, started_ms = read_json(run.folder / "started").get("shim"), run.state.started_at_ms
    if not isinstance(shim, int) or started_ms is None:
        return None
    used_ms = cpu_ms(shim)
    if used_ms is None:
        return None
    return of_processor(len(run.state.cards), now_ms - started_ms, used_ms)


def cpu_ms(shim: int) -> int | None:
    """The processor time of all that this process stands over; None where it is gone.

    Who is over counts with whoever buried it, so that nothing is lost or counted twice.
    """
    try:
        root = psutil.Process(shim)
        buried, processes = root.cpu_times(), root.children(recursive=True)
    except psutil.Error:
        return None
    used_s = buried.children_user + buried.children_system
    for process in processes:
        with suppress(psutil.Error):  # it ends just now
            times = process.cpu_times()
            used_s += times.user + times.system + times.children_user + times.children_system
    return round(used_s * 1000)
