"""A crowded park, drawn from a seed: everything taken, some of it just given back, many waiting."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from benchmarks.workload import declarations, declared_state
from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Priority
from scheduler.model.plan import Answers
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
    while len(state.queue) < crowd.pending:
        _apply(state, ev.Submitted(at_ms=0, job=next(jobs)))
    fill(state)
    for attempt_id in rng.sample(sorted(state.live), int(len(state.live) * ENDED_SHARE)):
        _apply(state, ended(attempt_id))
    while len(state.queue) < crowd.pending:
        _apply(state, ev.Submitted(at_ms=FILLED_AT_MS, job=next(jobs)))
    return state


def open_park(park: Park) -> State:
    """The empty park with all centres heard of and all nodes online."""
    state = declared_state(declarations(TENANTS, park))
    for centre in park.centres:
        _apply(state, ev.CentreLinkChanged(at_ms=0, centre_id=centre.id, is_heard=True))
        node_ids = tuple(node.id for pool in centre.pools for node in pool.nodes())
        _apply(state, ev.NodesChanged(at_ms=0, centre_id=centre.id, online_node_ids=node_ids))
    return state


def fill(state: State) -> None:
    """Start all that fits."""
    for grant in plan(state, FILLED_AT_MS, answers=Answers.GRANTS).grants:
        attempt_id = f"{grant.job_id}.1"
        lease = ev.Leased(
            at_ms=FILLED_AT_MS,
            job_id=grant.job_id,
            attempt_id=attempt_id,
            epoch=1,
            placement=grant.placement,
            hold_micros=grant.hold_micros,
        )
        _apply(state, lease)
        _apply(state, ev.Started(at_ms=FILLED_AT_MS, attempt_id=attempt_id))


def ended(attempt_id: str) -> ev.Ended:
    return ev.Ended(at_ms=NOW_MS, attempt_id=attempt_id, cause=EndCause.FINISHED, exit_code=0)


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
            node_count=shape.node_count,
            limit_ms=rng.choice(LIMITS_MS),
            priority=rng.choice(PRIORITIES),
            submitted_at_ms=rng.randrange(FILLED_AT_MS),
        )


def drawn_shapes(crowd: Crowd, rng: Random) -> list[Shape]:
    """Different shapes that fit into the empty park; fewer where there are not so many."""
    kinds = sorted({pool.device_kind_id for pool in crowd.park.pools})
    found: dict[Shape, None] = {}
    for _ in range(TRIES_MAX):
        shape = Shape(
            device_kind_ids=tuple(rng.sample(kinds, rng.randint(0, min(KINDS_MAX, len(kinds))))),
            centre_ids=(),
            device_count=rng.choice(SIZES),
            node_count=None,
            member_count=None,
        )
        if any(isinstance(fit(shape, p), Fit) for p in candidate_pools(shape, crowd.park)):
            found[shape] = None
        if len(found) == crowd.shapes:
            break
    return list(found)


def _apply(state: State, event: ev.Event) -> None:
    refusal = state.apply(event)
    assert refusal is None, refusal
