"""`controller`: a cycle of the leader's loop with the durable log: events in, plan, one commit.

The real controller on simulated centres of the default park, and PostgreSQL with fsync on. First
jobs are submitted until the park is taken and as many wait as asked for; then a cycle follows each
end of a job, about one a second of virtual time. The peer inserts and commits the events of these
cycles as bare rows into the same PostgreSQL, by turns with them. Before that, on an ideal pool and
a database of its own: how fast jobs are placed that all fit (`fitting_...`).
"""

from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import dataclass
from statistics import median

from api.files.park_file import load
from benchmarks.hardware import conditions, cpu_s
from benchmarks.laps import MS_PER_S, Bench, Lap, Peer, bench_database
from benchmarks.options import add_count, add_seed
from benchmarks.placing import placing
from benchmarks.score import nearest_rank
from cluster.inventory import Park
from scheduler.facts.events import Event, Leased, Submitted
from scheduler.facts.state import State

EXAMPLES = """examples:
  python -m benchmarks controller
  python -m benchmarks controller --jobs 1000 --cycles 20 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    add_count(parser, "--jobs", 10_000, "that wait when the park is taken")
    add_count(parser, "--cycles", 100, "of the second part, each after the end of a job")
    add_count(parser, "--fitting", 5_000, "placed before that, on a park where all fit")
    add_seed(parser, "jobs and how long they run")


def run(arguments: Namespace) -> dict[str, object]:
    with bench_database() as database, closing(Peer(database)) as peer:
        fitting = placing(database, peer, arguments.fitting, arguments.seed)
    with bench_database() as database, closing(Peer(database)) as peer:
        bench = Bench(load().park, database, arguments.seed)
        first = [bench.declare(), *bench.crowd(arguments.jobs)]
        then = [bench.next_end(peer) for _ in range(arguments.cycles)]
        waiting = len(bench.controller.state.queue)
    return {
        **fitting,
        **taking_in(first),
        **steady(then),
        "cycles": arguments.cycles,
        "jobs_waiting": waiting,
        **conditions(arguments.seed),
    }


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What the first part came to, and how long its cycles took together.

    `cpu_s` is of this process: the database has its own.
    """

    state: State
    seconds: float
    cpu_s: float


def taken_in(park: Park, waiting: int, seed: int) -> TakenIn:
    """The first part alone, on any park."""
    with bench_database() as database:
        bench = Bench(park, database, seed)
        began_s = cpu_s()
        laps = [bench.declare(), *bench.crowd(waiting)]
        used_s = cpu_s() - began_s
        return TakenIn(bench.controller.state, _total_s(laps), used_s)


def taking_in(laps: list[Lap]) -> dict[str, object]:
    """The first part: all cycles together."""
    total_s = _total_s(laps)
    leased = _count(laps, Leased)
    return {
        "submitted": _count(laps, Submitted),
        "placed": leased,
        "taking_in_s": round(total_s, 2),
        "placements_per_s": round(leased / total_s, 1),
        "taking_in_events_per_s": round(sum(len(lap.cycle.events) for lap in laps) / total_s, 1),
    }


def steady(laps: list[Lap]) -> dict[str, object]:
    """The second part: cycle by cycle."""
    cycles = [lap.cycle_ms for lap in laps]
    events = sum(len(lap.cycle.events) for lap in laps)
    peer_ms = median(lap.peer_ms for lap in laps)
    return {
        "cycle_ms_p50": round(nearest_rank(cycles, 50), 1),
        "cycle_ms_p95": round(nearest_rank(cycles, 95), 1),
        "cycle_ms_max": round(max(cycles), 1),
        "commit_ms_p50": round(median(lap.commit_ms for lap in laps), 1),
        "events_per_cycle": round(events / len(laps), 1),
        "answers_per_cycle": round(sum(len(lap.cycle.waiting) for lap in laps) / len(laps), 1),
        "ms_per_event": round(sum(cycles) / events, 2),
        "bare_inserts_ms_p50": round(peer_ms, 2),
        "times_bare_inserts": round(median(cycles) / peer_ms, 1),
    }


def _total_s(laps: list[Lap]) -> float:
    return sum(lap.cycle_ms for lap in laps) / MS_PER_S


def _count(laps: list[Lap], kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for lap in laps for event in lap.cycle.events)
