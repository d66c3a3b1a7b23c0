"""What a job would meet is what it meets, and asking changes nothing."""

from copy import deepcopy
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import Unpack

from scheduler.asking.whatif import Stopped, what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, Job, Priority, ReasonCode, Variant
from scheduler.model.policy import POLICY_BY_NAME, Policy
from scheduler.model.tenancy import Tenant
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    PARK_PRICES,
    YUAN,
    JobChanges,
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
from tests.preemptive import TURNS
from tests.unit.scheduler.test_planner_invariants import jobs, states

FEN_PER_YUAN = 100
NOW_MS = 10


def a_park_with_work(*tenants: Tenant) -> State:
    """8 NPUs are busy for an hour and there wait 8 for two; 8 GPUs are free."""
    state = a_state(*tenants, park=a_park(a_pool("east-npu", 1, 8), a_pool("east-gpu", 1, 8)))
    submit(state, a_job("runs"))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))
    submit(state, a_job("waits", limit_ms=2 * HOUR_MS))
    return state


def asked(**changes: Unpack[JobChanges]) -> Job:
    """It would take either kind."""
    either = a_job("asked", submitted_at_ms=NOW_MS, device_kind_ids=("npu", "gpu"))
    return replace(either, **changes)


def test_each_pool_says_when_and_for_how_much_the_soonest_first() -> None:
    now, later = what_if(a_park_with_work(), NOW_MS, asked())

    assert (now.pool.id, now.start_ms, now.reasons) == ("east-gpu", NOW_MS, ())
    assert now.cost_fen == 8 * 10.8 * FEN_PER_YUAN
    assert (later.pool.id, later.start_ms) == ("east-npu", 3 * HOUR_MS)
    assert later.cost_fen == 8 * 3.6 * FEN_PER_YUAN
    codes = [reason.code for reason in later.reasons]
    assert codes == [ReasonCode.DEVICES_BUSY, ReasonCode.RESERVED]


def test_who_is_ahead_decides_by_priority() -> None:
    starts = {
        priority: what_if(
            a_park_with_work(), NOW_MS, asked(priority=priority, device_kind_ids=("npu",))
        )[0].start_ms
        for priority in (Priority.HIGH, Priority.NORMAL)
    }

    assert starts == {Priority.HIGH: HOUR_MS, Priority.NORMAL: 3 * HOUR_MS}


def test_the_cost_is_of_the_limit_and_not_of_the_grace_after_it() -> None:
    checkpoint = Checkpoint(dir="ckpt", signal=None, grace_ms=HOUR_MS)
    job = asked(limit_ms=HOUR_MS // 2, device_count=1, checkpoint=checkpoint)

    (gpu, _) = what_if(a_park_with_work(), NOW_MS, job)

    assert gpu.cost_fen == 5.4 * FEN_PER_YUAN


def test_who_cannot_pay_is_told_so_and_no_time() -> None:
    state = a_park_with_work()
    happen(state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("poor")))

    for prospect in what_if(state, NOW_MS, asked(tenant_id="poor")):
        assert prospect.start_ms is None
        assert ReasonCode.FUNDS in {reason.code for reason in prospect.reasons}
        assert prospect.cost_fen


def test_all_that_is_in_the_way_is_told() -> None:
    state = a_park_with_work()
    small = a_tenant("small", max_cards=4, credit_limit_micros=YUAN)
    happen(state, ev.TenantDeclared(at_ms=0, tenant=small))

    (npu,) = what_if(state, NOW_MS, asked(tenant_id="small", device_kind_ids=("npu",)))

    assert {reason.code for reason in npu.reasons} == {
        ReasonCode.TENANT_QUOTA,
        ReasonCode.FUNDS,
        ReasonCode.DEVICES_BUSY,
    }


def test_a_promise_is_for_cards_that_are_together() -> None:
    """9 cards are free at all times, and 2 on one node not before 10 hours have passed."""
    state = a_state(park=a_park(a_pool("east-npu", 2, 8)))
    for name, hours, placement in (
        ("x", 10, a_placement("east-npu", 7)),
        ("y", 1, a_placement("east-npu", 1)),
        ("z", 10, a_placement("east-npu", 0, 7)),
    ):
        submit(state, a_job(name, device_count=placement.card_count, limit_ms=hours * HOUR_MS))
        happen(state, a_lease(name, placement))
    job = a_job("asked", device_count=2)

    (first,) = what_if(state, NOW_MS, job)
    submit(state, a_job("ahead"), job)
    (behind,) = what_if(state, NOW_MS, job)

    assert (first.start_ms, first.is_promised) == (10 * HOUR_MS, True)
    assert (behind.start_ms, behind.is_promised) == (10 * HOUR_MS, False)


def test_where_it_would_be_promised_a_start_comes_before_where_it_may_be_sooner() -> None:
    """Somebody is promised 4 of the 8 NPUs in an hour; the GPUs are free in three."""
    state = a_state(park=a_park(a_pool("east-npu", 1, 8), a_pool("east-gpu", 1, 8)))
    submit(state, a_job("r1"), a_job("r2", device_kind_ids=("gpu",), limit_ms=3 * HOUR_MS))
    happen(state, a_lease("r1", a_placement("east-npu", 8)))
    happen(state, a_lease("r2", a_placement("east-gpu", 8)))
    submit(state, a_job("ahead", device_count=4))

    gpu, npu = what_if(state, NOW_MS, asked(device_count=4))

    assert (gpu.pool.id, gpu.start_ms, gpu.is_promised) == ("east-gpu", 3 * HOUR_MS, True)
    assert (npu.pool.id, npu.start_ms, npu.is_promised) == ("east-npu", HOUR_MS, False)


def test_a_job_that_is_left_alone_for_a_while_is_asked_about_as_such() -> None:
    state = a_park_with_work()
    job = a_job("asked", device_kind_ids=("gpu",), submitted_at_ms=NOW_MS)
    submit(state, job)
    state.jobs["asked"].not_before_ms = 500

    (gpu,) = what_if(state, NOW_MS, job)

    assert ([reason.code for reason in gpu.reasons], gpu.start_ms) == ([ReasonCode.BACKOFF], 500)


def test_a_job_that_is_left_alone_for_a_while_is_promised_nothing() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("runs"))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))
    job = a_job("asked", submitted_at_ms=NOW_MS)
    submit(state, job)
    state.jobs["asked"].not_before_ms = 500

    (npu,) = what_if(state, NOW_MS, job)

    codes = [reason.code for reason in npu.reasons]
    assert codes == [ReasonCode.BACKOFF, ReasonCode.DEVICES_BUSY]
    assert not npu.is_promised


@settings(max_examples=120)
@given(states(), jobs(99), st.sampled_from(sorted(POLICY_BY_NAME)))
def test_the_first_prospect_is_what_the_plan_would_do(state: State, job: Job, name: str) -> None:
    policy: Policy = POLICY_BY_NAME[name]
    before = deepcopy(state.snapshot())
    prospects = what_if(state, NOW_MS, job, policy)
    state.queue.check()
    assert state.snapshot() == before, "asking changes nothing"
    assert job.id not in state.queue

    submit(state, job)
    drawn_up = plan(state, NOW_MS, policy)
    grants = {grant.job_id: grant for grant in drawn_up.grants}

    could_start = [one for one in prospects if not one.reasons]
    assert bool(could_start) is (job.id in grants)
    if could_start:
        assert could_start[0] == prospects[0]
        assert grants[job.id].placement.pool_id == prospects[0].pool.id
        assert prospects[0].start_ms == NOW_MS
    promise = drawn_up.verdicts[job.id].start if job.id in drawn_up.verdicts else None
    if promise is not None:
        first = prospects[0]
        assert (first.pool.id, first.start_ms) == (promise.pool_id, promise.at_ms)
        assert first.is_promised is promise.is_promised
    for prospect in prospects:
        waits = {reason.code for reason in prospect.reasons} - {ReasonCode.NEARER_DATA}
        assert prospect.start_ms is None or prospect.start_ms > NOW_MS or not waits


def test_a_quote_says_how_many_would_be_stopped_and_waits_for_it() -> None:
    """`low` has run for an hour; who asks now would have it stopped ten seconds later."""
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("low", priority=Priority.LOW, limit_ms=9 * HOUR_MS))
    lease = a_lease("low", a_placement("east-npu", 8))
    happen(state, lease, ev.Started(at_ms=0, attempt_id=lease.attempt_id))

    (npu,) = what_if(state, HOUR_MS, asked(submitted_at_ms=HOUR_MS))

    assert (npu.start_ms, npu.is_promised) == (HOUR_MS + 20_000, True)
    assert npu.stopped == (Stopped(job_id="low", tenant_id="steel", price_class="standard"),)
    (reason,) = npu.reasons
    assert (reason.code, reason.until_ms) == (ReasonCode.MAKING_ROOM, npu.start_ms)


def half_of_it_to_be_had() -> State:
    """All is free in an hour; `low`, on four of eight cards, may be stopped now."""
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(
        state,
        a_job("low", device_count=4, priority=Priority.LOW, limit_ms=2 * HOUR_MS),
        a_job("ends", device_count=4, priority=Priority.HIGH, limit_ms=2 * HOUR_MS),
    )
    leases = (
        a_lease("low", a_placement("east-npu", 4)),
        a_lease("ends", a_placement("east-npu", 4)),
    )
    started = (ev.Started(at_ms=0, attempt_id=one.attempt_id) for one in leases)
    happen(state, *leases, *started)
    return state


def test_where_room_is_made_for_a_small_form_comes_before_where_a_large_one_is_over_first() -> None:
    """On 4 cards it would start now, for 10 h; on 8 it is promised a start in 1 h, for 5 h."""
    state = half_of_it_to_be_had()
    job = asked(submitted_at_ms=HOUR_MS - 10_000, min_device_count=4, limit_ms=5 * HOUR_MS)
    first, second = what_if(state, HOUR_MS, job)

    submit(state, job)
    result = plan(state, HOUR_MS)

    start = result.verdicts[job.id].start
    assert start is not None
    assert (start.at_ms, start.card_count) == (first.start_ms, first.form.device_count)
    assert first.form.device_count == 4
    assert [one.job_id for one in first.stopped] == ["low"]
    assert second.is_promised, "which alone would have come first"


def test_of_forms_for_which_room_is_made_the_preferred_comes_first_though_it_runs_for_longer() -> (
    None
):
    state = half_of_it_to_be_had()
    short = Variant(device_kind_ids=("npu",), device_count=2, limit_ms=HOUR_MS)
    first = asked(submitted_at_ms=HOUR_MS - 10_000, device_count=4, limit_ms=5 * HOUR_MS)
    job = replace(first, device_kind_ids=("npu",), variants=(short,))
    told = what_if(state, HOUR_MS, job)

    submit(state, job)

    start = plan(state, HOUR_MS).verdicts[job.id].start
    assert start is not None
    assert start.card_count == told[0].form.device_count == 4
    assert [len(one.stopped) for one in told] == [1, 1]


def test_what_stops_anyway_comes_before_where_others_would_be_stopped() -> None:
    """`low` may be stopped on the kind that it prefers; on the other `gone` is being stopped."""
    pools = ("east-npu", "east-gpu")
    state = a_state(park=a_park(*(a_pool(one, 1, 8) for one in pools)))
    for job_id, pool_id, priority in zip(
        ("low", "gone"), pools, (Priority.LOW, Priority.HIGH), strict=True
    ):
        runs = a_job(job_id, device_kind_ids=(), priority=priority, limit_ms=9 * HOUR_MS)
        lease = a_lease(job_id, a_placement(pool_id, 8))
        submit(state, runs)
        happen(state, lease, ev.Started(at_ms=0, attempt_id=lease.attempt_id))
    cause = EndCause.PREEMPTED
    stop = ev.StopDecided(at_ms=HOUR_MS, attempt_id="gone.1", cause=cause, grace_ms=60_000)
    happen(state, stop)
    job = asked(submitted_at_ms=HOUR_MS - 10_000)
    first, second = what_if(state, HOUR_MS, job)

    submit(state, job)

    start = plan(state, HOUR_MS).verdicts[job.id].start
    assert start is not None
    assert (start.pool_id, start.at_ms) == (first.pool.id, first.start_ms)
    assert (first.pool.id, first.stopped) == ("east-gpu", ())
    assert [one.job_id for one in second.stopped] == ["low"]


def test_who_waits_keeps_its_place_whatever_has_run_since() -> None:
    """`mine` was expected to run for an hour; by now its like has run for a minute."""
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("runs"))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))
    submit(state, a_job("first", submitted_at_ms=0), a_job("mine", submitted_at_ms=1))
    state.history.begin(state.jobs["mine"].job, "like.1", 0)
    state.history.end("like.1", 60_000)

    (npu,) = what_if(state, NOW_MS, state.jobs["mine"].job)

    assert npu.start_ms == HOUR_MS + 60_000, "after `first`, which is like it"


def test_who_waits_starves_no_sooner_whatever_has_run_since() -> None:
    """Their like had run for 20 hours: after 30 neither starves, though others ran a minute."""
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    state.history.begin(a_job("like"), "like.1", 0)
    state.history.end("like.1", 20 * HOUR_MS)
    submit(state, a_job("runs", limit_ms=40 * HOUR_MS))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))
    first = a_job("first", limit_ms=50 * HOUR_MS)
    submit(state, first, replace(first, id="mine", submitted_at_ms=1))
    for attempt_id in ("like.2", "like.3", "like.4"):
        state.history.begin(a_job("like"), attempt_id, 0)
        state.history.end(attempt_id, 60_000)

    (npu,) = what_if(state, 30 * HOUR_MS, state.jobs["mine"].job, TURNS)

    assert npu.start_ms is not None
    assert npu.start_ms > 40 * HOUR_MS


def test_who_is_left_alone_for_a_while_is_so_with_fewer_cards_as_well() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("mine"))
    state.jobs["mine"].not_before_ms = 500

    (npu,) = what_if(state, NOW_MS, replace(state.jobs["mine"].job, device_count=4))

    assert [reason.code for reason in npu.reasons] == [ReasonCode.BACKOFF]


def test_a_quote_says_how_long_its_like_have_run() -> None:
    state = a_park_with_work()
    (known, _) = what_if(state, NOW_MS, asked())
    state.history.begin(asked(), "like.1", 0)
    state.history.end("like.1", 1_200_000)
    (foretold, _) = what_if(state, NOW_MS, asked())
    (short, _) = what_if(state, NOW_MS, asked(limit_ms=60_000))

    assert known.run_ms is None, "nothing has run"
    assert foretold.run_ms == 1_200_000
    assert short.run_ms == 60_000, "never longer than its limit"


def test_the_cost_is_at_all_prices_that_begin_before_the_limit() -> None:
    """From 30 min after it would start on, a card costs twice as much."""
    state = a_park_with_work()
    dearer = tuple((kind, 2 * micros) for kind, micros in PARK_PRICES.on_demand)
    later = replace(PARK_PRICES, id="later", from_ms=NOW_MS + HOUR_MS // 2, on_demand=dearer)
    job = asked(limit_ms=HOUR_MS, device_kind_ids=("gpu",))
    (before,) = what_if(state, NOW_MS, job)

    happen(state, ev.PriceListPublished(at_ms=NOW_MS, price_list=later))
    (after,) = what_if(state, NOW_MS, job)

    assert before.cost_fen is not None
    assert (before.price_count, after.price_count) == (1, 2)
    assert after.cost_fen == before.cost_fen * 3 // 2
