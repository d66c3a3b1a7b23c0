"""Kept quotes: each stands in the queue in the place of its job, for a while, and may not start.

Once its job would start, the quote has a claim on those nodes instead: it comes first there, as its
job would be there already. So it delays nobody whom its job would not. What was kept counts as used
in fair share, as nobody else could use it, and is not billed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, assert_never

from accounting.calendar import iso_time
from cluster.inventory import Park
from scheduler.facts.events import QuoteCardsKept, QuoteEnded, QuoteKept, Submitted
from scheduler.facts.holdings import Holdings
from scheduler.facts.queue import JobQueue
from scheduler.facts.record import Claim, JobRecord, KeptQuote
from scheduler.forecast.history import History
from scheduler.model.job import Job, JobState
from scheduler.model.plan import KeptCards, Verdict
from scheduler.model.tenancy import Tenant

PAUSE_TIMES = 12
"""So many times as long as a tenant's quote was kept no other of it is: an hour after 5 minutes."""


class Waiting(Protocol):
    """Of the state what a quote that is kept changes."""

    jobs: dict[str, JobRecord]
    queue: JobQueue
    claims: dict[str, Claim]
    holdings: Holdings
    history: History
    tenants: dict[str, Tenant]
    final_states: dict[str, JobState]


class KeptQuotes:
    """Kept quotes by tenant, of which each has one at most, and until when it gets no other."""

    def __init__(
        self, records: Iterable[JobRecord] = (), pauses: Mapping[str, int] | None = None
    ) -> None:
        self._by_tenant = {one.job.tenant_id: one for one in records if one.quote is not None}
        self.pauses = dict(pauses or {})

    def __len__(self) -> int:
        return len(self._by_tenant)

    def has(self, job: Job) -> bool:
        """Whether this job would take the place of its quote."""
        record = self._by_tenant.get(job.tenant_id)
        return record is not None and record.job.id == job.id

    def apply(self, state: Waiting, event: QuoteKept | QuoteCardsKept | QuoteEnded) -> str | None:
        """Take in one event; the reason, and no change, where it does not fit."""
        if isinstance(event, QuoteKept):
            return self._keep(state, event)
        record = self._by_tenant.get(event.tenant_id)
        if record is None or record.job.id != event.quote_id:
            return f"quote {event.quote_id} is not kept, or no longer"
        match event:
            case QuoteCardsKept():
                _note_cards(state, record, event)
            case QuoteEnded():
                self._remove(state, record, event.at_ms)
                state.claims.pop(record.job.id, None)
            case _:
                assert_never(event)
        return None

    def take(self, state: Waiting, event: Submitted, record: JobRecord) -> None:
        """The job takes the place of its quote, and its claim, if one is kept for it."""
        if self.has(event.job):
            quote = self._by_tenant[event.job.tenant_id]
            record.promised = quote.promised
            self._remove(state, quote, event.at_ms)

    def expired(self, now_ms: int) -> list[QuoteEnded]:
        """Those that were kept for long enough."""
        return [
            QuoteEnded(at_ms=now_ms, tenant_id=tenant_id, quote_id=record.job.id)
            for tenant_id, record in sorted(self._by_tenant.items())
            if _quote_of(record).until_ms <= now_ms
        ]

    def news(
        self, verdicts: Mapping[str, Verdict], park: Park | None, now_ms: int
    ) -> Iterator[QuoteCardsKept]:
        """Where the plan keeps other cards for one than the plan before it."""
        for tenant_id, record in sorted(self._by_tenant.items()):
            quote = _quote_of(record)
            tflops, node_ids = _cards(verdicts.get(record.job.id), park)
            if (tflops, node_ids) != (quote.tflops, quote.node_ids):
                yield QuoteCardsKept(
                    at_ms=now_ms,
                    tenant_id=tenant_id,
                    quote_id=record.job.id,
                    tflops=tflops,
                    node_ids=node_ids,
                )

    def kept_tflops(self, park: Park) -> Mapping[str, int]:
        """What is kept for all of them together, by pool; nobody has it yet."""
        if not self._by_tenant:
            return {}
        kept: Counter[str] = Counter()
        for record in self._by_tenant.values():
            quote = _quote_of(record)
            if quote.node_ids and quote.node_ids[0] in park.node_by_id:
                kept[park.node_by_id[quote.node_ids[0]].pool_id] += quote.tflops
        return kept

    def others(self, verdicts: Mapping[str, Verdict]) -> Mapping[str, Verdict]:
        """What is said of jobs alone."""
        kept = {record.job.id for record in self._by_tenant.values()}
        if not kept:
            return verdicts
        return {job_id: one for job_id, one in verdicts.items() if job_id not in kept}

    def _keep(self, state: Waiting, event: QuoteKept) -> str | None:
        refusal = self._refusal(state, event)
        if refusal is not None:
            return refusal
        job = event.job
        quote = KeptQuote(from_ms=event.at_ms, until_ms=event.until_ms)
        record = JobRecord(job=job, quote=quote)
        record.expect(state.history, event.at_ms)
        self._by_tenant[job.tenant_id] = state.jobs[job.id] = record
        state.queue.add(record)
        return None

    def _refusal(self, state: Waiting, event: QuoteKept) -> str | None:
        job, tenant_id = event.job, event.job.tenant_id
        if job.id in state.jobs or job.id in state.final_states:
            return f"job {job.id} is known already"
        if tenant_id not in state.tenants:
            return f"there is no tenant {tenant_id}"
        if job.followed_ids or job.array is not None:
            return "no quote is kept for an array, or for a job that follows others"
        other = self._by_tenant.get(tenant_id)
        if other is not None:
            until = iso_time(_quote_of(other).until_ms)
            return (
                f"quote {other.job.id} is kept for tenant {tenant_id} until {until}: submit its "
                f"job with it, or give it up (brain quote --drop {other.job.id})"
            )
        pause_ms = self.pauses.get(tenant_id, 0)
        if event.at_ms < pause_ms:
            return (
                f"a quote was kept for tenant {tenant_id} a while ago: the next may be from "
                f"{iso_time(pause_ms)} on"
            )
        return None

    def _remove(self, state: Waiting, record: JobRecord, at_ms: int) -> None:
        job, quote = record.job, _quote_of(record)
        quote.keep(0, (), at_ms)
        state.holdings.note_use(job, quote.used_tflops_ms, at_ms)
        state.queue.discard(job.id)
        del state.jobs[job.id], self._by_tenant[job.tenant_id]
        kept_ms = max(0, min(at_ms, quote.until_ms) - quote.from_ms)
        self.pauses = {tenant: until for tenant, until in self.pauses.items() if until > at_ms}
        self.pauses[job.tenant_id] = at_ms + PAUSE_TIMES * kept_ms

    def check(self, jobs: Mapping[str, JobRecord]) -> None:
        """Raise `AssertionError` where the index is not what the jobs say."""
        kept = {one.job.tenant_id: one for one in jobs.values() if one.quote is not None}
        assert kept == self._by_tenant, "kept quotes drifted"
        count = sum(one.quote is not None for one in jobs.values())
        assert count == len(kept), "a tenant has two quotes kept"
        for record in kept.values():
            assert record.attempt is None, f"{record.job.id} is a quote, and runs"
            assert record.attempt_count == 0, f"{record.job.id} is a quote, and ran"


def _quote_of(record: JobRecord) -> KeptQuote:
    assert record.quote is not None, f"{record.job.id} is no quote"
    return record.quote


def _note_cards(state: Waiting, record: JobRecord, event: QuoteCardsKept) -> None:
    quote, job_id = _quote_of(record), record.job.id
    quote.keep(event.tflops, event.node_ids, event.at_ms)
    if event.node_ids:
        state.claims[job_id] = Claim(quote.until_ms, event.node_ids)
    else:
        state.claims.pop(job_id, None)


def _cards(verdict: Verdict | None, park: Park | None) -> tuple[int, tuple[str, ...]]:
    """What a plan keeps for a quote, in TFLOPS as fair share has them, and on which nodes."""
    if park is None or not isinstance(verdict, KeptCards):
        return 0, ()
    placement = verdict.placement
    pool = park.pool_by_id[placement.pool_id]
    node_ids = tuple(share.node_id for share in placement.shares)
    return placement.card_count * park.share_tflops_per_card(pool), node_ids
