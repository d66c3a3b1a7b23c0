"""Whether anybody who waits could still be given cards: else a plan of grants alone is at its end.

What is free now only shrinks while a plan is made. So a shape of jobs that fits nowhere any more is
not looked at again, and one that fits is all that has to be known. It fits where it finds room
beside the pool's reservation; or in what is kept for that, if one of its jobs is out of the way in
time. Jobs alike in all that decides that are looked at once, whatever they are called where nothing
has run that was called so; and each pool is asked once for each way to sit in it, of which many
shapes may share one.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, TypeVar

from cluster.inventory import Park, Pool
from scheduler.facts.kinds import Alike, Kind
from scheduler.facts.queue import JobQueue
from scheduler.facts.record import JobRecord
from scheduler.forecast.ends import Ends
from scheduler.model.levels import level
from scheduler.model.variants import forms
from scheduler.placing.placement import Fit, Shape, shape_of
from scheduler.planning.options import places
from scheduler.planning.rooms import Rooms
from scheduler.planning.victims import SOON_MS
from scheduler.timing.backfill import PoolRoom
from scheduler.timing.forecasts import Forecasts

Key = TypeVar("Key")
Item = TypeVar("Item")
ByName = Mapping[str, Mapping[Hashable, Alike]]
QUEUES_MAX = 8
"""Of so many sets of shapes that wait it is kept where they could be."""


AT_ONCE = Ends(0, 0)
"""Nobody is over before."""


Seat = tuple[Pool, Fit, list[Hashable]]
"""How some would sit in a pool: these shapes, or one kind of jobs with several forms."""


class Way(NamedTuple):
    """How somebody would sit in a pool, who would be over no sooner, once others are gone."""

    pool: Pool
    room: PoolRoom
    wanted: Fit
    ends: Ends


class Vacancy:
    """What is left for those who wait, looked at anew when the plan has changed it.

    `granted` are the jobs that the plan has start already, `closed_ids` the pools in which nobody
    passes whom they block; both grow as the plan does.
    """

    def __init__(
        self,
        queue: JobQueue,
        forecasts: Forecasts,
        rooms: Rooms,
        granted: Collection[str],
        closed_ids: Collection[str],
    ) -> None:
        self._queue = queue
        self._forecasts = forecasts
        self._rooms = rooms
        self._granted = granted
        self._closed_ids = closed_ids
        self._shapes: Mapping[Hashable, Mapping[Hashable, Mapping[str, Alike]]] = {}
        self._left: list[Seat] | None = None
        self._seen: tuple[PoolRoom, int] | None = None
        self._soonest_of: dict[int, Ends] = {}
        self._able: dict[tuple[Hashable, str, bool], Iterator[JobRecord]] = {}

    def is_left(self) -> bool:
        """Whether any job that was granted nothing might be given cards that are free now."""
        if self._seen is not None and self._seen[0].version == self._seen[1]:
            return True
        if self._left is None:
            self._shapes = self._queue.kinds(kind_of).by_shape
            self._left = [one for one in self._seats() if self._rooms.of(one[0]).now.fits(one[1])]
        while self._left:
            room = self._room_for(*self._left[-1])
            if room is not None:
                self._seen = room, room.version
                return True
            self._left.pop()
        return False

    def ways(self) -> Iterator[Way]:
        """Each in which somebody who waits would sit in a pool, once others are stopped for it."""
        for pool, wanted, wides in self._seats():
            sizes = {wide.device_count for wide in wides if isinstance(wide, Shape)}
            claim = AT_ONCE
            if sizes:
                likely_ms, latest_ms = _first_of(map(self._soonest, sizes))
                claim = Ends(likely_ms + SOON_MS, latest_ms + SOON_MS)
            yield Way(pool, self._rooms.of(pool), wanted, claim)

    def _seats(self) -> Iterator[Seat]:
        """Those of jobs with several forms are told apart from all others."""
        kinds = self._queue.kinds(kind_of).by_shape
        shapes = tuple(one for one in kinds if isinstance(one, Shape))
        for pool, wanted, some in _by_place(shapes, self._rooms.park):
            yield pool, wanted, [*some]
        for wide, by_own in kinds.items():
            record = None if isinstance(wide, Shape) else _any_of(_any_of(_any_of(by_own)))
            for form in self._forecasts.forms(record) if record else ():
                for pool, wanted, _ in places(shape_of(form.job), self._rooms.park):
                    yield pool, wanted, [wide]

    def _room_for(self, pool: Pool, wanted: Fit, wides: list[Hashable]) -> PoolRoom | None:
        """The room, if it could take one of these jobs; shapes that have none are dropped."""
        room = self._rooms.of(pool)
        if pool.id in self._closed_ids or not room.now.fits(wanted):
            return None
        beside = None if room.long.fits(wanted) else room
        while wides:
            # In which time a variant would end is not asked: it may be given what is free.
            asked = beside if isinstance(wides[-1], Shape) else None
            if self._is_any_able(pool, asked, wides[-1]):
                return room
            wides.pop()
        return None

    def _is_any_able(self, pool: Pool, beside: PoolRoom | None, wide: Hashable) -> bool:
        """Whether one would be gone by the close, and out of the way of who is next.

        The latter where a room is given: a pool keeps one reservation, and who is not out of its
        way now is not later.
        """
        if beside is not None:
            assert isinstance(wide, Shape), "a job of several forms is a variant in each of them"
            if not beside.is_short(self._soonest(wide.device_count)):
                return False
        key = wide, pool.id, beside is None
        able = self._able.setdefault(key, self._ungranted(wide, beside, pool))
        return next(able, None) is not None

    def _soonest(self, card_count: int) -> Ends:
        """No job that waits for so many cards would be over before, likely or by limit.

        It is looked up for shapes of all kinds and centres at once: these decide nothing of it but
        for jobs of which is known how long they take on each kind.
        """
        known = self._soonest_of.get(card_count)
        if known is None:
            known = _first_of(self._ends(self._queue.kinds(kind_of).by_size[card_count]))
            self._soonest_of[card_count] = known
        return known

    def _ends(self, by_length: Mapping[Hashable, ByName]) -> Iterator[Ends]:
        """Of jobs that are alike in what makes them as long, but for their names.

        Where only their limits differ of those with the least, which are over first.
        """
        done: dict[Hashable, set[str | None]] = defaultdict(set)
        for length, by_name in sorted(by_length.items(), key=itemgetter(0)):
            assert isinstance(length, Length), "of another kind"
            known = done[length.own]
            if by_name.keys() <= known:
                continue
            names = self._forecasts.names(_any_of(_any_of(_any_of(by_name))).job)
            for name, some in _told_apart(by_name, names):
                for one in () if name in known else map(_any_of, next(some).values()):
                    yield from self._forecasts.ends_of_forms(one)
                    if not self._forecasts.varies_by_kind(one.job):
                        known.add(name)
                        break

    def _ungranted(
        self, wide: Hashable, beside: PoolRoom | None, pool: Pool
    ) -> Iterator[JobRecord]:
        """One that is granted nothing, again and again until it is: then the next.

        Only those that are gone by the pool's close, and out of the way of the room's reservation
        where one is given.
        """
        for by_name in self._shapes[wide].values():
            names = self._forecasts.names(_any_of(_any_of(by_name)).job)
            for _, some in _told_apart(by_name, names):
                records = chain.from_iterable(alike.values() for alike in some)
                one = next(records)
                if pool.hours is not None and not self._is_any_in_hours(one, pool):
                    continue
                if beside is None or any(map(beside.is_short, self._forecasts.ends_of_forms(one))):
                    for record in chain((one,), records):
                        while record.job.id not in self._granted:
                            yield record

    def _is_any_in_hours(self, record: JobRecord, pool: Pool) -> bool:
        forms = self._forecasts.forms(record)
        return any(self._rooms.is_in_hours(form.job, pool) for form in forms)


@lru_cache(maxsize=QUEUES_MAX)
def _by_place(
    shapes: tuple[Shape, ...], park: Park
) -> tuple[tuple[Pool, Fit, tuple[Shape, ...]], ...]:
    """Each way to sit in a pool, and the shapes that would sit so."""
    found: dict[tuple[str, Fit], list[Shape]] = defaultdict(list)
    for shape in shapes:
        for pool, wanted, _ in places(shape, park):
            found[pool.id, wanted].append(shape)
    return tuple(
        (park.pool_by_id[pool_id], wanted, tuple(some)) for (pool_id, wanted), some in found.items()
    )


def _first_of(some: Iterable[Ends]) -> Ends:
    """None of them is over before, likely or by limit."""
    ends = [*some]
    return Ends(min(one.likely_ms for one in ends), min(one.latest_ms for one in ends))


def _any_of(some: Mapping[Key, Item]) -> Item:
    return next(iter(some.values()))


def _told_apart(
    by_name: Mapping[str, Item], names: AbstractSet[str]
) -> Iterator[tuple[str | None, Iterator[Item]]]:
    """What is called by each of these names, and all else together."""
    known = by_name.keys() & names
    for name in sorted(known):
        yield name, iter((by_name[name],))
    if len(known) < len(by_name):
        yield None, (one for name, one in by_name.items() if name not in known)


def takers(queue: JobQueue) -> Iterator[tuple[Shape, tuple[int, int]]]:
    """Shapes that wait, each with the best class and, of that, level of any that does."""
    for wide, by_own in queue.kinds(kind_of).by_shape.items():
        best = min(own.turn for own in by_own if isinstance(own, Own))
        if isinstance(wide, Shape):
            yield wide, best
        else:
            for form in forms(_any_of(_any_of(_any_of(by_own))).job):
                yield shape_of(form), best


class Length(NamedTuple):
    """Besides its size, and in some places its kind, what decides when a job would end.

    `own` is whose it is, what it has had, and how fast it ran.
    """

    longest_ms: int
    own: tuple[str, str, int, int]


class Own(NamedTuple):
    """Besides its shape what decides when a job would end or have to, and who goes first.

    `turn` is of its class and level, the least goes first.
    """

    turn: tuple[int, int]
    grace: tuple[int, bool]
    length: Length


def kind_of(record: JobRecord) -> Kind:
    """For how many cards it asks, its shape, what else makes it alike others, and its name.

    Those with several forms are of no size.
    """
    job, speed = record.job, record.speed_permille
    grace = job.grace_ms, job.checkpoint is None
    turn = -job.priority.rank, level(record.served_card_ms)
    length = Length(job.longest_ms, (job.tenant_id, job.user, record.had_ms, speed))
    own = Own(turn, grace, length)
    if job.has_forms:
        sizes = job.variants, job.min_device_count, job.step_device_count
        return None, (shape_of(job), *sizes), own, length, job.name
    return job.device_count, shape_of(job), own, length, job.name
