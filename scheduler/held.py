"""Jobs that wait for others to end before they come to the queue: `afterok`, `afterany` of Slurm.

Which of the others have ended is kept with each job, so that it holds whatever else is forgotten.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from heapq import heappop, heappush

from scheduler.job import Job, JobState
from scheduler.record import JobRecord


def awaited(
    job: Job, known: Container[str], final_states: Mapping[str, JobState]
) -> list[str] | str:
    """Those that it follows and that have not ended; or why it can never run."""
    found: list[str] = []
    for job_id in job.followed_ids:
        if job_id in known:
            found.append(job_id)
            continue
        ended = final_states.get(job_id)
        if ended is None:
            return f"there is no job {job_id}, which it is to follow"
        if ended is not JobState.SUCCEEDED and job_id in job.after_ids:
            return f"job {job_id}, which it is to follow, did not succeed: it has {ended}"
    return found


class Held:
    """Held jobs by id, and by the jobs that they follow."""

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        self._record_by_id: dict[str, JobRecord] = {}
        self._followers: dict[str, dict[str, None]] = {}
        self._ripe: list[str] = []
        for record in records:
            self.add(record)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._record_by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._record_by_id)

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

        Of several the one with the least id, however they became so.
        """
        while self._ripe and self._ripe[0] not in self._record_by_id:
            heappop(self._ripe)
        return self._record_by_id[self._ripe[0]] if self._ripe else None

    def _note_ripe(self, record: JobRecord) -> None:
        if record.broken_by or not record.awaited_ids:
            heappush(self._ripe, record.job.id)

    def check(self) -> None:
        """Raise `AssertionError` where what is kept beside the jobs is not what they say."""
        followers: dict[str, dict[str, None]] = {}
        for job_id, record in self._record_by_id.items():
            assert record.state is JobState.HELD, f"{job_id} is held, and {record.state}"
            for awaited_id in record.awaited_ids:
                followers.setdefault(awaited_id, {})[job_id] = None
            is_ripe = bool(record.broken_by) or not record.awaited_ids
            assert is_ripe == (job_id in self._ripe), f"whether {job_id} is ripe drifted"
        assert followers == self._followers, "who follows whom drifted"
