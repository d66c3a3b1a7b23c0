"""What is in a waiting job's way behind what it is told first, one rule a test."""

from dataclasses import replace

from cluster.hours import hours_of
from scheduler.asking.ranking import PoolUse, ranking
from scheduler.facts import events as ev
from scheduler.facts.opening import by_hours
from scheduler.facts.state import State
from scheduler.model.budget import Budget
from scheduler.model.job import ReasonCode
from tests.builders import (
    HOUR_MS,
    PARK_PRICES,
    a_dataset,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
    with_data,
)
from tests.preemptive import NOW_MS, POOL, normal, run, wants


def uses(state: State, job_id: str) -> tuple[PoolUse, ...]:
    found = ranking(state, NOW_MS, job_id)
    assert found is not None
    return found.pools


def kept_ahead(*cards: int) -> State:
    """Nodes of 8 of which so many cards are in use, and 8 kept for who is ahead."""
    state = a_state(a_tenant("steel"), park=a_park(a_pool(POOL, len(cards), 8)))
    run(state, replace(normal("s", sum(cards), None), limit_ms=2 * HOUR_MS), *cards)
    submit(state, wants("ahead", 8))
    return state


def told_of(state: State, job_id: str) -> list[tuple[ReasonCode, int, int]]:
    (use,) = uses(state, job_id)
    return [(one.code, one.need, one.free) for one in use.reasons]


def test_what_is_kept_for_who_is_ahead_is_told_behind_what_is_in_use() -> None:
    state = kept_ahead(8)
    submit(state, wants("behind", 8))

    assert told_of(state, "behind") == [
        (ReasonCode.DEVICES_BUSY, 8, 0),
        (ReasonCode.RESERVED, 8, 0),
    ]
    (use,) = uses(state, "behind")
    assert use.reasons[1].until_ms == 2 * HOUR_MS
    assert use.reasons[1].detail == "kept for job ahead"


def test_what_is_kept_beside_which_there_will_be_room_is_not_told() -> None:
    state = kept_ahead(8, 8)
    submit(state, wants("behind", 8))

    assert told_of(state, "behind") == [(ReasonCode.DEVICES_BUSY, 8, 0)]


def test_of_what_is_free_what_is_kept_is_told_though_there_will_be_room_beside_it() -> None:
    state = kept_ahead(7, 8)
    submit(state, wants("behind", 8))

    assert told_of(state, "behind") == [
        (ReasonCode.DEVICES_BUSY, 8, 1),
        (ReasonCode.RESERVED, 8, 0),
    ]


def test_of_what_is_free_beside_what_is_kept_only_that_counts_which_it_could_use() -> None:
    """Six more cards are free, on two nodes."""
    state = kept_ahead(2, 5, 5)
    submit(state, wants("behind", 6))

    assert told_of(state, "behind") == [(ReasonCode.RESERVED, 6, 3)]


def test_what_is_kept_is_not_told_to_who_is_over_before_it_is_needed() -> None:
    state = kept_ahead(7)
    submit(state, replace(wants("behind", 8), limit_ms=HOUR_MS))

    assert told_of(state, "behind") == [(ReasonCode.DEVICES_BUSY, 8, 1)]


def test_each_budget_that_is_used_up_is_told_and_the_balance_behind_them() -> None:
    state = kept_ahead(8)
    submit(state, wants("behind", 8))
    for project in (None, "default"):
        budget = Budget(tenant_id="steel", project=project, amount_micros=5, is_hard_stop=True)
        happen(state, ev.BudgetSet(at_ms=1, budget=budget))
    state.funds["steel"].spending.add("1970-01", "default", 7)
    state.funds["steel"].available_micros = 3

    (use,) = uses(state, "behind")

    found = [(one.code, one.where, one.free) for one in use.reasons]
    assert found[:3] == [
        (ReasonCode.BUDGET, "steel", -2),
        (ReasonCode.BUDGET, "steel/default", -2),
        (ReasonCode.FUNDS, "steel", 3),
    ]


def test_that_its_data_is_nearer_elsewhere_is_told_beside_what_is_in_use() -> None:
    park = with_data(
        a_dataset("d", "east", ms=60_000),
        park=a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8)),
    )
    state = a_state(a_tenant("steel"), park=park)
    for pool_id in ("east-npu", "north-npu"):
        job = a_job(f"in-{pool_id}", device_count=8, limit_ms=1_000)
        submit(state, job)
        happen(state, a_lease(job.id, a_placement(pool_id, 8), at_ms=NOW_MS))
    submit(state, replace(wants("a", 8), data_ids=("d",)))

    near, far = uses(state, "a")

    assert [one.code for one in near.reasons] == [ReasonCode.DEVICES_BUSY]
    assert [one.code for one in far.reasons] == [ReasonCode.DEVICES_BUSY, ReasonCode.NEARER_DATA]


def test_that_its_centre_is_silent_is_told_though_its_pool_is_closed() -> None:
    hours = hours_of(["sat 00:00-24:00"])
    state = a_state(a_tenant("steel"), park=a_park(replace(a_pool(POOL, 1, 8), hours=hours)))
    happen(state, *by_hours(state, NOW_MS))
    submit(state, wants("new"))
    closed = told_of(state, "new")
    happen(state, ev.CentreLinkChanged(at_ms=0, centre_id="east", is_heard=False))

    assert [code for code, _, _ in closed] == [ReasonCode.OUTSIDE_HOURS]
    assert told_of(state, "new") == [*closed, (ReasonCode.CENTRE_SILENT, 8, 0)]


def test_a_budget_that_is_used_up_is_told_where_there_is_no_price() -> None:
    state = a_state(a_tenant("steel"), park=a_park(a_pool(POOL, 1, 8)))
    state.prices = type(state.prices)((replace(PARK_PRICES, on_demand=()),))
    submit(state, wants("new"))
    budget = Budget(tenant_id="steel", amount_micros=5, is_hard_stop=True)
    happen(state, ev.BudgetSet(at_ms=1, budget=budget))
    state.funds["steel"].spending.add("1970-01", "default", 5)

    assert told_of(state, "new") == [(ReasonCode.NO_PRICE, 0, 0), (ReasonCode.BUDGET, 1, 0)]
