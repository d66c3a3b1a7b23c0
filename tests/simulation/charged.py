"""What was charged in a whole run is what really ran, and the books come to zero."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

from accounting.ledger import Transfer, available_account, balances, held_account
from accounting.usage.slices import UsageSlice
from cluster.driver import AttemptEnd
from cluster.simulated import Run, World
from scheduler.facts import events as ev
from scheduler.facts.log import MemoryLog
from scheduler.model.job import FAULT_CAUSES, EndCause
from tests.simulation.audit import Audit, Try


def check_usage_is_what_ran(audit: Audit, log: MemoryLog, world: World) -> None:
    """Usage is booked exactly once, and is what really ran; less only where the park was at fault.

    An attempt runs twice only where its centre lost its memory before anybody saw the first run.
    """
    slices_by_attempt: dict[str, list[UsageSlice]] = defaultdict(list)
    for usage in log.usage.values():
        slices_by_attempt[usage.reference].append(usage)
    runs_by_attempt: dict[str, list[Run]] = defaultdict(list)
    for run in world.runs:
        runs_by_attempt[run.order.attempt_id].append(run)
    for runs in runs_by_attempt.values():
        for run, again in pairwise(runs):
            assert _is_forgotten_between(run, again, world), f"{run.order.attempt_id} ran twice"
    credited = Counter(credit.reference for credit in log.credits)
    for attempt_id, attempt in audit.tries.items():
        assert attempt.ended is not None, f"{attempt_id} never ended"
        slices = sorted(slices_by_attempt.pop(attempt_id, []), key=lambda usage: usage.from_ms)
        for before, after in pairwise(slices):
            assert before.to_ms == after.from_ms, f"{attempt_id} has a gap or overlap in its usage"
        _check_times(attempt, slices, runs_by_attempt[attempt_id])
        for run in runs_by_attempt[attempt_id]:
            audit.check_members(attempt, run)
        is_fault = attempt.ended.cause in FAULT_CAUSES and attempt.started is not None
        assert credited[attempt_id] == is_fault, f"{attempt_id}: credited {credited[attempt_id]}"
    assert not slices_by_attempt, f"usage of nothing: {sorted(slices_by_attempt)}"


def _is_forgotten_between(run: Run, again: Run, world: World) -> bool:
    return any(
        centre_id == run.order.centre_id and run.launched_at_ms <= at_ms <= again.launched_at_ms
        for centre_id, at_ms in world.amnesias
    )


def _check_times(attempt: Try, slices: list[UsageSlice], runs: list[Run]) -> None:
    attempt_id, ended = attempt.leased.attempt_id, attempt.ended
    assert ended is not None
    if attempt.started is None:
        assert not slices, f"{attempt_id} never started and has usage"
        return
    run = runs[-1]
    assert run.started_at_ms is not None
    assert run.ended_at_ms is not None
    assert attempt.started.at_ms == run.started_at_ms, f"{attempt_id} started at another time"
    assert ended.cause is not EndCause.BROKER, f"{attempt_id} was stopped, and nobody decided so"
    until_ms = slices[-1].to_ms if slices else attempt.started.at_ms
    assert all(usage.device_count == run.card_count for usage in slices), f"{attempt_id}: cards"
    assert not slices or slices[0].from_ms == run.started_at_ms, f"{attempt_id}: usage begins late"
    if ended.cause in FAULT_CAUSES:
        assert until_ms <= run.ended_at_ms, f"{attempt_id} is charged for more than it ran"
    else:
        assert until_ms == run.ended_at_ms, f"{attempt_id} ended at {run.ended_at_ms}: {until_ms}"
    if ended.cause is EndCause.FINISHED:
        assert (run.end, run.exit_code) == (AttemptEnd.EXITED, 0), f"{attempt_id} did not finish"


def check_money(log: MemoryLog, available_by_tenant: dict[str, int]) -> None:
    """All accounts sum to zero, no transfer is booked twice, and nothing stays held.

    `available_by_tenant` is what the live state believes, credit limits left out.
    """
    keys = Counter((transfer.kind, transfer.reference) for transfer in log.transfers)
    assert all(count == 1 for count in keys.values()), f"booked twice: {keys.most_common(1)}"
    micros_by_account = balances(log.transfers)
    for tenant_id, available_micros in available_by_tenant.items():
        booked = micros_by_account.get(available_account(tenant_id), 0)
        assert booked == available_micros, f"{tenant_id}: ledger {booked}, state {available_micros}"
        assert micros_by_account.get(held_account(tenant_id), 0) == 0, f"{tenant_id}: still held"
    assert _income(log.transfers) == _net_charges(log), "income is not what was charged"


def _income(transfers: Iterable[Transfer]) -> int:
    accounts = balances(transfers).items()
    return sum(amount for account, amount in accounts if account.startswith("income:"))


def _net_charges(log: MemoryLog) -> int:
    given_back = {credit.reference for credit in log.credits}
    metered = [event for event in log.events if isinstance(event, ev.Metered)]
    return sum(event.charge_micros for event in metered if event.attempt_id not in given_back)
