"""A second look at every plan before it is committed: what breaks a rule is not carried out.

The planner keeps books of its own of what is left, so that it is fast. Here all is counted again
from the state, job by job in the plan's order; the two share how a shape sits in a pool (`fit`)
and how jobs stand against one another (`standing`), and nothing else. Where data may be is asked of
`custody`, which `State` asks as well, and the planner does not. A flaw is a defect of the
planner: the others of the plan are carried out, and who is hit waits for the next.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from accounting.money import charge_micros
from accounting.prices.rating import PriceMissing
from cluster.inventory import Park, Pool
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.cores import accepts, quotas_of
from scheduler.model.custody import custody_refusal
from scheduler.model.job import Job, Placement, Priority, Topology
from scheduler.model.plan import Eviction, Grant, Plan, Verdict
from scheduler.model.policy import Policy, Preemption
from scheduler.model.tree import COHORT
from scheduler.model.variants import form_in, forms
from scheduler.placing.placement import Fit, fit, shape_of
from scheduler.planning.potential import Working
from scheduler.planning.recount import Recount
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
        self._cards: dict[str, int] = defaultdict(int)
        self._held: dict[str, int] = defaultdict(int)
        self._tflops: dict[str, int] = defaultdict(int)
        self._micros: dict[str, int] = defaultdict(int)
        self._held_before: dict[str, int] = {}
        self._started: set[str] = set()
        self._stopped: set[str] = set()
        self._standings: Standings | None = None
        self._working: Working | None = None
        self._recount = Recount(state, park)

    def allows(self, grant: Grant) -> bool:
        """Whether the job may start there, beside all that runs and was allowed before."""
        record = self._state.queue.get(grant.job_id)
        if record is None or grant.job_id in self._started:
            self.flaws.append(f"job {grant.job_id} does not wait, and was to start")
            return False
        pool = self._park.pool_by_id.get(grant.placement.pool_id)
        found = (
            ["there is no such pool"] if pool is None else list(self._wrong(record, pool, grant))
        )
        if found:
            self.flaws.append(f"job {grant.job_id} in {grant.placement.pool_id}: {found[0]}")
            return False
        self._take(form_in(record.job, grant.placement), grant)
        return True

    def _wrong(self, record: JobRecord, pool: Pool, grant: Grant) -> Iterator[str]:
        placement = grant.placement
        job = form_in(record.job, placement)
        if record.quote is not None:
            yield "it is a quote, and no job yet"
        if record.not_before_ms > self._now_ms:
            yield "it failed a moment ago, and is not to be tried yet"
        yield from self._wrong_place(job, pool, placement)
        yield from self._wrong_hours(job, pool, self._now_ms)
        yield from self._wrong_rack(job, placement)
        yield from self._wrong_gang(job, pool, placement)
        yield from self._overfull(placement, pool)
        yield from self._over(job, pool, job.device_count)
        funds = self._state.funds[job.tenant_id].available_micros - self._micros[job.tenant_id]
        if grant.hold_micros > funds:
            yield f"it holds {grant.hold_micros} micro-yuan, and its tenant has {funds}"
        yield from self._wrong_hold(job, pool, grant.hold_micros)
        if (closed := self._state.purses.used_up(record, self._now_ms)) is not None:
            yield f"the budget of {closed[0].where} is used up"

    def _wrong_place(self, job: Job, pool: Pool, placement: Placement) -> Iterator[str]:
        stated = placement.centre_id, placement.device_kind_id
        if stated != (pool.centre_id, pool.device_kind_id):
            yield f"the pool is not one of {stated[1]} in {stated[0]}"
        if job.centre_ids and pool.centre_id not in job.centre_ids:
            yield f"it asked for centre {' or '.join(job.centre_ids)}"
        refusal = custody_refusal(job, placement, self._park)
        if refusal is not None:
            yield refusal
        if not accepts(job.device_kind_ids, pool.device_kind_id, self._park):
            yield f"it asked for {' or '.join(job.device_kind_ids) or 'cards'}"
        if pool.centre_id not in self._state.heard_centre_ids:
            yield "its centre is silent"

    def _wrong_gang(self, job: Job, pool: Pool, placement: Placement) -> Iterator[str]:
        """All members or none, on whole nodes where there is more than one and they are alike."""
        wanted = fit(shape_of(job), pool)
        cards = [share.card_count for share in placement.shares]
        if not isinstance(wanted, Fit) or cards != wanted.cards_by_node():
            yield f"{cards} cards are not the gang of {job.device_count} that it asked for"
        node_ids = {share.node_id for share in placement.shares}
        if len(node_ids) != len(placement.shares):
            yield "a node is named twice"
        away = sorted(node_ids - self._state.drains.open(self._state.online_node_ids))
        away += sorted(node_id for node_id in node_ids if not self._is_in(node_id, pool))
        if away:
            yield f"node {away[0]} is not one of the pool that is online"

    def _is_in(self, node_id: str, pool: Pool) -> bool:
        node = self._park.node_by_id.get(node_id)
        return node is not None and node.pool_id == pool.id

    def _wrong_hours(self, job: Job, pool: Pool, begin_ms: int) -> Iterator[str]:
        """It must be over when its pool is offered no longer, or able to save itself."""
        if pool.hours is None:
            return
        closes_ms = pool.hours.closes_ms(begin_ms)
        if closes_ms is None:
            yield "the pool is not offered at this hour"
        elif job.checkpoint is None and begin_ms + job.longest_ms > closes_ms:
            yield "it may run for longer than the pool is offered"

    def _wrong_rack(self, job: Job, placement: Placement) -> Iterator[str]:
        if job.topology is not Topology.RACK:
            return
        node_ids = {share.node_id for share in placement.shares}
        racks = {self._park.rack_by_node.get(node_id) for node_id in node_ids}
        is_near = len(node_ids) == 1 or (len(racks) == 1 and None not in racks)
        if not is_near:
            yield "it asked for nodes of one rack"

    def _wrong_hold(self, job: Job, pool: Pool, hold_micros: int) -> Iterator[str]:
        """It is what the longest run costs; less only where packages may cover some of it."""
        tenant, in_force = self._state.tenants[job.tenant_id], self._state.prices
        try:
            price = in_force.list_at(self._now_ms).price_micros(
                pool.device_kind_id, job.priority, tenant.price_class
            )
        except PriceMissing as error:
            yield str(error)
            return
        most = charge_micros(job.device_count * job.longest_ms, price)
        least = 0 if self._state.funds[tenant.id].stocks else most
        if not least <= hold_micros <= most:
            yield f"it holds {hold_micros} micro-yuan, and its longest run costs {most}"

    def _overfull(self, placement: Placement, pool: Pool) -> Iterator[str]:
        for share in placement.shares:
            free = self._left(share.node_id)
            if share.card_count > free:
                yield f"node {share.node_id} has {free} cards free, not {share.card_count}"
        need = placement.card_count * self._park.tflops_per_card(pool)
        used = self._state.holdings.allocated_tflops
        centre = self._park.centre_by_id[pool.centre_id]
        if used[centre.id] + self._tflops[centre.id] + need > centre.stated_tflops:
            yield f"centre {centre.id} would be above its {centre.stated_tflops} TFLOPS"
        if sum(used.values()) + sum(self._tflops.values()) + need > self._park.stated_tflops:
            yield f"the park would be above its {self._park.stated_tflops} TFLOPS"

    def _over(self, job: Job, pool: Pool, need: int) -> Iterator[str]:
        """Which quotas so many cards more would be above."""
        yield from self._recount.wrong(job, pool.device_kind_id, need)
        for quota in quotas_of(job, self._state.tree, self._park):
            free = quota.most - self._held_of(quota.branch) - self._held[quota.branch]
            if need > free:
                yield f"{quota.branch} may take {max(0, free)} cards more"

    def _held_of(self, branch: str) -> int:
        """What it held before the plan."""
        held = self._held_before.get(branch)
        if held is None:
            is_cohort = branch.startswith(COHORT)
            parts = self._state.tree.members(branch) if is_cohort else (branch,)
            held = sum(self._state.held_cards[part] for part in parts)
            self._held_before[branch] = held
        return held

    def _take(self, job: Job, grant: Grant) -> None:
        placement = grant.placement
        pool = self._park.pool_by_id[placement.pool_id]
        self._started.add(job.id)
        self._micros[job.tenant_id] += grant.hold_micros
        self._tflops[pool.centre_id] += placement.card_count * self._park.tflops_per_card(pool)
        for share in placement.shares:
            self._cards[share.node_id] += share.card_count
        self._recount.add(job, pool.device_kind_id, job.device_count)
        for quota in quotas_of(job, self._state.tree, self._park):
            self._held[quota.branch] += job.device_count

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
        if all(any(self._wrong_place(f, pool, attempt.placement)) for f in forms(taker.job)):
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
        return any(self._wrong_hours(job, pool, gone_ms))

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
            room = [self._left(node_id) + own.get(node_id, 0) for node_id in eviction.node_ids]
            is_whole = wanted.node_count == len({*eviction.node_ids})
            if is_whole and min(room) >= wanted.card_count and not any(self._over(job, pool, more)):
                return
        yield "no larger size of it fits there"

    def _left(self, node_id: str) -> int:
        """What is free of a node beside all that was allowed before."""
        return self._state.free_cards.get(node_id, 0) - self._cards[node_id]

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
