"""Who has waited for too long goes first, within its tenant's share; worked by hand."""

from dataclasses import replace

import pytest

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Priority
from scheduler.model.levels import STARVING_MS
from scheduler.planning.planner import plan
from scheduler.sharing.starving import starving
from tests.builders import HOUR_MS, a_job, a_lease, a_placement, a_tenant, happen, submit
from tests.preemptive import (
    MIN_RUN_MS,
    POOL,
    SAVES,
    TURNS,
    a_pool_of,
    gone,
    normal,
    run,
    stopped,
    wants,
)

DAY_MS = 24 * HOUR_MS
NOW_MS = 2 * DAY_MS


def long_ago(job_id: str, cards: int = 8, tenant_id: str = "steel", hour: int = 0) -> Job:
    """It came two days ago, or some hours later."""
    job = replace(normal(job_id, cards), limit_ms=10 * DAY_MS)
    return replace(job, tenant_id=tenant_id, submitted_at_ms=hour * HOUR_MS)


def fresh(job_id: str, cards: int = 8, priority: Priority = Priority.NORMAL) -> Job:
    job = wants(job_id, cards, priority)
    return replace(job, submitted_at_ms=NOW_MS - HOUR_MS, checkpoint=SAVES)


def who_starves(state: State, now_ms: int = NOW_MS) -> list[str]:
    return sorted(starving(state, now_ms).job_ids)


# When.


@pytest.mark.parametrize(
    ("expected_hours", "had_hours", "from_hour"),
    [(0, 0, 24), (11, 0, 24), (20, 0, 40), (20, 6, 46), (1, 10, 34), (1, 30, 60), (20, 50, 100)],
)
def test_a_day_and_twice_as_long_as_it_runs_is_too_long(
    expected_hours: int, had_hours: int, from_hour: int
) -> None:
    record = JobRecord(
        job=a_job(device_count=4, checkpoint=SAVES),
        expected_ms=expected_hours * HOUR_MS,
        served_card_ms=4 * had_hours * HOUR_MS,
        done_ms=had_hours * HOUR_MS,
    )

    assert record.starving_from_ms == from_hour * HOUR_MS
    assert STARVING_MS == DAY_MS


def test_it_starves_once_it_has_waited_for_so_long_and_no_sooner() -> None:
    state = a_pool_of()
    run(state, normal("runs"), 8)
    submit(state, long_ago("waits"))

    assert who_starves(state, DAY_MS - 1) == []
    assert who_starves(state, DAY_MS) == ["waits"]


def test_who_may_never_borrow_so_much_does_not_starve_in_the_place_of_others() -> None:
    """Steel may have four cards: what asks for eight would take its share of starving."""
    state = a_pool_of(nodes=2)
    state.tree.declare_tenant(a_tenant("steel", borrowing_cards=(("npu", 4),)))
    submit(state, long_ago("never"), long_ago("small", 4, hour=1))
    submit(state, long_ago("theirs", tenant_id="fish"))

    assert who_starves(state) == ["small", "theirs"]


# What that is worth.


def test_who_starves_goes_first_in_its_class() -> None:
    state = a_pool_of()
    submit(state, long_ago("old"), long_ago("older", hour=-1), fresh("new"))
    had_much(state, "old", "older")

    first = [grant.job_id for grant in plan(state, NOW_MS, TURNS).grants]
    assert first == ["older"]
    assert [grant.job_id for grant in plan(state, HOUR_MS, TURNS).grants] == ["new"], "by levels"
    submit(state, fresh("urgent", priority=Priority.HIGH))
    assert [grant.job_id for grant in plan(state, NOW_MS, TURNS).grants] == ["urgent"]


def had_much(state: State, *job_ids: str) -> None:
    """Each has run for an hour before it was stopped."""
    for job_id in job_ids:
        record = state.jobs[job_id]
        state.queue.discard(job_id)
        record.served_card_ms = record.job.device_count * HOUR_MS
        state.queue.add(record)


def test_where_jobs_do_not_take_turns_nobody_goes_before_his_tenants_turn() -> None:
    state = a_pool_of()
    submit(state, long_ago("old", tenant_id="fish"), fresh("new"))
    state.shares["fish"].used = 1e15

    assert [grant.job_id for grant in plan(state, NOW_MS).grants] == ["new"]
    assert [grant.job_id for grant in plan(state, NOW_MS, TURNS).grants] == ["old"]


def test_who_starves_takes_from_who_has_had_no_more() -> None:
    state = a_pool_of()
    run(state, replace(normal("runs", 1), submitted_at_ms=NOW_MS), 1, at_ms=NOW_MS - MIN_RUN_MS)
    submit(state, long_ago("waits"))
    had_much(state, "waits")

    result = plan(state, NOW_MS + 1, TURNS)

    assert stopped(result) == ["runs.1"]
    assert plan(state, 3 * HOUR_MS, TURNS).evictions == (), "else it has had more itself"


def test_who_began_while_it_starved_is_stopped_for_nobody_of_its_class() -> None:
    state = a_pool_of(nodes=2)
    run(state, long_ago("starved"), 8, at_ms=DAY_MS, is_starving=True)
    run(state, long_ago("by turn"), 0, 8, at_ms=DAY_MS)
    submit(state, fresh("a"), fresh("b"))

    assert stopped(plan(state, NOW_MS, TURNS)) == ["by turn.1"]
    submit(state, fresh("c", priority=Priority.HIGH), fresh("d", priority=Priority.HIGH))
    assert sorted(stopped(plan(state, NOW_MS, TURNS))) == ["by turn.1", "starved.1"]


def test_two_who_starve_do_not_take_from_each_other() -> None:
    state = a_pool_of()
    run(state, long_ago("runs"), 8, at_ms=DAY_MS, is_starving=True)
    submit(state, long_ago("waits", hour=-9))

    assert plan(state, NOW_MS, TURNS).evictions == ()


# Within its tenant's share.


def test_no_more_of_a_tenant_starves_than_its_share_holds() -> None:
    """Of 32 cards each of two tenants has 16, if it wants them; the last may go beyond."""
    state = a_pool_of(nodes=4)
    submit(state, *(long_ago(f"fish-{number}", 6, "fish", number) for number in range(5)))
    assert who_starves(state) == [f"fish-{number}" for number in range(5)], "all of the park is its"

    submit(state, fresh("other"))
    assert who_starves(state) == [f"fish-{number}" for number in range(4)], "steel wants 8 of 32"

    submit(state, fresh("more"))
    assert who_starves(state) == ["fish-0", "fish-1", "fish-2"]
    happen(state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("fish", weight=300)))
    assert who_starves(state) == ["fish-0", "fish-1", "fish-2", "fish-3"]


def test_what_runs_counts_first() -> None:
    state = a_pool_of(nodes=2)
    run(state, long_ago("late", tenant_id="fish", hour=1), 8, at_ms=NOW_MS - 1, is_starving=True)
    submit(state, long_ago("early", tenant_id="fish"), fresh("other"))

    assert who_starves(state) == ["late"], "8 cards are its share of 16"


def test_of_those_that_run_who_began_first_stays() -> None:
    state = a_pool_of(nodes=2)
    run(state, long_ago("a", tenant_id="fish"), 8, at_ms=DAY_MS + 2, is_starving=True)
    run(state, long_ago("b", tenant_id="fish"), 0, 8, at_ms=DAY_MS + 1, is_starving=True)
    submit(state, fresh("other"))

    assert who_starves(state) == ["b"]


def test_who_starts_by_its_turn_pushes_nobody_out() -> None:
    """`old` fills its tenant's share by itself; what its tenant starts meanwhile is younger."""
    state = a_pool_of(nodes=2)
    run(state, normal("steel's"), 8)
    submit(state, long_ago("old", 16, "fish"), long_ago("young", 4, "fish", hour=1))
    assert who_starves(state) == ["old"]

    begin = a_lease("young", a_placement(POOL, 0, 4), at_ms=NOW_MS)
    happen(state, begin, ev.Started(at_ms=NOW_MS, attempt_id="young.1"))

    assert who_starves(state) == ["old"]


@pytest.mark.parametrize("is_backing_off", [False, True])
def test_who_cannot_start_whatever_ends_keeps_nobody_of_its_tenant_from_it(
    *, is_backing_off: bool
) -> None:
    state = a_pool_of(nodes=2)
    submit(state, long_ago("big", 16, "fish"), long_ago("small", 4, "fish", hour=1), fresh("other"))
    assert who_starves(state) == ["big"]

    if is_backing_off:
        state.jobs["big"].not_before_ms = NOW_MS + 1
    else:
        happen(state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("fish", max_cards=8)))

    assert who_starves(state) == ["small"]


def test_a_grant_says_that_its_job_starved() -> None:
    state = a_pool_of()
    submit(state, long_ago("old", 4), fresh("new", 4))

    grants = {grant.job_id: grant.is_starving for grant in plan(state, NOW_MS, TURNS).grants}

    assert grants == {"old": True, "new": False}


def test_what_one_that_starves_was_given_its_tenant_has_had() -> None:
    state = a_pool_of()
    submit(state, long_ago("old", 6), fresh("steel's", 2))
    submit(state, replace(fresh("fish's", 2), tenant_id="fish", submitted_at_ms=NOW_MS - 1))

    granted = [grant.job_id for grant in plan(state, NOW_MS, TURNS).grants]

    assert granted == ["old", "fish's"]


def test_a_flood_of_one_tenant_keeps_nobody_waiting_for_a_day() -> None:
    state = a_pool_of(nodes=2)
    run(state, long_ago("fish-0", tenant_id="fish"), 8, at_ms=DAY_MS, is_starving=True)
    run(state, long_ago("fish-1", tenant_id="fish"), 0, 8, at_ms=DAY_MS, is_starving=True)
    submit(state, *(long_ago(f"fish-{number}", 8, "fish") for number in range(2, 9)))
    submit(state, fresh("new"))

    assert stopped(plan(state, NOW_MS, TURNS)) == ["fish-1.1"]


# Nobody waits for ever.


def test_a_stream_of_small_jobs_does_not_starve_one_that_has_had_much() -> None:
    """Every hour eight come for one hour each; all are on a better level."""
    state = a_pool_of()
    run(state, replace(normal("big"), submitted_at_ms=0), 8)
    stop = ev.StopDecided(at_ms=1, attempt_id="big.1", cause=EndCause.PREEMPTED, grace_ms=0)
    happen(state, stop)
    gone(state, "big.1", 10 * HOUR_MS)

    assert _begins_at_hour(state, "big") == 34, "a day after it was stopped"


def _begins_at_hour(state: State, big_id: str) -> int | None:
    small = a_job("small", device_count=1, limit_ms=HOUR_MS)
    for hour in range(10, 100):
        now_ms = hour * HOUR_MS
        for attempt_id in tuple(state.live):
            cause = EndCause.FINISHED
            happen(state, ev.Ended(at_ms=now_ms, attempt_id=attempt_id, cause=cause, exit_code=0))
        come = [replace(small, id=f"s{hour}-{n}", submitted_at_ms=now_ms) for n in range(8)]
        submit(state, *come)
        for grant in plan(state, now_ms, TURNS).grants:
            if grant.job_id == big_id:
                return hour
            lease = a_lease(grant.job_id, grant.placement, at_ms=now_ms)
            happen(state, lease, ev.Started(at_ms=now_ms, attempt_id=lease.attempt_id))
    return None


def test_who_asks_about_one_that_starves_is_told_what_the_plan_does() -> None:
    state = a_pool_of()
    run(state, replace(normal("runs", 1), submitted_at_ms=NOW_MS), 1, at_ms=NOW_MS - MIN_RUN_MS)
    submit(state, long_ago("waits"))
    had_much(state, "waits")

    (npu,) = what_if(state, NOW_MS, state.jobs["waits"].job, TURNS)

    assert len(npu.stopped) == 1


def test_what_a_checkpoint_keeps_starves_the_same() -> None:
    state = a_pool_of()
    run(state, long_ago("runs", 4), 4, at_ms=DAY_MS, is_starving=True)
    submit(state, long_ago("waits", 4))
    had_much(state, "waits")

    again = State.restored(state.snapshot())

    assert who_starves(again) == who_starves(state) == ["runs", "waits"]
