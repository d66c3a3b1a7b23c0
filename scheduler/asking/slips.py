"""Why a job that waits starts later than it was told first: what of that can be established.

The plan that told it is not kept. What it counted on of the work that ran then can be worked out
again: the forecast of each run was made at its lease, and stays.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cluster.inventory import Pool
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.policy import DEFAULT, Policy
from scheduler.model.variants import forms
from scheduler.placing.placement import Fit, shape_of
from scheduler.placing.racks import free_cards
from scheduler.planning.options import Offer, places
from scheduler.timing.forecasts import Forecasts

NEAR_MS = 60_000
FAR_SHARE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFirst:
    """What a job was told first of its start in this wait, and when."""

    at_ms: int
    start_ms: int
    pool_id: str

    def is_missed(self, start_ms: int | None) -> bool:
        """Whether a start is clearly later; None is no start that anybody knows."""
        slack_ms = max(NEAR_MS, (self.start_ms - self.at_ms) // FAR_SHARE)
        return start_ms is None or start_ms - self.start_ms >= slack_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """So many runs or jobs and their cards; `mine` of them are of the job's own tenant."""

    count: int
    mine: int
    cards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overstayed(Group):
    """Runs that were counted on to be over when it was to start, as was counted when it was told.

    The longest is `over_ms` past that, and until `until_ms` they are counted on now.
    """

    over_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What keeps the job from the start that it was told first, where anything is known to.

    `is_full`: by what runs in that pool, as is counted now, there is no room for it then. Who
    `overstayed` and who `started` since has a part in it; these came after it was told, as those
    that wait `ahead` of it and might go there. Where there is room, but for all that are ahead as
    well, they wait for who `overstayed`, and it waits for them. `likely_ms` is when it is likely to
    have its cards there, where it is late for its leeway alone.
    """

    is_full: bool = False
    overstayed: Overstayed | None = None
    started: Group | None = None
    ahead: Group | None = None
    likely_ms: int | None = None


def within_leeway_ms(told: ToldFirst, offers: Iterable[Offer]) -> int | None:
    """When it is likely to start there, where that is in time and it is promised for later."""
    likely_ms = (
        one.sure_ms
        for one in offers
        if one.pool.id == told.pool_id and one.promise_ms is not None
        if told.is_missed(one.promise_ms) and not told.is_missed(one.sure_ms)
    )
    return next(likely_ms, None)


def slip(
    state: State,
    now_ms: int,
    record: JobRecord,
    ahead: Sequence[JobRecord],
    told: ToldFirst,
    policy: Policy = DEFAULT,
) -> Slip:
    """Of one that waits behind those `ahead`. The state must not be changed meanwhile."""
    pool = state.park.pool_by_id.get(told.pool_id) if state.park else None
    if pool is None:
        return Slip()
    look = _Look(state, pool, record.job, told, now_ms, policy)
    newer = [one for one in ahead if one.queued_at_ms > told.at_ms]
    if look.is_full():
        overstayed, started = look.overstayed(look.holders), look.started()
        ahead_of_it = look.waiting(newer)
        return Slip(is_full=True, overstayed=overstayed, started=started, ahead=ahead_of_it)
    return Slip(
        overstayed=look.overstayed(look.runs) if look.is_crowded(ahead) else None,
        ahead=look.waiting(newer) if look.is_crowded(newer) else None,
    )


class _Look:
    """The pool that the job was told, at the start that it was told, as is counted now."""

    def __init__(
        self, state: State, pool: Pool, job: Job, told: ToldFirst, now_ms: int, policy: Policy
    ) -> None:
        assert state.park is not None
        self._state, self._park, self._pool, self._job = state, state.park, pool, job
        self._told, self._now_ms = told, now_ms
        self._then, self._now = (Forecasts(state, at, policy) for at in (told.at_ms, now_ms))
        self.runs = [one for one in state.live.values() if one.placement.pool_id == pool.id]
        self.holders = [one for one in self.runs if self._until_ms(one) > told.start_ms]
        self._free = free_cards(self._park, pool, self._left())

    def is_full(self) -> bool:
        """Whether in none of its forms there is room for the job."""
        return not any(self._free.find(wanted) for wanted in self._wanted(self._job))

    def is_crowded(self, ahead: Iterable[JobRecord]) -> bool:
        """Whether those that might go there leave it no room, in its smallest form."""
        left = self._free.total - min(form.device_count for form in forms(self._job))
        for record in ahead:
            if any(self._wanted(record.job)):
                left -= record.job.device_count
            if left < 0:
                return True
        return False

    def overstayed(self, runs: Iterable[Attempt]) -> Overstayed | None:
        """Those that were there when it was told, and by that were to be over by its start."""
        told, then = self._told, self._then
        old = [one for one in runs if one.leased_at_ms <= told.at_ms]
        was_ms = {one.id: then.live_ends(one).likely_ms for one in old}
        found = [one for one in old if was_ms[one.id] <= min(told.start_ms, self._now_ms)]
        group = self._of_runs(found)
        if group is None:
            return None
        return Overstayed(
            count=group.count,
            mine=group.mine,
            cards=group.cards,
            over_ms=self._now_ms - min(was_ms[one.id] for one in found),
            until_ms=max(map(self._until_ms, found)),
        )

    def started(self) -> Group | None:
        """Those that came to the queue after it was told, and have cards all the same."""
        jobs, told_ms = self._state.jobs, self._told.at_ms
        return self._of_runs(one for one in self.holders if jobs[one.job_id].queued_at_ms > told_ms)

    def waiting(self, records: Iterable[JobRecord]) -> Group | None:
        """Those that might go to the pool."""
        found = (one.job for one in records if any(self._wanted(one.job)))
        return self._group((job, job.device_count) for job in found)

    def _wanted(self, job: Job) -> Iterator[Fit]:
        """How it would sit in the pool, in each of its forms that could."""
        for form in forms(job):
            for pool, sits, _ in places(shape_of(form), self._park):
                if pool.id == self._pool.id:
                    yield sits

    def _until_ms(self, attempt: Attempt) -> int:
        return self._now.live_ends(attempt).likely_ms

    def _left(self) -> dict[str, int]:
        """What each of its nodes that are there has beside those who hold its cards then."""
        state, pool = self._state, self._pool
        is_heard = pool.centre_id in state.heard_centre_ids
        online = state.drains.open(state.online_node_ids) if is_heard else frozenset()
        left = {one: pool.cards_per_node for one in self._park.node_ids(pool.id) if one in online}
        for attempt in self.holders:
            for share in attempt.placement.shares:
                if share.node_id in left:
                    left[share.node_id] -= share.card_count
        return left

    def _of_runs(self, found: Iterable[Attempt]) -> Group | None:
        jobs = self._state.jobs
        return self._group((jobs[one.job_id].job, one.placement.card_count) for one in found)

    def _group(self, others: Iterable[tuple[Job, int]]) -> Group | None:
        """None where there are none."""
        listed = [*others]
        if not listed:
            return None
        return Group(
            count=len(listed),
            mine=sum(other.tenant_id == self._job.tenant_id for other, _ in listed),
            cards=sum(cards for _, cards in listed),
        )
