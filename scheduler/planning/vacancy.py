"""Whether anybody who waits could still be given cards: else a plan of grants alone is at its end.

What is free now only shrinks while a plan is made. So a shape of jobs that fits nowhere any more is
not looked at again, and one that fits is all that has to be known. It fits where it finds room
beside the pool's reservation; or in what is kept for that, if one of its jobs is out of the way in
time. Jobs alike in all that decides that are looked at once.
"""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from scheduler.facts.queue import JobQueue, Kinds
from scheduler.facts.record import JobRecord
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
        # A pool keeps one reservation: who is not out of its way now is not later.
        key = wide, candidate.pool.id
        in_time = self._in_time.setdefault(key, self._ungranted(wide, room))
        return next(in_time, None) is not None

    def _ungranted(self, wide: Hashable, beside: PoolRoom | None) -> Iterator[JobRecord]:
        """One that is granted nothing, again and again until it is: then the next.

        Only those that are out of the way of the room's reservation, where one is given.
        """
        for alike in self._kinds[wide].values():
            one = next(iter(alike.values()))
            forms = self._forecasts.forms(one)
            if beside is None or any(beside.is_short(self._forecasts.ends(form)) for form in forms):
                for job_id, record in alike.items():
                    while job_id not in self._granted:
                        yield record


def _kind(record: JobRecord) -> tuple[Hashable, Hashable]:
    """Its shape, and what decides when it would end."""
    job = record.job
    wide = (shape_of(job), job.variants, job.min_device_count) if job.has_forms else shape_of(job)
    return wide, (job.tenant_id, job.user, job.name, job.longest_ms, record.had_ms)
