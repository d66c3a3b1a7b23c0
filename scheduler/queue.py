"""Jobs that wait, kept in order, so that a plan need not sort them again at every event."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from scheduler.levels import level
from scheduler.record import JobRecord

AgeKey = tuple[int, int, str]
LaneKey = tuple[str, int]
"""A tenant, and how much of the park its jobs in this lane have had: their level."""


def age_key(record: JobRecord) -> AgeKey:
    """The highest class first, then the oldest; the id decides between equals."""
    job = record.job
    return -job.priority.rank, job.submitted_at_ms, job.id


def lane_key(record: JobRecord) -> LaneKey:
    """What a job has had does not change while it waits."""
    return record.job.tenant_id, level(record.served_card_ms)


class JobQueue:
    """Waiting jobs by id, and one lane a tenant and level in the order of `age_key`."""

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self._record_by_id: dict[str, JobRecord] = {}
        self.lanes: dict[LaneKey, list[tuple[AgeKey, JobRecord]]] = {}
        for record in records:
            self.add(record)

    def __len__(self) -> int:
        return len(self._record_by_id)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._record_by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._record_by_id)

    def get(self, job_id: str) -> JobRecord | None:
        return self._record_by_id.get(job_id)

    def records(self) -> Iterator[JobRecord]:
        return iter(self._record_by_id.values())

    def add(self, record: JobRecord) -> None:
        self._record_by_id[record.job.id] = record
        # Ids are unique: the comparison never comes to the records.
        insort(self.lanes.setdefault(lane_key(record), []), (age_key(record), record))

    def discard(self, job_id: str) -> None:
        """Take a job out; nothing happens where it does not wait."""
        record = self._record_by_id.pop(job_id, None)
        if record is None:
            return
        key = lane_key(record)
        lane = self.lanes[key]
        del lane[bisect_left(lane, (age_key(record),))]
        if not lane:
            del self.lanes[key]

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
        in_lanes = {record.job.id: record for lane in self.lanes.values() for _, record in lane}
        assert in_lanes == self._record_by_id, "lanes drifted from the queue"
        for of, lane in self.lanes.items():
            keys = [key for key, _ in lane]
            assert keys, f"the lane of {of} is empty"
            assert keys == sorted(keys), f"the lane of {of} is out of order"
            assert all(lane_key(record) == of for _, record in lane), f"others in the lane of {of}"
