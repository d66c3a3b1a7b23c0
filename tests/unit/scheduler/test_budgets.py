"""Budgets: what is spent of them, what is told of that once, and what a hard stop then ends.

Eight cards cost 28.80 yuan an hour.
"""

import pytest

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.alerts import alerts
from scheduler.facts.metering import slices
from scheduler.facts.state import State
from scheduler.model.budget import Budget
from scheduler.model.job import Checkpoint, EndCause, ReasonCode
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    YUAN,
    a_job,
    a_lease,
    a_placement,
    a_state,
    a_tenant,
    happen,
    shanghai,
    submit,
)

BEGIN_MS = shanghai("2026-10-10T10:00")
MONTH = "2026-10"
GRACE_MS = 10_000


def a_budget(yuan: int = 100, *, hard_stop: bool = False, **scope: str) -> Budget:
    return Budget(tenant_id="steel", amount_micros=yuan * YUAN, is_hard_stop=hard_stop, **scope)


def a_run(*budgets: Budget, begin_ms: int = BEGIN_MS, project: str = "default") -> State:
    """`j1` runs on eight cards."""
    state = a_state()
    submit(state, a_job(limit_ms=100 * HOUR_MS, project=project))
    lease = a_lease("j1", a_placement("east-npu", 8), at_ms=begin_ms, hold_micros=100 * YUAN)
    happen(state, lease, ev.Started(at_ms=begin_ms, attempt_id="j1.1"))
    happen(state, *(ev.BudgetSet(at_ms=0, budget=budget) for budget in budgets))
    told(state, begin_ms)
    return state


def told(state: State, now_ms: int) -> list[ev.Event]:
    found: list[ev.Event] = []
    for event in alerts(state, GRACE_MS, now_ms):
        happen(state, event)
        found.append(event)
    return found


def spend(state: State, now_ms: int) -> list[ev.Event]:
    """`j1` has run until then."""
    happen(state, *slices(state, state.live["j1.1"], now_ms, now_ms))
    return told(state, now_ms)


def levels(events: list[ev.Event]) -> list[tuple[str, str, int, int]]:
    return [
        (event.budget.where, event.month, event.level, event.spent_micros)
        for event in events
        if isinstance(event, ev.BudgetReached)
    ]


def test_a_tenant_is_told_at_eighty_and_at_a_hundred_percent() -> None:
    state = a_run(a_budget(72))

    assert spend(state, BEGIN_MS + 2 * HOUR_MS - 1) == []
    first = spend(state, BEGIN_MS + 2 * HOUR_MS)
    assert levels(first) == [("steel", MONTH, 80, 57_600_000)]
    assert spend(state, BEGIN_MS + 2 * HOUR_MS + HOUR_MS // 2 - 1) == []
    second = spend(state, BEGIN_MS + 2 * HOUR_MS + HOUR_MS // 2)
    assert levels(second) == [("steel", MONTH, 100, 72 * YUAN)]
    assert spend(state, BEGIN_MS + 5 * HOUR_MS) == []
    assert state.live["j1.1"].stop_cause is None


def test_both_levels_that_are_passed_at_once_are_told() -> None:
    assert [one[2] for one in levels(spend(a_run(a_budget(1)), BEGIN_MS + HOUR_MS))] == [80, 100]


def test_each_month_begins_at_nothing_and_is_told_again() -> None:
    november = shanghai("2026-11-01T00:00")
    state = a_run(a_budget(28), begin_ms=november - HOUR_MS)

    found = spend(state, november + HOUR_MS)

    assert levels(found) == [
        ("steel", month, level, 28_800_000) for month in (MONTH, "2026-11") for level in (80, 100)
    ]


@pytest.mark.parametrize(("project", "is_told"), [("vision", True), ("speech", False)])
def test_a_project_has_a_budget_of_its_own(project: str, is_told: bool) -> None:
    state = a_run(a_budget(10, project="vision"), project=project)

    found = levels(spend(state, BEGIN_MS + HOUR_MS))

    assert {one[0] for one in found} == ({"steel/vision"} if is_told else set())


def test_a_job_has_a_budget_over_all_months() -> None:
    november = shanghai("2026-11-01T00:00")
    state = a_run(a_budget(50, job_id="j1"), begin_ms=november - HOUR_MS)

    found = levels(spend(state, november + HOUR_MS))

    assert found == [("j1", "", level, 57_600_000) for level in (80, 100)]


def test_what_is_given_back_is_not_spent() -> None:
    state = a_run(a_budget(28))
    happen(state, *slices(state, state.live["j1.1"], BEGIN_MS + HOUR_MS, BEGIN_MS))

    lost = ev.Ended(
        at_ms=BEGIN_MS + HOUR_MS, attempt_id="j1.1", cause=EndCause.NODE, exit_code=None
    )
    happen(state, lost)

    assert told(state, BEGIN_MS + HOUR_MS) == []
    assert state.funds["steel"].spending.of(a_budget(), MONTH) == 0


def test_another_amount_is_another_budget_and_is_told_anew() -> None:
    state = a_run(a_budget(28))
    spend(state, BEGIN_MS + HOUR_MS)

    happen(state, ev.BudgetSet(at_ms=0, budget=a_budget(36)))

    assert levels(told(state, BEGIN_MS + HOUR_MS)) == [("steel", MONTH, 80, 28_800_000)]
    happen(state, ev.BudgetSet(at_ms=0, budget=a_budget(0)))
    assert spend(state, BEGIN_MS + 9 * HOUR_MS) == []


@pytest.mark.parametrize("scope", [{}, {"project": "default"}, {"job_id": "j1"}])
def test_a_hard_stop_ends_what_runs_with_its_grace(scope: dict[str, str]) -> None:
    state = a_run(a_budget(28, hard_stop=True, **scope))

    found = spend(state, BEGIN_MS + HOUR_MS)

    stop = ev.StopDecided(
        at_ms=BEGIN_MS + HOUR_MS, attempt_id="j1.1", cause=EndCause.BUDGET, grace_ms=GRACE_MS
    )
    assert found[2:] == [stop]
    assert spend(state, BEGIN_MS + HOUR_MS + 1) == []


def test_a_hard_stop_of_one_project_lets_another_go_on() -> None:
    state = a_run(a_budget(28, hard_stop=True, project="vision"), project="vision")
    submit(state, a_job("j2"))
    happen(state, a_lease("j2", a_placement("east-npu", 0, 8), at_ms=BEGIN_MS))

    found = spend(state, BEGIN_MS + HOUR_MS)

    assert [one.attempt_id for one in found if isinstance(one, ev.StopDecided)] == ["j1.1"]


def test_who_is_stopped_has_the_time_to_save_that_it_asked_for() -> None:
    state = a_state()
    submit(state, a_job(limit_ms=100 * HOUR_MS, checkpoint=Checkpoint(dir="c", grace_ms=30_000)))
    lease = a_lease("j1", a_placement("east-npu", 8), at_ms=BEGIN_MS, hold_micros=100 * YUAN)
    happen(state, lease, ev.Started(at_ms=BEGIN_MS, attempt_id="j1.1"))
    happen(state, ev.BudgetSet(at_ms=0, budget=a_budget(28, hard_stop=True)))

    found = spend(state, BEGIN_MS + HOUR_MS)

    assert [one.grace_ms for one in found if isinstance(one, ev.StopDecided)] == [30_000]


def test_nothing_starts_beyond_a_hard_stop_until_the_month_is_over() -> None:
    state = a_run(a_budget(28, hard_stop=True))
    spend(state, BEGIN_MS + HOUR_MS)
    submit(state, a_job("j2"))

    verdict = plan(state, BEGIN_MS + HOUR_MS).verdicts["j2"]

    november = shanghai("2026-11-01T00:00")
    assert {(one.code, one.where, one.free, one.until_ms) for one in verdict.reasons} == {
        (ReasonCode.BUDGET, "steel", -800_000, november)
    }
    assert [grant.job_id for grant in plan(state, november).grants] == ["j2"]


@pytest.mark.parametrize("hard_stop", [True, False])
def test_a_quote_is_told_of_a_budget_that_is_used_up(hard_stop: bool) -> None:
    state = a_run(a_budget(28, hard_stop=hard_stop))
    spend(state, BEGIN_MS + HOUR_MS)

    asked = what_if(state, BEGIN_MS + HOUR_MS, a_job("new", device_count=4))

    codes = {reason.code for reason in asked[0].reasons}
    assert codes == ({ReasonCode.BUDGET} if hard_stop else set())
    assert (asked[0].start_ms is None) is hard_stop


def test_a_budget_without_a_hard_stop_keeps_nobody_waiting() -> None:
    state = a_run(a_budget(1))
    spend(state, BEGIN_MS + HOUR_MS)
    submit(state, a_job("j2"))

    assert [grant.job_id for grant in plan(state, BEGIN_MS + HOUR_MS).grants] == ["j2"]


def test_what_is_told_twice_is_refused() -> None:
    state = a_run(a_budget(28))
    first, *_ = spend(state, BEGIN_MS + HOUR_MS)

    assert state.apply(first) == "80 % of the budget of steel are not news"


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        (Budget(tenant_id="nobody", amount_micros=1), "there is no tenant nobody"),
        (a_budget(job_id="j9"), "job j9 is over, or was never one of steel"),
    ],
)
def test_a_budget_is_of_something_that_is_there(budget: Budget, why: str) -> None:
    assert a_state().apply(ev.BudgetSet(at_ms=0, budget=budget)) == why


def test_what_was_spent_and_told_is_in_a_checkpoint() -> None:
    state = a_run(a_budget(28), a_budget(5, job_id="j1"))
    spend(state, BEGIN_MS + HOUR_MS)

    restored = State.restored(state.snapshot())

    assert told(restored, BEGIN_MS + HOUR_MS) == []


def test_a_job_of_one_tenant_is_no_spending_of_another() -> None:
    state = a_run(a_budget(5, job_id="j1"))
    happen(state, ev.TenantDeclared(at_ms=BEGIN_MS, tenant=a_tenant("fish")))

    assert [*state.purses.spent(state, "fish")] == []
    (spent,) = state.purses.spent(state, "steel")
    assert spent[0].budget.where == "j1"
