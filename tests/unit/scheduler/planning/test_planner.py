"""Who starts now, where, and why not yet: one rule a test, worked out by hand."""

from copy import deepcopy
from dataclasses import replace
from typing import Unpack

import pytest

from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Placement, PlannedStart, Priority, Reason, ReasonCode
from scheduler.model.plan import Answers, Plan
from scheduler.model.policy import EASY, FIFO, SJF_ORACLE
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    PARK_PRICES,
    JobChanges,
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

ONE_NODE = a_park(a_pool("east-npu", 1, 8))
TWO_NODES = a_park(a_pool("east-npu", 2, 8))


def a_queue(*jobs: Job, park: Park = ONE_NODE) -> State:
    """Tenants `a`, `b`, `c` in a park of one node, and these jobs waiting."""
    state = a_state(a_tenant("a"), a_tenant("b"), a_tenant("c"), park=park)
    submit(state, *jobs)
    return state


def asked(job_id: str, cards: int = 8, **changes: Unpack[JobChanges]) -> Job:
    """`a1` is a job of tenant `a`."""
    return replace(a_job(job_id, **changes), tenant_id=job_id[0], device_count=cards)


def order(result: Plan) -> list[str]:
    return [grant.job_id for grant in result.grants]


def placed(result: Plan) -> dict[str, Placement]:
    return {grant.job_id: grant.placement for grant in result.grants}


def reasons(result: Plan, job_id: str) -> tuple[Reason, ...]:
    return result.verdicts[job_id].reasons


def run(state: State, job_id: str, placement: Placement, at_ms: int = 0) -> None:
    happen(state, a_lease(job_id, placement, at_ms=at_ms))
    happen(state, ev.Started(at_ms=at_ms, attempt_id=f"{job_id}.1"))


# Who is first.


def test_nobody_waits_and_nothing_is_planned() -> None:
    assert plan(a_state(), 0) == plan(State(), 0) == Plan(grants=(), verdicts={})


def test_the_class_comes_before_share_and_age() -> None:
    state = a_queue(
        asked("a1", priority=Priority.LOW),
        asked("b1", submitted_at_ms=5),
        asked("c1", submitted_at_ms=9, priority=Priority.HIGH),
    )

    state.shares["c"].used = 1e18

    result = plan(state, 10)

    assert order(result) == ["c1"]
    assert list(result.verdicts) == ["b1", "a1"]


def test_who_has_used_less_of_the_park_goes_before_who_waits_longer() -> None:
    state = a_queue(asked("a1"), asked("a2", submitted_at_ms=HOUR_MS))
    run(state, "a1", a_placement("east-npu", 8))
    over = ev.Ended(at_ms=HOUR_MS, attempt_id="a1.1", cause=EndCause.FINISHED, exit_code=0)
    happen(state, over)
    submit(state, asked("b1", submitted_at_ms=2 * HOUR_MS))

    assert order(plan(state, 3 * HOUR_MS)) == ["b1"]


def test_use_is_weighed() -> None:
    state = a_state(a_tenant("a", weight=300), a_tenant("b", weight=100), park=ONE_NODE)
    for tenant_id, cards, until_ms in (("a", 4, 2 * HOUR_MS), ("b", 4, HOUR_MS)):
        submit(state, asked(f"{tenant_id}1", cards))
        placement = a_placement("east-npu", cards)
        run(state, f"{tenant_id}1", placement)
        attempt_id = f"{tenant_id}1.1"
        done = ev.Ended(at_ms=until_ms, attempt_id=attempt_id, cause=EndCause.FINISHED, exit_code=0)
        happen(state, done)

    submit(state, asked("a2", submitted_at_ms=9), asked("b2", submitted_at_ms=8))

    assert order(plan(state, 2 * HOUR_MS)) == ["a2"], "twice the use at three times the weight"


def test_use_is_power_and_not_cards() -> None:
    park = a_park(a_pool("east-npu", 1, 8), a_pool("east-gpu", 1, 8))
    state = a_queue(
        asked("a1", 4, device_kind_ids=("gpu",)), asked("b1", 4), asked("c1", 8), park=park
    )
    run(state, "a1", a_placement("east-gpu", 4))
    run(state, "b1", a_placement("east-npu", 4))

    submit(state, asked("a2", 4, submitted_at_ms=1), asked("b2", 4, submitted_at_ms=2))
    happen(state, ev.CancelRequested(at_ms=2, job_id="c1", by="u"))

    assert order(plan(state, HOUR_MS)) == ["b2"], "a gpu card is three npu cards"


def test_what_is_granted_counts_at_once_so_that_equals_take_turns() -> None:
    state = a_queue(
        asked("a1", 2), asked("a2", 2), asked("a3", 2), asked("b1", 2, submitted_at_ms=7)
    )

    assert order(plan(state, 7)) == ["a1", "b1", "a2", "a3"]


def test_among_equals_the_older_goes_first_and_then_the_smaller_id() -> None:
    state = a_queue(
        asked("b1", submitted_at_ms=4),
        asked("a2", submitted_at_ms=5),
        asked("a1", submitted_at_ms=5),
    )

    assert [*order(plan(state, 9)), *plan(state, 9).verdicts] == ["b1", "a1", "a2"]


def test_other_policies_go_by_age_or_by_length() -> None:
    state = a_queue(
        asked("a1", limit_ms=9),
        asked("a2", submitted_at_ms=1, limit_ms=5),
        asked("b1", submitted_at_ms=2, limit_ms=5),
        asked("c1", submitted_at_ms=3, limit_ms=9, priority=Priority.HIGH),
    )

    for policy, queue in (
        (FIFO, ["c1", "a1", "a2", "b1"]),
        (EASY, ["c1", "a1", "a2", "b1"]),
        (SJF_ORACLE, ["c1", "a2", "b1", "a1"]),
    ):
        result = plan(state, 9, policy)
        assert [*order(result), *result.verdicts] == queue


# Where.


def test_a_gang_starts_whole_or_not_at_all() -> None:
    short = asked("c1", 8, limit_ms=HOUR_MS // 2)
    state = a_queue(asked("a1", 4), asked("b1", 16), short, park=TWO_NODES)
    run(state, "a1", a_placement("east-npu", 4))

    result = plan(state, 1)  # in which the short one comes first

    assert placed(result) == {"c1": a_placement("east-npu", 0, 8)}
    busy = Reason(code=ReasonCode.DEVICES_BUSY, where="east-npu", need=16, free=4)
    assert reasons(result, "b1") == (busy,)


def test_a_gang_stays_in_one_centre() -> None:
    park = a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8))
    state = a_queue(asked("a1", 16), park=park)

    result = plan(state, 0)

    assert order(result) == []
    assert [r.code for r in reasons(result, "a1")] == [ReasonCode.TOO_BIG, ReasonCode.TOO_BIG]


def test_the_next_kind_is_taken_where_the_first_has_no_room() -> None:
    park = a_park(a_pool("east-npu", 1, 8), a_pool("north-dcu", 1, 8))
    kinds = ("dcu", "npu")
    state = a_queue(
        *(asked(job_id, device_kind_ids=kinds) for job_id in ("a1", "b1", "c1")), park=park
    )

    result = plan(state, 0)

    assert placed(result) == {
        "a1": a_placement("north-dcu", 8),
        "b1": a_placement("east-npu", 8),
    }
    assert [reason.where for reason in reasons(result, "c1")] == ["north-dcu", "east-npu"]


def test_what_is_granted_is_not_granted_again() -> None:
    state = a_queue(asked("a1", 5), asked("b1", 3), asked("c1", 1))

    result = plan(state, 0)

    assert order(result) == ["a1", "b1"]
    assert reasons(result, "c1")[0] == Reason(
        code=ReasonCode.DEVICES_BUSY, where="east-npu", need=1, free=0
    )


# Why not yet.


def test_a_quota_is_over_all_that_the_tenant_holds_and_is_granted() -> None:
    state = a_state(a_tenant("a", max_cards=7), a_tenant("b"), park=TWO_NODES)
    submit(state, asked("a1", 2), asked("a2", 3), asked("a3", 3), asked("b1", 3))
    run(state, "a1", a_placement("east-npu", 2))

    result = plan(state, 1)

    assert order(result) == ["b1", "a2"]
    quota = Reason(code=ReasonCode.TENANT_QUOTA, where="a", need=3, free=2)
    assert reasons(result, "a3") == (quota,)


def test_a_quota_made_smaller_than_what_is_held_leaves_nothing() -> None:
    state = a_queue(asked("a1", 4), asked("a2", 1))
    run(state, "a1", a_placement("east-npu", 4))

    happen(state, ev.TenantDeclared(at_ms=1, tenant=a_tenant("a", max_cards=2)))

    quota = Reason(code=ReasonCode.TENANT_QUOTA, where="a", need=3, free=0)
    assert reasons(plan(state, 1), "a2") == (quota,)  # its own card, and two above the quota


def test_a_lease_holds_what_the_job_may_cost_at_most() -> None:
    state = a_queue(asked("a1", 8, limit_ms=1_000, priority=Priority.LOW))

    assert plan(state, 0).grants[0].hold_micros == 8 * 1_000 // 2


def test_who_cannot_pay_waits_and_blocks_nobody() -> None:
    state = a_queue(asked("a1", limit_ms=1_000), asked("b1"))
    state.funds["a"].available_micros = 7_999

    result = plan(state, 0)

    assert order(result) == ["b1"]
    assert reasons(result, "a1") == (
        Reason(code=ReasonCode.FUNDS, where="a", need=8_000, free=7_999, unit="micro-yuan"),
    )


def test_money_granted_is_not_granted_again() -> None:
    state = a_queue(asked("a1", 2, limit_ms=1_000), asked("a2", 2, limit_ms=1_000))
    state.funds["a"].available_micros = 3_999

    result = plan(state, 0)

    assert order(result) == ["a1"]
    assert [(r.code, r.free) for r in reasons(result, "a2")] == [(ReasonCode.FUNDS, 1_999)]


def test_a_cheaper_kind_is_taken_where_the_first_cannot_be_paid() -> None:
    park = a_park(a_pool("east-npu", 1, 8), a_pool("east-gpu", 1, 8))
    state = a_queue(asked("a1", 1, limit_ms=1_000, device_kind_ids=("gpu", "npu")), park=park)
    state.funds["a"].available_micros = 2_999

    assert placed(plan(state, 0)) == {"a1": a_placement("east-npu", 1)}


def test_nothing_is_leased_without_a_price_now_and_in_each_list_to_come() -> None:
    gpu_only = replace(PARK_PRICES, id="now", on_demand=(("gpu", 1),))
    state = a_queue(asked("a1"))
    state.prices = type(state.prices)((gpu_only,))
    assert [r.code for r in reasons(plan(state, 0), "a1")] == [ReasonCode.NO_PRICE]

    later = replace(gpu_only, id="later", from_ms=10)
    state.prices = type(state.prices)((PARK_PRICES, later))
    (missing,) = reasons(plan(state, 0), "a1")
    assert (missing.code, missing.where) == (ReasonCode.NO_PRICE, "east-npu")
    assert "later" in missing.detail


def test_a_job_whose_launch_failed_is_left_alone_for_a_while() -> None:
    state = a_queue(asked("a1"))
    state.jobs["a1"].not_before_ms = 100

    verdict = plan(state, 99).verdicts["a1"]

    assert [(r.code, r.until_ms) for r in verdict.reasons] == [(ReasonCode.BACKOFF, 100)]
    assert verdict.start == PlannedStart(100, "east-npu")
    assert order(plan(state, 100)) == ["a1"]


def test_a_silent_centre_gets_nothing() -> None:
    state = a_queue(asked("a1"))
    happen(state, ev.CentreLinkChanged(at_ms=0, centre_id="east", is_heard=False))

    verdict = plan(state, 0).verdicts["a1"]

    assert [(r.code, r.where) for r in verdict.reasons] == [(ReasonCode.CENTRE_SILENT, "east")]
    assert promised_ms(verdict) is None


def test_nodes_that_are_down_get_nothing() -> None:
    state = a_queue(asked("a1", 16), asked("b1", 8), park=TWO_NODES)
    up = ev.NodesChanged(at_ms=0, centre_id="east", online_node_ids=("east-npu-n002",))
    happen(state, up)

    result = plan(state, 0)

    assert placed(result) == {"b1": a_placement("east-npu", 0, 8)}
    (down,) = reasons(result, "a1")
    assert (down.code, down.need, down.free) == (ReasonCode.NODES_DOWN, 16, 8)
    assert down.detail == "nodes down or in maintenance: 1 of 2"


@pytest.mark.parametrize(("cards", "usable"), [(8, 6), (16, 0)])
def test_cards_that_are_free_and_scattered_are_told_as_such(cards: int, usable: int) -> None:
    park = a_park(a_pool("east-npu", 3, 8))
    state = a_queue(*(asked(f"a{n}", 2) for n in range(3)), asked("b1", cards), park=park)
    for number in range(3):
        spot = a_placement("east-npu", *([0] * number), 2)
        run(state, f"a{number}", spot)

    scattered = Reason(code=ReasonCode.FRAGMENTED, where="east-npu", need=cards, free=usable)

    assert reasons(plan(state, 1), "b1") == (scattered,)


def test_a_job_that_no_pool_could_hold_any_more_is_told_so() -> None:
    state = a_queue(asked("a1", device_kind_ids=("dcu",)), asked("b1", 16), asked("c1"))
    state.jobs["a1"].job = replace(state.jobs["a1"].job, centre_ids=("east",))

    result = plan(state, 0)

    assert order(result) == ["c1"], "and blocks nobody"
    assert [(r.code, r.where) for r in reasons(result, "a1")] == [(ReasonCode.TOO_BIG, "east")]
    assert [(r.code, r.where) for r in reasons(result, "b1")] == [(ReasonCode.TOO_BIG, "east-npu")]


# A pure function.


def a_busy_queue() -> State:
    state = a_queue(asked("a1", 3), asked("c1", 16), asked("c2", 8), park=TWO_NODES)
    submit(state, *(asked(f"b{number}", 5 - number) for number in range(5)))
    run(state, "a1", a_placement("east-npu", 0, 3))
    return state


def test_planning_changes_nothing_and_again_gives_the_same() -> None:
    state = a_busy_queue()
    before = deepcopy(state)

    results = [plan(state, 60_000) for _ in range(3)]

    assert results == [results[0]] * 3
    assert state.snapshot() == before.snapshot()
    assert (state.free_cards, state.held_cards) == (before.free_cards, before.held_cards)
    assert results[0].grants
    assert results[0].verdicts


def test_a_state_restored_from_a_checkpoint_gives_the_same_plan() -> None:
    state = a_busy_queue()

    restored = State.restored(deepcopy(state.snapshot()))

    assert plan(restored, 60_000) == plan(state, 60_000)


def test_who_asks_for_grants_only_gets_the_same_grants_and_is_done_when_all_is_full() -> None:
    state = a_queue(asked("a1", 8), asked("b1", 8), asked("c1", 8))

    short, whole = plan(state, 0, answers=Answers.GRANTS), plan(state, 0)

    assert short.grants == whole.grants
    assert (list(short.verdicts), list(whole.verdicts)) == ([], ["b1", "c1"])
