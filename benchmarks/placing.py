"""Placements a second where everything fits: from the leader's first step until all are leased.

The jobs were submitted durably before, which is not counted, and wait in the leader's inbox. Each
cycle takes in as many as it may, places them, and commits them with fsync on; meanwhile those that
were placed before start. The peer commits the events of each cycle as bare rows, by turns with it.
"""

from collections.abc import Iterator
from random import Random

from sqlalchemy import Engine

from benchmarks.crowd import LIMITS_MS, PRIORITIES, TENANTS
from benchmarks.laps import MS_PER_S, Bench, Lap, Peer
from benchmarks.workload import CARDS_PER_NODE, ideal_park
from scheduler.facts.events import Leased
from scheduler.model.job import Job

SIZES = (1, 1, 1, 1, 2, 2, 4, 8, 16)
CYCLES_MAX = 10_000


def placing(database: Engine, peer: Peer, job_count: int, seed: int) -> dict[str, object]:
    """How long it takes to lease so many jobs, and which part of a cycle how long, on average."""
    jobs = list(_jobs(job_count, Random(seed)))
    # Each job could have nodes of its own.
    node_count = sum(-(-job.device_count // CARDS_PER_NODE) for job in jobs)
    bench = Bench(ideal_park(node_count, CARDS_PER_NODE), database, seed)
    bench.declare()
    bench.submit(jobs)
    laps: list[Lap] = []
    while sum(map(leases, laps)) < job_count:
        assert len(laps) < CYCLES_MAX, "jobs that fit are not placed"
        laps.append(bench.next_second(peer))
    return placed(laps)


def leases(lap: Lap) -> int:
    return sum(isinstance(event, Leased) for event in lap.cycle.events)


def placed(laps: list[Lap]) -> dict[str, object]:
    """The figures: all cycles together, and the mean cycle."""
    total_s = sum(lap.cycle_ms for lap in laps) / MS_PER_S
    peer_s = sum(lap.peer_ms for lap in laps) / MS_PER_S
    count = sum(map(leases, laps))
    means = {
        name: round(sum(getattr(lap, name) for lap in laps) / len(laps), 1)
        for name in ("cycle_ms", "requests_ms", "plan_ms", "commit_ms", "events_ms", "rows_ms")
    }
    return {
        "fitting_placed": count,
        "fitting_s": round(total_s, 2),
        "fitting_cpu_s": round(sum(lap.cpu_ms for lap in laps) / MS_PER_S, 2),
        "fitting_placements_per_s": round(count / total_s, 1),
        "fitting_cycles": len(laps),
        "fitting_events_per_cycle": round(sum(len(lap.cycle.events) for lap in laps) / len(laps)),
        **{f"fitting_{name}": mean for name, mean in means.items()},
        "fitting_bare_inserts_ms": round(peer_s * MS_PER_S / len(laps), 1),
        "fitting_times_bare_inserts": round(total_s / peer_s, 1),
    }


def _jobs(count: int, rng: Random) -> Iterator[Job]:
    for number in range(count):
        yield Job(
            id=f"j{number:07}",
            tenant_id=rng.choice(TENANTS),
            project="default",
            user="bench",
            name="bench",
            field="replay",
            command="true",
            device_count=rng.choice(SIZES),
            device_kind_ids=(),
            limit_ms=rng.choice(LIMITS_MS),
            priority=rng.choice(PRIORITIES),
            submitted_at_ms=0,
        )
