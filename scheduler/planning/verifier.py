"""A second look at every plan before it is committed: what breaks a rule is not carried out.

Here all is counted again from the state, what is granted and what is stopped; planner and verifier
share how a shape sits in a pool (`fit`), how jobs stand against one another (`standing`) and what a
potential is, and no book of what is left. A flaw is a defect of the planner: the others of the plan
are carried out, and who is hit waits for the next.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain, repeat

from accounting.prices.rating import PriceMissing
from cluster.inventory import Park, Pool
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.cores import accepts
from scheduler.model.entitlements import parting
from scheduler.model.job import Job, NodeShare, Placement, Priority, ReasonCode
from scheduler.model.plan import Eviction, Grant, KeptCards, Plan, Verdict
from scheduler.model.policy import Policy, Preemption
from scheduler.model.variants import form_in, forms
from scheduler.placing.placement import Fit, fit, shape_of
from scheduler.planning.emptied import Emptied
from scheduler.planning.granted import Granted
from scheduler.planning.potential import Working
from scheduler.planning.victims import SOON_MS
from scheduler.sharing.standing import Standings, Taker


def verified(state: State, plan: Plan, now_ms: int, policy: Policy) -> tuple[Plan, tuple[str, ...]]:
    """The plan without what breaks a rule, and what that was, each in a sentence."""
    if state.park is None or not (plan.grants or plan.evictions):
        return plan, ()
    verdicts = plan.verdicts.values() if len(state.quotes) else ()
    kept = [one.placement for one in verdicts if isinstance(one, KeptCards)]
    granted = Granted(state, state.park, now_ms, kept)
    verifier = Verifier(state, state.park, now_ms, policy, granted)
    grants = tuple(grant for grant in plan.grants if verifier.allows(grant))
    allowed = tuple(one for one in plan.evictions if verifier.allows_stop(one))
    evictions = tuple(verifier.for_each(allowed, plan.verdicts))
    if verifier.flaws:
        plan = replace(plan, grants=grants, evictions=evictions)
    return plan, tuple(verifier.flaws)


class Verifier:
    """Counts what the plan takes; `flaws` says what it must not."""

    def __init__(
        self, state: State, park: Park, now_ms: int, policy: Policy, granted: Granted
    ) -> None:
        self.flaws: list[str] = []
        self._state = state
        self._park = park
        self._now_ms = now_ms
        self._policy = policy
        self._started: set[str] = set()
        self._stopped: set[str] = set()
        self._granted = granted
        self._claimed: list[tuple[Job, str, int]] = []

    def allows(self, grant: Grant) -> bool:
        """Whether the job may start there, beside all that runs and was allowed before."""
        record = self._state.queue.get(grant.job_id)
        if record is None or grant.job_id in self._started:
            self.flaws.append(f"job {grant.job_id} does not wait, and was to start")
            return False
        pool = self._park.pool_by_id.get(grant.placement.pool_id)
        found = ["there is no such pool"] if pool is None else [*self._wrong(record, pool, grant)]
        if found:
            self.flaws.append(f"job {grant.job_id} in {grant.placement.pool_id}: {found[0]}")
            return False
        self._started.add(grant.job_id)
        self._granted.take(form_in(record.job, grant.placement), grant)
        return True

    def _wrong(self, record: JobRecord, pool: Pool, grant: Grant) -> Iterator[str]:
        yield from self._granted.wrong(record, pool, grant)
        if grant.is_starving != self._starves(record):
            yield "it starves, or does not, and is told otherwise"

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
        if taker.job.id in self._standings.starving.job_ids and not self._starves(taker):
            yield "that job does not starve"
        if taker.quote is not None:
            yield "nobody is stopped for a quote"
        if self._now_ms < taker.waiting_since_ms + policy.patience_ms:
            yield f"that job has not waited for {policy.patience_ms} ms"
        if taker.job.id in self._started:
            yield "that job starts now"
        if not {share.node_id for share in attempt.placement.shares} & {*eviction.node_ids}:
            yield "it holds none of the nodes that are cleared"
        if not self._is_below(attempt, taker, policy, eviction.node_ids):
            yield "it does not stand below that job"

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
            there = _seated(form, pool, eviction.node_ids)
            more = form.device_count - placement.card_count
            is_wrong = any(self._granted.wrong_nodes(form, pool, there))
            if more <= 0 or is_wrong or self._is_late(form, attempt):
                continue
            has_room = all(
                one.card_count <= self._granted.left(one.node_id) + own.get(one.node_id, 0)
                for one in there.shares
            )
            if has_room and not any(self._granted.over(job, pool, more, self._granted.recount)):
                return
        yield "no larger size of it fits there"

    def _is_below(
        self, attempt: Attempt, taker: JobRecord, policy: Preemption, node_ids: tuple[str, ...]
    ) -> bool:
        """What makes preemption end: nobody is ever stopped for who stands no better.

        What can go on from where it was, and `low` work, by merit; what is borrowed by owners.
        """
        standings = self._standings
        victim = self._state.jobs[attempt.job_id]
        owns, merit = standings.running(attempt, victim, attempt.served_card_ms(self._now_ms))
        pool = self._park.pool_by_id[attempt.placement.pool_id]
        form = self._form(taker, pool.device_kind_id)
        wants = self._taker(taker, form, pool, node_ids).standing
        level = parting(standings.levels(taker.job), standings.levels(victim.job))
        if level is not None and owns[level] != wants.owns[level]:
            return wants.owns[level]
        is_low = victim.job.priority is Priority.LOW
        is_resumed = policy.is_shared and victim.job.checkpoint is not None
        is_rested = victim.yields_from_ms(policy.max_per_day) <= self._now_ms
        is_soon_gone = victim.job.grace_ms <= SOON_MS
        return merit < wants.merit and (is_low or is_resumed) and is_rested and is_soon_gone

    def for_each(
        self, evictions: Iterable[Eviction], verdicts: Mapping[str, Verdict]
    ) -> Iterator[Eviction]:
        """Those stops that are right for each job all together, on the plan as it is at last."""
        by_job: dict[str, list[Eviction]] = defaultdict(list)
        for one in evictions:
            by_job[one.job_id].append(one)
            attempt = self._state.live[one.attempt_id]
            if attempt.job_id != one.job_id:
                self._gone.append(attempt)
        self._claimed = [*self._claims_of(verdicts, by_job)]
        for job_id, stops in by_job.items():
            flaw = self._flaw_of(job_id, stops, verdicts.get(job_id))
            if flaw is None:
                yield from stops
            else:
                names = ", ".join(one.attempt_id for one in stops)
                self.flaws.append(f"{names} for job {job_id}: {flaw}")

    def _flaw_of(
        self, job_id: str, stops: Sequence[Eviction], verdict: Verdict | None
    ) -> str | None:
        """What is wrong with the room that these make; where nothing is, the job is given it."""
        gone = [self._state.live[one.attempt_id] for one in stops]
        if any(attempt.job_id == job_id for attempt in gone):
            return None  # it grows, and nobody is stopped for another
        record, pool = self._state.jobs[job_id], self._park.pool_by_id[gone[0].placement.pool_id]
        card_count = verdict.start.card_count if verdict and verdict.start else None
        form = self._form(record, pool.device_kind_id, card_count)
        there = _seated(form, pool, stops[0].node_ids)
        taker = self._taker(record, form, pool, stops[0].node_ids)
        flaw = next(self._wrong_room(record, form, gone, there), None)
        if flaw is not None:
            return flaw
        if not self._working.falls(gone, taker):
            return "the potential does not fall"
        self._before.extend(gone)
        self._working.change(gone, job_id, taker)
        self._emptied.stop(gone)
        hold_micros, _ = self._granted.hold_micros(form, pool)
        self._granted.take(form, Grant(job_id=job_id, placement=there, hold_micros=hold_micros))
        return None

    def _wrong_room(
        self, record: JobRecord, form: Job, gone: Sequence[Attempt], there: Placement
    ) -> Iterator[str]:
        """The job may be there, is not served yet, and has room by these and by no fewer."""
        pool, claim = self._park.pool_by_id[there.pool_id], self._state.claims.get(form.id)
        if claim is not None and claim.until_ms > self._now_ms and not claim.is_repair:
            yield "room was made for that job already"
        yield from self._granted.wrong_nodes(form, pool, there)
        if any(self._is_late(form, attempt) for attempt in gone):
            yield "once they are gone, the pool is not offered for as long as it needs"
        is_limited = partial(self._is_limited, form, pool, gone)
        yield from self._emptied.wrong(gone, there, is_limited)
        # Grants are counted already, also of those behind whom more was stopped.
        recount = self._granted.recount.without(self._gone, self._state.jobs)
        yield from self._granted.over(form, pool, form.device_count, recount)
        try:
            yield from self._granted.unpaid(record, self._granted.hold_micros(form, pool)[0])
        except PriceMissing as error:
            yield str(error)

    def _is_limited(self, form: Job, pool: Pool, gone: Sequence[Attempt], one: Attempt) -> bool:
        """Whether a limit would forbid the job without this stop."""
        others = [attempt for attempt in gone if attempt is not one]
        recount = self._granted.recount.without([*self._before, *others], self._state.jobs)
        for job, kind_id, cards in self._claimed:
            recount.add(job, kind_id, cards)
        return any(recount.wrong(form, pool.device_kind_id, form.device_count))

    def _claims_of(
        self, verdicts: Mapping[str, Verdict], but: Container[str]
    ) -> Iterator[tuple[Job, str, int]]:
        """What is to be taken by those for whom nobody is stopped in this plan."""
        for job_id, verdict in verdicts.items():
            is_claim = any(one.code is ReasonCode.MAKING_ROOM for one in verdict.reasons)
            if is_claim and verdict.start is not None and job_id not in but:
                job, pool = self._state.jobs[job_id].job, verdict.start.pool_id
                cards = verdict.start.card_count or job.device_count
                yield job, self._park.pool_by_id[pool].device_kind_id, cards

    def _form(self, record: JobRecord, kind_id: str, card_count: int | None = None) -> Job:
        """Of so many cards, where that is told; else of those on this kind that of the fewest."""
        park = self._park
        able = [one for one in forms(record.job) if accepts(one.device_kind_ids, kind_id, park)]
        told = [one for one in able if one.device_count == card_count]
        return min(told or able, key=lambda one: one.device_count, default=record.job)

    def _taker(self, record: JobRecord, form: Job, pool: Pool, node_ids: tuple[str, ...]) -> Taker:
        """How the job would stand on these nodes in this form."""
        best = self._standings.taker(replace(record, job=form), pool.device_kind_id)
        is_whole = len(node_ids) > 1 and not record.job.roles
        return self._standings.there(best, pool.id, node_ids, is_whole=is_whole)

    def _starves(self, record: JobRecord) -> bool:
        """Whether it has waited for too long, and its tenant's share holds it."""
        has_waited = self._policy.is_shared and record.starving_from_ms <= self._now_ms
        return has_waited and record.job.id in self._standings.starving.job_ids

    # Made when first they are asked for: most plans stop nobody.

    @cached_property
    def _standings(self) -> Standings:
        """How all stand before anything of the plan is done."""
        return Standings(self._state, self._now_ms, self._policy)

    @cached_property
    def _working(self) -> Working:
        return Working(self._state, self._now_ms, self._standings)

    def _stopping(self) -> list[Attempt]:
        return [one for one in self._state.live.values() if one.stop_cause is not None]

    @cached_property
    def _before(self) -> list[Attempt]:
        """What is being stopped already, or is for those who were looked at."""
        return self._stopping()

    @cached_property
    def _gone(self) -> list[Attempt]:
        """What is being stopped already; what the plan stops for others comes to it."""
        return self._stopping()

    @cached_property
    def _emptied(self) -> Emptied:
        return Emptied(self._state, self._park, self._granted.left)


def _seated(form: Job, pool: Pool, node_ids: Sequence[str]) -> Placement:
    """As it would be on these nodes, in their order, with nothing on those that it needs not."""
    wanted = fit(shape_of(form), pool)
    cards = chain(wanted.cards_by_node() if isinstance(wanted, Fit) else (), repeat(0))
    return Placement(
        centre_id=pool.centre_id,
        pool_id=pool.id,
        device_kind_id=pool.device_kind_id,
        shares=tuple(
            NodeShare(node_id=node_id, card_count=count)
            for node_id, count in zip(node_ids, cards, strict=False)
        ),
    )
