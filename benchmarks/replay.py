"""`replay`: a trace through the real controller, to a schedule, its score, and what it cost."""

import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from api.park_file import load
from benchmarks.hardware import cpu_s, hardware, peak_rss_mib
from benchmarks.score import RunRow, score, write_schedule
from benchmarks.simulate import simulate
from benchmarks.traces import MS_PER_S, BadTrace, read_trace
from benchmarks.workload import ideal_park, workload
from cluster.inventory import Park
from scheduler.planner import EASY, POLICY_BY_NAME, SJF_ORACLE, Policy

CAPACITY_KEY = "capacity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What to replay, on what, and how; `restart_ms` is None where no job is ever stopped."""

    trace: Path
    walltimes: Path | None
    park: Park
    policy: Policy
    restart_ms: int | None
    seed: int


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--trace", type=Path, required=True, help="T.csv or T.csv.gz")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--park", type=Path, help="a park file")
    where.add_argument("--nodes", type=int, help="one centre of so many nodes, 1: an ideal pool")
    parser.add_argument("--cards", type=int, default=8, help="with --nodes: cards of each node")
    parser.add_argument("--policy", choices=sorted(POLICY_BY_NAME), default="default")
    parser.add_argument("--walltime", type=Path, help="limits that users stated: W.csv.gz")
    parser.add_argument("--preemption", choices=("off", "on"), default="off")
    parser.add_argument("--restart-s", type=int, default=60, help="what each restart costs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--schedule", type=Path, help="write the schedule: OUT.csv.gz")


def run(arguments: Namespace) -> dict[str, object]:
    replay = Replay(
        trace=arguments.trace,
        walltimes=arguments.walltime,
        park=park_of(arguments),
        policy=POLICY_BY_NAME[arguments.policy],
        restart_ms=arguments.restart_s * MS_PER_S if arguments.preemption == "on" else None,
        seed=arguments.seed,
    )
    rows, report = measured(replay)
    if arguments.schedule:
        write_schedule(arguments.schedule, rows)
    return report


def park_of(arguments: Namespace) -> Park:
    if arguments.park:
        return load(arguments.park).park
    if arguments.nodes < 1 or arguments.cards < 1:
        raise BadTrace("a replay needs at least one node with at least one card")
    return ideal_park(arguments.nodes, arguments.cards)


def measured(replay: Replay) -> tuple[tuple[RunRow, ...], dict[str, object]]:
    """The schedule and its report; what it cost counts from the trace's file to the last end."""
    began_s, began_cpu_s = time.perf_counter(), cpu_s()
    trace = read_trace(replay.trace, replay.walltimes)
    load = workload(trace, replay.park, is_length_known=knows_lengths(replay))
    rows = simulate(load, replay.policy, Random(replay.seed), replay.restart_ms or 0).rows
    used_s = cpu_s() - began_cpu_s
    capacity = sum(pool.card_count for pool in replay.park.pools)
    return rows, {
        **asdict(score(rows, capacity)),
        CAPACITY_KEY: capacity,
        "wall_s": round(time.perf_counter() - began_s, 3),
        "cpu_s": round(used_s, 3),
        "jobs_per_cpu_s": round(len(trace) / used_s, 1),
        "peak_rss_mib": peak_rss_mib(),
        "policy": replay.policy.name,
        "seed": replay.seed,
        "trace": replay.trace.name,
        "hardware": hardware(),
    }


def knows_lengths(replay: Replay) -> bool:
    """An oracle is told each run time; so is EASY where nobody stated a limit."""
    return replay.policy is SJF_ORACLE or (replay.policy is EASY and replay.walltimes is None)
