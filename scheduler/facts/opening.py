"""Nodes that are offered no longer, or again: by the hour, and for what could be started there."""

from collections import Counter
from collections.abc import Iterator

from cluster.inventory import Park, Pool
from scheduler.facts.events import NodesDrained, StopDecided
from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.facts.suspects import out_max
from scheduler.model.job import EndCause
from scheduler.model.offered import MARGIN_MS

NEAR_MS = 2 * 3_600_000
"""Before that nobody has to save itself: the longest grace is an hour."""


def by_time(state: State, now_ms: int) -> Iterator[NodesDrained | StopDecided]:
    """What is kept out, offered again, and told to save itself at that moment."""
    yield from by_launches(state, now_ms)
    yield from by_hours(state, now_ms)


def by_hours(state: State, now_ms: int) -> Iterator[NodesDrained | StopDecided]:
    """What the hour changes. What runs beyond the close all the same goes on to its limit."""
    park = state.park
    if park is None or not (park.pools_with_hours or state.drains.closed_ids):
        return
    closed = {one for pool in park.pools_with_hours for one in _closed(park, pool, now_ms)}
    opens = state.drains.closed_ids & park.node_by_id.keys() - closed
    for node_ids, is_drained in ((closed - state.drains.closed_ids, True), (opens, False)):
        if node_ids:
            yield NodesDrained(
                at_ms=now_ms,
                node_ids=tuple(sorted(node_ids)),
                is_drained=is_drained,
                by="hours",
            )
    for pool in park.pools_with_hours:
        yield from _saving(state, pool, now_ms)


def by_launches(state: State, now_ms: int) -> Iterator[NodesDrained]:
    """Nodes on which nothing could be started are kept out; or tried again, once that is over."""
    if not state.drains.suspects.by_node:
        return
    known = state.park.node_by_id if state.park else {}
    out_ids = state.drains.suspects.out_ids
    outs = Counter(known[one].pool_id for one in out_ids if one in known)
    for node_id, until_ms in state.drains.suspects.bad(now_ms):
        node = known.get(node_id)
        if node is None or outs[node.pool_id] >= _out_max(state, node.pool_id):
            continue
        outs[node.pool_id] += 1
        told = NodesDrained(at_ms=now_ms, node_ids=(node_id,), by="launches", until_ms=until_ms)
        yield told
    due = tuple(one for one in state.drains.suspects.due(now_ms) if one in known)
    if due:
        yield NodesDrained(at_ms=now_ms, node_ids=due, is_drained=False, by="launches")


def _out_max(state: State, pool_id: str) -> int:
    assert state.park is not None
    return out_max(len(state.park.node_ids(pool_id)))


def _closed(park: Park, pool: Pool, now_ms: int) -> tuple[str, ...]:
    return () if pool.is_offered(now_ms) else park.node_ids(pool.id)


def _saving(state: State, pool: Pool, now_ms: int) -> Iterator[StopDecided]:
    """Work that can save itself is told to, so that it has by the close."""
    assert pool.hours is not None
    closes_ms = pool.hours.closes_ms(now_ms)
    if closes_ms is not None and closes_ms - now_ms > NEAR_MS:
        return
    of_centre = state.agenda.of_centre(pool.centre_id)
    due = [key for key, one in of_centre.items() if _is_due(state, pool, one, now_ms)]
    for attempt_id in state.agenda.in_order(due):
        job = state.jobs[of_centre[attempt_id].job_id].job
        yield StopDecided(
            at_ms=now_ms,
            attempt_id=attempt_id,
            cause=EndCause.PREEMPTED,
            grace_ms=job.grace_ms,
        )


def _is_due(state: State, pool: Pool, attempt: Attempt, now_ms: int) -> bool:
    """Whether it must begin to save itself; at once after a close over which the broker was away.

    What was leased outside the hours goes on: they were others then.
    """
    assert pool.hours is not None
    if attempt.placement.pool_id != pool.id or attempt.stop_cause is not None:
        return False
    checkpoint = state.jobs[attempt.job_id].job.checkpoint
    closes_ms = pool.hours.closes_ms(now_ms) or pool.hours.closes_ms(attempt.leased_at_ms)
    if checkpoint is None or closes_ms is None or attempt.ends.latest_ms <= closes_ms:
        return False
    return closes_ms - now_ms <= checkpoint.grace_ms + MARGIN_MS // 2
