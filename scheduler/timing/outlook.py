"""When each waiting job would start if nobody else came and all ran as long as is likely.

What is promised is kept; for the rest it is an estimate, made in the order of the queue by
conservative backfill over each pool's cards and each quota (see `timeline`). It counts cards:
whole nodes, and racks of them, are looked for only among what runs now.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from heapq import heappop, heappush, heapreplace
from typing import NamedTuple

from cluster.inventory import Park, Pool
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.facts.takings import Path, Takings
from scheduler.model.cores import is_on_cores, quotas_of
from scheduler.model.entitlements import Entitlements, Key
from scheduler.model.job import Job, PlannedStart
from scheduler.model.offered import needed_ms
from scheduler.model.policy import Policy
from scheduler.model.tree import Quota
from scheduler.timing.forecasts import Forecasts
from scheduler.timing.prospects import Holding, Prospect, prospect
from scheduler.timing.ranking import Place, Rankings, Seat, Wish
from scheduler.timing.timeline import Timeline

Bound = tuple[Timeline, int]
"""What is to come of a pool or a quota, and how much of it a job takes."""
OPENINGS_MAX = 100
"""So many of a pool's hours are looked at, and then no start is told."""


STARTS_MAX = 65_536
"""So many starts are kept, each one value for all who are told it."""


class Bid(NamedTuple):
    """A job in one of its forms, and what it wants so; `told_cards` where it has others."""

    job: Job
    wish: Wish
    told_cards: int | None


Found = tuple[int, int, int]
"""When a job would have its data in the first place, the number of that, and when its cards."""


@dataclass(slots=True)
class Outlook:
    """One plan's view of what is to come; pools of silent centres are not in it.

    `stops` has when what the plan has stopped is gone.
    """

    state: State
    park: Park
    now_ms: int
    granted: Iterable[Holding]
    policy: Policy
    forecasts: Forecasts
    stops: Mapping[str, int] = field(default_factory=dict)
    _pools: dict[str, Prospect] = field(default_factory=dict)
    _quotas: dict[Key, Timeline] = field(default_factory=dict)
    _entitlements: Entitlements = field(init=False)
    _takings: Takings = field(init=False)
    _quotas_by_project: dict[tuple[str, str], tuple[Timeline, ...]] = field(default_factory=dict)
    _bounds_by_like: dict[Hashable, tuple[Bound, ...]] = field(default_factory=dict)
    _rankings: Rankings = field(init=False)
    _wanted_cards: int = 0

    def __post_init__(self) -> None:
        self._rankings = Rankings(partial(_seat, self._pools))
        by_pool: dict[str, list[Holding]] = defaultdict(list)
        ends: dict[Quota, list[tuple[int, int, Path]]] = defaultdict(list)
        self._entitlements = self.state.entitled.in_force(self.state.tree, self.park)
        self._takings = Takings.of(self.state, self._entitlements)
        self._wanted_cards = sum(map(_most_cards, self.state.queue.records()))
        self._wanted_cards += self._entitlements.cards.total()
        for holding in self.granted:
            self._hold(holding)
        for holding in (*self._running(), *self.granted):
            by_pool[holding.placement.pool_id].append(holding)
            for quota, amount in self._held(holding):
                ends[quota].append((holding.end_ms, amount, self._path(holding.job)))
        online = self.state.drains.serving(self.state.online_node_ids)
        for pool in self.park.pools:
            if pool.centre_id in self.state.heard_centre_ids:
                held = by_pool[pool.id]
                self._pools[pool.id] = prospect(self.park, pool, held, online, self.now_ms)
        for quota, own in ends.items():
            self._quotas[quota.key] = self._timeline(quota, own)

    def _hold(self, holding: Holding) -> None:
        if self._entitlements.is_bounding:
            path, placement = self._path(holding.job), holding.placement
            self._takings.hold(path, placement.device_kind_id, placement.card_count)

    def _path(self, job: Job) -> Path:
        if not self._entitlements.is_bounding:
            return ()
        return self._entitlements.path(job.tenant_id, job.project)

    def _held(self, holding: Holding) -> Iterator[tuple[Quota, int]]:
        """How much it holds of each quota that binds its job."""
        job, kind_id = holding.job, holding.placement.device_kind_id
        key, cards = (job.tenant_id, job.project), holding.placement.card_count
        quotas = quotas_of(job, self.state.tree, self.park)
        for quota in (*quotas, *self._entitlements.caps(*key, kind_id)):
            yield quota, self._entitlements.amount(quota.unit, kind_id, cards)

    def wish(self, form: JobRecord, places: Sequence[Place], from_ms: int | None) -> Wish:
        """What a job wants as it is, in one of these places from then on."""
        length_ms = self.forecasts.length_ms(form)
        return self._rankings.wish(places, form.job.device_count, length_ms, from_ms)

    def start(self, job: Job, wish: Wish) -> PlannedStart | None:
        """Where the job would have its data first, which is then taken; None where it never could.

        Of places as good as one another it is the first.
        """
        found = self._first(job, wish)
        return None if found is None else self._taken(job, wish, found)

    def start_of(self, bids: Sequence[Bid]) -> PlannedStart | None:
        """Of a job with several forms: where and in which it would be over first."""
        best: tuple[int, Bid, Found] | None = None
        for bid in bids:
            found = self._first(bid.job, bid.wish)
            if found is None:
                continue
            over_ms = found[0] + bid.wish.length_ms
            if best is None or over_ms < best[0]:
                best = over_ms, bid, found
        if best is None:
            return None
        _, bid, found = best
        start = self._taken(bid.job, bid.wish, found)
        return start if bid.told_cards is None else replace(start, card_count=bid.told_cards)

    def _first(self, job: Job, wish: Wish) -> Found | None:
        """Its ranking is left as it is known then."""
        seats, ready = self._rankings.of(wish)
        best: Found | None = None
        seen = []
        while ready and (best is None or ready[0] < best):
            known_ms, number = ready[0]
            seat = seats[number]
            assert seat is not None, "only places that have room are ranked"
            place, cards_ms = seat.place, self._cards_ms(seat, wish.card_count, wish.length_ms)
            if cards_ms is None:
                heappop(ready)
            elif cards_ms + place.transfer_ms > known_ms:
                heapreplace(ready, (cards_ms + place.transfer_ms, number))
            else:
                at_ms = self._allowed_ms(job, wish.length_ms, place, cards_ms)
                if at_ms == cards_ms:  # all others are ready later
                    best = at_ms + place.transfer_ms, number, at_ms
                    break
                seen.append(heappop(ready))
                if at_ms is not None:
                    found = at_ms + place.transfer_ms, number, at_ms
                    best = found if best is None else min(best, found)
        for one in seen:
            heappush(ready, one)
        return best

    def _taken(self, job: Job, wish: Wish, found: Found) -> PlannedStart:
        _, number, at_ms = found
        pool_id = wish.places[number].pool.id
        self._take(job, wish.length_ms, pool_id, at_ms)
        return _planned(at_ms, pool_id)

    def take(self, record: JobRecord, start: PlannedStart) -> None:
        """Count with the job from then on."""
        self._take(record.job, self.forecasts.length_ms(record), start.pool_id, start.at_ms)

    def _take(self, job: Job, length_ms: int, pool_id: str, at_ms: int) -> None:
        pool, end_ms = self._pools[pool_id], at_ms + length_ms
        pool.last_start_ms = at_ms
        pool.cards.take(job.device_count, at_ms, end_ms)
        for timeline, amount in self._bounds(job, pool.kind_id):
            timeline.take(amount, at_ms, end_ms)

    def keep(self, key: Key, need: int, at_ms: int) -> None:
        """So much of the quota is to be free then for one who waits for that, and maybe for more.

        Who begins before, and goes on, leaves it; from then on it is whoever's.
        """
        if key in self._quotas and at_ms - 1 > self.now_ms:
            timeline = self._quotas[key]
            most = timeline.free_at(at_ms) - need
            timeline.take(max(0, timeline.free_at(at_ms - 1) - most), at_ms - 1, at_ms)

    def earliest(self, record: JobRecord, place: Place, from_ms: int | None) -> int | None:
        """When the job could start there; None if never, and without `from_ms` as for a wish."""
        job, length_ms = record.job, self.forecasts.length_ms(record)
        seat = _seat(self._pools, place, from_ms)
        cards_ms = self._cards_ms(seat, job.device_count, length_ms) if seat else None
        return None if cards_ms is None else self._allowed_ms(job, length_ms, place, cards_ms)

    def _cards_ms(self, seat: Seat, card_count: int, length_ms: int) -> int | None:
        """When the pool has the cards for it, whatever else forbids it."""
        _, pool, soonest_ms = seat
        if not self.policy.is_backfilling:
            soonest_ms = max(soonest_ms, pool.last_start_ms)
        return pool.cards.earliest(card_count, length_ms, soonest_ms)

    def _allowed_ms(self, job: Job, length_ms: int, place: Place, from_ms: int) -> int | None:
        """When all quotas have room for it as well, and the pool is offered."""
        bounds = self._bounds(job, place.pool.device_kind_id)
        if not bounds and place.pool.hours is None:
            return from_ms
        cards = self._pools[place.pool.id].cards, job.device_count
        return _in_hours(job, length_ms, place.pool, [cards, *bounds], from_ms)

    def _bounds(self, job: Job, kind_id: str) -> tuple[Bound, ...]:
        """What is to come of each quota that binds the job, and how much of it the job takes.

        It is the same of all jobs of a project that ask for so many cards of these kinds.
        """
        if not (self._entitlements.is_bounding or self._of_all_kinds(job)):
            return ()
        key = job.tenant_id, job.project, job.device_count, job.device_kind_ids, kind_id
        found = self._bounds_by_like.get(key)
        if found is None:
            found = self._bounds_by_like[key] = (*self._found_bounds(job, kind_id),)
        return found

    def _found_bounds(self, job: Job, kind_id: str) -> Iterator[Bound]:
        for timeline in () if is_on_cores(job, self.park) else self._of_all_kinds(job):
            yield timeline, job.device_count
        for cap in self._entitlements.caps(job.tenant_id, job.project, kind_id):
            amount = self._entitlements.amount(cap.unit, kind_id, job.device_count)
            more = self._takings.rise(self._path(job), cap.key, amount)
            if more > 0:
                yield self._of_quota(cap), more

    def _of_all_kinds(self, job: Job) -> tuple[Timeline, ...]:
        key = job.tenant_id, job.project
        found = self._quotas_by_project.get(key)
        if found is None:
            timelines = map(self._of_quota, self.state.tree.quotas(*key))
            # What has room for all who wait, and for any other, is in nobody's way.
            found = tuple(one for one in timelines if one.lowest < self._wanted_cards)
            self._quotas_by_project[key] = found
        return found

    def _of_quota(self, quota: Quota) -> Timeline:
        if quota.key not in self._quotas:  # nothing is held of it
            self._quotas[quota.key] = self._timeline(quota, ())
        return self._quotas[quota.key]

    def _timeline(self, quota: Quota, ends: Collection[tuple[int, int, Path]]) -> Timeline:
        if not quota.unit:
            free = quota.most - sum(amount for _, amount, _ in ends)
            return Timeline(self.now_ms, free, [(end_ms, amount) for end_ms, amount, _ in ends])
        free, then = quota.most - self._takings.taken[quota.key], self._takings.copy()
        releases: list[tuple[int, int]] = []
        for end_ms, amount, path in sorted(ends):  # what is kept once idle comes free to nobody
            taken = then.taken[quota.key]
            then.take(path, quota.unit, -amount)
            releases.append((end_ms, taken - then.taken[quota.key]))
        return Timeline(self.now_ms, free, releases)

    def _running(self) -> Iterator[Holding]:
        for attempt in self.state.live.values():
            job = self.state.jobs[attempt.job_id].job
            end_ms = self.stops.get(attempt.id) or self.forecasts.live_ends(attempt).likely_ms
            yield Holding(job, attempt.placement, max(end_ms, self.now_ms + 1))


def _seat(pools: Mapping[str, Prospect], place: Place, from_ms: int | None) -> Seat | None:
    """When the place may have room first; None where its pool never has, or is not heard of."""
    pool = pools.get(place.pool.id)
    begin_ms = pool.next_end_ms if pool and from_ms is None else from_ms
    if pool is None or begin_ms is None:
        return None
    soonest_ms = pool.soonest(place.wanted, begin_ms)
    return None if soonest_ms is None else Seat(place, pool, soonest_ms)


@lru_cache(maxsize=STARTS_MAX)
def _planned(at_ms: int, pool_id: str) -> PlannedStart:
    """Many begin at one moment, when others end."""
    return PlannedStart(at_ms, pool_id)


def _in_hours(
    job: Job, length_ms: int, pool: Pool, bounds: Collection[Bound], from_ms: int
) -> int | None:
    """When all have room for it, and the pool is offered for as long as it needs that."""
    at_ms = _in_all(length_ms, bounds, from_ms)
    if pool.hours is None:
        return at_ms
    for _ in range(OPENINGS_MAX):
        opens_ms = None if at_ms is None else pool.hours.opens_ms(at_ms, needed_ms(job))
        if opens_ms is None or opens_ms == at_ms:
            return opens_ms
        at_ms = _in_all(length_ms, bounds, opens_ms)
    return None


def _in_all(length_ms: int, bounds: Collection[Bound], from_ms: int) -> int | None:
    """When the pool and all quotas that bind the job have room for all of it."""
    at_ms: int | None = from_ms
    began_ms = None
    while at_ms is not None and at_ms != began_ms:
        began_ms = at_ms
        for timeline, amount in bounds:
            at_ms = timeline.earliest(amount, length_ms, at_ms)
            if at_ms is None:
                break
    return at_ms


def _most_cards(record: JobRecord) -> int:
    """In whichever of its forms."""
    job = record.job
    if not job.variants:
        return job.device_count
    return max((job.device_count, *(one.device_count for one in job.variants)))
