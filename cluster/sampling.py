"""Looks at a node's members every few seconds, and counts how much of their cards' time is used."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

import psutil

from cluster.activity import MeterKind, keep, kept, of_cards, of_processor
from cluster.driver import Activity
from cluster.member import MemberPhase
from cluster.meters import Busy, MeterFailed
from cluster.run_files import read_json
from cluster.runs import Run

SAMPLE_S = 5.0
SAMPLE_LASTS_MS_MAX = 10_000
"""For so long a sample stands at most: what was longer ago nobody has watched."""

_log = logging.getLogger(__name__)


class Sampling:
    """The samples of one node, for one caller at a time; `find` looks for the meter of its cards.

    It is looked for once, when there is something to measure.
    """

    def __init__(self, meter: MeterKind, find: Callable[[], Busy | None]) -> None:
        self._meter = meter
        self._find = find
        self._busy: Busy | None = None
        self._is_found = False
        self._sampled_at_ms = 0
        self._failure = ""

    def take(self, runs: Iterable[Run], now_ms: int) -> None:
        """Count until now; what a full disk does not take is counted with the next sample."""
        running = [
            run for run in runs if run.state.phase is MemberPhase.RUNNING and run.state.cards
        ]
        for run, activity in self._counted(running, now_ms):
            if activity is not None:
                with suppress(OSError):
                    keep(run.folder, activity)
        self._sampled_at_ms = now_ms

    def _counted(
        self, running: Collection[Run], now_ms: int
    ) -> Iterable[tuple[Run, Activity | None]]:
        match self._meter:
            case MeterKind.PROCESSOR:
                return [(run, _of_processor(run, now_ms)) for run in running]
            case MeterKind.CARDS:
                busy = self._ask() if running else None
                since_ms = max(self._sampled_at_ms, now_ms - SAMPLE_LASTS_MS_MAX)
                return [(run, _of_cards(run, busy, since_ms, now_ms)) for run in running]

    def _ask(self) -> Mapping[int, int] | None:
        """How busy the cards are; what hinders their meter is said once."""
        if not self._is_found:
            self._busy, self._is_found = self._find(), True
        if self._busy is None:
            return None
        try:
            busy, failure = self._busy(), ""
        except MeterFailed as error:
            busy, failure = {}, str(error)
        if failure not in {"", self._failure}:
            _log.warning("it is not known how busy the cards are: %s", failure)
        self._failure = failure
        return busy


def _of_cards(
    run: Run, busy: Mapping[int, int] | None, since_ms: int, now_ms: int
) -> Activity | None:
    """What was counted before, and the time since the last sample at the rate of this one."""
    if busy is None:
        return None
    lasted_ms = max(0, now_ms - max(since_ms, run.state.started_at_ms or now_ms))
    more = of_cards([busy.get(card) for card in run.state.cards], lasted_ms)
    return (kept(run.folder) or Activity()) + more


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
