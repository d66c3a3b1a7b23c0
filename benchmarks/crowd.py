"""A crowded park, drawn from a seed: everything taken, some of it just given back, many waiting."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random

from benchmarks.workload import declarations, declared_state
from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Priority
from scheduler.model.plan import Answers, Eviction, Grant
from scheduler.placing.placement import Fit, Shape, candidate_pools, fit
from scheduler.planning.planner import plan

HOUR_MS = 3_600_000
FILLED_AT_MS = HOUR_MS
NOW_MS = 2 * HOUR_MS
TENANTS = tuple(f"tenant-{number:02}" for number in range(12))
SIZES = (1, 1, 1, 1, 2, 2, 4, 8, 8, 8, 16, 32, 64)
LIMITS_MS = (HOUR_MS // 2, 2 * HOUR_MS, 8 * HOUR_MS, 24 * HOUR_MS, 72 * HOUR_MS)
PRIORITIES = (Priority.LOW, Priority.NORMAL, Priority.NORMAL, Priority.NORMAL, Priority.HIGH)
KINDS_MAX = 3
ENDED_SHARE = 0.05
LAP = 100_000
"""So many wait at most while the park is filled: each start costs the more, the more there are."""
FREE_SHARE = 0.01
"""With no more of its cards free a park is full."""
TRIES_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many wait, in how many different shapes, drawn by what."""

    park: Park
    pending: int
    shapes: int
    seed: int


def crowded(crowd: Crowd) -> State:
    """The state at `NOW_MS`; no tenant lacks quota or money, so devices alone decide."""
    rng = Random(crowd.seed)
    jobs = drawn_jobs(crowd, rng)
    state = open_park(crowd.park)
    cards = sum(state.free_cards.values())
    for _ in range(0, crowd.pending, LAP):
        state = with_waiting(state, min(LAP, crowd.pending), jobs, 0)
        fill(state)
        _tell(f"{len(state.live):,} jobs run on {len(state.free_cards):,} nodes")
        if sum(state.free_cards.values()) <= FREE_SHARE * cards:
            break
    for attempt_id in rng.sample(sorted(state.live), int(len(state.live) * ENDED_SHARE)):
        applied(state, ended(attempt_id))
    state = with_waiting(state, crowd.pending, jobs, FILLED_AT_MS)
    _tell(f"{len(state.queue):,} jobs wait")
    return state


def with_waiting(state: State, pending: int, jobs: Iterator[Job], at_ms: int) -> State:
    """With more jobs, until so many wait: as they would be found by a leader that takes over."""
    records = [JobRecord(job=job) for job in islice(jobs, pending - len(state.queue))]
    for record in records:
        record.expect(state.history, at_ms)
    snapshot = state.snapshot()
    snapshot.jobs += records
    snapshot.queued_ids += [record.job.id for record in records]
    return State.restored(snapshot)


def open_park(park: Park) -> State:
    """The empty park with all centres heard of and all nodes online."""
    state = declared_state(declarations(TENANTS, park))
    for centre in park.centres:
        applied(state, ev.CentreLinkChanged(at_ms=0, centre_id=centre.id, is_heard=True))
        node_ids = tuple(node.id for pool in centre.pools for node in pool.nodes())
        applied(state, ev.NodesChanged(at_ms=0, centre_id=centre.id, online_node_ids=node_ids))
    return state


def fill(state: State) -> None:
    """Start all that fits."""
    started(state, plan(state, FILLED_AT_MS, answers=Answers.GRANTS).grants, FILLED_AT_MS)


def started(state: State, grants: Iterable[Grant], at_ms: int) -> None:
    """Lease what was granted, and have it run at once."""
    for grant in grants:
        attempt_id = f"{grant.job_id}.1"
        lease = ev.Leased(
            at_ms=at_ms,
            job_id=grant.job_id,
            attempt_id=attempt_id,
            epoch=1,
            placement=grant.placement,
            hold_micros=grant.hold_micros,
        )
        applied(state, lease)
        applied(state, ev.Started(at_ms=at_ms, attempt_id=attempt_id))


def cleared(state: State, evictions: Iterable[Eviction], at_ms: int) -> None:
    """Have what was to stop for others end at once."""
    for eviction in evictions:
        stop = ev.StopDecided(
            at_ms=at_ms,
            attempt_id=eviction.attempt_id,
            cause=EndCause.PREEMPTED,
            grace_ms=0,
            for_job_id=eviction.job_id,
            for_node_ids=eviction.node_ids,
        )
        applied(state, stop)
        applied(state, replace(ended(eviction.attempt_id, at_ms), cause=EndCause.PREEMPTED))


def ended(attempt_id: str, at_ms: int = NOW_MS) -> ev.Ended:
    return ev.Ended(at_ms=at_ms, attempt_id=attempt_id, cause=EndCause.FINISHED, exit_code=0)


def drawn_jobs(crowd: Crowd, rng: Random) -> Iterator[Job]:
    """Jobs for ever, each of one of the crowd's shapes."""
    shapes = drawn_shapes(crowd, rng)
    number = 0
    while True:
        number += 1
        shape = rng.choice(shapes)
        yield Job(
            id=f"j{number:07}",
            tenant_id=rng.choice(TENANTS),
            project="default",
            user="bench",
            name="bench",
            field=crowd.park.fields[0][0],
            command="true",
            device_count=shape.device_count,
            device_kind_ids=shape.device_kind_ids,
            centre_ids=shape.centre_ids,
            node_count=shape.node_count,
            limit_ms=rng.choice(LIMITS_MS),
            priority=rng.choice(PRIORITIES),
            submitted_at_ms=rng.randrange(FILLED_AT_MS),
        )


def drawn_shapes(crowd: Crowd, rng: Random) -> list[Shape]:
    """Different shapes that fit into the empty park; fewer where there are not so many.

    Where kinds and sizes do not make so many, some are for certain centres alone.
    """
    kinds = sorted({pool.device_kind_id for pool in crowd.park.pools})
    centres = sorted(crowd.park.centre_by_id)
    found: dict[Shape, None] = {}
    for number in range(2 * TRIES_MAX):
        chosen = rng.sample(centres, min(2, len(centres))) if number >= TRIES_MAX else []
        shape = Shape(
            device_kind_ids=tuple(rng.sample(kinds, rng.randint(0, min(KINDS_MAX, len(kinds))))),
            centre_ids=tuple(sorted(chosen)),
            device_count=rng.choice(SIZES),
            node_count=None,
            member_count=None,
        )
        if any(isinstance(fit(shape, p), Fit) for p in candidate_pools(shape, crowd.park)):
            found[shape] = None
        if len(found) == crowd.shapes:
            break
    return list(found)


def _tell(words: str) -> None:
    """How far it is: a crowd of a million takes minutes."""
    print(f"crowd: {words}", file=sys.stderr, flush=True)


def applied(state: State, event: ev.Event) -> None:
    """Take in what must fit."""
    refusal = state.apply(event)
    assert refusal is None, refusal
