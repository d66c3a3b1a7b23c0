"""Who has waited for so long that it goes first, within its tenant's share of the park.

Where jobs take turns, what has had much waits for all that has had little, and in a busy park for
ever. So a job that has waited in all for a day, for twice as long as it was expected to run and for
as long as it has run, is starving: it goes first in its class, takes from all others of it, and is
stopped for none of them (the promotion of Tiresias, Gu et al., NSDI 2019; there it lasts until its
next demotion, here until it ends).

No tenant gains the park by submitting much and waiting for a day: its jobs starve only as far as
they fit into its share, the oldest first; the last may go beyond it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.facts.takings import Takings
from scheduler.model.cores import accepts, are_cores, is_on_cores, quotas_of
from scheduler.model.job import Job
from scheduler.model.variants import forms
from scheduler.sharing.fairtree import entitled

Side = tuple[str, bool]
"""A tenant, and whether cores are meant: what it has of cards says nothing of them."""


@dataclass(slots=True)
class Starving:
    """The jobs that starve, waiting or running; those that wait in the order of their turn."""

    job_ids: set[str] = field(default_factory=set)
    waiting: list[JobRecord] = field(default_factory=list)


def starving(state: State, now_ms: int) -> Starving:
    """Who began to run as one that starves stays so; those that wait may add what is left."""
    fed = state.agenda.starving.values()
    hungry = [one for one in state.queue.starving(now_ms) if _may_start(state, one, now_ms)]
    if hungry:
        hungry = _within_caps(state, hungry)
    found = Starving()
    if fed or hungry:
        left = _shares(state)
        for attempt in sorted(fed, key=lambda one: (one.leased_at_ms, one.id)):
            _admit(found, left, state.jobs[attempt.job_id].form, state)
        found.waiting = [record for record in hungry if _admit(found, left, record.job, state)]
    return found


def _may_start(state: State, record: JobRecord, now_ms: int) -> bool:
    """Who cannot start whatever ends keeps nobody of its tenant from it."""
    job = record.job
    assert state.park is not None, "jobs are planned in a park"
    quotas = quotas_of(job, state.tree, state.park)
    least = min(form.device_count for form in forms(job))
    return record.not_before_ms <= now_ms and all(least <= one.most for one in quotas)


def _within_caps(state: State, hungry: Iterable[JobRecord]) -> list[JobRecord]:
    """Those that limits on what is borrowed and lent let start on some kind, if nothing ran."""
    park = state.park
    assert park is not None, "jobs are planned in a park"
    entitlements = state.entitled.in_force(state.tree, park)
    if not entitlements.is_bounding:
        return [*hungry]
    idle = Takings.idle(state.tree, entitlements)

    def is_within(form: Job, kind_id: str) -> bool:
        path = entitlements.path(form.tenant_id, form.project)
        return all(
            idle.rise(path, cap.key, entitlements.amount(cap.unit, kind_id, form.device_count))
            <= cap.most - idle.taken[cap.key]
            for cap in entitlements.caps(form.tenant_id, form.project, kind_id)
        )

    def may_start(form: Job) -> bool:
        return any(
            is_within(form, kind_id)
            for kind_id in sorted(entitlements.cards)
            if accepts(form.device_kind_ids, kind_id, park)
        )

    return [record for record in hungry if any(map(may_start, forms(record.job)))]


def _admit(found: Starving, left: dict[Side, float], job: Job, state: State) -> bool:
    assert state.park is not None, "jobs are planned in a park"
    side = job.tenant_id, is_on_cores(job, state.park)
    has_share = left[side] > 0
    if has_share:
        left[side] -= job.device_count
        found.job_ids.add(job.id)
    return has_share


def _shares(state: State) -> dict[Side, float]:
    """All of the park, by the weights of branches, as far as they have jobs for it.

    A job wants what it asks for first, whatever it runs on: else who stops another, and what was
    elastic goes on larger, changed whose jobs starve.
    """
    park = state.park
    assert park is not None, "jobs are planned in a park"
    wanted: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
    for (tenant_id, kind_ids), count in state.queue.wanted.items():
        wanted[are_cores(kind_ids, park)][tenant_id] += count
    for attempt in state.live.values():
        job = state.jobs[attempt.job_id].job
        wanted[is_on_cores(job, park)][job.tenant_id] += job.device_count
    devices = Counter[bool]()
    for pool in park.pools:
        devices[pool.device_kind_id in park.core_kind_ids] += pool.card_count
    return {
        (tenant_id, is_core): share
        for is_core, asked in wanted.items()
        for tenant_id, share in entitled(state, asked, devices[is_core]).items()
    }
