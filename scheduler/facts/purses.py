"""What tenants have paid in, hold and spend: how each event about money changes it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, assert_never

from scheduler.facts.declarations import credit_refusal
from scheduler.facts.events import Credited, Ended, HardStopSet, HoldExtended, Metered, Overdrawn
from scheduler.facts.funds import Funds
from scheduler.facts.record import Attempt, JobRecord
from scheduler.model.job import FAULT_CAUSES
from scheduler.model.tenancy import Tenant


class Paying(Protocol):
    """Of the state what money is looked up by."""

    jobs: dict[str, JobRecord]
    live: dict[str, Attempt]


class Purses:
    """Each tenant's funds, and which payments are booked.

    Whose money has changed is looked at once before the next commit (`alerts`).
    """

    def __init__(
        self, funds: Mapping[str, Funds] | None = None, references: Iterable[str] = ()
    ) -> None:
        self.funds = dict(funds or {})
        self.references = set(references)
        self._changed = dict.fromkeys(self.funds)

    def declare(self, tenant: Tenant, known: Tenant | None) -> None:
        """It may go below zero by another amount than before."""
        funds = self.funds.setdefault(tenant.id, Funds())
        funds.add(tenant.credit_limit_micros - (known.credit_limit_micros if known else 0))
        self._changed[tenant.id] = None

    def apply(
        self, state: Paying, event: Credited | HoldExtended | Overdrawn | HardStopSet
    ) -> str | None:
        """Take in one event; the reason, and no change, where it does not fit."""
        match event:
            case Credited():
                return self._credit(event)
            case HoldExtended():
                return self._extend(state, event)
            case Overdrawn():
                return self._note_overdrawn(event)
            case HardStopSet():
                return self._set_hard_stop(event)
            case _:
                assert_never(event)

    def _credit(self, event: Credited) -> str | None:
        if (refusal := credit_refusal(event, self.funds, self.references)) is not None:
            return refusal
        self.references.add(event.reference)
        self.funds[event.tenant_id].add(event.amount_micros)
        self._changed[event.tenant_id] = None
        return None

    def _extend(self, state: Paying, event: HoldExtended) -> str | None:
        attempt = state.live.get(event.attempt_id)
        if attempt is None or event.number != attempt.extension_count + 1:
            return f"the hold of attempt {event.attempt_id} is not to be extended so"
        if event.amount_micros <= 0:
            return f"the hold of attempt {event.attempt_id} is extended by nothing"
        self._of(state, attempt).hold(event.amount_micros)
        attempt.hold_left_micros += event.amount_micros
        attempt.extension_count += 1
        return None

    def _note_overdrawn(self, event: Overdrawn) -> str | None:
        funds = self.funds.get(event.tenant_id)
        if funds is None or funds.is_overdrawn or not funds.short_micros:
            return f"tenant {event.tenant_id} has what it needs, or was told already"
        funds.is_overdrawn = True
        return None

    def _set_hard_stop(self, event: HardStopSet) -> str | None:
        funds = self.funds.get(event.tenant_id)
        if funds is None:
            return f"there is no tenant {event.tenant_id}"
        funds.is_hard_stop = event.is_on
        return None

    def post(self, state: Paying, attempt: Attempt, event: Metered) -> None:
        """A slice is charged to its attempt: out of its hold, as far as that goes.

        The log of an earlier release has slices that no extension precedes.
        """
        from_hold = min(attempt.hold_left_micros, event.charge_micros)
        attempt.hold_left_micros -= from_hold
        attempt.charged_micros += event.charge_micros
        self._of(state, attempt).post(event.charge_micros, from_hold_micros=from_hold)

    def settle(self, state: Paying, attempt: Attempt, event: Ended) -> None:
        """The rest of its hold is free, and what was charged for nothing is given back."""
        given_back = attempt.charged_micros if event.cause in FAULT_CAUSES else 0
        funds = self._of(state, attempt)
        funds.settle(left_micros=attempt.hold_left_micros, given_back_micros=given_back)

    def of_attempt(self, state: Paying, attempt: Attempt) -> Funds:
        """Whose money it spends."""
        return self.funds[state.jobs[attempt.job_id].job.tenant_id]

    def _of(self, state: Paying, attempt: Attempt) -> Funds:
        self._changed[state.jobs[attempt.job_id].job.tenant_id] = None
        return self.of_attempt(state, attempt)

    def alerts(self, now_ms: int) -> Iterator[Overdrawn]:
        """What tenants are to be told, of those whose money has changed since the last time."""
        changed, self._changed = self._changed, {}
        for tenant_id in changed:
            funds = self.funds[tenant_id]
            if funds.short_micros and not funds.is_overdrawn:
                yield Overdrawn(at_ms=now_ms, tenant_id=tenant_id, short_micros=funds.short_micros)
