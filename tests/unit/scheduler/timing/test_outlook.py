"""Every waiting job is told when and where it would start, if nobody else came."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Placement, PlannedStart, Priority
from scheduler.model.policy import DEFAULT, FIFO, Policy
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    YUAN,
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

POOL = "east-npu"


def running(state: State, placement: Placement, *jobs: Job) -> None:
    """They run there since the beginning, one after another."""
    for job in jobs:
        submit(state, job)
        happen(state, a_lease(job.id, placement))


def a_full_park() -> State:
    """One node of 8 cards, all busy for an hour."""
    state = a_state(park=a_park(a_pool(POOL, 1, 8)))
    running(state, a_placement(POOL, 8), a_job("runs"))
    return state


def waiting(job_id: str, cards: int = 8, hours: int = 1, priority: str = "normal") -> Job:
    return a_job(job_id, device_count=cards, limit_ms=hours * HOUR_MS, priority=Priority(priority))


def starts(state: State, now_ms: int = 1, policy: Policy = DEFAULT) -> dict[str, float | None]:
    """In hours, by job."""
    return {
        job_id: verdict.start.at_ms / HOUR_MS if verdict.start else None
        for job_id, verdict in plan(state, now_ms, policy).verdicts.items()
    }


def test_all_who_wait_are_planned_one_after_another() -> None:
    state = a_full_park()
    submit(state, waiting("a"), waiting("b", hours=2), waiting("c"), waiting("d", cards=4))

    assert starts(state) == {"a": 1, "b": 2, "c": 4, "d": 5}
    start = plan(state, 1).verdicts["a"].start
    assert start == PlannedStart(HOUR_MS, POOL, is_promised=True)
    assert plan(state, 1).verdicts["b"].start == PlannedStart(2 * HOUR_MS, POOL)


def test_of_one_shape_each_is_planned_for_as_long_as_it_runs() -> None:
    state = a_full_park()
    hours = {"a": 1, "b": 2, "c": 1, "d": 2, "e": 1}
    submit(state, *(waiting(job_id, hours=own) for job_id, own in hours.items()))

    assert starts(state) == {"a": 1, "b": 2, "c": 4, "d": 5, "e": 7}


def test_small_ones_are_planned_beside_and_between_the_big_ones() -> None:
    state = a_full_park()
    submit(state, waiting("a", 6), waiting("b", 8, 2), waiting("c", 2), waiting("d", 2))

    assert starts(state) == {"a": 1, "b": 2, "c": 1, "d": 4}


def test_without_backfilling_nobody_is_planned_before_those_ahead() -> None:
    state = a_full_park()
    submit(state, waiting("a", 6), waiting("b", 8, 2), waiting("c", 2), waiting("d", 2))

    assert starts(state, policy=FIFO) == {"a": 1, "b": 2, "c": 4, "d": 4}


def test_a_job_is_planned_where_it_starts_first_and_of_equals_where_it_prefers() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8), a_pool("east-gpu", 1, 8)))
    running(state, a_placement("east-npu", 8), waiting("r1", hours=3))
    running(state, a_placement("east-gpu", 8), a_job("r2", device_kind_ids=("gpu",)))
    kinds = ("npu", "gpu")
    for number in range(5):
        submit(state, a_job(f"j{number}", device_kind_ids=kinds))

    verdicts = plan(state, 1).verdicts

    assert [
        (start.at_ms / HOUR_MS, start.pool_id) for v in verdicts.values() if (start := v.start)
    ] == [(1, "east-gpu"), (3, "east-npu"), (2, "east-gpu"), (3, "east-gpu"), (4, "east-npu")]


def test_who_is_over_its_quota_is_planned_when_its_own_work_ends() -> None:
    state = a_state(a_tenant("steel", max_cards=8), park=a_park(a_pool(POOL, 4, 8)))
    running(state, a_placement(POOL, 8), waiting("runs", hours=2))
    submit(state, waiting("a", 4), waiting("b", 8), waiting("c", 4))

    assert starts(state) == {"a": 2, "b": 3, "c": 2}


def test_a_quota_is_one_over_all_pools() -> None:
    state = a_state(
        a_tenant("steel", max_cards=8), park=a_park(a_pool(POOL, 1, 8), a_pool("east-gpu", 1, 8))
    )
    running(state, a_placement("east-gpu", 8), a_job("runs", device_kind_ids=("gpu",)))
    submit(state, waiting("a", 4))

    assert starts(state) == {"a": 1}, "its pool is empty, and stays so"


@pytest.mark.parametrize(("npu_hours", "gpu_hours"), [(3, 5), (5, 3)])
def test_it_is_planned_where_a_limit_of_its_kind_has_room_first_though_cards_be_free_before(
    npu_hours: int, gpu_hours: int
) -> None:
    limits = (("npu", 8), ("gpu", 8))
    tenants = a_tenant("fish"), a_tenant("steel", borrowing_cards=limits)
    state = a_state(*tenants, park=a_park(a_pool(POOL, 2, 8), a_pool("east-gpu", 2, 8)))
    for kind_id, tenant_id, cards, hours in (
        ("npu", "fish", (8,), 1),
        ("npu", "steel", (0, 8), npu_hours),
        ("gpu", "fish", (8,), 2),
        ("gpu", "steel", (0, 8), gpu_hours),
    ):
        job = replace(waiting(f"{kind_id}-{tenant_id}", hours=hours), tenant_id=tenant_id)
        placement = a_placement(f"east-{kind_id}", *cards)
        running(state, placement, replace(job, device_kind_ids=(kind_id,)))
    submit(state, replace(waiting("a"), device_kind_ids=("npu", "gpu")))

    assert starts(state) == {"a": 3}


def test_a_gang_is_planned_when_its_nodes_are_whole() -> None:
    state = a_state(park=a_park(a_pool(POOL, 4, 8)))
    running(state, a_placement(POOL, 1), waiting("r1", 1))
    running(state, a_placement(POOL, 0, 1), waiting("r2", 1, hours=2))
    running(state, a_placement(POOL, 0, 0, 1), waiting("r3", 1, hours=3))
    running(state, a_placement(POOL, 0, 0, 0, 1), waiting("r4", 1, hours=4))
    submit(state, waiting("two", 16), waiting("one", 8))

    assert starts(state) == {"two": 2, "one": 1}, "28 cards are free all the time"


def test_what_is_granted_now_is_in_the_way_of_those_behind() -> None:
    state = a_state(park=a_park(a_pool(POOL, 1, 8)))
    submit(state, waiting("a", hours=3), waiting("b"), waiting("c"))

    assert starts(state, now_ms=0) == {"b": 3, "c": 4}


def test_nothing_is_planned_where_no_end_makes_room() -> None:
    state = a_full_park()
    submit(state, waiting("a"), waiting("b"))
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=()))
    assert starts(state) == {"a": None, "b": None}

    happen(state, ev.CentreLinkChanged(at_ms=2, centre_id="east", is_heard=False))
    assert starts(state, now_ms=2) == {"a": None, "b": None}


def test_nothing_is_planned_for_who_cannot_pay() -> None:
    state = a_full_park()
    happen(state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("poor")))
    submit(state, a_job("a", tenant_id="poor"), a_job("b"))

    assert starts(state) == {"b": 1, "a": None}


def test_who_can_pay_in_one_pool_alone_is_planned_there() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8), a_pool("east-gpu", 1, 8)))
    for name, kind in (("r1", "npu"), ("r2", "gpu")):
        placement = a_placement(f"east-{kind}", 8)
        running(state, placement, a_job(name, device_kind_ids=(kind,), limit_ms=2 * HOUR_MS))
    poor = a_tenant("poor", credit_limit_micros=29 * YUAN)  # 8 NPUs for an hour are 28.80
    happen(state, ev.TenantDeclared(at_ms=0, tenant=poor))
    submit(state, a_job("head"), a_job("a", tenant_id="poor", device_kind_ids=("gpu", "npu")))

    start = plan(state, 1).verdicts["a"].start

    assert start is not None
    assert start.pool_id == "east-npu"


def test_a_part_of_a_node_is_planned_when_some_node_has_so_much() -> None:
    state = a_state(park=a_park(a_pool(POOL, 2, 8)))
    running(state, a_placement(POOL, 6), waiting("r1", 6, hours=4))
    running(state, a_placement(POOL, 0, 5), waiting("r2", 5, hours=9))
    running(state, a_placement(POOL, 0, 1), waiting("r3", 1, hours=2))
    submit(state, waiting("a", 8), waiting("b", 3, hours=9), waiting("c", 4, hours=9))

    assert starts(state) == {"a": 4, "b": 2, "c": 5}, "4 are free all the time, 2 and 2"


def test_who_is_ahead_is_planned_first() -> None:
    state = a_full_park()
    submit(state, waiting("a", priority="low"), waiting("b"))

    assert starts(state) == {"b": 1, "a": 2}


def ended(attempt_id: str, at_ms: int) -> ev.Ended:
    return ev.Ended(at_ms=at_ms, attempt_id=attempt_id, cause=EndCause.FINISHED, exit_code=0)


sizes = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 5)), min_size=1, max_size=12)


@settings(max_examples=150)
@given(sizes)
def test_in_order_of_arrival_each_starts_when_it_was_planned(sizes: list[tuple[int, int]]) -> None:
    """Where all run to their limits and nobody else comes, on one node: the estimate is exact."""
    state = a_state(park=a_park(a_pool(POOL, 1, 8)))
    for number, (cards, length) in enumerate(sizes):
        submit(state, a_job(f"j{number:02}", device_count=cards, limit_ms=10 * length))
    planned = {
        job_id: verdict.start.at_ms if verdict.start else None
        for job_id, verdict in plan(state, 0, FIFO).verdicts.items()
    }
    started: dict[str, int] = {}
    ends: dict[str, int] = {}
    for now_ms in range(0, 10 * 5 * len(sizes) + 1, 10):
        for attempt_id in [one for one, at_ms in ends.items() if at_ms == now_ms]:
            happen(state, ended(attempt_id, now_ms))
        for grant in plan(state, now_ms, FIFO).grants:
            started[grant.job_id] = now_ms
            ends[f"{grant.job_id}.1"] = now_ms + state.jobs[grant.job_id].job.limit_ms
            happen(state, a_lease(grant.job_id, grant.placement, at_ms=now_ms))

    assert {job_id: started[job_id] for job_id in planned} == planned
