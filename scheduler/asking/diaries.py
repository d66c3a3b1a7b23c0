"""Where log and books say otherwise of attempts than the diary of their centre.

Pure: what is read, and when, is for who asks. Told is what two looks have found (`lasting`), of
which each read the diary first and then the log, once the leader had heard and committed what the
diary says. So nothing is told that was only on its way:

* The log has an attempt before its centre is told of it. What the diary has and the log has not is
  in no log.
* A centre forgets an end once the log has it. What the log has as running, and the diary not, may
  have begun between the two; in the second look it has not.
* What the diary has as running, and the log as over, may have ended between the two; in the second
  look it has not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cluster.diary import Diary, Noted
from scheduler.model.job import FAULT_CAUSES, EndCause

TOLERANCE_MS = 10_000
"""So far times may be apart.

The log takes a centre's word for a start, but none before the lease or after it was heard: it is
off by what the two clocks are apart at most, and clocks that are set by NTP are not that far apart.
Work is metered until its centre was heard with it: what ended while that report was on its way is
counted as far as that. An agent gives a report up after ten seconds.
"""


class Sort(StrEnum):
    """In what a diary and the log differ."""

    UNKNOWN = "unknown"
    GOES_ON = "goes_on"
    GONE = "gone"
    OVER = "over"
    START = "start"
    TIME = "time"
    PLACE = "place"
    USAGE = "usage"
    NEVER_RAN = "never_ran"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An attempt as the log has it; `used_to_ms` is where its usage ends in the books, if any."""

    attempt_id: str
    job_id: str
    tenant_id: str
    centre_id: str
    device_kind_id: str
    cards: tuple[tuple[str, int], ...]
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    cause: EndCause | None = None
    used_to_ms: int | None = None

    @property
    def is_billed(self) -> bool:
        """Whether somebody pays for it: not for what never ran, nor where the park was at fault."""
        return self.started_at_ms is not None and self.cause not in FAULT_CAUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Of one attempt: what either side has of it, if anything."""

    sort: Sort
    attempt_id: str
    logged: Logged | None
    noted: Noted | None


def discrepancies(
    centre_id: str, diary: Diary, logged: Mapping[str, Logged], tolerance_ms: int = TOLERANCE_MS
) -> list[Discrepancy]:
    """In the order of the attempts' ids.

    `logged` are the attempts that the diary names, wherever the log has them, and those of this
    centre that run or have ended since the diary is whole.
    """
    noted = {one.attempt_id: one for one in diary.attempts}
    return [
        Discrepancy(sort=sort, attempt_id=one, logged=logged.get(one), noted=noted.get(one))
        for one in sorted(noted.keys() | logged.keys())
        for sort in _sorts(centre_id, diary, logged.get(one), noted.get(one), tolerance_ms)
    ]


def lasting(first: Iterable[Discrepancy], second: Iterable[Discrepancy]) -> list[Discrepancy]:
    """Those of the second look that the first one had as well."""
    found = {(one.attempt_id, one.sort) for one in first}
    return [one for one in second if (one.attempt_id, one.sort) in found]


def _sorts(
    centre_id: str, diary: Diary, logged: Logged | None, noted: Noted | None, tolerance_ms: int
) -> Iterator[Sort]:
    if noted is None:
        if logged is not None:
            yield from _of_what_is_not_noted(diary, logged, tolerance_ms)
    elif logged is None:
        # What was stopped before it was known has used nothing.
        if noted.started_at_ms is not None or noted.ended_at_ms is None:
            yield Sort.UNKNOWN
    else:
        yield from _of_place(centre_id, logged, noted)
        yield from _of_life(logged, noted, tolerance_ms)


def _of_what_is_not_noted(diary: Diary, logged: Logged, tolerance_ms: int) -> Iterator[Sort]:
    """A centre that has lost its memory has a diary that was begun after that."""
    if logged.ended_at_ms is None:
        if logged.started_at_ms is not None:
            yield Sort.GONE
    elif logged.is_billed and logged.ended_at_ms > diary.whole_since_ms + tolerance_ms:
        yield Sort.NEVER_RAN


def _of_place(centre_id: str, logged: Logged, noted: Noted) -> Iterator[Sort]:
    said = (centre_id, noted.device_kind_id, noted.cards)
    is_ordered = bool(noted.device_kind_id)
    if is_ordered and said != (logged.centre_id, logged.device_kind_id, logged.cards):
        yield Sort.PLACE


def _of_life(logged: Logged, noted: Noted, tolerance_ms: int) -> Iterator[Sort]:
    if logged.ended_at_ms is not None and noted.ended_at_ms is None:
        yield Sort.GOES_ON
        return
    if logged.ended_at_ms is None and noted.ended_at_ms is not None:
        yield Sort.OVER
        return
    if logged.started_at_ms is None or noted.started_at_ms is None:
        # What was given up before it was heard to run is nobody's to pay.
        if logged.started_at_ms != noted.started_at_ms and logged.cause not in FAULT_CAUSES:
            yield Sort.START
        return
    if abs(logged.started_at_ms - noted.started_at_ms) > tolerance_ms:
        yield Sort.START
    yield from _of_ends(logged, noted, tolerance_ms)


def _of_ends(logged: Logged, noted: Noted, tolerance_ms: int) -> Iterator[Sort]:
    """How long it ran is compared, not when it ended: so clocks that differ make no difference."""
    assert logged.started_at_ms is not None
    assert noted.started_at_ms is not None
    if logged.ended_at_ms is None or noted.ended_at_ms is None:
        return
    ran_ms = noted.ended_at_ms - noted.started_at_ms
    more_ms = logged.ended_at_ms - logged.started_at_ms - ran_ms
    # What a silent centre still did after the park had given it up is not billed, nor is the rest.
    if more_ms > tolerance_ms or (more_ms < -tolerance_ms and logged.is_billed):
        yield Sort.TIME
    elif (logged.used_to_ms or 0) - logged.started_at_ms - ran_ms > tolerance_ms:
        yield Sort.USAGE
