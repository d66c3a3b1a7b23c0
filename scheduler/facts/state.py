"""Everything the broker knows, as a fold over the event log.

`State.apply` is the only way to change it. What does not fit is refused with a reason and changes
nothing, so a report told twice or late is harmless. What must hold after any event is in
`invariants.py`.
"""

from collections.abc import Iterator
from typing import assert_never

from accounting.prices.rating import PriceBook
from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.facts.agenda import Agenda
from scheduler.facts.declarations import declared_park, restate, tenant_refusal, with_prices
from scheduler.facts.drains import Drains
from scheduler.facts.funds import Funds
from scheduler.facts.held import Held, awaited
from scheduler.facts.holdings import Holdings
from scheduler.facts.measuring import note_seen
from scheduler.facts.purses import Purses
from scheduler.facts.queue import JobQueue
from scheduler.facts.quotes import KeptQuotes
from scheduler.facts.record import Attempt, Claim, JobRecord, Snapshot
from scheduler.forecast.history import UNKNOWN_MS, History
from scheduler.forecast.punctuality import Punctuality
from scheduler.model.custody import custody_refusal
from scheduler.model.entitlements import Declared
from scheduler.model.fairshare import Share
from scheduler.model.job import EndCause, Job, JobState, Placement
from scheduler.model.tenancy import Tenant
from scheduler.model.tree import Tree, project_branch

CLAIM_MS = 60_000
"""For so long after the devices must be free, who they were freed for has the first claim."""
FINAL_STATES_MAX = 100_000
"""Of so many jobs, the last to end, a repeated request is known; the inbox knows the others'."""


class State:
    """Jobs, holdings, nodes, prices and funds; indices are kept beside them for the planner."""

    def __init__(self) -> None:
        self.park: Park | None = None
        self.tenants: dict[str, Tenant] = {}
        self.tree = Tree(self.tenants)
        self.entitled, self.prices = Declared(), PriceBook()
        self.jobs: dict[str, JobRecord] = {}
        self.queue, self.held, self.quotes = JobQueue(), Held(), KeptQuotes()
        self.live: dict[str, Attempt] = {}
        self.claims: dict[str, Claim] = {}
        self.final_states: dict[str, JobState] = {}
        self.agenda, self.history, self.punctuality = Agenda(), History(), Punctuality()
        self.holdings = Holdings(self.tree, {})
        self.online_node_ids: set[str] = set()
        self.purses, self.drains = Purses(), Drains()
        self.heard_centre_ids: set[str] = set()

    def apply(self, event: ev.Event) -> str | None:  # noqa: C901, PLR0911, PLR0912 - one case a kind
        """Take in one event; the reason, and no change, where it does not fit."""
        match event:
            case ev.Submitted():
                return self._submit(event)
            case ev.StartPromised():
                return self.queue.note_promised(event)
            case ev.Leased():
                return self._lease(event)
            case ev.Launching():
                return self._launching(event)
            case ev.Started():
                return self._start(event)
            case ev.Metered():
                return self._meter(event)
            case ev.Measured() | ev.Saved():
                return note_seen(self.live.get(event.attempt_id), event)
            case ev.Ended():
                return self._end(event)
            case ev.ParkDeclared() | ev.DatasetDeclared():
                return self._declare_park(event)
            case ev.TenantDeclared():
                return self._declare_tenant(event)
            case ev.CohortDeclared():
                self.tree.declare_cohort(event.cohort)
                return None
            case ev.ProjectDeclared():
                return self._declare_project(event)
            case ev.PriceListPublished():
                return self._publish(event)
            case ev.Credited() | ev.HoldExtended() | ev.Overdrawn() | ev.HardStopSet():
                return self.purses.apply(self, event)
            case ev.PackageBought() | ev.BudgetSet() | ev.BudgetReached() | ev.TaxStated():
                return self.purses.apply(self, event)
            case ev.QuoteKept() | ev.QuoteCardsKept() | ev.QuoteEnded():
                return self.quotes.apply(self, event)
            case ev.Released():
                return self._release(event)
            case ev.DependencyFailed():
                return self._give_up(event)
            case ev.CancelRequested():
                return self._cancel(event.job_id)
            case ev.StopDecided():
                return self._stop(event)
            case ev.NodesDrained():
                return self.drains.apply(self, event)
            case ev.NodesChanged():
                return self._change_nodes(event)
            case ev.CentreLinkChanged():
                return self._change_link(event)
            case _:
                assert_never(event)

    def _declare_park(self, event: ev.ParkDeclared | ev.DatasetDeclared) -> str | None:
        park = declared_park(event, self.park, self.tenants, self.live.values(), self.jobs)
        if isinstance(park, str):
            return park
        restate(event, self.park, self.live.values())
        self.park = park
        self.holdings.restate(park, self._held(), event.at_ms)
        return None

    def _declare_tenant(self, event: ev.TenantDeclared) -> str | None:
        tenant = event.tenant
        if (refusal := tenant_refusal(tenant, self.prices, event.at_ms)) is not None:
            return refusal
        self.purses.declare(tenant, self.tenants.get(tenant.id))
        self.tree.declare_tenant(tenant)
        self.holdings.add_branch(tenant.id, (), event.at_ms)
        return None

    def _declare_project(self, event: ev.ProjectDeclared) -> str | None:
        if event.project.tenant_id not in self.tenants:
            return f"there is no tenant {event.project.tenant_id}"
        self.tree.declare_project(event.project)
        branch = project_branch(event.project.tenant_id, event.project.id)
        self.holdings.add_branch(branch, self._held(), event.at_ms)
        return None

    def _publish(self, event: ev.PriceListPublished) -> str | None:
        classes = {tenant.price_class for tenant in self.tenants.values()}
        classes |= {attempt.price_class for attempt in self.live.values()}
        if isinstance(prices := with_prices(self.prices, event, self.park, classes), str):
            return prices
        self.prices = prices
        return None

    # A job's way from the queue to its end.

    def _submit(self, event: ev.Submitted) -> str | None:
        job = event.job
        if (job.id in self.jobs and not self.quotes.has(job)) or job.id in self.final_states:
            return f"job {job.id} is known already"
        if job.tenant_id not in self.tenants:
            return f"there is no tenant {job.tenant_id}"
        awaited_ids = awaited(job, self.jobs, self.held.arrays, self.final_states)
        if isinstance(awaited_ids, str):
            return awaited_ids
        record = JobRecord(job=job, awaited_ids=awaited_ids)
        record.expect(self.history, event.at_ms)
        self.quotes.take(self, event, record)
        self.jobs[job.id] = record
        before = self.final_states.pop(job.array.id, None) if job.array else None
        if not self.held.hold(record, before):
            self.queue.add(record)
        return None

    def _release(self, event: ev.Released) -> str | None:
        record = self.jobs.get(event.job_id)
        if record is None or not self.held.is_ready(event.job_id):
            return f"job {event.job_id} does not wait for its turn to come to the queue"
        self.held.release(record)
        record.state, record.released_at_ms = JobState.QUEUED, event.at_ms
        record.expect(self.history, event.at_ms)
        self.queue.add(record)
        return None

    def _give_up(self, event: ev.DependencyFailed) -> str | None:
        record = self.jobs.get(event.job_id)
        if record is None or record.broken_by != event.after_id:
            return f"job {event.job_id} does not wait for job {event.after_id}"
        self._finish(record, JobState.CANCELLED)
        return None

    def _cancel(self, job_id: str) -> str | None:
        record = self.jobs.get(job_id)
        if record is None or record.quote is not None:
            return f"job {job_id} is over or was never here"
        if record.is_cancelled:
            return f"job {job_id} is being cancelled already"
        record.is_cancelled = True
        if record.attempt is None:
            self._finish(record, JobState.CANCELLED)
        else:
            self.agenda.note(record)
        return None

    def _lease(self, event: ev.Leased) -> str | None:
        record = self.queue.get(event.job_id)
        if record is None or record.quote is not None:
            return f"job {event.job_id} does not wait"
        if (refusal := custody_refusal(record.job, event.placement, self.park)) is not None:
            return refusal
        funds = self.funds[record.job.tenant_id]
        if event.hold_micros > funds.available_micros:
            return f"tenant {record.job.tenant_id} cannot cover the hold"
        if any(self.free_cards[s.node_id] < s.card_count for s in event.placement.shares):
            return f"the devices of attempt {event.attempt_id} are not free"
        funds.hold(event.hold_micros)
        attempt = Attempt.leased(event, self.tenants[record.job.tenant_id].price_class)
        self.queue.discard(event.job_id)
        self.claims.pop(event.job_id, None)
        record.note_lease(attempt, self.history, self.park)
        self.agenda.note(record)
        if event.foretold is not None:
            self.punctuality.note(event.foretold, event.at_ms)
        self.live[attempt.id] = attempt
        self.holdings.hold(record.job, event.placement, event.at_ms)
        return None

    def _launching(self, event: ev.Launching) -> str | None:
        attempt = self.live.get(event.attempt_id)
        if attempt is None or attempt.is_seen:
            return f"attempt {event.attempt_id} is not waiting to be launched"
        attempt.is_launching = True
        if attempt.stop_cause is None:
            self.jobs[attempt.job_id].state = JobState.STARTING
        return None

    def _start(self, event: ev.Started) -> str | None:
        attempt = self.live.get(event.attempt_id)
        if attempt is None or attempt.started_at_ms is not None:
            return f"attempt {event.attempt_id} is not waiting to start"
        if event.at_ms < attempt.leased_at_ms:
            return f"attempt {event.attempt_id} cannot start before it was leased"
        attempt.started_at_ms = attempt.metered_to_ms = event.at_ms
        record = self.jobs[attempt.job_id]
        self.agenda.note(record)
        self.history.begin(record.job, attempt.id, event.at_ms, record.pace())
        self.drains.note(record.job, attempt, event)
        if attempt.stop_cause is None:
            record.state = JobState.RUNNING
        return None

    def _stop(self, event: ev.StopDecided) -> str | None:
        attempt = self.live.get(event.attempt_id)
        if attempt is None or attempt.stop_cause is not None:
            return f"attempt {event.attempt_id} is not there to stop"
        attempt.stop_cause, attempt.stop_at_ms = event.cause, event.at_ms
        attempt.stop_grace_ms = event.grace_ms
        self.jobs[attempt.job_id].state = JobState.STOPPING
        self.agenda.note(self.jobs[attempt.job_id])
        if event.for_job_id in self.queue:
            claim = Claim(attempt.gone_ms + CLAIM_MS, event.for_node_ids)
            self.claims[event.for_job_id] = max(claim, self.claims.get(event.for_job_id, claim))
        return None

    def _meter(self, event: ev.Metered) -> str | None:
        attempt = self.live.get(event.attempt_id)
        if attempt is None or not attempt.metered_to_ms == event.from_ms < event.to_ms:
            return f"attempt {event.attempt_id} has no usage to count from {event.from_ms}"
        if (refusal := self.purses.post(self, attempt, event)) is not None:
            return refusal
        attempt.metered_to_ms = event.to_ms
        self.agenda.note_metered(attempt)
        return None

    def _end(self, event: ev.Ended) -> str | None:
        attempt = self.live.pop(event.attempt_id, None)
        if attempt is None:
            return f"attempt {event.attempt_id} is over already"
        record = self.jobs[attempt.job_id]
        self.purses.settle(self, attempt, event)
        self.drains.note(record.job, attempt, event)
        self.agenda.discard(record)
        record.attempt = None
        self.holdings.give_back(record.job, attempt.placement, event.at_ms)
        self.history.end(attempt.id, record.whole_run_ms(attempt, event.cause, event.at_ms))
        self.queue.learn(record.job, self.history, event.at_ms)
        self._after(record, attempt, event)
        return None

    def _after(self, record: JobRecord, attempt: Attempt, event: ev.Ended) -> None:
        """Whether the job is over or goes back to the queue; a cancel wins against both."""
        if record.is_cancelled:
            self._finish(record, JobState.CANCELLED)
        elif event.cause is EndCause.FINISHED:
            self._finish(record, JobState.SUCCEEDED)
        elif record.may_retry(attempt, event):
            self.claims |= record.requeue(attempt, event)
            self.queue.add(record)
        else:
            self._finish(record, JobState.FAILED)

    def _finish(self, record: JobRecord, state: JobState) -> None:
        self.queue.discard(record.job.id)
        self.final_states |= self.held.end(record, state)
        record.state = state
        self.claims.pop(record.job.id, None)
        del self.jobs[record.job.id]
        while len(self.final_states) > FINAL_STATES_MAX:
            del self.final_states[next(iter(self.final_states))]

    # What the machines say.

    def _change_nodes(self, event: ev.NodesChanged) -> str | None:
        assert self.park is not None, "machines report before a park was declared"
        mine = self.park.node_ids_by_centre[event.centre_id]
        online = mine.intersection(event.online_node_ids)
        if self.online_node_ids & mine == online:
            return f"nothing changed in centre {event.centre_id}"
        self.online_node_ids = (self.online_node_ids - mine) | online
        self.holdings.forget_nodes(p.id for p in self.park.centre_by_id[event.centre_id].pools)
        return None

    def _change_link(self, event: ev.CentreLinkChanged) -> str | None:
        if (event.centre_id in self.heard_centre_ids) == event.is_heard:
            return f"nothing changed for centre {event.centre_id}"
        self.heard_centre_ids ^= {event.centre_id}
        return None

    # What tenants have, what is free by node, and what branches and centres hold.

    @property
    def funds(self) -> dict[str, Funds]:
        return self.purses.funds

    @property
    def free_cards(self) -> dict[str, int]:
        return self.holdings.free_cards

    @property
    def held_cards(self) -> dict[str, int]:
        return self.holdings.held_cards

    @property
    def shares(self) -> dict[str, Share]:
        return self.holdings.shares

    def _held(self) -> Iterator[tuple[Job, Placement]]:
        for attempt in self.live.values():
            yield self.jobs[attempt.job_id].job, attempt.placement

    def state_of(self, job_id: str) -> JobState:
        """How a job stands, over or not; raises `KeyError` for one that was never submitted."""
        record = self.jobs.get(job_id)
        return record.state if record else self.final_states[job_id]

    def snapshot(self) -> Snapshot:
        return Snapshot(
            park=self.park,
            tenants=list(self.tenants.values()),
            cohorts=list(self.tree.cohorts.values()),
            projects=list(self.tree.projects.values()),
            price_lists=list(self.prices.lists),
            jobs=list(self.jobs.values()),
            queued_ids=list(self.queue),
            live_ids=list(self.live),
            final_states=self.final_states,
            funds=self.funds,
            shares=self.shares,
            claims=self.claims,
            quote_pauses=self.quotes.pauses,
            runs=list(self.history.runs),
            starts=list(self.punctuality.starts()),
            start_score=self.punctuality.score,
            array_failures=self.held.arrays.failures(),
            credit_references=sorted(self.purses.references),
            online_node_ids=sorted(self.online_node_ids),
            drained_node_ids=sorted(self.drains.node_ids),
            closed_node_ids=sorted(self.drains.closed_ids),
            suspects=self.drains.suspects.by_node,
            heard_centre_ids=sorted(self.heard_centre_ids),
        )

    @classmethod
    def restored(cls, snapshot: Snapshot) -> "State":
        """The state of which `snapshot` is a private copy."""
        state = cls()
        state.tenants = {tenant.id: tenant for tenant in snapshot.tenants}
        state.tree = Tree(state.tenants, snapshot.cohorts, snapshot.projects)
        state.prices, state.live = PriceBook(tuple(snapshot.price_lists)), snapshot.live()
        state.jobs = {record.job.id: record for record in snapshot.jobs}
        for record in snapshot.jobs:  # older checkpoints have no expectations, nor what was done
            record.expected_ms = record.expected_ms or min(record.job.limit_ms, UNKNOWN_MS)
            record.done_ms = record.done_ms or record.served_card_ms // record.job.device_count
        state.agenda = Agenda(state.jobs[one.job_id] for one in state.live.values())
        state.queue = JobQueue(state.jobs[job_id] for job_id in snapshot.queued_ids)
        state.held = Held(snapshot.jobs, snapshot.array_failures)
        state.quotes = KeptQuotes(snapshot.jobs, snapshot.quote_pauses)
        state.history = History(snapshot.runs)
        state.punctuality = Punctuality(snapshot.starts, snapshot.start_score)
        state.claims, state.final_states = dict(snapshot.claims), dict(snapshot.final_states)
        state.purses = Purses(snapshot.funds, snapshot.credit_references)
        state.holdings = Holdings(state.tree, dict(snapshot.shares))
        state.online_node_ids = set(snapshot.online_node_ids)
        state.drains = Drains.restored(snapshot)
        state.heard_centre_ids = set(snapshot.heard_centre_ids)
        state.park = snapshot.park
        if state.park is not None:
            state.holdings.rebuild(state.park, state._held())
        return state
