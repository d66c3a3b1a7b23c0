"""What a plan has found out about a job and a pool."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from cluster.inventory import Park, Pool
from scheduler.facts.record import JobRecord
from scheduler.model.job import Reason, ReasonCode
from scheduler.model.locality import transfer_ms
from scheduler.placing.placement import Fit, Shape, candidate_pools, fit
from scheduler.planning.victims import Clearing, Victim
from scheduler.timing.backfill import PoolRoom, Reservation

Until = Callable[[JobRecord], bool]
"""Whether a plan goes no further, now that it is the turn of this one."""
SHAPES_MAX = 4_096
"""Of so many shapes it is kept which pools could hold them."""


@dataclass(slots=True)
class Candidate:
    """A pool that could hold a shape, and what the plan has found out about the two.

    `transfer_ms` is how long its data takes to come there. `full` says why it does not fit now, by
    whether it would end before the pool's reservation; `is_hopeless` that nothing that runs will
    make room for it, and `is_barred` that one had no promise for a quota that is kept for another.
    """

    pool: Pool
    wanted: Fit
    room: PoolRoom
    transfer_ms: int
    full: dict[bool, Reason] = field(default_factory=dict)
    is_hopeless: bool = False
    is_barred: bool = False

    @property
    def is_open(self) -> bool:
        """Whether another of the shape might be promised a start, as this one had no quota then."""
        return self.is_barred and self.room.reservation is None

    def nearer_data(self, near: "Candidate", promise: Reservation, start_ms: int) -> Reason | None:
        """Why it is not to start here then: it is ready as soon where its data is nearer."""
        if promise.soonest_ms + near.transfer_ms > start_ms + self.transfer_ms:
            return None
        return Reason(
            code=ReasonCode.NEARER_DATA,
            where=self.pool.id,
            need=self.transfer_ms,
            unit="ms",
            until_ms=promise.start_ms,
            detail=near.pool.id,
        )


def candidates_of(shape: Shape, park: Park, room_of: Callable[[Pool], PoolRoom]) -> list[Candidate]:
    """Each pool that could hold the shape, in the order of `candidate_pools`."""
    return [Candidate(pool, fits, room_of(pool), ms) for pool, fits, ms in places(shape, park)]


@lru_cache(maxsize=SHAPES_MAX)
def places(shape: Shape, park: Park) -> tuple[tuple[Pool, Fit, int], ...]:
    """How it sits in each, and how long its data takes to come there; nothing that runs counts."""
    answers = [(pool, fit(shape, pool)) for pool in candidate_pools(shape, park)]
    return tuple(
        (pool, answer, transfer_ms(shape.data_ids, pool.centre_id, park))
        for pool, answer in answers
        if isinstance(answer, Fit)
    )


class Offer(NamedTuple):
    """A pool that could hold a job, how, and why not now; it could now where there is no reason.

    `form` is the job in the form that it would have there. `transfer_ms` is how long its data takes
    to come there. `promise_ms` is when the plan would promise it a start there, kept from `sure_ms`
    on, for which `victims`, who run, would be stopped.
    """

    form: JobRecord
    pool: Pool
    wanted: Fit
    reasons: tuple[Reason, ...]
    transfer_ms: int
    promise_ms: int | None = None
    sure_ms: int | None = None
    victims: tuple[Victim, ...] = ()


class Opening(NamedTuple):
    """When a job would have cards of a pool that others hold now, and whom to stop for it."""

    start_ms: int
    clearing: Clearing = Clearing()

    @property
    def victims(self) -> tuple[Victim, ...]:
        return self.clearing.victims


class Option(NamedTuple):
    """Where a job could be, and what it would cost at most."""

    candidate: Candidate
    hold_micros: int

    def ready_ms(self, start_ms: int) -> int:
        """When the job has its data there, if it gets the cards then."""
        return start_ms + self.candidate.transfer_ms


@dataclass(slots=True)
class Finding:
    """What a plan has found for a job in one of its forms: why not now, and where it can be paid.

    There is a reason for each candidate, unless there is one for all. Where it could be paid as
    well, and only a limit is in the way, is `capped`: who uses that up may be stopped. `refused`
    is what it was in pools that are open: money is saved for no others.
    """

    form: JobRecord
    candidates: list[Candidate]
    reasons: list[Reason] = field(default_factory=list)
    refused: list[Reason] = field(default_factory=list)
    payable: list[Option] = field(default_factory=list)
    capped: list[Option] = field(default_factory=list)
