"""What a plan has found out about a job and a pool."""

from dataclasses import dataclass, field
from typing import NamedTuple

from cluster.inventory import Pool
from scheduler.backfill import PoolRoom
from scheduler.job import Reason
from scheduler.placement import Fit
from scheduler.preemption import Victim


@dataclass(slots=True)
class Candidate:
    """A pool that could hold a shape, and what the plan has found out about the two.

    `full` says why it does not fit now, by whether it would end before the pool's reservation;
    `is_hopeless` that nothing that runs will make room for it.
    """

    pool: Pool
    wanted: Fit
    room: PoolRoom
    full: dict[bool, Reason] = field(default_factory=dict)
    is_hopeless: bool = False


class Offer(NamedTuple):
    """A pool that could hold a job, how, and why not now; it could now where there is no reason.

    `promise_ms` is when the plan would promise it a start there, kept from `sure_ms` on, for which
    `stop_count` jobs that run would be stopped.
    """

    pool: Pool
    wanted: Fit
    reasons: tuple[Reason, ...]
    promise_ms: int | None
    sure_ms: int | None = None
    stop_count: int = 0


class Opening(NamedTuple):
    """When a job would have cards of a pool that others hold now, and whom to stop for it."""

    start_ms: int
    victims: tuple[Victim, ...] = ()


class Option(NamedTuple):
    """Where a job could be, and what it would cost at most."""

    candidate: Candidate
    hold_micros: int
