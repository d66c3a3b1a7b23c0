"""Whether a job may be in a pool that is offered at some hours alone: it must be gone by the close.

Who cannot save itself must be over by its limit, as work beside a reservation for maintenance must
in Slurm. Who can is told to save itself when the hours end, and goes on in the next ones.
"""

from cluster.inventory import Pool
from scheduler.model.job import Job, Reason, ReasonCode

MARGIN_MS = 120_000
"""What a launch and a stop take at most, beside the job itself."""
LEAST_MS = 600_000
"""For less nobody is begun who will have to save itself."""


def needed_ms(job: Job) -> int:
    """How much of the hours must be left for it to start."""
    longest_ms = job.longest_ms if job.checkpoint is None else min(job.longest_ms, LEAST_MS)
    return longest_ms + job.grace_ms + MARGIN_MS


def outside_hours(job: Job, pool: Pool, at_ms: int) -> Reason | None:
    """Why it may not start there at that moment; None where it may, as anywhere without hours."""
    if pool.hours is None:
        return None
    need_ms, closes_ms = needed_ms(job), pool.hours.closes_ms(at_ms)
    left_ms = 0 if closes_ms is None else closes_ms - at_ms
    if need_ms <= left_ms:
        return None
    return _reason(pool, need_ms, left_ms, pool.hours.opens_ms(at_ms, need_ms))


def never_offered(job: Job, pool: Pool) -> Reason | None:
    """Why none of the pool's hours are long enough for it; None where some are."""
    if pool.hours is None or needed_ms(job) <= pool.hours.longest_ms:
        return None
    return _reason(pool, needed_ms(job), pool.hours.longest_ms, None)


def _reason(pool: Pool, need_ms: int, left_ms: int, until_ms: int | None) -> Reason:
    assert pool.hours is not None
    return Reason(
        code=ReasonCode.OUTSIDE_HOURS,
        where=pool.id,
        need=need_ms,
        free=left_ms,
        unit="ms",
        until_ms=until_ms,
        detail="; ".join(pool.hours.texts),
    )
