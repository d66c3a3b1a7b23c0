"""Arrays: jobs of one submission that differ by an index; of some, only so many at once.

A task beyond that is held, so that it is in no plan, until one of its array has ended. Who may
come next is decided by the tasks alone, so that a restored state decides the same.
"""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from scheduler.facts.record import JobRecord
from scheduler.model.job import Job, JobState


@dataclass(slots=True)
class OpenArray:
    """An array with tasks that are not over: how many, and how many of them are not held.

    `failed_id` is the first that did not succeed. `line` holds the indices and ids of those held
    that wait for nothing but a place, as a heap; who is no longer held may still be in it.
    """

    at_most: int | None
    open_count: int = 0
    out_count: int = 0
    failed_id: str = ""
    line: list[tuple[int, str]] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return self.at_most is not None and self.out_count >= self.at_most


class Arrays:
    """Arrays that are not over, by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, OpenArray] = {}
        self._with_room: list[str] = []

    def __contains__(self, array_id: str) -> bool:
        return array_id in self._by_id

    def failed_id(self, array_id: str) -> str:
        """The first of its tasks that did not succeed; empty where there is none."""
        return self._by_id[array_id].failed_id if array_id in self._by_id else ""

    def failures(self) -> dict[str, str]:
        """That of each array that has one."""
        return {key: one.failed_id for key, one in sorted(self._by_id.items()) if one.failed_id}

    def is_full(self, job: Job) -> bool:
        """Whether it is a task of which no more may come to the queue now."""
        array = self._by_id.get(job.array.id) if job.array else None
        return array is not None and array.is_full

    def add(self, record: JobRecord, failed_id: str = "") -> None:
        """A new task, held or not; `failed_id` is one of its array's that had failed before."""
        assert record.job.array is not None, f"{record.job.id} is no task of an array"
        array_id, at_most = record.job.array.id, record.job.array.at_most
        array = self._by_id.setdefault(array_id, OpenArray(at_most))
        array.open_count += 1
        array.failed_id = array.failed_id or failed_id
        if record.state is not JobState.HELD:
            array.out_count += 1

    def line_up(self, job: Job) -> bool:
        """Let a held task wait for a place; whether it needs one."""
        if job.array is None or job.array.at_most is None:
            return False
        heappush(self._by_id[job.array.id].line, (job.array.index, job.id))
        heappush(self._with_room, job.array.id)
        return True

    def first_in_line(self, held: Container[str]) -> str | None:
        """The held task whose place is free: of the first such array the one of least index."""
        while self._with_room:
            array = self._by_id.get(self._with_room[0])
            while array and array.line and array.line[0][1] not in held:
                heappop(array.line)
            if array and array.line and not array.is_full:
                return array.line[0][1]
            heappop(self._with_room)
        return None

    def release(self, job: Job) -> None:
        """A held task comes to the queue; nothing happens to what is no task."""
        if job.array is not None:
            self._by_id[job.array.id].out_count += 1

    def end(self, record: JobRecord, state: JobState) -> JobState | None:
        """A task is over, whose record is as it was before; how its array ended, if it has."""
        assert record.job.array is not None, f"{record.job.id} is no task of an array"
        array_id = record.job.array.id
        array = self._by_id[array_id]
        array.open_count -= 1
        if record.state is not JobState.HELD:
            array.out_count -= 1
            heappush(self._with_room, array_id)
        if state is not JobState.SUCCEEDED:
            array.failed_id = array.failed_id or record.job.id
        if array.open_count:
            return None
        del self._by_id[array_id]
        return JobState.FAILED if array.failed_id else JobState.SUCCEEDED

    def check(self, records: Iterable[JobRecord]) -> None:
        """Raise `AssertionError` where more of an array are out than may, or a count drifted."""
        open_count: Counter[str] = Counter()
        out_count: Counter[str] = Counter()
        for record in records:
            if (array := record.job.array) is not None:
                open_count[array.id] += 1
                out_count[array.id] += record.state is not JobState.HELD
                is_within = array.at_most is None or out_count[array.id] <= array.at_most
                assert is_within, f"more of array {array.id} are out than may"
        counts = {key: (one.open_count, one.out_count) for key, one in self._by_id.items()}
        counted = {key: (count, out_count[key]) for key, count in open_count.items()}
        assert counts == counted, "how many of each array are open or out drifted"
