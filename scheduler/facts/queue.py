"""Jobs that wait, kept in order, so that a plan need not sort them again at every event."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import itemgetter

from scheduler.facts.kinds import KindOf, Kinds
from scheduler.facts.promised import StartPromised
from scheduler.facts.record import JobRecord
from scheduler.forecast.history import History
from scheduler.forecast.siblings import NEAREST, first_near
from scheduler.model.job import Job, Priority
from scheduler.model.levels import level
from scheduler.model.plan import Promise

AgeKey = tuple[int, int, str]
DueKey = tuple[int, int, int, str]
LaneKey = tuple[str, str, int]
"""A tenant, one of its projects, and how much of the park its jobs here have had: their level."""
SLOWDOWN = 100
"""So many times as long as it runs a job may have to wait for shorter ones that come later."""
RANKS = sorted(-priority.rank for priority in Priority)
"""Of the classes in the order of `age_key`."""


def age_key(record: JobRecord) -> AgeKey:
    """The highest class first, then the oldest; the id decides between equals."""
    return -record.job.priority.rank, record.queued_at_ms, record.job.id


def due_key(record: JobRecord) -> DueKey:
    """The highest class first, then who is due first, then as `age_key`.

    Due is a job once it has waited `SLOWDOWN` times as long as it is reckoned to run: the short go
    first, but nobody is passed by who comes later than that.
    """
    queued_ms, run_ms = record.queued_at_ms, record.reckoned_ms or record.expected_ms
    return -record.job.priority.rank, queued_ms + SLOWDOWN * run_ms, queued_ms, record.job.id


def lane_key(record: JobRecord) -> LaneKey:
    """What a job has had does not change while it waits."""
    return record.job.tenant_id, record.job.project, level(record.served_card_ms)


def _like(job: Job) -> tuple[str, str, int]:
    return job.tenant_id, job.user, job.device_count


def _asks(job: Job) -> tuple[str, tuple[str, ...]]:
    return job.tenant_id, job.device_kind_ids


def _entry(record: JobRecord) -> tuple[int, str, JobRecord]:
    return record.job.submitted_at_ms, record.job.id, record


class JobQueue:
    """Waiting jobs by id, by age, by when they starve, and in lanes: one a project and level.

    `wanted` has how many devices each tenant's ask for, by the kinds that they name.
    """

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self._record_by_id: dict[str, JobRecord] = {}
        self.by_age: list[tuple[AgeKey, JobRecord]] = []
        self._by_hunger: list[tuple[int, str, JobRecord]] = []
        self.lanes: dict[LaneKey, list[tuple[DueKey, JobRecord]]] = {}
        self.wanted = Counter[tuple[str, tuple[str, ...]]]()
        self._kinds: Kinds | None = None
        self._by_like: dict[tuple[str, str, int], list[tuple[int, str, JobRecord]]] = {}
        for record in records:
            self._record_by_id[record.job.id] = record
        waiting = self._record_by_id.values()
        for record in sorted(waiting, key=lambda one: (one.job.submitted_at_ms, one.job.id)):
            self._by_like.setdefault(_like(record.job), []).append(_entry(record))
            self.wanted[_asks(record.job)] += record.job.device_count
        # Sorted once: each put in its place would cost what is behind it.
        self.by_age.extend(sorted((age_key(one), one) for one in waiting))
        self._by_hunger.extend(sorted((one.starving_from_ms, one.job.id, one) for one in waiting))
        for due, record in sorted((due_key(one), one) for one in waiting):
            self.lanes.setdefault(lane_key(record), []).append((due, record))

    def __len__(self) -> int:
        return len(self._record_by_id)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._record_by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._record_by_id)

    def get(self, job_id: str) -> JobRecord | None:
        return self._record_by_id.get(job_id)

    def promises(self, by_id: Mapping[str, Promise], now_ms: int) -> Iterator[StartPromised]:
        """What these jobs, which wait, are promised from now on."""
        for job_id, promise in by_id.items():
            tenant_id = self._record_by_id[job_id].job.tenant_id
            yield StartPromised(at_ms=now_ms, tenant_id=tenant_id, job_id=job_id, promise=promise)

    def note_promised(self, event: StartPromised) -> str | None:
        """Take it in; the reason where the job waits no more."""
        record = self.get(event.job_id)
        if record is None:
            return f"job {event.job_id} does not wait"
        record.promised = event.promise
        return None

    def came_by(self, last_ms: int) -> Iterator[JobRecord]:
        """Those that have waited since then or longer, the highest class and the oldest first."""
        for rank in RANKS:
            first = bisect_left(self.by_age, ((rank, 0, ""),))
            end = bisect_left(self.by_age, ((rank, last_ms + 1, ""),))
            yield from (record for _, record in self.by_age[first:end])

    def starving(self, now_ms: int) -> list[JobRecord]:
        """Those that have waited too long, by age."""
        found = self._by_hunger[: self._starving_count(now_ms)]
        return sorted((record for _, _, record in found), key=age_key)

    def next_starving_ms(self, now_ms: int) -> int:
        """When the next will have waited too long; `now_ms` where nobody else waits."""
        count = self._starving_count(now_ms)
        return self._by_hunger[count][0] if count < len(self._by_hunger) else now_ms

    def _starving_count(self, now_ms: int) -> int:
        return bisect_right(self._by_hunger, now_ms, key=itemgetter(0))

    def records(self) -> Iterator[JobRecord]:
        return iter(self._record_by_id.values())

    def kinds(self, of: KindOf) -> Kinds:
        """Those that wait by what `of` says of each; kept at events from when it is first asked.

        It must say the same of a job as long as it waits.
        """
        if self._kinds is None or self._kinds.of is not of:
            self._kinds = Kinds(of, self._record_by_id.values())
        return self._kinds

    def add(self, record: JobRecord) -> None:
        self._record_by_id[record.job.id] = record
        if self._kinds is not None:
            self._kinds.add(record)
        insort(self._by_like.setdefault(_like(record.job), []), _entry(record))
        self.wanted[_asks(record.job)] += record.job.device_count
        # Ids are unique: the comparison never comes to the records.
        insort(self.by_age, (age_key(record), record))
        insort(self._by_hunger, (record.starving_from_ms, record.job.id, record))
        insort(self.lanes.setdefault(lane_key(record), []), (due_key(record), record))

    def discard(self, job_id: str) -> None:
        """Take a job out; nothing happens where it does not wait."""
        record = self._record_by_id.pop(job_id, None)
        if record is None:
            return
        if self._kinds is not None:
            self._kinds.discard(record)
        self.wanted[_asks(record.job)] -= record.job.device_count
        like = self._by_like[_like(record.job)]
        del like[bisect_left(like, _entry(record)[:2])]
        if not like:
            del self._by_like[_like(record.job)]
        key = lane_key(record)
        lane = self.lanes[key]
        del self.by_age[bisect_left(self.by_age, (age_key(record),))]
        del self._by_hunger[bisect_left(self._by_hunger, (record.starving_from_ms, job_id))]
        del lane[bisect_left(lane, (due_key(record),))]
        if not lane:
            del self.lanes[key]

    def learn(self, job: Job, history: History, now_ms: int) -> None:
        """One like these has run: those that were submitted nearest to it are reckoned anew."""
        like = self._by_like.get(_like(job), [])
        first = first_near(like, job.submitted_at_ms)
        records = [record for _, _, record in like[first : first + NEAREST]]
        all_reckoned_ms = history.all_reckoned_ms((one.job for one in records), now_ms)
        for record, reckoned_ms in zip(records, all_reckoned_ms, strict=True):
            if reckoned_ms != record.reckoned_ms:
                lane = self.lanes[lane_key(record)]
                del lane[bisect_left(lane, (due_key(record),))]
                record.reckoned_ms = reckoned_ms
                insort(lane, (due_key(record), record))

    @contextmanager
    def instead(self, record: JobRecord) -> Iterator[None]:
        """For a while, with this job in the place of the one of its id, or as one more."""
        before = self._record_by_id.copy()
        job_id = record.job.id
        self.discard(job_id)
        self.add(record)
        try:
            yield
        finally:
            self.discard(job_id)
            if job_id in before:
                self.add(before[job_id])
            self._record_by_id = before  # in the order in which they came

    def check(self) -> None:
        """Raise `AssertionError` where the lanes are not the waiting jobs in order."""
        alike = {one.job.id: one for of in self._by_like.values() for _, _, one in of}
        assert alike == self._record_by_id, "those that are alike drifted from the queue"
        in_lanes = {record.job.id: record for lane in self.lanes.values() for _, record in lane}
        assert in_lanes == self._record_by_id, "lanes drifted from the queue"
        asked = Counter[tuple[str, tuple[str, ...]]]()
        for record in in_lanes.values():
            asked[_asks(record.job)] += record.job.device_count
        assert asked == self.wanted, "what is asked for drifted from the queue"
        if self._kinds is not None:
            self._kinds.check(self._record_by_id.values())
        ages = sorted((age_key(record), record.job.id) for record in in_lanes.values())
        aged = [(key, record.job.id) for key, record in self.by_age]
        assert aged == ages, "the order of age drifted from the queue"
        hunger = sorted((record.starving_from_ms, record.job.id) for record in in_lanes.values())
        assert [one[:2] for one in self._by_hunger] == hunger, "who starves drifted from the queue"
        for of, lane in self.lanes.items():
            keys = [key for key, _ in lane]
            assert keys, f"the lane of {of} is empty"
            assert keys == sorted(keys), f"the lane of {of} is out of order"
            assert all(lane_key(record) == of for _, record in lane), f"others in the lane of {of}"
