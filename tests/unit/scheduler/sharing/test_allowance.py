"""A tenant's quota and money are kept for the job whose turn it is; worked out by hand."""

from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, Job, Priority, ReasonCode
from scheduler.model.plan import Plan
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.planning.victims import SOON_MS
from scheduler.sharing.allowance import Allowances
from scheduler.timing.forecasts import Forecasts
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    promised_ms,
    submit,
)

YUAN = 1_000_000
TEN_NODES = a_park(a_pool("east-npu", 10, 8))
NPU_AND_GPU = a_park(a_pool("east-npu", 2, 8), a_pool("east-gpu", 4, 4))


def grant_all(state: State, now_ms: int) -> Plan:
    """Plan, and start at once what the plan grants."""
    result = plan(state, now_ms)
    for grant in result.grants:
        hold_micros = grant.hold_micros
        lease = a_lease(grant.job_id, grant.placement, at_ms=now_ms, hold_micros=hold_micros)
        happen(state, lease, ev.Started(at_ms=now_ms, attempt_id=lease.attempt_id))
    return result


def names(result: Plan) -> list[str]:
    return [grant.job_id for grant in result.grants]


def started_at_hour(state: State, big: Job, small: Job) -> int | None:
    """When `big` starts although a `small` one, of two hours each, is submitted every hour."""
    ends: dict[str, int] = {}
    for hour in range(50):
        now_ms = hour * HOUR_MS
        for job_id in [job_id for job_id, end_ms in ends.items() if end_ms <= now_ms]:
            end = ev.Ended(
                at_ms=now_ms, attempt_id=f"{job_id}.1", cause=EndCause.FINISHED, exit_code=0
            )
            happen(state, end)
            del ends[job_id]
        submit(state, replace(small, id=f"s{hour:03}", submitted_at_ms=now_ms))
        result = grant_all(state, now_ms)
        if big.id in names(result):
            return hour
        ends.update(dict.fromkeys(names(result), now_ms + 2 * HOUR_MS))
        if hour == 0:
            submit(state, big)
    return None


def test_who_cannot_pay_keeps_nobody_out() -> None:
    state = a_state(a_tenant("poor"), a_tenant("rich", max_cards=80), park=TEN_NODES)
    state.funds["poor"].available_micros = 0
    submit(state, a_job("r0", tenant_id="rich", limit_ms=100 * HOUR_MS))
    grant_all(state, 0)
    submit(state, a_job("broke", tenant_id="poor", device_count=64))
    submit(state, *(a_job(f"r{n}", tenant_id="rich", limit_ms=101 * HOUR_MS) for n in range(1, 10)))

    result = plan(state, 1)

    assert sorted(names(result)) == [f"r{n}" for n in range(1, 10)]
    assert [reason.code for reason in result.verdicts["broke"].reasons] == [ReasonCode.FUNDS]


@pytest.mark.parametrize(("most", "is_over"), [(23, True), (24, False)])
def test_a_quota_counts_as_long_as_it_could_bind(most: int, *, is_over: bool) -> None:
    """Against what runs, what is to start once that is gone, and one more: each all of the park."""
    state = a_state(a_tenant("steel", max_cards=most), park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, *(a_job(job_id, device_count=8) for job_id in ("runs", "next", "waits")))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))
    assert state.park is not None
    (pool,) = state.park.pools
    allowances = Allowances(state, 0, DEFAULT, Forecasts(state, 0, DEFAULT))
    allowances.take(state.jobs["next"], pool, 0, SOON_MS)

    reason = allowances.quota_reason(state.jobs["waits"], SOON_MS)

    assert (reason is not None) == is_over


def test_who_is_below_zero_is_told_all_that_is_missing() -> None:
    state = a_state()
    state.funds["steel"].available_micros = -5 * YUAN
    submit(state, a_job())

    reason, _ = plan(state, 1).verdicts["j1"].reasons

    assert (reason.code, reason.need, reason.free) == (ReasonCode.FUNDS, 28_800_000, -5 * YUAN)
    assert reason.gap == 33_800_000


@pytest.mark.parametrize("kinds", [("npu", "gpu"), ("npu",)])
def test_a_second_choice_that_is_too_dear_costs_no_promise(kinds: tuple[str, ...]) -> None:
    state = a_state(a_tenant("big"), a_tenant("small", weight=1), park=NPU_AND_GPU)
    state.funds["big"].available_micros = 100 * YUAN  # 57.60 for two nodes of npu, 172.80 of gpu
    big = a_job("big", tenant_id="big", device_count=16, device_kind_ids=kinds)
    small = a_job("s", tenant_id="small", limit_ms=2 * HOUR_MS)

    assert started_at_hour(state, big, small) == 2


def test_a_stream_of_small_jobs_does_not_starve_a_big_one_of_their_tenants_quota() -> None:
    state = a_state(a_tenant("steel", max_cards=16), park=TEN_NODES)
    big = a_job("big", device_count=16, priority=Priority.HIGH)
    small = a_job("s", limit_ms=2 * HOUR_MS, priority=Priority.LOW)

    assert started_at_hour(state, big, small) == 2


def test_a_stream_of_small_jobs_does_not_starve_a_big_one_of_their_tenants_money() -> None:
    state = a_state(a_tenant("steel", max_cards=64), park=TEN_NODES)
    state.funds["steel"].available_micros = 100 * YUAN  # 86.40 for the big one, 28.80 a small one
    big = a_job("big", device_count=16, priority=Priority.HIGH)
    small = a_job("s", limit_ms=2 * HOUR_MS, priority=Priority.LOW)

    assert started_at_hour(state, big, small) == 2


def test_money_is_not_saved_for_what_all_of_it_could_not_pay() -> None:
    state = a_state(a_tenant("steel"), park=TEN_NODES)
    state.funds["steel"].available_micros = 50 * YUAN
    submit(state, a_job("dear", device_count=16), a_job("cheap", submitted_at_ms=1))

    assert names(plan(state, 2)) == ["cheap"]


def test_within_a_quota_what_ends_in_time_or_is_spare_may_pass() -> None:
    state = a_state(a_tenant("steel", max_cards=32), park=TEN_NODES)
    submit(state, a_job("first", device_count=16, limit_ms=2 * HOUR_MS))
    grant_all(state, 0)
    submit(
        state,
        a_job("head", device_count=24),
        a_job("long", device_count=4, limit_ms=9 * HOUR_MS, submitted_at_ms=1),
        a_job("spare", device_count=4, limit_ms=9 * HOUR_MS, submitted_at_ms=2),
        a_job("over", device_count=4, limit_ms=9 * HOUR_MS, submitted_at_ms=3),
    )

    result = plan(state, 4)

    assert names(result) == ["long", "spare"], "at hour 2 the head takes 24 of 32"
    over = result.verdicts["over"].reasons[0]
    assert (over.code, over.free) == (ReasonCode.TENANT_QUOTA, 0)


def test_quota_that_is_kept_is_said_to_be_kept_and_until_when() -> None:
    state = a_state(a_tenant("steel", max_cards=16), park=TEN_NODES)
    submit(state, a_job("first", limit_ms=2 * HOUR_MS))
    grant_all(state, 0)
    submit(state, a_job("head", device_count=16))
    submit(state, a_job("long", limit_ms=9 * HOUR_MS, submitted_at_ms=1))
    submit(state, a_job("short", limit_ms=HOUR_MS, submitted_at_ms=2))

    result = plan(state, 4)

    assert names(result) == ["short"]
    (reason,) = result.verdicts["long"].reasons
    assert (reason.free, reason.until_ms) == (0, 2 * HOUR_MS)
    assert reason.detail == "kept for job head"


@pytest.mark.parametrize("is_quota", [True, False])
def test_a_promise_keeps_its_tenants_quota_and_money(is_quota: bool) -> None:
    tenant = a_tenant("steel", max_cards=16 if is_quota else 64)
    state = a_state(tenant, a_tenant("other", max_cards=100), park=NPU_AND_GPU)
    if not is_quota:
        state.funds["steel"].available_micros = 60 * YUAN  # 57.60 for the head
    submit(state, a_job("first", tenant_id="other", device_count=16))
    grant_all(state, 0)
    submit(state, a_job("head", device_count=16))
    gpu = a_job("low", device_count=4, device_kind_ids=("gpu",), limit_ms=2 * HOUR_MS)
    submit(state, replace(gpu, submitted_at_ms=2, priority=Priority.LOW))

    result = plan(state, 3)

    assert promised_ms(result.verdicts["head"]) == HOUR_MS
    assert names(result) == []


def test_time_to_save_itself_is_held_and_planned() -> None:
    state = a_state(a_tenant("steel"), park=a_park(a_pool("east-npu", 1, 8)))
    saves = Checkpoint(dir="ckpt", signal="SIGUSR1", grace_ms=HOUR_MS)
    submit(state, a_job("saves", checkpoint=saves))

    (grant,) = grant_all(state, 0).grants
    submit(state, a_job("next"))

    assert grant.hold_micros == 8 * 2 * 3_600_000
    assert promised_ms(plan(state, 1).verdicts["next"]) == 2 * HOUR_MS
