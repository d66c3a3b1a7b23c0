"""`replay`: a trace through the real controller, to a schedule, its score, and what it cost.

Time is virtual: the controller steps whenever a job arrives or ends, on simulated centres. The
planner knows how long a job of a trace runs only under `sjf-oracle`, and under `easy` without
--walltime. The peer is a plain list in order of arrival on as many devices without nodes.

With --log it is a period of the broker's own event log, with all that is in it: the park, tenants,
quotas, money, each job as it was asked for, cancels, and what was lost. It begins with all as it
stood then. A job runs as long as it ran, which only `sjf-oracle` is told. Under the broker's own
policy all comes as it came: `decided_alike` says how much of it.

Where nodes fail, what runs on them is lost and begins again, or goes on from where it was last
stopped. Which nodes fail when is the seed's, and the same under every policy.
"""

import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

from api.files.park_file import load
from benchmarks import period_report
from benchmarks.failures import MS_PER_HOUR, NO_FAILURES, FailureRate, add_failures, failure_rate
from benchmarks.hardware import conditions, cpu_s, peak_rss_mib
from benchmarks.list_fifo import list_fifo
from benchmarks.options import add_restart, add_seed, positive
from benchmarks.own_log import add_log, add_period
from benchmarks.saturation import saturation
from benchmarks.score import Measured, score, write_schedule
from benchmarks.simulate import Simulation, simulate
from benchmarks.traces import MS_PER_S, BadTrace, read_trace
from benchmarks.workload import (
    CARDS_PER_NODE,
    TAKING_TURNS,
    ideal_park,
    park_of_centres,
    workload,
)
from cluster.inventory import Park
from scheduler.forecast.punctuality import Score
from scheduler.model.policy import EASY, POLICY_BY_NAME, SJF_ORACLE, Policy

CAPACITY_KEY = "capacity"

EXAMPLES = """examples:
  python -m benchmarks replay --trace philly_14d.csv.gz --nodes 1 --cards 512 --policy fifo
  python -m benchmarks replay --trace theta.csv.gz --walltime theta_walltime.csv.gz --nodes 1 \\
      --cards 4392 --policy easy --schedule out.csv.gz --report out.json
  python -m benchmarks replay --trace philly_14d.csv.gz --nodes 64 --seed 1 \\
      --failures-per-node-day 0.05 --repair-h 4
  python -m benchmarks replay --log --from 2026-11-01 --until 2026-12-01 --policy fifo"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What to replay, on what, and how; `restart_ms` is None where no job is ever stopped.

    Where it is foretelling, each job that waits is told its start, as in the real broker.
    """

    trace: Path
    walltimes: Path | None
    park: Park
    policy: Policy
    restart_ms: int | None
    seed: int
    is_foretelling: bool = False
    failing: FailureRate = NO_FAILURES


def add_workload(parser: ArgumentParser) -> None:
    """What runs, and where."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--trace", type=Path, help="T.csv or T.csv.gz")
    add_log(source)
    add_period(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--park", type=Path, help="a park file")
    where.add_argument(
        "--nodes", type=positive, help="one centre of so many nodes, 1: an ideal pool"
    )
    where.add_argument("--centres", type=Path, help="centres of a CSV file: pool,capacity")
    parser.add_argument(
        "--cards",
        type=positive,
        help=f"with --nodes and --centres: of each node ({CARDS_PER_NODE})",
    )
    parser.add_argument("--walltime", type=Path, help="limits that users stated: W.csv.gz")


def add_arguments(parser: ArgumentParser) -> None:
    add_workload(parser)
    parser.add_argument(
        "--policy",
        choices=sorted(POLICY_BY_NAME),
        default="default",
        help="the order, and whether to backfill (%(default)s)",
    )
    parser.add_argument(
        "--preemption",
        choices=("off", "on"),
        help="may jobs be stopped and resumed (off; with --log as BRAIN_PREEMPTION says)",
    )
    add_restart(parser)
    parser.add_argument(
        "--foretell",
        choices=("off", "on"),
        default="off",
        help="tell who waits its start, and say how many started by then (%(default)s)",
    )
    add_failures(parser)
    add_seed(parser, "which nodes fail when")
    parser.add_argument("--schedule", type=Path, help="write the schedule: OUT.csv.gz")


def run(arguments: Namespace) -> dict[str, object]:
    rows, report = _of_log(arguments) if arguments.trace is None else _of_trace(arguments)
    if arguments.schedule:
        write_schedule(arguments.schedule, rows)
    return report


def _of_log(arguments: Namespace) -> Measured:
    if arguments.foretell == "on":
        raise BadTrace("--foretell goes with --trace: how the broker kept its word is in /metrics")
    found = period_report.read(arguments)
    policy = period_report.policy_in(POLICY_BY_NAME[arguments.policy], arguments.preemption)
    rows, figures = period_report.measured(found, policy, arguments.restart_s * MS_PER_S)
    return rows, {**figures, **period_report.about(found, arguments.seed)}


def _of_trace(arguments: Namespace) -> Measured:
    replay = Replay(
        trace=arguments.trace,
        walltimes=arguments.walltime,
        park=park_of(arguments),
        policy=POLICY_BY_NAME[arguments.policy],
        restart_ms=arguments.restart_s * MS_PER_S if arguments.preemption == "on" else None,
        seed=arguments.seed,
        is_foretelling=arguments.foretell == "on",
        failing=failure_rate(arguments),
    )
    return measured(replay)


def park_of(arguments: Namespace) -> Park:
    if arguments.park:
        return load(arguments.park).park
    cards = arguments.cards or CARDS_PER_NODE
    if arguments.centres:
        return park_of_centres(arguments.centres, cards)
    if arguments.nodes is None:
        raise BadTrace("a trace names no park: give --park, --nodes or --centres")
    return ideal_park(arguments.nodes, cards)


def measured(replay: Replay) -> Measured:
    """The schedule and its report; what it cost counts from the trace's file to the last end."""
    began_s, began_cpu_s = time.perf_counter(), cpu_s()
    trace = read_trace(replay.trace, replay.walltimes)
    load = workload(
        trace,
        replay.park,
        is_length_known=knows_lengths(replay),
        is_resumable=replay.restart_ms is not None,
    )
    policy = with_preemption(replay.policy, is_on=replay.restart_ms is not None)
    simulation = simulate(
        load,
        policy,
        Random(replay.seed),
        replay.restart_ms or 0,
        is_foretelling=replay.is_foretelling,
        failing=replay.failing,
    )
    rows = simulation.rows
    used_s, wall_s = cpu_s() - began_cpu_s, time.perf_counter() - began_s
    capacity = sum(pool.card_count for pool in replay.park.pools)
    return rows, {
        **asdict(score(rows, capacity)),
        **(_lost(simulation) if replay.failing.per_node_day else {}),
        **asdict(saturation(rows, replay.park)),
        CAPACITY_KEY: capacity,
        "wall_s": round(wall_s, 3),
        "cpu_s": round(used_s, 3),
        "jobs_per_cpu_s": round(len(trace) / used_s, 1),
        **(_foretold(simulation.starts) if replay.is_foretelling else {}),
        **_beside(replay, capacity, used_s),
        "peak_rss_mib": peak_rss_mib(),
        "policy": replay.policy.name,
        "trace": replay.trace.name,
        **conditions(replay.seed),
    }


def _lost(simulation: Simulation) -> dict[str, object]:
    """How many nodes failed, what that cost, and how many runs were stopped on purpose."""
    rows, lost = simulation.rows, simulation.lost_count
    return {
        "preemptions": len(rows) - len({row.job_id for row in rows}) - lost,
        "node_failures": simulation.failure_count,
        "attempts_lost": lost,
        "lost_device_h": round(simulation.lost_card_ms / MS_PER_HOUR, 3),
    }


def _foretold(starts: Score) -> dict[str, object]:
    """How many had been told their start, and which part of them started by then."""
    return {
        "foretold_starts": starts.count,
        "started_by_planned": _part(starts.by_planned, starts.count),
        "foretold_p90s": starts.p90_count,
        "started_by_p50": _part(starts.by_p50, starts.p90_count),
        "started_by_p90": _part(starts.by_p90, starts.p90_count),
    }


def _part(count: int, of: int) -> float | None:
    return round(count / of, 3) if of else None


def _beside(replay: Replay, capacity: int, used_s: float) -> dict[str, object]:
    """The peer, from the trace's file as well: `list_fifo` on as many devices."""
    began_cpu_s = cpu_s()
    waits_ms = list_fifo(read_trace(replay.trace, replay.walltimes), capacity)
    peer_s = cpu_s() - began_cpu_s
    return {
        "list_fifo_mean_wait_s": sum(waits_ms) / len(waits_ms) / MS_PER_S,
        "list_fifo_cpu_s": round(peer_s, 3),
        "times_list_fifo_cpu": round(used_s / peer_s, 1),
    }


def knows_lengths(replay: Replay) -> bool:
    """An oracle is told each run time; so is EASY where nobody stated a limit."""
    return replay.policy is SJF_ORACLE or (replay.policy is EASY and replay.walltimes is None)


def with_preemption(policy: Policy, *, is_on: bool) -> Policy:
    """Jobs take turns where that is asked for, and the policy stops any at all."""
    is_on = is_on and policy.preemption is not None
    return replace(policy, preemption=TAKING_TURNS if is_on else None)
