"""When work ends, running or not yet begun, as the policy counts with it; one plan's view.

How long those that wait are likely to run goes by what is known now. Those that are alike are
looked up once, and a plan asks of each several times.
"""

from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from scheduler.facts.agenda import Ending
from scheduler.facts.record import UNKNOWN_ENDS, Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.forecast.history import NO_NAMES
from scheduler.forecast.speeds import at_speed, kind_speed, knows_kinds, lengths_by_kind, speeds
from scheduler.model.job import Job
from scheduler.model.policy import Policy
from scheduler.model.variants import forms


class Forecasts:
    """Where nothing goes by forecasts, all is likely to end by its limit."""

    def __init__(self, state: State, now_ms: int, policy: Policy) -> None:
        self._state = state
        self._now_ms = now_ms
        self._is_forecasting = policy.is_forecasting
        self._known: dict[tuple[str, str, str, int], int | None] = {}
        self._ends: dict[int, Ends] = {}
        self._last: JobRecord | None = None
        self._last_ends = UNKNOWN_ENDS
        self._ends_by_like: dict[Hashable, Ends] = {}
        self._ends_of_forms: dict[Hashable, Sequence[Ends]] = {}
        self._endings: dict[tuple[str, bool], list[Ending]] = {}
        self._forms: dict[int, tuple[JobRecord, ...]] = {}
        self._with_kinds: dict[Hashable, bool] = {}
        self._lengths: dict[Hashable, Mapping[str, int]] = {}
        self._speeds: dict[tuple[object, ...], tuple[int, ...]] = {}

    def forms(self, record: JobRecord) -> Sequence[JobRecord]:
        """A job that waits as if it had been asked in each of its forms, the preferred first.

        What it has had counts in each by how fast that is. One without variants is as it is, but on
        each of its kinds where its like ran faster on one than on another.
        """
        job = record.job
        if not (job.has_forms or self._knows_kinds(job)):
            return (record,)
        known = self._forms.get(id(record))
        if known is None:
            known = self._variants(record) if job.has_forms else self._by_kind(record)
            self._forms[id(record)] = known
        return known

    def _knows_kinds(self, job: Job) -> bool:
        """Whether it names kinds, and its like may have run for longer on one than on another."""
        return len(job.device_kind_ids) > 1 and self.varies_by_kind(job)

    def varies_by_kind(self, job: Job) -> bool:
        """Whether enough of its like ran on two kinds, whichever the job names."""
        if not self._is_forecasting:
            return False
        like = _like(job)
        if like not in self._with_kinds:
            self._with_kinds[like] = knows_kinds(job, self._state.history)
        return self._with_kinds[like]

    def names(self, job: Job) -> AbstractSet[str]:
        """What has run was called so: jobs alike but for such names are not foretold the same."""
        return self._state.history.names(job) if self._is_forecasting else NO_NAMES

    def _variants(self, record: JobRecord) -> tuple[JobRecord, ...]:
        own_ms = self._forecast_ms(record.job)
        paces = zip(forms(record.job), self._speeds_of(record.job), strict=True)
        return tuple(self._at_speed(record, form, own_ms, speed) for form, speed in paces)

    def _by_kind(self, record: JobRecord) -> tuple[JobRecord, ...]:
        """On each of the kinds that it names, where its like ran on several; else as it is."""
        job = record.job
        lengths_ms = self._lengths_of(job)
        if not lengths_ms:
            return (record,)
        first_ms = lengths_ms[job.device_kind_ids[0]]
        return tuple(
            self._at_speed(
                record,
                replace(job, device_kind_ids=(kind_id,)),
                first_ms,
                kind_speed(job, kind_id, lengths_ms),
            )
            for kind_id in job.device_kind_ids
        )

    def _lengths_of(self, job: Job) -> Mapping[str, int]:
        """Those that are alike are looked up once."""
        key = (*_like(job), job.device_kind_ids, job.data_ids)
        if key not in self._lengths:
            self._lengths[key] = lengths_by_kind(job, self._state.history)
        return self._lengths[key]

    def _at_speed(
        self, record: JobRecord, form: Job, own_ms: int | None, speed_permille: int
    ) -> JobRecord:
        """The job as if it had been asked so, of which is foretold when it ends."""
        placed = replace(record, job=form, speed_permille=speed_permille)
        forecast_ms = None if own_ms is None else at_speed(own_ms, speed_permille)
        self._ends[id(placed)] = placed.ends(self._now_ms, self._now_ms, forecast_ms)
        return placed

    def length_ms(self, record: JobRecord) -> int:
        """How long the job is likely to hold its cards once it has them."""
        return self.ends(record).likely_ms - self._now_ms

    def ends(self, record: JobRecord, delay_ms: int = 0) -> Ends:
        """When a job that waits would end if it began now, or so much later."""
        if record is not self._last:
            self._last = record
            self._last_ends = self._ends.get(id(record)) or self._ends_of_like(record)
        ends = self._last_ends
        return Ends(ends.likely_ms + delay_ms, ends.latest_ms + delay_ms) if delay_ms else ends

    def ends_of_forms(self, record: JobRecord) -> Sequence[Ends]:
        """When it would end in each of its forms; of those that are alike worked out once."""
        job = record.job
        if not (job.has_forms or self._knows_kinds(job)):
            return (self._ends_of_like(record),)
        if job.has_forms or job.data_ids:
            return [self.ends(form) for form in self.forms(record)]
        own = job.longest_ms, record.had_ms, record.speed_permille
        key = (*_like(job), job.device_kind_ids, *own)
        found = self._ends_of_forms.get(key)
        if found is None:
            found = self._ends_of_forms[key] = [self.ends(form) for form in self.forms(record)]
        return found

    def _ends_of_like(self, record: JobRecord) -> Ends:
        """Of all that are alike in what `JobRecord.ends` goes by."""
        job = record.job
        key = (*_like(job), job.longest_ms, record.had_ms, record.speed_permille)
        ends = self._ends_by_like.get(key)
        if ends is None:
            ends = record.ends(self._now_ms, self._now_ms, self._forecast_ms(job))
            self._ends_by_like[key] = ends
        return ends

    def _speeds_of(self, job: Job) -> tuple[int, ...]:
        """Those that are alike are looked up once."""
        gang = (job.device_count, job.node_count, job.member_count)
        sizes = (job.variants, job.min_device_count, job.step_device_count)
        key = (job.tenant_id, job.user, job.name, job.device_kind_ids, *gang, *sizes)
        if key not in self._speeds:
            self._speeds[key] = speeds(job, self._state.history, self._state.park)
        return self._speeds[key]

    def _forecast_ms(self, job: Job) -> int | None:
        if not self._is_forecasting:
            return None
        like = _like(job)
        if like not in self._known:
            self._known[like] = self._state.history.forecast_ms(job, self._now_ms)
        return self._known[like]

    def endings(self, pool_id: str, *, is_firm: bool) -> list[Ending]:
        """When what runs in a pool ends, in order: firm by its limits, else as is likely.

        What should have ended does at any moment.
        """
        key = pool_id, is_firm
        found = self._endings.get(key)
        if found is None:
            ordered = self._ordered(pool_id, is_firm=is_firm)
            count, soonest_ms = self._late_count(ordered), self._now_ms + 1
            late = sorted([(soonest_ms, one, shares) for _, one, shares in ordered[:count]])
            found = self._endings[key] = late + ordered[count:]
        return found

    def runs(self, pool_id: str) -> Hashable:
        """The same as long as the same runs there, and should end when it should have before."""
        lates = [
            self._late_count(self._ordered(pool_id, is_firm=is_firm)) for is_firm in (True, False)
        ]
        return self._is_forecasting, self._state.agenda.version(pool_id), *lates

    def _ordered(self, pool_id: str, *, is_firm: bool) -> list[Ending]:
        if is_firm or not self._is_forecasting:
            return self._state.agenda.latest(pool_id)
        return self._state.agenda.likely(pool_id, self._now_ms)

    def _late_count(self, ordered: list[Ending]) -> int:
        """How many should have ended: those that do at any moment."""
        return bisect_left(ordered, (self._now_ms + 2,))

    def live_ends(self, attempt: Attempt) -> Ends:
        """When a live attempt ends; what has overstayed does at any moment.

        A plan asks it of all that runs, so that it takes the short way where there is one.
        """
        ends, soonest_ms = attempt.ends, self._now_ms + 1
        if ends.likely_ms > soonest_ms and self._is_forecasting:
            return ends
        latest_ms = max(ends.latest_ms, soonest_ms)
        record = self._state.jobs[attempt.job_id]
        forecast_ms = record.forecast_ms
        if latest_ms == soonest_ms or forecast_ms is None or not self._is_forecasting:
            return Ends(latest_ms, latest_ms)
        likely_ms = record.likely_end_ms(attempt.begin_ms, self._now_ms, forecast_ms)
        return Ends(min(likely_ms, latest_ms), latest_ms)


def _like(job: Job) -> tuple[str, str, str, int]:
    """What its like has in common with it."""
    return job.tenant_id, job.user, job.name, job.device_count
