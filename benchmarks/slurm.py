"""`slurm`: planned starts and placements a second, beside Slurm with the same park and jobs.

A real slurmctld is started (Debian: slurmctld, slurm-client, munge) with simulated nodes, filled
as the park of `plan` is filled, and the same jobs wait. One planner plans for all of them; Slurm by
its backfill, once as shipped and once told to try all jobs. Then all start on an empty park: ours
through the controller with the durable log.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass

from api.files.park_file import load
from benchmarks.controller import taken_in
from benchmarks.crowd import NOW_MS, Crowd, crowded
from benchmarks.hardware import conditions, cpu_s
from benchmarks.options import add_count, add_seed, positive
from benchmarks.slurm_conf import SHIPPED, deep
from benchmarks.slurm_measures import Placing, Planning, Setting, placings, plannings
from benchmarks.slurm_server import programs
from benchmarks.workload import CARDS_PER_NODE, ideal_park
from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.plan import Plan
from scheduler.planning.planner import plan

SHAPES = 40

EXAMPLES = """examples:
  python -m benchmarks slurm
  python -m benchmarks slurm --pending 1000 --deep-s 60 --json
  python -m benchmarks slurm --nodes 20 --pending 200 --cycles 1 --deep-s 30"""


def add_arguments(parser: ArgumentParser) -> None:
    what = f"of {CARDS_PER_NODE} cards in one pool; else the default park: 904 nodes in 9 pools"
    parser.add_argument("--nodes", type=positive, help=what)
    add_count(parser, "--pending", 10_000, "jobs that wait")
    add_count(parser, "--cycles", 3, "plans of ours, and cycles of Slurm's backfill as shipped")
    add_count(parser, "--deep-s", 300, "how long Slurm's backfill may take to try all jobs")
    add_seed(parser, "the park and its jobs")


def run(arguments: Namespace) -> dict[str, object]:
    programs()  # where Slurm is missing, say so before anything is measured
    park = ideal_park(arguments.nodes, CARDS_PER_NODE) if arguments.nodes else load().park
    crowd = Crowd(park=park, pending=arguments.pending, shapes=SHAPES, seed=arguments.seed)
    settings = (
        Setting("Slurm, as shipped", SHIPPED, arguments.cycles, 0),
        Setting("Slurm, deep", deep(arguments.deep_s), 1, arguments.deep_s),
    )
    our_placing, jobs = placed(crowd)
    lines = [
        Line("industry-brain", planned(crowd, arguments.cycles), our_placing),
        *slurm_lines(crowd, jobs, settings),
    ]
    return {
        "schedulers": [line.figures() for line in lines],
        **ratios(*lines),
        "pending": crowd.pending,
        "nodes": len(park.node_by_id),
        "deep_parameters": settings[-1].parameters,
        **conditions(crowd.seed),
    }


@dataclass(frozen=True, slots=True)
class Line:
    """All that is reported of one scheduler."""

    scheduler: str
    planning: Planning
    placing: Placing

    def figures(self) -> dict[str, object]:
        return {
            "scheduler": self.scheduler,
            **self.planning.figures(),
            **self.placing.figures(),
        }


def ratios(ours: Line, shipped: Line, tuned: Line) -> dict[str, object]:
    """How many times Slurm's figure ours is; None where Slurm's is nothing."""
    return {
        f"times_{name}_{key}": round(our_figure / figure, 2) if figure else None
        for key, peer in (("shipped", shipped), ("deep", tuned))
        for name, our_figure, figure in (
            ("cycle", ours.planning.cycle_s, peer.planning.cycle_s),
            ("with_start", ours.planning.with_start, peer.planning.with_start),
            ("starts_per_s", ours.planning.starts_per_s, peer.planning.starts_per_s),
            ("placements_per_s", ours.placing.per_s, peer.placing.per_s),
        )
    }


def planned(crowd: Crowd, cycles: int) -> Planning:
    """Full plans, each of a park drawn anew, so that none finds what another has kept."""
    laps = [_planned(crowded(crowd)) for _ in range(cycles)]
    starts = [verdict.start for verdict in laps[-1].plan.verdicts.values()]
    return Planning(
        cycles_s=tuple(lap.wall_s for lap in laps),
        cpu_s=sum(lap.cpu_s for lap in laps),
        waiting=len(starts),
        tested=crowd.pending,
        with_start=sum(start is not None for start in starts),
    )


@dataclass(frozen=True, slots=True)
class Lap:
    """One full plan, and what it took."""

    plan: Plan
    wall_s: float
    cpu_s: float


def _planned(state: State) -> Lap:
    began_cpu_s, began_s = cpu_s(), time.perf_counter()
    drawn_up = plan(state, NOW_MS)
    return Lap(drawn_up, time.perf_counter() - began_s, cpu_s() - began_cpu_s)


def placed(crowd: Crowd) -> tuple[Placing, list[Job]]:
    """All jobs are submitted to an empty park, and committed: the time for that is included."""
    taken = taken_in(crowd.park, crowd.pending, crowd.seed)
    live = taken.state.live.values()
    figures = Placing(
        placed=len(live),
        cards=sum(attempt.placement.card_count for attempt in live),
        seconds=taken.seconds,
        cpu_s=taken.cpu_s,
    )
    return figures, [record.job for record in taken.state.jobs.values()]


def slurm_lines(crowd: Crowd, jobs: Sequence[Job], settings: Sequence[Setting]) -> list[Line]:
    names = [setting.name for setting in settings]
    planning = plannings(crowded(crowd), settings)
    return list(map(Line, names, planning, placings(crowd.park, jobs, settings)))
