"""Shapes of jobs for which a plan has nothing more to find out: all are told the same.

In a long queue most jobs come to pools that are full, promised to others, and stay so for the rest
of the plan: what is free only shrinks, and a pool keeps one reservation. What such a job is told
depends on its shape, on which reservations it would be out of the way of, now or once all has gone
that is stopped, and on how much it needs of a pool's hours.
"""

from collections.abc import Iterable

from scheduler.forecast.ends import Ends
from scheduler.model.job import Job
from scheduler.model.offered import needed_ms
from scheduler.model.plan import Verdict
from scheduler.planning.options import Candidate
from scheduler.planning.victims import SOON_MS
from scheduler.sharing.standing import Merit


class Settled:
    """Of one shape; it holds until a pool gets a reservation, or work is to stop for somebody."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        candidates = tuple(candidates)
        rooms = [candidate.room for candidate in candidates]
        self._has_hours = any(candidate.pool.hours is not None for candidate in candidates)
        self.has_soon = any(room.soon is not room.now for room in rooms)
        """Whether something comes free soon, which a job may claim."""
        self.kind_ids = tuple({one.pool.device_kind_id: None for one in candidates})
        self._promises = [room.reservation for room in rooms if room.reservation is not None]
        self._shorts: dict[Ends, tuple[bool, ...]] = {}
        self._verdicts: dict[tuple[int, tuple[bool, ...], tuple[bool, ...]], Verdict] = {}
        self._known: dict[tuple[int, Ends], Verdict] = {}
        self._vain: dict[tuple[bool, ...], Merit] = {}

    def of(self, job: Job, ends: Ends) -> Verdict | None:
        """What a job that ends then is told; None where none like it was there yet.

        It is the same verdict for all of those and for nobody else, so that whoever has it knows of
        what shape the job is, and when it would end.
        """
        needs_ms = self._needs_ms(job)
        known = self._known.get((needs_ms, ends))
        if known is None:
            like = self._verdicts.get((needs_ms, *self._like(ends)))
            if like is not None:
                known = self._known[needs_ms, ends] = Verdict(reasons=like.reasons)
        return known

    def note(self, job: Job, ends: Ends, verdict: Verdict) -> None:
        """What one is told that waits without a start, and found nothing that comes free soon."""
        self._verdicts[self._needs_ms(job), *self._like(ends)] = verdict

    def note_vain(self, ends: Ends, merit: Merit) -> None:
        """One that would end then, once others had been stopped, found nobody to stop."""
        if not self._has_hours:
            short = self._short(ends)
            self._vain[short] = max(merit, self._vain.get(short, merit))

    def is_vain(self, ends: Ends, merit: Merit) -> bool:
        """Whether one of no lower merit found nobody; who could be stopped only get fewer."""
        known = self._vain.get(self._short(ends)) if self._vain else None
        return known is not None and merit <= known

    def _needs_ms(self, job: Job) -> int:
        """How much of the hours it needs; the same of all where there are none."""
        return needed_ms(job) if self._has_hours else 0

    def _like(self, ends: Ends) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
        """What of its ends counts: if it begins now, and if it claims what comes free."""
        later = Ends(ends.likely_ms + SOON_MS, ends.latest_ms + SOON_MS)
        return self._short(ends), self._short(later) if self.has_soon else ()

    def _short(self, ends: Ends) -> tuple[bool, ...]:
        """Which reservations it is out of the way of (see `PoolRoom.is_short`)."""
        known = self._shorts.get(ends)
        if known is None:
            known = tuple([one.is_clear_of(ends) for one in self._promises])
            self._shorts[ends] = known
        return known
