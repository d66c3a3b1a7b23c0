"""`plan`: one full plan of a crowded park, beside a plain sort and first fit over the same queue.

Each run draws a park of its own: all devices taken, a twentieth of the jobs just over, and many
waiting. The plan is timed alone (`full`), and together with one more event before it (`step`). The
peer takes the same jobs by priority and age and gives each the first nodes with room: it shares
nothing fairly, keeps nothing for who waits longest, and says no reasons.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from api.park_file import load
from benchmarks.crowd import NOW_MS, Crowd, crowded, ended
from benchmarks.hardware import conditions, peak_rss_mib
from benchmarks.options import add_count, add_seed, positive
from benchmarks.score import nearest_rank
from benchmarks.workload import ideal_park
from cluster.inventory import Park
from scheduler.facts.queue import age_key
from scheduler.facts.state import State
from scheduler.placing.placement import Fit, Shape, candidate_pools, fit, shape_of
from scheduler.planning.planner import plan

MS_PER_S = 1_000
CARDS_PER_NODE = 8

EXAMPLES = """examples:
  python -m benchmarks plan
  python -m benchmarks plan --nodes 1000 --pending 50000 --shapes 100 --runs 5 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    what = f"of {CARDS_PER_NODE} cards in one pool; else the default park: 904 nodes in 9 pools"
    parser.add_argument("--nodes", type=positive, help=what)
    add_count(parser, "--pending", 10_000, "jobs that wait")
    add_count(parser, "--shapes", 40, "different shapes of jobs")
    add_count(parser, "--runs", 20, "each with a park of its own")
    add_seed(parser, "the first run's park; the others follow")


def run(arguments: Namespace) -> dict[str, object]:
    park = ideal_park(arguments.nodes, CARDS_PER_NODE) if arguments.nodes else load().park
    sizes = {"pending": arguments.pending, "shapes": arguments.shapes}
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    samples = [sample(crowded(Crowd(park=park, seed=seed, **sizes))) for seed in seeds]
    return {
        **figures(samples),
        **sizes,
        "runs": arguments.runs,
        "nodes": len(park.node_by_id),
        "peak_rss_mib": peak_rss_mib(),
        **conditions(arguments.seed),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one run gave; times in milliseconds."""

    full_ms: float
    step_ms: float
    peer_ms: float
    grants: int
    peer_grants: int
    with_start_time: int


def sample(state: State) -> Sample:
    began_s = time.perf_counter()
    drawn_up = plan(state, NOW_MS)
    full_s = time.perf_counter()
    peer_grants = first_fit(state)
    peer_s = time.perf_counter()
    state.apply(ended(min(state.live)))
    plan(state, NOW_MS)
    step_s = time.perf_counter()
    return Sample(
        full_ms=(full_s - began_s) * MS_PER_S,
        step_ms=(step_s - peer_s) * MS_PER_S,
        peer_ms=(peer_s - full_s) * MS_PER_S,
        grants=len(drawn_up.grants),
        peer_grants=peer_grants,
        with_start_time=sum(v.start is not None for v in drawn_up.verdicts.values()),
    )


def figures(samples: list[Sample]) -> dict[str, object]:
    full = [one.full_ms for one in samples]
    peer_ms = median(one.peer_ms for one in samples)
    return {
        "full_s": round(median(full) / MS_PER_S, 4),
        "full_ms_p50": round(nearest_rank(full, 50), 1),
        "full_ms_p95": round(nearest_rank(full, 95), 1),
        "full_ms_max": round(max(full), 1),
        "step_ms": round(median(one.step_ms for one in samples), 1),
        "first_fit_ms_p50": round(peer_ms, 1),
        "times_first_fit": round(median(full) / peer_ms, 2),
        "grants": median(one.grants for one in samples),
        "first_fit_grants": median(one.peer_grants for one in samples),
        "with_start_time": median(one.with_start_time for one in samples),
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
