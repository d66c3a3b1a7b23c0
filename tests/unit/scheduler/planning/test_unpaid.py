"""Who cannot pay: where pools are closed at some hours, and what else stands before that."""

from dataclasses import replace
from typing import Unpack

import pytest

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.opening import by_hours
from scheduler.facts.state import State
from scheduler.model.budget import Budget
from scheduler.model.job import Priority, ReasonCode
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    YUAN,
    TenantChanges,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)
from tests.unit.scheduler.model.test_offered import CLOSES_MS, DAYTIME, OPENS_MS, POOL

EAST_BY_DAY = replace(a_pool(POOL, 2, 8), hours=DAYTIME)
BIG = a_job("big", device_count=16, node_count=2, centre_ids=("east",))
SMALL = a_job("small", centre_ids=("north",))


def at(now_ms: int) -> State:
    """Two wait; the pool of the first is open by day alone, that of the other always."""
    state = a_state(park=a_park(EAST_BY_DAY, a_pool("north-npu", 2, 8)))
    happen(state, *by_hours(state, now_ms))
    submit(state, BIG, SMALL)
    return state


def granted(now_ms: int) -> list[str]:
    """Where there is enough for the second now, and for the first once what is held comes back."""
    state = at(now_ms)
    funds = state.funds["steel"]
    funds.available_micros = 0
    needs = {key: one.reasons[0].need for key, one in plan(state, now_ms).verdicts.items()}
    funds.available_micros, funds.held_micros = needs["small"], needs["big"]
    return [grant.job_id for grant in plan(state, now_ms).grants]


def test_who_cannot_pay_waits_for_no_hours_and_is_told_no_start() -> None:
    state = at(CLOSES_MS)
    state.funds["steel"].available_micros = 0

    verdict = plan(state, CLOSES_MS).verdicts["big"]

    assert {one.code for one in verdict.reasons} == {ReasonCode.FUNDS}
    assert verdict.start is None


def test_money_is_saved_for_who_could_start_now_and_not_for_a_pool_that_is_closed() -> None:
    assert granted(CLOSES_MS + HOUR_MS) == ["small"]
    assert granted(OPENS_MS) == []


# Who is told something else first.


def barred(state: State, now_ms: int = 1) -> dict[str, int | None]:
    """When each would start who waits behind a job of eight cards that runs for an hour."""
    return {
        job_id: verdict.start.at_ms if verdict.start else None
        for job_id, verdict in plan(state, now_ms).verdicts.items()
    }


def behind_one(**own: Unpack[TenantChanges]) -> State:
    """Two projects have a job that waits; what runs is their tenant's as well."""
    state = a_state(a_tenant("steel", **own), park=a_park(a_pool(POOL, 2, 8)))
    submit(state, a_job("runs"))
    happen(state, a_lease("runs", a_placement(POOL, 8)))
    submit(state, a_job("j1"), a_job("j2", project="other"))
    return state


@pytest.mark.parametrize(
    "own", [{"max_cards": 8}, {"nominal_cards": (("npu", 8),), "borrowing_cards": (("npu", 0),)}]
)
def test_who_cannot_pay_waits_for_no_limit(own: TenantChanges) -> None:
    state = behind_one(**own)

    assert barred(state) == {"j1": HOUR_MS, "j2": 2 * HOUR_MS}
    state.funds["steel"].available_micros = 0
    assert barred(state) == {"j1": None, "j2": None}


def test_what_is_saved_for_one_behind_it_is_in_nobodys_way() -> None:
    """`j1` waits for the quota; `dear` finds cards, and has what is held saved for it, and `j3`."""
    state = behind_one(max_cards=12)
    submit(state, a_job("dear", device_count=4, limit_ms=10 * HOUR_MS, submitted_at_ms=1))
    submit(state, a_job("j3", submitted_at_ms=2))
    funds = state.funds["steel"]
    funds.available_micros = funds.held_micros = 100 * YUAN

    starts = barred(state, now_ms=2)

    assert starts == {"j1": HOUR_MS, "j2": 2 * HOUR_MS, "dear": None, "j3": None}
    funds.available_micros = 200 * YUAN
    assert barred(state, now_ms=2)["j1"] == HOUR_MS


def test_who_cannot_pay_is_not_tried_again() -> None:
    state = behind_one()
    state.jobs["j1"].not_before_ms = 500
    assert barred(state)["j1"] == HOUR_MS

    state.funds["steel"].available_micros = 0

    assert barred(state)["j1"] is None


@pytest.mark.parametrize("scope", [{"project": "default"}, {"job_id": "j1"}])
def test_a_budget_that_is_used_up_is_of_whom_it_is_for(scope: dict[str, str]) -> None:
    state = behind_one(max_cards=8)
    budget = Budget(tenant_id="steel", amount_micros=5, is_hard_stop=True, **scope)
    happen(state, ev.BudgetSet(at_ms=1, budget=budget))
    state.funds["steel"].spending.add("1970-01", "default", 5)
    state.jobs["j1"].spent_micros = 5
    submit(state, a_job("j3", project="other" if "project" in scope else "default"))

    starts = barred(state)

    assert starts.pop("j1") is None
    assert None not in starts.values()


def test_who_is_asked_about_is_told_no_start_where_one_behind_it_takes_the_money() -> None:
    """It waits for its quota, one behind it does not: it is given what either could pay."""
    state = a_state(a_tenant("steel", max_cards=12), park=a_park(a_pool(POOL, 2, 8)))
    submit(state, a_job("runs"), a_job("behind", device_count=4, limit_ms=2 * HOUR_MS))
    happen(state, a_lease("runs", a_placement(POOL, 8)))
    state.funds["steel"].available_micros = 30 * YUAN
    job = a_job("asked", priority=Priority.HIGH, limit_ms=HOUR_MS // 2)
    (npu,) = what_if(state, 1, job)

    submit(state, job)
    drawn_up = plan(state, 1)

    assert [grant.job_id for grant in drawn_up.grants] == ["behind"]
    assert drawn_up.verdicts["asked"].start is None
    assert ([one.code for one in npu.reasons], npu.start_ms) == ([ReasonCode.TENANT_QUOTA], None)
