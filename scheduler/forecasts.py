"""When work ends, running or not yet begun, as the policy counts with it; one plan's view.

How long those that wait are likely to run goes by what is known now. Those that are alike are
looked up once.
"""

from scheduler.ends import Ends
from scheduler.policy import Policy
from scheduler.record import Attempt, JobRecord
from scheduler.state import State


class Forecasts:
    """Where nothing goes by forecasts, all is likely to end by its limit."""

    def __init__(self, state: State, now_ms: int, policy: Policy) -> None:
        self._state = state
        self._now_ms = now_ms
        self._policy = policy
        self._known: dict[tuple[str, str, str, int], int | None] = {}

    def ends(self, record: JobRecord, delay_ms: int = 0) -> Ends:
        """When a job that waits would end if it began now, or so much later."""
        job, begin_ms = record.job, self._now_ms + delay_ms
        like = (job.tenant_id, job.user, job.name, job.device_count)
        if like not in self._known:
            self._known[like] = self._state.history.forecast_ms(job, self._now_ms)
        return self._policy.counted(record.ends(begin_ms, begin_ms, self._known[like]))

    def live_ends(self, attempt: Attempt) -> Ends:
        """When a live attempt ends; what has overstayed does at any moment."""
        record = self._state.jobs[attempt.job_id]
        return self._policy.counted(record.live_ends(attempt, self._now_ms).after(self._now_ms))
