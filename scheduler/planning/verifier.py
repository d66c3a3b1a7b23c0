"""A second look at every plan before it is committed: what breaks a rule is not carried out.

Here all is counted again from the state, what is granted and what is stopped; planner and verifier
share how a shape sits in a pool (`fit`), how jobs stand against one another (`standing`) and what a
potential is, and no book of what is left. A flaw is a defect of the planner: the others of the plan
are carried out, and who is hit waits for the next.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from cluster.inventory import Park
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.cores import accepts
from scheduler.model.job import Job, Placement, Priority
from scheduler.model.plan import Eviction, Grant, Plan, Verdict
from scheduler.model.policy import Policy, Preemption
from scheduler.model.variants import form_in, forms
from scheduler.placing.placement import Fit, fit, shape_of
from scheduler.planning.granted import Granted
from scheduler.planning.potential import Working
from scheduler.planning.victims import SOON_MS
from scheduler.sharing.standing import Standings, Taker, parting


def verified(state: State, plan: Plan, now_ms: int, policy: Policy) -> tuple[Plan, tuple[str, ...]]:
    """The plan without what breaks a rule, and what that was, each in a sentence."""
    if state.park is None or not (plan.grants or plan.evictions):
        return plan, ()
    verifier = Verifier(state, state.park, now_ms, policy)
    grants = tuple(grant for grant in plan.grants if verifier.allows(grant))
    allowed = tuple(one for one in plan.evictions if verifier.allows_stop(one))
    evictions = tuple(verifier.without_circles(allowed, plan.verdicts))
    if verifier.flaws:
        plan = replace(plan, grants=grants, evictions=evictions)
    return plan, tuple(verifier.flaws)


class Verifier:
    """Counts what the plan takes; `flaws` says what it must not."""

    def __init__(self, state: State, park: Park, now_ms: int, policy: Policy) -> None:
        self.flaws: list[str] = []
        self._state = state
        self._park = park
        self._now_ms = now_ms
        self._policy = policy
        self._started: set[str] = set()
        self._stopped: set[str] = set()
        self._standings: Standings | None = None
        self._working: Working | None = None
        self._granted = Granted(state, park, now_ms)

    def allows(self, grant: Grant) -> bool:
        """Whether the job may start there, beside all that runs and was allowed before."""
        record = self._state.queue.get(grant.job_id)
        if record is None or grant.job_id in self._started:
            self.flaws.append(f"job {grant.job_id} does not wait, and was to start")
            return False
        pool = self._park.pool_by_id.get(grant.placement.pool_id)
        wrong = self._granted.wrong
        found = ["there is no such pool"] if pool is None else [*wrong(record, pool, grant)]
        if found:
            self.flaws.append(f"job {grant.job_id} in {grant.placement.pool_id}: {found[0]}")
            return False
        self._started.add(grant.job_id)
        self._granted.take(form_in(record.job, grant.placement), grant)
        return True

    def allows_stop(self, eviction: Eviction) -> bool:
        """Whether the attempt may be stopped for the job: only who stands strictly below is."""
        attempt = self._state.live.get(eviction.attempt_id)
        taker = self._state.queue.get(eviction.job_id)
        policy = self._policy.preemption
        if attempt is not None and attempt.job_id == eviction.job_id and policy is not None:
            found = [*self._too_soon(attempt, policy), *self._wrong_growth(attempt, eviction)]
        elif attempt is None or taker is None or policy is None:
            found = ["there is no such attempt, nobody who waits for it, or no preemption"]
        else:
            found = list(self._wrong_stop(attempt, taker, policy, eviction))
        self._stopped.add(eviction.attempt_id)
        if found:
            what = f"attempt {eviction.attempt_id} for job {eviction.job_id}"
            self.flaws.append(f"{what}: {found[0]}")
        return not found

    def _wrong_stop(
        self, attempt: Attempt, taker: JobRecord, policy: Preemption, eviction: Eviction
    ) -> Iterator[str]:
        yield from self._too_soon(attempt, policy)
        if taker.quote is not None:
            yield "nobody is stopped for a quote"
        if self._now_ms < taker.waiting_since_ms + policy.patience_ms:
            yield f"that job has not waited for {policy.patience_ms} ms"
        pool = self._park.pool_by_id[attempt.placement.pool_id]
        wrong_place = self._granted.wrong_place
        if all(any(wrong_place(form, pool, attempt.placement)) for form in forms(taker.job)):
            yield "that job may not be there"
        if taker.job.id in self._started:
            yield "that job starts now"
        if not {share.node_id for share in attempt.placement.shares} & {*eviction.node_ids}:
            yield "it holds none of the nodes that are cleared"
        if not self._is_below(attempt, taker, policy, eviction.node_ids):
            yield "it does not stand below that job"
        if all(self._is_late(form, attempt) for form in forms(taker.job)):
            yield "once it is gone, the pool is not offered for as long as that job needs"

    def _is_late(self, job: Job, attempt: Attempt) -> bool:
        """Whether its hours forbid that the job begins there once the attempt has saved itself."""
        pool = self._park.pool_by_id[attempt.placement.pool_id]
        grace_ms = min(self._state.jobs[attempt.job_id].job.grace_ms, SOON_MS)
        gone_ms = self._now_ms + grace_ms
        return any(self._granted.wrong_hours(job, pool, gone_ms))

    def _too_soon(self, attempt: Attempt, policy: Preemption) -> Iterator[str]:
        if attempt.stop_cause is not None or attempt.id in self._stopped:
            yield "it is being stopped already"
        began_ms = attempt.started_at_ms
        if began_ms is None or self._now_ms - began_ms < policy.min_run_ms:
            yield f"it has not run for {policy.min_run_ms} ms"

    def _wrong_growth(self, attempt: Attempt, eviction: Eviction) -> Iterator[str]:
        """What is stopped for itself must find more cards than it has, with those that it has."""
        job, placement = self._state.jobs[attempt.job_id].job, attempt.placement
        pool = self._park.pool_by_id[placement.pool_id]
        if job.min_device_count is None or job.checkpoint is None:
            yield "it is not elastic"
        own = {share.node_id: share.card_count for share in placement.shares}
        for form in forms(job):
            wanted, more = fit(shape_of(form), pool), form.device_count - placement.card_count
            if more <= 0 or not isinstance(wanted, Fit) or self._is_late(form, attempt):
                continue
            left = self._granted.left
            room = [left(node_id) + own.get(node_id, 0) for node_id in eviction.node_ids]
            is_whole = wanted.node_count == len({*eviction.node_ids})
            has_quota = not any(self._granted.over(job, pool, more))
            if is_whole and min(room) >= wanted.card_count and has_quota:
                return
        yield "no larger size of it fits there"

    def _is_below(
        self, attempt: Attempt, taker: JobRecord, policy: Preemption, node_ids: tuple[str, ...]
    ) -> bool:
        """What makes preemption end: nobody is ever stopped for who stands no better.

        What can go on from where it was, and `low` work, by merit; what is borrowed by owners.
        """
        standings = self._standings = self._standings or self._fresh()
        victim = self._state.jobs[attempt.job_id]
        owns, merit = standings.running(attempt, victim, attempt.served_card_ms(self._now_ms))
        wants = self._taker(taker, attempt.placement, node_ids).standing
        level = parting(standings.levels(taker.job), standings.levels(victim.job))
        if level is not None and owns[level] != wants.owns[level]:
            return wants.owns[level]
        is_low = victim.job.priority is Priority.LOW
        is_resumed = policy.is_shared and victim.job.checkpoint is not None
        is_rested = victim.yields_from_ms(policy.max_per_day) <= self._now_ms
        is_soon_gone = victim.job.grace_ms <= SOON_MS
        return merit < wants.merit and (is_low or is_resumed) and is_rested and is_soon_gone

    def without_circles(
        self, evictions: Iterable[Eviction], verdicts: Mapping[str, Verdict]
    ) -> Iterator[Eviction]:
        """Those stops by which the potential falls, counted on the plan as it is at last.

        In the order of the plan, each job with all that is stopped for it.
        """
        for job_id, group in groupby(evictions, key=lambda one: one.job_id):
            stops = [*group]
            if self._falls(job_id, stops, verdicts.get(job_id)):
                yield from stops
            else:
                names = ", ".join(one.attempt_id for one in stops)
                self.flaws.append(f"{names} for job {job_id}: the potential does not fall")

    def _falls(self, job_id: str, stops: Sequence[Eviction], verdict: Verdict | None) -> bool:
        gone = [self._state.live[one.attempt_id] for one in stops]
        if any(attempt.job_id == job_id for attempt in gone):
            return True  # it grows, and nobody is stopped for another
        standings = self._standings = self._standings or self._fresh()
        working = self._working = self._working or Working(self._state, self._now_ms, standings)
        record, start = self._state.jobs[job_id], verdict.start if verdict else None
        taker = self._taker(
            record,
            gone[0].placement,
            stops[0].node_ids,
            start.card_count if start else None,
        )
        if not working.falls(gone, taker):
            return False
        working.change(gone, job_id, taker)
        return True

    def _taker(
        self,
        record: JobRecord,
        beside: Placement,
        node_ids: tuple[str, ...],
        card_count: int | None = None,
    ) -> Taker:
        """How the job would stand on these nodes; in the form of so many cards, where that is told.

        Else in the form for which it needs least, of those that may be on this kind.
        """
        standings = self._standings = self._standings or self._fresh()
        kind_id, park = beside.device_kind_id, self._park
        able = [one for one in forms(record.job) if accepts(one.device_kind_ids, kind_id, park)]
        told = [one for one in able if one.device_count == card_count]
        form = min(told or able, key=lambda one: one.device_count, default=record.job)
        best = standings.taker(replace(record, job=form), kind_id)
        is_whole = len(node_ids) > 1 and not record.job.roles
        return standings.there(best, beside.pool_id, node_ids, is_whole=is_whole)

    def _fresh(self) -> Standings:
        """How all stand before anything of the plan is done."""
        return Standings(self._state, self._now_ms, self._policy)
