"""What tenants are told of their money, and whose work a hard stop ends for it."""

from collections.abc import Iterator

from scheduler.facts.events import BudgetReached, Overdrawn, StopDecided
from scheduler.facts.state import State
from scheduler.model.job import EndCause

Alert = BudgetReached | Overdrawn | StopDecided


def alerts(state: State, stop_grace_ms: int, now_ms: int) -> Iterator[Alert]:
    """Of those whose money has changed since this was asked last; each thing is told once."""
    for tenant_id in state.purses.changed():
        funds = state.funds[tenant_id]
        if funds.short_micros and not funds.is_overdrawn:
            yield Overdrawn(at_ms=now_ms, tenant_id=tenant_id, short_micros=funds.short_micros)
        spent = [*state.purses.spent(state, tenant_id)]
        for watched, month, spent_micros in spent:
            for level in [*watched.news(month, spent_micros)]:
                yield BudgetReached(
                    at_ms=now_ms,
                    budget=watched.budget,
                    month=month,
                    level=level,
                    spent_micros=spent_micros,
                )
        if any(watched.is_used_up(spent_micros) for watched, _, spent_micros in spent):
            yield from _stops(state, tenant_id, stop_grace_ms, now_ms)


def _stops(state: State, tenant_id: str, stop_grace_ms: int, now_ms: int) -> Iterator[StopDecided]:
    """What runs of a tenant for which a budget with a hard stop is used up."""
    of_tenant = state.agenda.of_tenant(tenant_id)
    for attempt_id in state.agenda.in_order(of_tenant):
        attempt = of_tenant[attempt_id]
        record = state.jobs[attempt.job_id]
        if attempt.stop_cause is None and state.purses.used_up(record, now_ms) is not None:
            checkpoint = record.job.checkpoint
            yield StopDecided(
                at_ms=now_ms,
                attempt_id=attempt_id,
                cause=EndCause.BUDGET,
                grace_ms=checkpoint.grace_ms if checkpoint else stop_grace_ms,
            )
