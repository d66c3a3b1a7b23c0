"""How Slurm plans for a crowd and how it fills an empty park, the same for each of its settings."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeVar

from benchmarks.crowd import NOW_MS
from benchmarks.local_broker import BenchmarkFailed
from benchmarks.slurm_conf import SHIPPED, running_job, waiting_job
from benchmarks.slurm_said import Diagnosis, seconds_until
from benchmarks.slurm_server import Site, Slurm, controller, kept_state, slurm_site
from cluster.inventory import Park
from scheduler.facts.queue import age_key
from scheduler.facts.state import State
from scheduler.model.job import Job

SPARE_JOBS = 1_000
LOOK_S = 0.5
PATIENCE_S = 180.0
"""Beyond what a cycle may take: a cycle begins when the last is over, or after half a minute."""
FILLING_S = 120.0
SHARE_PERCENT = 95
Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True)
class Setting:
    """A configuration of Slurm, how many cycles of it are looked at, how long one may take."""

    name: str
    parameters: str
    cycles: int
    cycle_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Cycles that plan for all that wait in a full park.

    `cpu_s` is of the scheduler's process for all cycles together, with what else it did meanwhile.
    `tested` is for how many jobs the last cycle sought nodes; for Slurm each pool of a job counts.
    """

    cycles_s: tuple[float, ...]
    cpu_s: float
    waiting: int
    tested: int
    with_start: int
    main_cycle_ms: float | None = None

    @property
    def cycle_s(self) -> float:
        return median(self.cycles_s)

    @property
    def starts_per_s(self) -> float:
        return self.with_start / self.cycle_s

    def figures(self) -> dict[str, object]:
        return {
            "cycles": len(self.cycles_s),
            "cycle_s": round(self.cycle_s, 3),
            "cycle_s_max": round(max(self.cycles_s), 3),
            "cpu_s_per_cycle": round(self.cpu_s / len(self.cycles_s), 3),
            "main_cycle_ms": None if self.main_cycle_ms is None else round(self.main_cycle_ms, 1),
            "waiting": self.waiting,
            "tested": self.tested,
            "with_start": self.with_start,
            "starts_per_s": round(self.starts_per_s, 1),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """How an empty park was filled; `seconds` is for `share_percent` of the jobs that got nodes."""

    placed: int
    cards: int
    seconds: float
    cpu_s: float
    share_percent: int = 100

    @property
    def per_s(self) -> float:
        return self.placed * self.share_percent / 100 / self.seconds

    def figures(self) -> dict[str, object]:
        return {
            "placed": self.placed,
            "cards_placed": self.cards,
            "placing_s": round(self.seconds, 2),
            "placing_cpu_s": round(self.cpu_s, 2),
            "placements_per_s": round(self.per_s, 1),
        }


def plannings(state: State, settings: Sequence[Setting]) -> list[Planning]:
    """The park with what runs in it and all that waits; the same for each setting."""
    assert state.park is not None
    park = state.park
    waiting = [record.job for record in sorted(state.queue.records(), key=age_key)]
    running = [
        running_job(state.jobs[attempt.job_id].job, attempt, NOW_MS)
        for attempt in state.live.values()
    ]
    with slurm_site(park, len(waiting) + len(running) + SPARE_JOBS) as site:
        with controller(site, SHIPPED) as slurm:
            slurm.set_pools("UP")
            slurm.submit(running)
            _await(lambda: not slurm.queue().waiting, PATIENCE_S, "all that runs was to start")
            slurm.set_pools("DOWN")
            slurm.submit(waiting_job(job, rank, park) for rank, job in enumerate(waiting))
        return [_from_here(site, setting, planning) for setting in settings]


def placings(park: Park, jobs: Iterable[Job], settings: Sequence[Setting]) -> list[Placing]:
    """All these jobs before an empty park; the same for each setting."""
    waiting = sorted(jobs, key=lambda job: (-job.priority.rank, job.submitted_at_ms, job.id))
    cards_by_name = {job.id: job.device_count for job in waiting}
    with slurm_site(park, len(waiting) + SPARE_JOBS) as site:
        with controller(site, SHIPPED) as slurm:
            slurm.submit(waiting_job(job, rank, park) for rank, job in enumerate(waiting))
        return [_from_here(site, one, partial(placing, cards_by_name)) for one in settings]


def _from_here(
    site: Site, setting: Setting, measure: Callable[[Slurm, Setting], Figures]
) -> Figures:
    with kept_state(site), controller(site, setting.parameters) as slurm:
        return measure(slurm, setting)


def planning(slurm: Slurm, setting: Setting) -> Planning:
    """So many cycles of backfill from now on, and who has a start after them."""
    began_s = slurm.cpu_s()
    opened_s = _opened(slurm)
    cycles: list[Diagnosis] = []
    for _ in range(setting.cycles):
        after_s = cycles[-1].backfill_at_s if cycles else opened_s
        cycles.append(_cycle_after(slurm, after_s, setting))
    queue = slurm.queue()
    return Planning(
        cycles_s=tuple(one.backfill_last_s for one in cycles),
        cpu_s=slurm.cpu_s() - began_s,
        waiting=queue.waiting,
        tested=cycles[-1].tried,
        with_start=queue.with_start,
        main_cycle_ms=cycles[-1].main_mean_ms,
    )


def placing(cards_by_name: Mapping[str, int], slurm: Slurm, setting: Setting) -> Placing:
    """Until a cycle of backfill has started nothing, or two minutes are over."""
    began_cpu_s, began_s = slurm.cpu_s(), time.time()
    seen_s, started = _opened(slurm), -1
    while time.time() < began_s + FILLING_S:
        seen = _cycle_after(slurm, seen_s, setting)
        if seen.started == started:
            break
        seen_s, started = seen.backfill_at_s, seen.started
    names = slurm.queue().placed
    times = slurm.start_times()
    if not times or len(times) != len(names):
        raise BenchmarkFailed(f"Slurm's log has {len(times)} starts, its queue {len(names)}")
    return Placing(
        placed=len(names),
        cards=sum(cards_by_name[name] for name in names),
        seconds=seconds_until(times, began_s, SHARE_PERCENT),
        cpu_s=slurm.cpu_s() - began_cpu_s,
        share_percent=SHARE_PERCENT,
    )


def _opened(slurm: Slurm) -> float:
    """Let jobs start; only cycles that begin later than this count, in seconds since the epoch."""
    slurm.set_pools("UP")
    slurm.reset()
    return time.time()


def _cycle_after(slurm: Slurm, after_s: float, setting: Setting) -> Diagnosis:
    """What is said once a cycle of backfill has ended that began after this."""
    seen = [slurm.diagnosis()]
    before = seen[0].backfills

    def is_over() -> bool:
        nonlocal before
        seen.append(slurm.diagnosis())
        if seen[-1].backfill_at_s <= after_s:
            before = seen[-1].backfills
        return seen[-1].backfills > before

    _await(is_over, PATIENCE_S + 2 * setting.cycle_s, "a cycle of backfill was to end")
    return seen[-1]


def _await(is_so: Callable[[], bool], patience_s: float, what: str) -> None:
    deadline_s = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > deadline_s:
            raise BenchmarkFailed(f"{what} within {patience_s:.0f} s, and did not")
        time.sleep(LOOK_S)
