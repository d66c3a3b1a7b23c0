"""Holds in time: what runs on beyond its hold has more set aside before it is used.

A job is never stopped for money, unless its tenant has chosen so (its hard stop): then it is told
to stop while its hold still covers what it does until then.
"""

from collections.abc import Iterator

from scheduler.facts.events import HoldExtended, StopDecided
from scheduler.facts.metering import pieces
from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.model.job import EndCause

STRETCH_MS = 3_600_000
"""So far ahead a hold is extended, where the balance covers that."""


def ahead(
    state: State, attempt: Attempt, now_ms: int, least_ms: int, stop_grace_ms: int
) -> Iterator[HoldExtended | StopDecided]:
    """What is to be done, as the meter is read, so that the hold covers what comes next.

    Nothing where it covers `least_ms` more, or all until the end by its limit. It is extended by a
    stretch where the balance covers that, else by the least: below zero, unless its tenant has
    chosen the hard stop, for which it is to cover the grace as well; `stop_grace_ms` is for jobs
    without a checkpoint.
    """
    funds = state.purses.of_attempt(state, attempt)
    checkpoint = state.jobs[attempt.job_id].job.checkpoint
    grace_ms = checkpoint.grace_ms if checkpoint else stop_grace_ms
    if funds.is_hard_stop:  # told to stop next time, it uses its grace as well
        least_ms += grace_ms
    missing_micros = _missing(state, attempt, least_ms)
    if missing_micros <= 0 or attempt.stop_cause is not None:
        return
    stretch_micros = _missing(state, attempt, max(STRETCH_MS, least_ms))
    if stretch_micros <= funds.available_micros:
        missing_micros = stretch_micros
    elif missing_micros > funds.available_micros and funds.is_hard_stop:
        cause = EndCause.FUNDS
        yield StopDecided(at_ms=now_ms, attempt_id=attempt.id, cause=cause, grace_ms=grace_ms)
        return
    yield HoldExtended(
        at_ms=now_ms,
        attempt_id=attempt.id,
        number=attempt.extension_count + 1,
        amount_micros=missing_micros,
    )


def _missing(state: State, attempt: Attempt, stretch_ms: int) -> int:
    """What its next stretch, no further than its limit, comes to beyond what is held for it."""
    begin_ms = attempt.metered_to_ms
    assert begin_ms is not None, f"{attempt.id} has not started"
    until_ms = min(begin_ms + stretch_ms, attempt.ends.latest_ms)
    comes_to = sum(piece.charge_micros for piece in pieces(state, attempt, until_ms))
    return comes_to - attempt.hold_left_micros
