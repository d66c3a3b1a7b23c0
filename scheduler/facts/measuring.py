"""From what a centre has counted of an attempt to facts: what is new of it, with each reading.

A centre tells counts from the attempt's start. So a report that is lost, repeated or late changes
nothing; one that counts less than was known before (a node that was not heard yet) is not believed.
"""

from collections.abc import Iterator

from cluster.driver import Activity
from scheduler.facts.measured import Measured, Saved
from scheduler.facts.record import Attempt

SAVED_APART_MS = 300_000
"""Of checkpoints that follow sooner not each is noted: the log is to hold them for years."""


def measured(
    attempt: Attempt, told: Activity | None, from_ms: int | None, now_ms: int
) -> Iterator[Measured]:
    """What was told and is not known yet, over the time that its meter has just moved on.

    Samples lag some seconds behind: what does not fit into that time comes with the next, at the
    same rate.
    """
    to_ms = attempt.metered_to_ms
    if told is None or from_ms is None or to_ms is None or from_ms >= to_ms:
        return
    new_ms = told.measured_ms - attempt.activity.measured_ms
    active_ms = min(max(0, told.active_ms - attempt.activity.active_ms), new_ms)
    taken_ms = min(new_ms, attempt.placement.card_count * (to_ms - from_ms))
    if taken_ms > 0:
        yield Measured(
            at_ms=now_ms,
            attempt_id=attempt.id,
            from_ms=from_ms,
            to_ms=to_ms,
            measured_device_ms=taken_ms,
            active_device_ms=active_ms * taken_ms // new_ms,
        )


def note_seen(attempt: Attempt | None, event: Measured | Saved) -> str | None:
    """Take it in; the reason where it does not fit, such as one that is counted already."""
    if attempt is None or attempt.started_at_ms is None or attempt.metered_to_ms is None:
        return f"attempt {event.attempt_id} does not run"
    match event:
        case Measured():
            return _count(attempt, event, attempt.measured_to_ms or attempt.started_at_ms)
        case Saved():
            return _note_saved(attempt, event)


def _count(attempt: Attempt, event: Measured, begin_ms: int) -> str | None:
    if not begin_ms <= event.from_ms < event.to_ms <= (attempt.metered_to_ms or 0):
        return f"attempt {event.attempt_id} is measured up to {begin_ms} already, or not metered"
    device_ms = attempt.placement.card_count * (event.to_ms - event.from_ms)
    if not 0 <= event.active_device_ms <= event.measured_device_ms <= device_ms:
        return f"attempt {event.attempt_id} held its cards for {device_ms} ms, and not for more"
    attempt.measured_to_ms = event.to_ms
    attempt.activity += Activity(
        measured_ms=event.measured_device_ms, active_ms=event.active_device_ms
    )
    return None


def saved(attempt: Attempt | None, told_ms: int | None, now_ms: int) -> Iterator[Saved]:
    """When its job last saved itself, where that is news; what is yet to come is not believed."""
    if attempt is None or attempt.started_at_ms is None:
        return
    saved_at_ms = min(told_ms or 0, now_ms)
    if saved_at_ms >= attempt.kept_ms + SAVED_APART_MS:
        yield Saved(at_ms=now_ms, attempt_id=attempt.id, saved_at_ms=saved_at_ms)


def _note_saved(attempt: Attempt, event: Saved) -> str | None:
    """What it did until then is not lost any more."""
    kept_ms = attempt.kept_ms
    if not kept_ms < event.saved_at_ms <= event.at_ms:
        return f"attempt {attempt.id} was saved until {kept_ms} already, or is not yet"
    attempt.saved_at_ms = event.saved_at_ms
    return None
