"""`plan`: one full plan of a crowded park, beside a plain sort and first fit over the same queue.

Each run draws a crowd of its own: all devices taken, a twentieth of the jobs just over, and many
waiting. The plan is timed alone (`full`), and together with one more event before it (`step`); then
what single events cost, each with the plan of who starts now and its verification, as the leader
plans between two full plans of a long queue (`event`, in processor time). The peer takes the same
jobs by priority and age and gives each the first nodes with room: it shares nothing fairly, keeps
nothing for who waits longest, and says no reasons.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from api.files.park_file import load
from benchmarks.crowd import NOW_MS, Crowd, crowded, ended
from benchmarks.hardware import conditions, peak_rss_mib
from benchmarks.one_event import event_costs_ms
from benchmarks.options import add_count, add_seed, positive
from benchmarks.score import nearest_rank
from benchmarks.traces import BadTrace
from benchmarks.workload import CARDS_PER_NODE, ideal_park, wide_park
from cluster.inventory import Park
from scheduler.facts.queue import age_key
from scheduler.facts.state import State
from scheduler.placing.placement import Fit, Shape, candidate_pools, fit, shape_of
from scheduler.planning.planner import plan

MS_PER_S = 1_000
FIRST_FIT = "first-fit"

EXAMPLES = """examples:
  python -m benchmarks plan
  python -m benchmarks plan --park park.yaml --pending 20000 --runs 3
  python -m benchmarks plan --nodes 1000 --pending 50000 --shapes 100 --runs 5 --json
  python -m benchmarks plan --nodes 10000 --centres 10 --pending 100000 --shapes 200 --runs 3 \\
      --peer none
  python -m benchmarks plan --nodes 100000 --centres 100 --pending 1000000 --shapes 2000 --runs 1 \\
      --peer none"""


def add_arguments(parser: ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--park", type=Path, help="a park file; if not given, the default park: 904 nodes, 9 pools"
    )
    where.add_argument(
        "--nodes", type=positive, help=f"of {CARDS_PER_NODE} cards in one pool, and no park file"
    )
    wide = "with --nodes: so many centres of one pool each, of four device kinds by turns"
    parser.add_argument("--centres", type=positive, help=wide)
    add_count(parser, "--events", 20, "single events of each run, an arrival and an end by turns")
    add_count(parser, "--pending", 10_000, "jobs that wait")
    add_count(parser, "--shapes", 40, "different shapes of jobs")
    add_count(parser, "--runs", 20, "each with a crowd of its own")
    peer = "what is measured beside it; a first fit looks at each node for each job (%(default)s)"
    parser.add_argument("--peer", choices=(FIRST_FIT, "none"), default=FIRST_FIT, help=peer)
    add_seed(parser, "the first run's crowd; the others follow")


def run(arguments: Namespace) -> dict[str, object]:
    park = park_of(arguments)
    sizes = {"pending": arguments.pending, "shapes": arguments.shapes}
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    crowds = [Crowd(park=park, seed=seed, **sizes) for seed in seeds]
    peer = first_fit if arguments.peer == FIRST_FIT else None
    samples = [sample(crowded(crowd), crowd, arguments.events, peer) for crowd in crowds]
    return {
        **figures(samples),
        **(beside(samples) if peer else {}),
        **sizes,
        "runs": arguments.runs,
        "nodes": len(park.node_by_id),
        "centres": len(park.centres),
        "peak_rss_mib": peak_rss_mib(),
        **conditions(arguments.seed),
    }


def park_of(arguments: Namespace) -> Park:
    nodes, centres = arguments.nodes, arguments.centres
    if not nodes and centres:
        raise BadTrace("--centres goes with --nodes: a park file has its own centres")
    if not nodes:
        return load(arguments.park).park
    if not centres:
        return ideal_park(nodes, CARDS_PER_NODE)
    if centres > nodes:
        raise BadTrace(f"--centres {centres} are more than --nodes {nodes}")
    return wide_park(nodes, CARDS_PER_NODE, centres)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one run gave; `full_cpu_s` and `events_ms` are processor time."""

    full_ms: float
    full_cpu_s: float
    events_ms: list[float]
    step_ms: float
    peer_ms: float
    grants: int
    peer_grants: int
    with_start_time: int


def sample(
    state: State, crowd: Crowd, event_count: int, peer: Callable[[State], int] | None
) -> Sample:
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    drawn_up = plan(state, NOW_MS)
    full_s, full_cpu_s = time.perf_counter(), time.process_time()
    peer_grants = peer(state) if peer else 0
    peer_s = time.perf_counter()
    state.apply(ended(min(state.live)))
    plan(state, NOW_MS)
    step_s = time.perf_counter()
    return Sample(
        full_ms=(full_s - began_s) * MS_PER_S,
        full_cpu_s=full_cpu_s - began_cpu_s,
        events_ms=event_costs_ms(state, crowd, event_count),
        step_ms=(step_s - peer_s) * MS_PER_S,
        peer_ms=(peer_s - full_s) * MS_PER_S,
        grants=len(drawn_up.grants),
        peer_grants=peer_grants,
        with_start_time=sum(v.start is not None for v in drawn_up.verdicts.values()),
    )


def figures(samples: list[Sample]) -> dict[str, object]:
    full = [one.full_ms for one in samples]
    events_ms = [cost_ms for one in samples for cost_ms in one.events_ms]
    return {
        "full_s": round(median(full) / MS_PER_S, 4),
        "full_cpu_s": round(median(one.full_cpu_s for one in samples), 4),
        "full_ms_p50": round(nearest_rank(full, 50), 1),
        "full_ms_p95": round(nearest_rank(full, 95), 1),
        "full_ms_max": round(max(full), 1),
        "step_ms": round(median(one.step_ms for one in samples), 1),
        "event_cpu_ms_p50": round(nearest_rank(events_ms, 50), 2),
        "event_cpu_ms_p95": round(nearest_rank(events_ms, 95), 2),
        "event_cpu_ms_max": round(max(events_ms), 2),
        "grants": median(one.grants for one in samples),
        "with_start_time": median(one.with_start_time for one in samples),
    }


def beside(samples: list[Sample]) -> dict[str, object]:
    """What the peer took for it."""
    peer_ms = median(one.peer_ms for one in samples)
    return {
        "first_fit_ms_p50": round(peer_ms, 1),
        "times_first_fit": round(median(one.full_ms for one in samples) / peer_ms, 2),
        "first_fit_grants": median(one.peer_grants for one in samples),
    }


def first_fit(state: State) -> int:
    """The peer; how many jobs it would start."""
    assert state.park is not None
    node_ids = {pool.id: state.park.node_ids(pool.id) for pool in state.park.pools}
    fits: dict[Shape, list[tuple[str, Fit]]] = {}
    free = dict(state.free_cards)
    count = 0
    for record in sorted(state.queue.records(), key=age_key):
        shape = shape_of(record.job)
        if shape not in fits:
            fits[shape] = list(_fits(shape, state.park))
        for pool_id, wanted in fits[shape]:
            nodes = _first_nodes(wanted, node_ids[pool_id], free)
            for node_id in nodes:
                free[node_id] -= wanted.card_count
            if nodes:
                count += 1
                break
    return count


def _fits(shape: Shape, park: Park) -> Iterator[tuple[str, Fit]]:
    for pool in candidate_pools(shape, park):
        wanted = fit(shape, pool)
        if isinstance(wanted, Fit):
            yield pool.id, wanted


def _first_nodes(wanted: Fit, node_ids: Iterable[str], free: dict[str, int]) -> list[str]:
    """The first nodes with room, or none where they are too few."""
    nodes: list[str] = []
    for node_id in node_ids:
        if free[node_id] >= wanted.card_count:
            nodes.append(node_id)
            if len(nodes) == wanted.node_count:
                return nodes
    return []
