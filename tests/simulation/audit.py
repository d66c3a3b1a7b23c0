"""A second opinion on the log: reads its events one by one and knows nothing of `State`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cluster.hours import Hours
from cluster.inventory import Park, Pool
from cluster.simulated import Run
from scheduler.facts import events as ev
from scheduler.facts.log import MemoryLog
from scheduler.model.job import EndCause, Job, Placement, Priority, Topology, Variant
from scheduler.model.tenancy import Cohort, Project, Tenant

MIN_RUN_MS = 500
TEN_MINUTES_MS = 600_000
"""For less nobody is begun who must save itself."""
SAVING_MS = 64_000
"""Before a close nobody is told to save itself earlier: a minute and the grace of a checkpoint."""
"""Nothing that has run for less is stopped to make room."""


@dataclass(slots=True)
class Try:
    """One attempt as the log tells it."""

    leased: ev.Leased
    started: ev.Started | None = None
    stop: ev.StopDecided | None = None
    metered: list[ev.Metered] = field(default_factory=list)
    ended: ev.Ended | None = None


@dataclass(slots=True)
class Audit:
    """What the log has told so far; `take` raises `AssertionError` at what must never be there."""

    park: Park | None = None
    tenants: dict[str, Tenant] = field(default_factory=dict)
    cohorts: dict[str, Cohort] = field(default_factory=dict)
    projects: dict[tuple[str, str], Project] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    tasks_by_array: dict[str, set[str]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    succeeded: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    tries: dict[str, Try] = field(default_factory=dict)
    live_by_job: dict[str, Try] = field(default_factory=dict)
    used_by_node: Counter[str] = field(default_factory=Counter)
    closed_ids: set[str] = field(default_factory=set)
    count: int = 0
    preempted_count: int = 0
    reclaimed_count: int = 0
    released_count: int = 0
    limited_count: int = 0
    followed_array_count: int = 0
    racked_count: int = 0
    mixed_count: int = 0
    varied_count: int = 0
    offered_count: int = 0
    saved_count: int = 0
    read_by_class: Counter[str] = field(default_factory=Counter)

    def read(self, log: MemoryLog) -> None:
        """Take in what was committed since the last time."""
        for event in log.events[self.count :]:
            self.take(event)
        self.count = len(log.events)
        self._check_closed()

    def take(self, event: ev.Event) -> None:  # noqa: C901, PLR0912 - one case a kind
        match event:
            case ev.ParkDeclared():
                self.park = event.park
                for attempt in self.live_by_job.values():
                    self._check_data(self.jobs[attempt.leased.job_id], attempt.leased)
            case ev.TenantDeclared():
                self.tenants[event.tenant.id] = event.tenant
            case ev.CohortDeclared():
                self.cohorts[event.cohort.id] = event.cohort
            case ev.ProjectDeclared():
                self.projects[event.project.tenant_id, event.project.id] = event.project
            case ev.Submitted():
                assert event.job.id not in self.jobs, f"{event.job.id} was submitted twice"
                self._submit(event.job)
            case ev.CancelRequested():
                self.cancelled.add(event.job_id)
            case ev.Released():
                self.released_count += 1
            case ev.DependencyFailed():
                assert not self._one_by_one([event.after_id]) <= self.succeeded, f"{event} though"
                self.given_up.add(event.job_id)
            case ev.NodesDrained(by="hours"):
                changed = {*event.node_ids}
                self.closed_ids = self.closed_ids - changed | (
                    changed if event.is_drained else set()
                )
            case ev.Leased():
                self._lease(event)
            case ev.Started():
                assert self._live(event.attempt_id).started is None, f"{event} again"
                self._live(event.attempt_id).started = event
            case ev.StopDecided():
                self._stop(event)
            case ev.Metered():
                self._live(event.attempt_id).metered.append(event)
            case ev.Ended():
                self._end(event)
            case _:
                pass

    def _submit(self, job: Job) -> None:
        self.jobs[job.id] = job
        if job.array is not None:
            self.tasks_by_array.setdefault(job.array.id, set()).add(job.id)

    def _one_by_one(self, ids: Iterable[str]) -> set[str]:
        """Jobs for these jobs and arrays."""
        return set().union(*(self.tasks_by_array.get(one, {one}) for one in ids))

    def _live(self, attempt_id: str) -> Try:
        attempt = self.tries[attempt_id]
        assert attempt.ended is None, f"{attempt_id} was over"
        return attempt

    def _lease(self, event: ev.Leased) -> None:
        job = self.jobs[event.job_id]
        assert event.attempt_id not in self.tries, f"{event.attempt_id} is there twice"
        assert job.id not in self.live_by_job, f"{job.id} is tried twice at once"
        assert job.id not in self.cancelled, f"{job.id} was cancelled and goes on"
        assert job.id not in self.finished, f"{job.id} was over and goes on"
        after, followed = self._one_by_one(job.after_ids), self._one_by_one(job.followed_ids)
        assert after <= self.succeeded, f"{job.id} follows what did not succeed"
        assert self.live_by_job.keys().isdisjoint(followed), f"{job.id} runs beside them"
        self._check_gang(job, event)
        self._check_data(job, event)
        self.tries[event.attempt_id] = self.live_by_job[job.id] = Try(event)
        self._check_array(job)
        self.followed_array_count += not self.tasks_by_array.keys().isdisjoint(job.followed_ids)
        for share in event.placement.shares:
            self.used_by_node[share.node_id] += share.card_count
        self._check_hours(job, event)
        self._check_capacity()
        self._check_quotas(job)

    def _check_hours(self, job: Job, event: ev.Leased) -> None:
        """What is leased can be over, or saved, when its pool closes."""
        assert self.park is not None
        hours = self.park.pool_by_id[event.placement.pool_id].hours
        if hours is None:
            return
        shares = {share.node_id for share in event.placement.shares}
        closes_ms = hours.closes_ms(event.at_ms)
        assert closes_ms is not None, f"{event.attempt_id} is leased outside its pool's hours"
        assert not shares & self.closed_ids, f"{event.attempt_id} is leased on closed nodes"
        limit_ms = self._asked_so(job, event.placement).limit_ms
        long_ms = min(limit_ms, TEN_MINUTES_MS) if job.checkpoint else limit_ms
        assert event.at_ms + long_ms < closes_ms, f"{event.attempt_id} may outstay its hours"
        self.offered_count += 1

    def _check_closed(self) -> None:
        """What would outstay the hours, and can save itself, was told to by the close."""
        for job_id, attempt in self.live_by_job.items() if self.closed_ids else ():
            hours, leased, job = self._hours_of(attempt), attempt.leased, self.jobs[job_id]
            if hours is None or attempt.stop is not None or not job.checkpoint:
                continue
            closes_ms = hours.closes_ms(leased.at_ms)
            is_closed = leased.placement.shares[0].node_id in self.closed_ids
            ends_ms = leased.at_ms + self._asked_so(job, leased.placement).limit_ms
            is_late = closes_ms is not None and ends_ms > closes_ms
            assert not (is_closed and is_late), f"{leased.attempt_id} goes on where it is closed"

    def _hours_of(self, attempt: Try) -> Hours | None:
        assert self.park is not None
        return self.park.pool_by_id[attempt.leased.placement.pool_id].hours

    def _check_quotas(self, job: Job) -> None:
        """Of its tenant, its project, and its cohort with all that are in it now."""
        tenant = self.tenants[job.tenant_id]
        own = list(self._held(job.tenant_id))
        of_project = [cards for one, _, cards in own if one.project == job.project]
        beside = [t for t, one in self.tenants.items() if one.cohort_id == tenant.cohort_id]
        of_cohort = [cards for t in beside for _, _, cards in self._held(t)]
        cohort = self.cohorts.get(tenant.cohort_id or "")
        project = self.projects.get((job.tenant_id, job.project))
        for held, max_cards in (
            ([cards for _, _, cards in own], tenant.max_cards),
            (of_project, project.max_cards if project else None),
            (of_cohort, cohort.max_cards if cohort else None),
        ):
            assert max_cards is None or sum(held) <= max_cards, f"{job.id} is beyond a quota"

    def _check_array(self, job: Job) -> None:
        """No more of its tasks at once than its user said."""
        if job.array is None or job.array.at_most is None:
            return
        out = self.tasks_by_array[job.array.id] & self.live_by_job.keys()
        assert len(out) <= job.array.at_most, f"{sorted(out)} run at once"
        self.limited_count += len(out) == job.array.at_most

    def _held(self, tenant_id: str) -> Iterator[tuple[Job, str, int]]:
        """What runs of a tenant, on which kind, and on how many cards."""
        for job_id, attempt in self.live_by_job.items():
            placement = attempt.leased.placement
            if self.jobs[job_id].tenant_id == tenant_id:
                yield self.jobs[job_id], placement.device_kind_id, placement.card_count

    def _stop(self, event: ev.StopDecided) -> None:
        attempt = self._live(event.attempt_id)
        assert attempt.stop is None, f"{event.attempt_id} was to stop already"
        attempt.stop = event
        if event.cause is EndCause.PREEMPTED:
            self.preempted_count += 1
            self._check_preemption(attempt, event)

    def _check_preemption(self, attempt: Try, stop: ev.StopDecided) -> None:
        """For one who waits and is of a higher class; of the same only where nothing is lost.

        Or what is beyond its tenant's nominal quota, for one who is within its own.
        """
        if not stop.for_job_id:
            self._check_saved(attempt, stop)
            return
        victim, taker = self.jobs[attempt.leased.job_id], self.jobs[stop.for_job_id]
        ended = taker.id in self.live_by_job or taker.id in self.finished | self.cancelled
        assert not ended, f"{victim.id} is stopped for {taker.id}, which does not wait"
        is_low = victim.priority is Priority.LOW and taker.priority is not Priority.LOW
        is_above = victim.priority.rank > taker.priority.rank
        if is_above or not (is_low or victim.checkpoint):
            self.reclaimed_count += 1
            self._check_reclaim(attempt, victim, taker)
        assert attempt.started is not None, f"{victim.id} is stopped before it began"
        ran_ms = stop.at_ms - attempt.started.at_ms
        assert ran_ms >= MIN_RUN_MS, f"{victim.id} is stopped after {ran_ms} ms"

    def _check_saved(self, attempt: Try, stop: ev.StopDecided) -> None:
        """For nobody is stopped who can save itself before its pool closes, and soon must."""
        job_id, hours = attempt.leased.job_id, self._hours_of(attempt)
        assert hours is not None, f"{job_id} is stopped for nobody"
        closes_ms = hours.closes_ms(stop.at_ms)
        assert closes_ms is None or closes_ms - stop.at_ms <= SAVING_MS, (
            f"{job_id} is stopped early"
        )
        assert self.jobs[job_id].checkpoint, f"{job_id} cannot save itself"
        self.saved_count += 1

    def _check_reclaim(self, attempt: Try, victim: Job, taker: Job) -> None:
        kind = attempt.leased.placement.device_kind_id
        borrowed = sum(cards for _, of, cards in self._held(victim.tenant_id) if of == kind)
        borrowed -= self._nominal(victim, kind)
        is_guaranteed = any(one.nominal_nodes for one in self.tenants.values())
        # What is on more nodes than guarantees leave open is borrowed, however few cards it is.
        assert borrowed > 0 or is_guaranteed, (
            f"{victim.id} is within its tenant's quota, and is stopped"
        )
        held = sum(cards for _, of, cards in self._held(taker.tenant_id) if of == kind)
        within = self._nominal(taker, kind) - held
        sizes = [taker.device_count, *(one.device_count for one in taker.variants)]
        assert min(sizes) <= within, f"{taker.id} takes more than its tenant's quota"

    def _nominal(self, job: Job, kind_id: str) -> int:
        assert self.park is not None
        tenant, by_id = self.tenants[job.tenant_id], self.park.pool_by_id
        nodes = ((by_id[pool_id], count) for pool_id, count in tenant.nominal_nodes)
        whole = sum(n * pool.cards_per_node for pool, n in nodes if pool.device_kind_id == kind_id)
        return whole + dict(tenant.nominal_cards).get(kind_id, 0)

    def _check_gang(self, job: Job, event: ev.Leased) -> None:
        """All or nothing: the whole gang, in one pool of a kind it accepts, whole nodes."""
        assert self.park is not None
        placement = event.placement
        pool = self.park.pool_by_id[placement.pool_id]
        nodes = [share.node_id for share in placement.shares]
        gang = self._asked_so(job, placement)
        assert placement.card_count == gang.device_count, f"{event.attempt_id} is a partial gang"
        assert len(set(nodes)) == len(nodes), f"{event.attempt_id} has a node twice"
        assert set(nodes) <= {node.id for node in pool.nodes()}, f"{nodes} are not of {pool.id}"
        assert not gang.device_kind_ids or pool.device_kind_id in gang.device_kind_ids
        assert gang.node_count in (None, len(nodes)), f"{event.attempt_id} is on {len(nodes)} nodes"
        if len(nodes) > 1 and not job.roles:
            assert all(share.card_count == pool.cards_per_node for share in placement.shares)
        if len(nodes) > 1 and job.topology is Topology.RACK:
            self._check_rack(pool, nodes, event.attempt_id)

    def _asked_so(self, job: Job, placement: Placement) -> Job | Variant:
        """Of what the job would do with, what has so many cards of this kind."""
        for variant in job.variants:
            kind_ids = variant.device_kind_ids
            is_kind = not kind_ids or placement.device_kind_id in kind_ids
            if is_kind and variant.device_count == placement.card_count:
                self.varied_count += 1
                return variant
        return job

    def _check_rack(self, pool: Pool, nodes: list[str], attempt_id: str) -> None:
        """A gang that required it sits in one rack, however the pool's nodes are counted off."""
        assert pool.nodes_per_rack is not None, f"{attempt_id}: {pool.id} has no racks"
        numbers = {node.id: number for number, node in enumerate(pool.nodes())}
        racks = {numbers[node_id] // pool.nodes_per_rack for node_id in nodes}
        assert len(racks) == 1, f"{attempt_id} is in {len(racks)} racks"
        self.racked_count += 1

    def check_members(self, attempt: Try, run: Run) -> None:
        """What ran are all members, each with its role's cards, on the cards that were leased."""
        job, order = self.jobs[attempt.leased.job_id], run.order
        here: Counter[str] = Counter()
        for member in order.members:
            here[member.node_id] += member.card_count
        shares = attempt.leased.placement.shares
        assert here == {share.node_id: share.card_count for share in shares}, order.attempt_id
        if job.roles:
            cards = [role.card_count for role in job.roles for _ in range(role.count)]
            assert [member.card_count for member in order.members] == cards, order.attempt_id
            self.mixed_count += len(shares) > 1

    def _check_data(self, job: Job, event: ev.Leased) -> None:
        """No data of a class is where the class may not be, by the park of the moment."""
        assert self.park is not None
        centre_id = event.placement.centre_id
        may_be = {one.id: one.centre_ids or (centre_id,) for one in self.park.data_classes}
        class_by_data = {one.id: one.data_class for one in self.park.datasets}
        for class_id in (job.data_class, *(class_by_data[data_id] for data_id in job.data_ids)):
            if class_id is not None:
                self.read_by_class[class_id] += 1
                assert centre_id in may_be[class_id], f"{event.attempt_id}: {class_id} data"

    def _check_capacity(self) -> None:
        assert self.park is not None
        for node_id, used in self.used_by_node.items():
            there = self.park.node_by_id[node_id].card_count
            assert 0 <= used <= there, f"{node_id}: {used} of {there} cards are leased"

    def _end(self, event: ev.Ended) -> None:
        attempt = self._live(event.attempt_id)
        attempt.ended = event
        job_id = attempt.leased.job_id
        del self.live_by_job[job_id]
        for share in attempt.leased.placement.shares:
            self.used_by_node[share.node_id] -= share.card_count
        if event.cause in (EndCause.FINISHED, EndCause.USER_ERROR, EndCause.LIMIT):
            self.finished.add(job_id)
        if event.cause is EndCause.FINISHED and job_id not in self.cancelled:
            self.succeeded.add(job_id)
        if event.cause is EndCause.PREEMPTED:
            assert attempt.stop is not None, f"{job_id} was not to stop"
            assert attempt.stop.cause is EndCause.PREEMPTED, f"{job_id} was to stop for another end"
        if event.cause is EndCause.CANCELLED:
            assert job_id in self.cancelled, f"{job_id} was not cancelled"
