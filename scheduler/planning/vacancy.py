"""Whether anybody who waits could still be given cards: else a plan of grants alone is at its end.

What is free now only shrinks while a plan is made. So a shape of jobs that fits nowhere any more is
not looked at again, and one that fits is all that has to be known. It fits where it finds room
beside the pool's reservation; or in what is kept for that, if one of its jobs is out of the way in
time. Jobs alike in all that decides that are looked at once.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence

from scheduler.facts.queue import JobQueue, Kinds
from scheduler.facts.record import JobRecord
from scheduler.forecast.ends import Ends
from scheduler.placing.placement import Shape, shape_of
from scheduler.planning.options import Candidate
from scheduler.timing.backfill import PoolRoom
from scheduler.timing.forecasts import Forecasts


class Vacancy:
    """What is left for those who wait, looked at anew when the plan has changed it.

    `granted` are the jobs that the plan has start already, `closed_ids` the pools in which nobody
    passes whom they block; both grow as the plan does.
    """

    def __init__(
        self,
        queue: JobQueue,
        forecasts: Forecasts,
        candidates_of: Callable[[Shape], Sequence[Candidate]],
        granted: Collection[str],
        closed_ids: Collection[str],
    ) -> None:
        self._kinds: Kinds = queue.kinds(_kind)
        self._forecasts = forecasts
        self._candidates_of = candidates_of
        self._granted = granted
        self._closed_ids = closed_ids
        self._left: list[Hashable] = [*self._kinds]
        self._seen: tuple[PoolRoom, int] | None = None
        self._waiting: dict[Hashable, Iterator[JobRecord]] = {}
        self._soonest_of: dict[Hashable, Ends] = {}
        self._in_time: dict[tuple[Hashable, str], Iterator[JobRecord]] = {}

    def is_left(self) -> bool:
        """Whether any job that was granted nothing might be given cards that are free now."""
        if self._seen is not None and self._seen[0].version == self._seen[1]:
            return True
        while self._left:
            room = self._room_for(self._left[-1])
            if room is not None:
                self._seen = room, room.version
                return True
            self._left.pop()
        return False

    def _room_for(self, wide: Hashable) -> PoolRoom | None:
        """A room that could take one of these jobs, which are of one shape."""
        waiting = self._waiting.setdefault(wide, self._ungranted(wide, None))
        record = next(waiting, None)
        for form in self._forecasts.forms(record) if record else ():
            for candidate in self._candidates_of(shape_of(form.job)):
                is_closed = candidate.pool.id in self._closed_ids
                if not is_closed and self._takes_any(
                    candidate, wide, is_variant=form is not record
                ):
                    return candidate.room
        return None

    def _takes_any(self, candidate: Candidate, wide: Hashable, *, is_variant: bool) -> bool:
        """In which time a variant would end is not asked: it may be given what is free."""
        room, wanted = candidate.room, candidate.wanted
        if room.now.find(wanted) is None:
            return False
        if room.long.find(wanted) is not None or is_variant:
            return True
        if not room.is_short(self._soonest(wide)):
            return False
        # A pool keeps one reservation: who is not out of its way now is not later.
        key = wide, candidate.pool.id
        in_time = self._in_time.setdefault(key, self._ungranted(wide, room))
        return next(in_time, None) is not None

    def _soonest(self, wide: Hashable) -> Ends:
        """None of its jobs would be over before, likely or by limit.

        Nor would any of as many cards, whatever its shape: where shapes differ in nothing that
        decides it, it is looked up for all of them at once.
        """
        size = _size_of(self._kinds[wide])
        key = wide if size is None else size
        known = self._soonest_of.get(key)
        if known is None:
            kinds = self._kinds[wide] if size is None else self._kinds_of(size)
            known = self._soonest_of[key] = self._first_ends(kinds.values())
        return known

    def _kinds_of(self, size: int) -> dict[Hashable, dict[str, JobRecord]]:
        """Of all shapes of so many cards."""
        found: dict[Hashable, dict[str, JobRecord]] = {}
        for kinds in self._kinds.values():
            if _size_of(kinds) == size:
                found.update(kinds)
        return found

    def _first_ends(self, kinds: Iterable[Mapping[str, JobRecord]]) -> Ends:
        ones = (next(iter(alike.values())) for alike in kinds)
        ends = [ends for one in ones for ends in self._forecasts.ends_of_forms(one)]
        return Ends(min(one.likely_ms for one in ends), min(one.latest_ms for one in ends))

    def _ungranted(self, wide: Hashable, beside: PoolRoom | None) -> Iterator[JobRecord]:
        """One that is granted nothing, again and again until it is: then the next.

        Only those that are out of the way of the room's reservation, where one is given.
        """
        for alike in self._kinds[wide].values():
            one = next(iter(alike.values()))
            if beside is None or any(map(beside.is_short, self._forecasts.ends_of_forms(one))):
                for job_id, record in alike.items():
                    while job_id not in self._granted:
                        yield record


def _size_of(kinds: Mapping[Hashable, Mapping[str, JobRecord]]) -> int | None:
    """How many cards all of these ask for; None where it may be another length on another kind."""
    job = next(iter(next(iter(kinds.values())).values())).job
    return None if job.has_forms or len(job.device_kind_ids) > 1 else job.device_count


def _kind(record: JobRecord) -> tuple[Hashable, Hashable]:
    """Its shape, and what decides when it would end."""
    job, speed = record.job, record.speed_permille
    wide = (shape_of(job), job.variants, job.min_device_count) if job.has_forms else shape_of(job)
    return wide, (job.tenant_id, job.user, job.name, job.longest_ms, record.had_ms, speed)
