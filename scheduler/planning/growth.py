"""Elastic jobs that run on fewer cards than they ask for, and go on with more where nobody waits.

Such a job is told to save itself and goes back to the queue, from where it starts as large as fits
then. What it costs is a restart; what it brings is run time (resizing by checkpoint and restart, as
in Optimus, Peng et al., EuroSys 2018; there by a model of the training, here by the speeds of the
two sizes and the forecast).
"""

from collections.abc import Iterable, Iterator

from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Job, NodeShare
from scheduler.model.offered import outside_hours
from scheduler.model.plan import Eviction
from scheduler.model.policy import Policy, Preemption
from scheduler.placing.placement import shape_of
from scheduler.planning.options import Candidate
from scheduler.planning.survey import Survey
from scheduler.planning.victims import SOON_MS
from scheduler.sharing.allowance import Allowances
from scheduler.timing.ahead import give_back
from scheduler.timing.forecasts import Forecasts

GROW_AFTER_MS = 1_800_000
"""So long it runs before it grows, and so before it grows again."""
RESTART_MS = 120_000
"""What it takes to begin again, beside the grace."""


def ripe(state: State, now_ms: int, policy: Policy) -> list[Attempt]:
    """What runs small, and has run for long enough to be stopped; the first to begin comes first.

    Only what is told to save itself, and is gone soon.
    """
    small = state.agenda.small
    if policy.preemption is None or not small:
        return []
    begun_ms = now_ms - grows_after_ms(policy.preemption)
    found = [
        one
        for one in small.values()
        if one.begin_ms <= begun_ms and _saves_itself_soon(state.jobs[one.job_id].job)
    ]
    return sorted(found, key=lambda one: (one.begin_ms, one.id))


def grows_after_ms(preemption: Preemption) -> int:
    """For how long it has run then."""
    return max(GROW_AFTER_MS, preemption.min_run_ms)


def _saves_itself_soon(job: Job) -> bool:
    checkpoint = job.checkpoint
    return checkpoint is not None and checkpoint.signal is not None and job.grace_ms <= SOON_MS


class Growth:
    """Which larger sizes fit beside all that one plan has given."""

    def __init__(
        self,
        state: State,
        now_ms: int,
        forecasts: Forecasts,
        survey: Survey,
        allowances: Allowances,
    ) -> None:
        self._state = state
        self._now_ms = now_ms
        self._forecasts = forecasts
        self._survey = survey
        self._allowances = allowances

    def first(self, attempts: Iterable[Attempt], waiting: Iterable[str]) -> list[Eviction]:
        """The first of them that may go on larger is stopped for it; no more in one plan.

        None where somebody of these who wait could be, or where something is being stopped: it is
        not known yet who gets those cards.
        """
        attempts = list(attempts)
        wanted = self._wanted_pool_ids(waiting) if attempts else set()
        for attempt in attempts:
            if attempt.placement.pool_id not in wanted:
                for shares in self._larger(attempt):
                    node_ids = tuple(share.node_id for share in shares)
                    return [Eviction(attempt.id, attempt.job_id, node_ids)]
        return []

    def _wanted_pool_ids(self, waiting: Iterable[str]) -> set[str]:
        found = {one.placement.pool_id for one in self._state.agenda.stopping.values()}
        for job_id in waiting:
            for form in self._forecasts.forms(self._state.jobs[job_id]):
                found.update(one.pool.id for one in self._survey.candidates(shape_of(form.job)))
        return found

    def _larger(self, attempt: Attempt) -> Iterator[tuple[NodeShare, ...]]:
        """Where it would be in its pool on more cards, with those that it has, the most first."""
        record = self._state.jobs[attempt.job_id]
        left_ms = self._forecasts.live_ends(attempt).likely_ms - self._now_ms
        for form in self._forecasts.forms(record):
            if form.job.device_count <= attempt.placement.card_count:
                return
            then_ms = left_ms * record.speed_permille // form.speed_permille
            if left_ms - then_ms <= RESTART_MS + record.job.grace_ms:
                continue
            for candidate in self._survey.candidates(shape_of(form.job)):
                is_here = candidate.pool.id == attempt.placement.pool_id
                if is_here and self._may_have(form, candidate, attempt):
                    shares = _found(candidate, attempt)
                    if shares is not None:
                        yield shares

    def _may_have(self, form: JobRecord, candidate: Candidate, attempt: Attempt) -> bool:
        """Whether its quotas have room for what is more, its balance for all, and it is in time."""
        again_ms = self._now_ms + form.job.grace_ms + RESTART_MS
        if outside_hours(form.job, candidate.pool, again_ms):
            return False
        more = form.job.device_count - attempt.placement.card_count
        hold = self._allowances.hold_micros(form.job, candidate.pool)
        return isinstance(hold, int) and self._allowances.has_spare(form.job, candidate.pool, more)


def _found(candidate: Candidate, attempt: Attempt) -> tuple[NodeShare, ...] | None:
    """Where it fits among what is free, were its own cards free as well."""
    free = candidate.room.now.copy()
    give_back(free, attempt.placement.shares)
    return free.find(candidate.wanted)
