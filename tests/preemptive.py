"""Work that runs for an hour in a small pool, and who waits for its cards."""

from dataclasses import replace

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, Job, Priority
from scheduler.model.plan import Eviction, Plan, Verdict
from scheduler.model.policy import DEFAULT, Preemption
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)

POOL = "east-npu"
NODE, SECOND = f"{POOL}-n001", f"{POOL}-n002"
LIMIT_MS = 10 * HOUR_MS
NOW_MS = HOUR_MS
SAVES = Checkpoint(dir="c", signal="SIGUSR1", grace_ms=30_000)
PATIENCE_MS, MIN_RUN_MS = 10_000, 600_000
TURNS = replace(DEFAULT, preemption=Preemption(is_shared=True))


def low(job_id: str, cards: int = 8, checkpoint: Checkpoint | None = None) -> Job:
    return a_job(
        job_id,
        device_count=cards,
        priority=Priority.LOW,
        limit_ms=LIMIT_MS,
        checkpoint=checkpoint,
    )


def normal(job_id: str, cards: int = 8, checkpoint: Checkpoint | None = SAVES) -> Job:
    return replace(low(job_id, cards, checkpoint), priority=Priority.NORMAL)


def wants(job_id: str = "new", cards: int = 8, priority: Priority = Priority.NORMAL) -> Job:
    return a_job(
        job_id,
        device_count=cards,
        priority=priority,
        limit_ms=LIMIT_MS,
        submitted_at_ms=NOW_MS - PATIENCE_MS,
    )


def a_pool_of(nodes: int = 1, cards: int = 8, nodes_per_rack: int | None = None) -> State:
    park = a_park(a_pool(POOL, nodes, cards, nodes_per_rack))
    return a_state(a_tenant("steel"), a_tenant("fish"), park=park)


def run(state: State, job: Job, *cards: int, at_ms: int = 0, is_starving: bool = False) -> None:
    """It holds so many cards of the first node, the second, ... since then."""
    submit(state, job)
    lease = a_lease(job.id, a_placement(POOL, *cards), at_ms=at_ms)
    lease = replace(lease, is_starving=is_starving)
    happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))


def stop(state: State, eviction: Eviction, at_ms: int = NOW_MS, grace_ms: int = 10_000) -> None:
    decided = ev.StopDecided(
        at_ms=at_ms,
        attempt_id=eviction.attempt_id,
        cause=EndCause.PREEMPTED,
        grace_ms=grace_ms,
        for_job_id=eviction.job_id,
        for_node_ids=eviction.node_ids,
    )
    happen(state, decided)


def gone(state: State, attempt_id: str, at_ms: int) -> None:
    cause = EndCause.PREEMPTED
    happen(state, ev.Ended(at_ms=at_ms, attempt_id=attempt_id, cause=cause, exit_code=None))


def stopped(result: Plan) -> list[str]:
    return [eviction.attempt_id for eviction in result.evictions]


def verdict_of(state: State, job: Job, now_ms: int = NOW_MS) -> Verdict:
    """What is said of a job that comes now, and waits."""
    submit(state, job)
    drawn_up = plan(state, now_ms)
    assert not [grant for grant in drawn_up.grants if grant.job_id == job.id]
    return drawn_up.verdicts[job.id]


# Cards that are a tenant's own.


def owned_by(*, steel: int = 0, fish: int = 0, nodes: int = 1) -> State:
    """Nodes of 8 cards, of which so many are in the nominal quotas of two tenants."""
    tenants = (
        a_tenant(tenant_id, nominal_cards=(("npu", cards),) if cards else ())
        for tenant_id, cards in (("steel", steel), ("fish", fish))
    )
    return a_state(*tenants, park=a_park(a_pool(POOL, nodes, 8)))


def of_fish(job: Job) -> Job:
    return replace(job, tenant_id="fish")


def high(job_id: str, cards: int = 8) -> Job:
    return replace(normal(job_id, cards, checkpoint=None), priority=Priority.HIGH)
