"""Jobs that wait for others to end before they come to the queue: `afterok`, `afterany` of Slurm.

Which of the others have ended is kept with each job, so that it holds whatever else is forgotten.
Tasks of an array, of which only so many may be out at once, wait for each other (see `arrays`).
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from heapq import heappop, heappush

from scheduler.facts.arrays import Arrays
from scheduler.facts.events import DependencyFailed, Released
from scheduler.facts.record import JobRecord
from scheduler.model.job import Job, JobState


def awaited(
    job: Job, known: Container[str], arrays: Arrays, final_states: Mapping[str, JobState]
) -> list[str] | str:
    """Those that it follows and that have not ended; or why it can never run."""
    found: list[str] = []
    for job_id in job.followed_ids:
        failed_id = arrays.failed_id(job_id)
        if failed_id and job_id in job.after_ids:
            return f"job {failed_id} of array {job_id}, which it is to follow, did not succeed"
        if job_id in known or job_id in arrays:
            found.append(job_id)
            continue
        ended = final_states.get(job_id)
        if ended is None:
            return f"there is no job {job_id}, which it is to follow"
        if ended is not JobState.SUCCEEDED and job_id in job.after_ids:
            return f"job {job_id}, which it is to follow, did not succeed: it has {ended}"
    return found


class Held:
    """Held jobs by id, by the jobs and arrays that they follow, and by the array that is full."""

    def __init__(
        self, records: Iterable[JobRecord] = (), failures: Mapping[str, str] | None = None
    ) -> None:
        """All jobs that are not over, and which arrays have one that failed, and which."""
        self.arrays = Arrays()
        self._record_by_id: dict[str, JobRecord] = {}
        self._followers: dict[str, dict[str, None]] = {}
        self._ripe: list[str] = []
        for record in records:
            if (array := record.job.array) is not None:
                self.arrays.add(record, (failures or {}).get(array.id, ""))
            if record.state is JobState.HELD:
                self.add(record)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._record_by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._record_by_id)

    def hold(self, record: JobRecord, before: JobState | None = None) -> bool:
        """A new job: whether it must wait for others, and then it is held.

        `before` is how its array had ended before this task of it came.
        """
        array = record.job.array
        is_held = bool(record.awaited_ids) or self.arrays.is_full(record.job)
        record.state = JobState.HELD if is_held else JobState.QUEUED
        if array is not None:
            self.arrays.add(record, array.id if before is JobState.FAILED else "")
        if is_held:
            self.add(record)
        return is_held

    def is_ready(self, job_id: str) -> bool:
        """Whether it is held, and may come to the queue."""
        record = self._record_by_id.get(job_id)
        if record is None or record.awaited_ids:
            return False
        return not self.arrays.is_full(record.job)

    def release(self, record: JobRecord) -> None:
        """It comes to the queue."""
        self.discard(record.job.id)
        self.arrays.release(record.job)

    def end(self, record: JobRecord, state: JobState) -> dict[str, JobState]:
        """A job is over: so is, perhaps, its array; each that is, and how it ended.

        Its record must be as it was before. An array succeeds where all its tasks do, and whoever
        follows one of which a task fails need not wait for the others.
        """
        job, ended = record.job, {record.job.id: state}
        self.discard(job.id)
        self.note_end(job.id, state)
        if job.array is not None:
            outcome = self.arrays.end(record, state)
            if outcome is not None:
                self.note_end(job.array.id, outcome)
                ended[job.array.id] = outcome
            elif state is not JobState.SUCCEEDED:
                self._break(job.array.id)
        return ended

    def add(self, record: JobRecord) -> None:
        job_id = record.job.id
        self._record_by_id[job_id] = record
        for awaited_id in record.awaited_ids:
            self._followers.setdefault(awaited_id, {})[job_id] = None
        self._note_ripe(record)

    def discard(self, job_id: str) -> None:
        """Take a job out; nothing happens where it is not held."""
        record = self._record_by_id.pop(job_id, None)
        if record is None:
            return
        for awaited_id in record.awaited_ids:
            followers = self._followers[awaited_id]
            del followers[job_id]
            if not followers:
                del self._followers[awaited_id]

    def note_end(self, job_id: str, state: JobState) -> None:
        """A job is over: who follows it waits for it no longer, or can never run."""
        for follower_id in self._followers.pop(job_id, {}):
            record = self._record_by_id[follower_id]
            record.awaited_ids.remove(job_id)
            if state is not JobState.SUCCEEDED and job_id in record.job.after_ids:
                record.broken_by = record.broken_by or job_id
            self._note_ripe(record)

    def ripe(self) -> JobRecord | None:
        """One that waits for nobody any more: all have ended, or one ended as it must not.

        Of several the one with the least id, however they became so; then tasks whose array has
        room again.
        """
        while self._ripe and self._ripe[0] not in self._record_by_id:
            heappop(self._ripe)
        if self._ripe:
            return self._record_by_id[self._ripe[0]]
        next_id = self.arrays.first_in_line(self._record_by_id)
        return self._record_by_id[next_id] if next_id is not None else None

    def released(self, now_ms: int) -> Iterator[Released | DependencyFailed]:
        """Those whose time has come; what is given up makes those that follow it ripe."""
        while (record := self.ripe()) is not None:
            job_id = record.job.id
            if record.broken_by:
                yield DependencyFailed(at_ms=now_ms, job_id=job_id, after_id=record.broken_by)
            else:
                yield Released(at_ms=now_ms, job_id=job_id)

    def _break(self, array_id: str) -> None:
        """One of an array did not succeed: who follows it by `after` never runs."""
        for follower_id in self._followers.get(array_id, {}):
            record = self._record_by_id[follower_id]
            if array_id in record.job.after_ids and not record.broken_by:
                record.broken_by = array_id
                self._note_ripe(record)

    def _note_ripe(self, record: JobRecord) -> None:
        is_alone = not record.awaited_ids
        if record.broken_by or (is_alone and not self.arrays.line_up(record.job)):
            heappush(self._ripe, record.job.id)

    def check(self) -> None:
        """Raise `AssertionError` where what is kept beside the jobs is not what they say."""
        followers: dict[str, dict[str, None]] = {}
        for job_id, record in self._record_by_id.items():
            assert record.state is JobState.HELD, f"{job_id} is held, and {record.state}"
            for awaited_id in record.awaited_ids:
                followers.setdefault(awaited_id, {})[job_id] = None
            is_in_line = record.job.array is not None and record.job.array.at_most is not None
            is_ripe = bool(record.broken_by) or not (record.awaited_ids or is_in_line)
            assert is_ripe == (job_id in self._ripe), f"whether {job_id} is ripe drifted"
        assert followers == self._followers, "who follows whom drifted"
