"""What happened in a period of the event log: what was asked, what centres did, how work ran."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import chain
from statistics import median_low
from typing import get_args

from scheduler.facts import events as ev
from scheduler.facts.record import Attempt, Snapshot
from scheduler.facts.state import State
from scheduler.model.job import FAULT_CAUSES, EndCause, Job, Placement

OWN_CAUSES = frozenset({EndCause.FINISHED, EndCause.USER_ERROR})
"""Ends that came of themselves: they alone say how long a job runs."""
WISHES = get_args(ev.Wish)
COUNTED = ev.Metered, ev.Measured, ev.Saved, ev.HoldExtended
"""What the loop may note between two wishes of the same step."""
DECIDED = ev.Leased, ev.StopDecided, ev.Started, ev.Ended, ev.Released, ev.DependencyFailed
Told = ev.NodesChanged | ev.CentreLinkChanged


class Unplayable(Exception):
    """The log does not fit the state that it is to be played on; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event of the log, and when it was committed under which lead."""

    at_ms: int
    event: ev.Event
    epoch: int = 1


@dataclass(slots=True, kw_only=True)
class Course:
    """What became of an attempt; None what never did, or is not known yet.

    `launching_ms` is when its centre was first seen to know it; `seen_ms` and `told_ms` are when
    its start and its end were committed. `saves` has when a checkpoint was noted, and of when.
    """

    job_id: str
    placement: Placement
    leased_ms: int
    launching_ms: int | None = None
    started_ms: int | None = None
    seen_ms: int | None = None
    stop_ms: int | None = None
    ended: ev.Ended | None = None
    told_ms: int | None = None
    saves: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def of_live(cls, attempt: Attempt) -> "Course":
        """As the state knows it: what its centre has said is seen already."""
        return cls(
            job_id=attempt.job_id,
            placement=attempt.placement,
            leased_ms=attempt.leased_at_ms,
            launching_ms=attempt.leased_at_ms if attempt.is_seen else None,
            started_ms=attempt.started_at_ms,
            seen_ms=attempt.started_at_ms,
            stop_ms=attempt.stop_at_ms,
        )

    @property
    def is_own_end(self) -> bool:
        return self.ended is not None and self.ended.cause in OWN_CAUSES

    @property
    def is_fault(self) -> bool:
        return self.ended is not None and self.ended.cause in FAULT_CAUSES

    @property
    def is_preempted(self) -> bool:
        """Whether it ran and was stopped so that others could run."""
        was_stopped = self.ended is not None and self.ended.cause is EndCause.PREEMPTED
        return was_stopped and self.started_ms is not None

    @property
    def ended_ms(self) -> int | None:
        return self.ended.at_ms if self.ended is not None else None

    @property
    def is_running(self) -> bool:
        """Whether it runs as the log ends."""
        return self.started_ms is not None and self.ended is None and self.stop_ms is None

    def ran_ms(self, end_ms: int) -> int:
        """How long it ran; until then, where it runs still."""
        if self.started_ms is None:
            return 0
        return max(0, (self.ended.at_ms if self.ended else end_ms) - self.started_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the loop took in together."""

    at_ms: int
    wishes: list[ev.Wish]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typical:
    """How long it is from a lease until its centre is seen to know it, it starts, and that is seen.

    `stopping_ms` is from a stop to the end, `telling_ms` from an end until it is seen.
    """

    launching_ms: int = 0
    starting_ms: int = 0
    seeing_ms: int = 0
    stopping_ms: int = 0
    telling_ms: int = 0


@dataclass(slots=True, kw_only=True)
class Happened:
    """A period of the log, between the state `before` it and `state`, where the log ends.

    `turns` and `told` go on after the period, but without submits. `beats` are the moments in it at
    which anything was committed, `decided` what was decided at them; `lead_count` is how often
    another took the lead. Courses are those of all attempts that lived in the period or later.
    """

    from_ms: int
    until_ms: int
    before: Snapshot
    state: State
    end_ms: int = 0
    turns: list[Turn] = field(default_factory=list)
    told: list[tuple[int, Told]] = field(default_factory=list)
    beats: list[int] = field(default_factory=list)
    decided: list[ev.Event] = field(default_factory=list)
    job_by_id: dict[str, Job] = field(default_factory=dict)
    arrived_ids: list[str] = field(default_factory=list)
    course_by_attempt: dict[str, Course] = field(default_factory=dict)
    released_ms: dict[str, int] = field(default_factory=dict)
    lead_count: int = 0

    def courses_by_job(self) -> dict[str, list[Course]]:
        """The attempts of each job, in their order."""
        found: dict[str, list[Course]] = {}
        for course in self.course_by_attempt.values():
            found.setdefault(course.job_id, []).append(course)
        return found

    def typical(self) -> Typical:
        """Medians of what was seen; at once where nothing was."""
        courses = [*self.course_by_attempt.values()]
        return Typical(
            launching_ms=_median((one.launching_ms, one.leased_ms) for one in courses),
            starting_ms=_median((one.started_ms, one.leased_ms) for one in courses),
            seeing_ms=_median((one.seen_ms, one.leased_ms) for one in courses),
            stopping_ms=_median((one.ended_ms, one.stop_ms) for one in courses),
            telling_ms=_median((one.told_ms, one.ended_ms) for one in courses),
        )


def _median(spans_ms: Iterable[tuple[int | None, int | None]]) -> int:
    found = [
        until_ms - from_ms
        for until_ms, from_ms in spans_ms
        if until_ms is not None and from_ms is not None
    ]
    return max(0, median_low(found)) if found else 0


def happened(
    state: State, log: Iterable[Recorded], from_ms: int, until_ms: int | None = None
) -> Happened:
    """Play the rest of the log on `state`, and note what happens from `from_ms` on.

    With 0 it begins with the log; it ends with it at the latest. Raises `Unplayable`.
    """
    rest = iter(log)
    first = next((one for one in rest if one.at_ms >= from_ms or _is_skipped(state, one)), None)
    from_ms = from_ms or (first.at_ms if first else 0)
    found = Happened(
        from_ms=from_ms,
        until_ms=from_ms if until_ms is None else until_ms,
        before=deepcopy(state.snapshot()),
        state=state,
        end_ms=from_ms,
    )
    found.job_by_id = {record.job.id: record.job for record in found.before.jobs}
    found.course_by_attempt = {key: Course.of_live(one) for key, one in found.before.live().items()}
    notes = Notes(found)
    for one in chain([first] if first else [], rest):
        if until_ms is None:
            found.until_ms = one.at_ms + 1
        notes.take(one)
        _apply(state, one)
    found.until_ms = min(found.until_ms, found.end_ms + 1)
    return found


def _is_skipped(state: State, one: Recorded) -> bool:
    _apply(state, one)
    return False


def _apply(state: State, one: Recorded) -> None:
    refusal = state.apply(one.event)
    if refusal is not None:
        raise Unplayable(f"the {one.event.kind} of {one.at_ms} ms does not fit: {refusal}")


@dataclass(slots=True)
class Notes:
    """Takes events one by one, each before it changes the state."""

    found: Happened
    epoch: int = 0
    has_acted: bool = False

    def take(self, one: Recorded) -> None:
        found, event = self.found, one.event
        is_in_period = one.at_ms < found.until_ms
        if is_in_period:
            found.lead_count += self.epoch not in {0, one.epoch}
            if isinstance(event, DECIDED):
                found.decided.append(event)
            if found.beats[-1:] != [one.at_ms]:
                found.beats.append(one.at_ms)
        self.epoch, found.end_ms = one.epoch, one.at_ms
        if isinstance(event, WISHES) and self._is_asked(one.at_ms, event):
            self._ask(one.at_ms, event, is_in_period=is_in_period)
            return
        self.has_acted |= not isinstance(event, COUNTED)
        if isinstance(event, ev.NodesChanged | ev.CentreLinkChanged):
            found.told.append((one.at_ms, event))
        elif isinstance(event, ev.Released):
            found.released_ms[event.job_id] = one.at_ms
        else:
            follow(found.course_by_attempt, one.at_ms, event)

    def _is_asked(self, at_ms: int, event: ev.Event) -> bool:
        """Not what the loop says of itself: the hours of nodes, and that a quote has expired."""
        match event:
            case ev.NodesDrained():
                return event.by == "operator"
            case ev.QuoteEnded():
                quote = self.found.state.jobs[event.quote_id].quote
                return quote is not None and (event.at_ms < at_ms or at_ms < quote.until_ms)
            case _:
                return True

    def _ask(self, at_ms: int, wish: ev.Wish, *, is_in_period: bool) -> None:
        """Who asks after anything was done asks in another step, though it be the same moment."""
        found = self.found
        if isinstance(wish, ev.Submitted | ev.QuoteKept) and not is_in_period:
            return
        if isinstance(wish, ev.Submitted):
            found.job_by_id[wish.job.id] = wish.job
            found.arrived_ids.append(wish.job.id)
        if self.has_acted or not found.turns or found.turns[-1].at_ms != at_ms:
            found.turns.append(Turn(at_ms=at_ms, wishes=[]))
            self.has_acted = False
        found.turns[-1].wishes.append(wish)


def follow(courses: dict[str, Course], at_ms: int, event: ev.Event) -> None:
    """What becomes of an attempt, as it was committed at that moment."""
    match event:
        case ev.Leased():
            courses[event.attempt_id] = Course(
                job_id=event.job_id, placement=event.placement, leased_ms=event.at_ms
            )
        case ev.Launching():
            courses[event.attempt_id].launching_ms = at_ms
        case ev.Started():
            course = courses[event.attempt_id]
            course.started_ms, course.seen_ms = event.at_ms, at_ms
        case ev.StopDecided():
            courses[event.attempt_id].stop_ms = event.at_ms
        case ev.Saved():
            courses[event.attempt_id].saves.append((at_ms, event.saved_at_ms))
        case ev.Ended():
            course = courses[event.attempt_id]
            course.ended, course.told_ms = event, at_ms
        case _:
            pass
