"""Who is stopped for whom, by hand."""

from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.model.job import PlannedStart, Priority, ReasonCode
from scheduler.model.levels import STEPS_CARD_MS, level
from scheduler.model.plan import Answers, Eviction
from scheduler.model.policy import EASY
from scheduler.planning.planner import plan
from tests.builders import (
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
from tests.preemptive import (
    LIMIT_MS,
    MIN_RUN_MS,
    NODE,
    NOW_MS,
    PATIENCE_MS,
    POOL,
    SAVES,
    SECOND,
    TURNS,
    a_pool_of,
    gone,
    low,
    normal,
    run,
    stop,
    stopped,
    wants,
)

# Whom a class may take from.


def test_a_higher_class_takes_from_low_and_is_told_when() -> None:
    state = a_pool_of()
    run(state, low("old"), 8)
    submit(state, wants())

    result = plan(state, NOW_MS)

    assert result.evictions == (Eviction("old.1", "new", (NODE,)),)
    assert result.grants == ()
    verdict = result.verdicts["new"]
    (reason,) = verdict.reasons
    assert (reason.code, reason.where, reason.need) == (ReasonCode.MAKING_ROOM, POOL, 8)
    assert reason.until_ms == NOW_MS + 10_000, "a job without a checkpoint has ten seconds"
    assert verdict.start == PlannedStart(NOW_MS + 10_000, POOL, is_promised=True)


@pytest.mark.parametrize(
    ("runs", "waits"),
    [
        (Priority.NORMAL, Priority.HIGH),
        (Priority.NORMAL, Priority.NORMAL),
        (Priority.LOW, Priority.LOW),
        (Priority.HIGH, Priority.NORMAL),
    ],
)
def test_nobody_else_is_stopped(runs: Priority, waits: Priority) -> None:
    state = a_pool_of()
    run(state, replace(low("old", checkpoint=SAVES), priority=runs), 8)
    submit(state, wants(priority=waits))

    assert plan(state, NOW_MS).evictions == ()


def test_a_policy_without_preemption_stops_nobody() -> None:
    state = a_pool_of()
    run(state, low("old"), 8)
    submit(state, wants())

    assert plan(state, NOW_MS, EASY).evictions == ()


def test_who_may_pay_and_has_quota_takes_and_nobody_else() -> None:
    state = a_pool_of()
    run(state, low("old"), 8)
    submit(state, wants())
    happen(state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("steel", max_cards=8)))
    assert plan(state, NOW_MS).evictions == (), "what it would take is beyond its tenant's quota"

    state = a_pool_of()
    run(state, low("old"), 8)
    submit(state, wants())
    state.funds["steel"].available_micros = 0

    assert plan(state, NOW_MS).evictions == ()


# When.


@pytest.mark.parametrize(("at_ms", "count"), [(NOW_MS - 1, 0), (NOW_MS, 1)])
def test_who_has_just_come_waits_a_moment(at_ms: int, count: int) -> None:
    state = a_pool_of()
    run(state, low("old"), 8)
    submit(state, wants())

    assert len(plan(state, at_ms).evictions) == count


@pytest.mark.parametrize(
    ("began_ms", "count"), [(NOW_MS - MIN_RUN_MS + 1, 0), (NOW_MS - MIN_RUN_MS, 1)]
)
def test_who_has_just_begun_is_let_run(began_ms: int, count: int) -> None:
    state = a_pool_of()
    run(state, low("old"), 8, at_ms=began_ms)
    submit(state, wants())

    assert len(plan(state, NOW_MS).evictions) == count


@pytest.mark.parametrize(("left_ms", "count"), [(PATIENCE_MS, 0), (PATIENCE_MS + 1, 1)])
def test_who_ends_in_a_moment_is_let_end(left_ms: int, count: int) -> None:
    state = a_pool_of()
    run(state, replace(low("old"), limit_ms=NOW_MS + left_ms), 8)
    submit(state, wants())

    assert len(plan(state, NOW_MS).evictions) == count


def test_what_has_not_started_or_is_cancelled_or_stops_slowly_is_let_be() -> None:
    state = a_pool_of(nodes=3)
    submit(state, low("leased"))
    happen(state, a_lease("leased", a_placement(POOL, 8)))
    run(state, low("cancelled"), 0, 8)
    happen(state, ev.CancelRequested(at_ms=1, job_id="cancelled", by="u"))
    run(state, low("slow", checkpoint=replace(SAVES, grace_ms=300_001)), 0, 0, 8)
    submit(state, wants())

    assert plan(state, NOW_MS).evictions == ()


# Whom of several.


def test_the_one_that_loses_least_is_stopped() -> None:
    state = a_pool_of(nodes=3)
    run(state, low("long"), 8)
    run(state, low("short"), 0, 8, at_ms=NOW_MS // 2)
    run(state, low("saved", checkpoint=SAVES), 0, 0, 8)
    submit(state, wants("a"), wants("b"))

    result = plan(state, NOW_MS)

    assert stopped(result) == ["saved.1", "short.1"]


def test_a_checkpoint_without_a_signal_saves_nothing_at_the_stop() -> None:
    state = a_pool_of(nodes=2)
    run(state, low("by itself", checkpoint=replace(SAVES, signal=None)), 8)
    run(state, low("short"), 0, 8, at_ms=NOW_MS // 2)
    submit(state, wants())

    assert stopped(plan(state, NOW_MS)) == ["short.1"]


def test_of_a_node_only_as_much_is_stopped_as_is_needed() -> None:
    state = a_pool_of()
    run(state, low("one", 1), 1, at_ms=NOW_MS // 2)
    run(state, low("five", 5), 5)
    run(state, low("two", 2), 2)
    submit(state, wants(cards=5))

    assert stopped(plan(state, NOW_MS)) == ["five.1"], "what was found first is not needed then"


def test_free_cards_count() -> None:
    state = a_pool_of()
    run(state, low("two", 2), 2)
    run(state, low("three", 3), 3)
    submit(state, wants(cards=5))

    assert stopped(plan(state, NOW_MS)) == ["two.1"], "3 are free"


def test_a_gang_gets_whole_nodes_at_the_least_cost() -> None:
    state = a_pool_of(nodes=4)
    run(state, low("half", 4), 4)
    run(state, a_job("other", device_count=4, limit_ms=LIMIT_MS), 4)
    run(state, low("long"), 0, 8)
    run(state, low("short"), 0, 0, 8, at_ms=NOW_MS // 2)
    submit(state, wants(cards=16))

    assert stopped(plan(state, NOW_MS)) == ["short.1"], "the fourth node is free"


def test_what_is_whole_already_counts_for_a_gang() -> None:
    state = a_pool_of(nodes=2)
    run(state, low("old"), 8)
    submit(state, wants(cards=16))

    assert stopped(plan(state, NOW_MS)) == ["old.1"], "the second node is free"


def test_a_gang_on_two_nodes_is_stopped_once() -> None:
    state = a_pool_of(nodes=2)
    run(state, low("gang", 16), 8, 8)
    submit(state, wants(cards=16))

    assert stopped(plan(state, NOW_MS)) == ["gang.1"]


def test_what_is_promised_of_a_gang_on_two_nodes_clears_none_for_others() -> None:
    """The first node is promised to the head once it ends, so the second needs another as well."""
    state = a_pool_of(4)
    run(state, replace(low("wide", 16), limit_ms=2_000_000), 8, 8, at_ms=2_500_000)
    run(state, low("long"), 0, 0, 8)
    run(state, normal("stays", checkpoint=None), 0, 0, 0, 8)
    head = replace(wants("head", priority=Priority.HIGH), submitted_at_ms=NOW_MS)
    submit(state, head, wants("second", 16))

    result = plan(state, NOW_MS)

    start = result.verdicts["head"].start
    assert start == PlannedStart(4_500_000, POOL, is_promised=True)
    assert sorted(stopped(result)) == ["long.1", "wide.1"]
    assert result.evictions[0].node_ids == (SECOND, f"{POOL}-n003")


def test_nobody_is_stopped_for_nothing() -> None:
    state = a_pool_of(nodes=2)
    run(state, low("old"), 8)
    run(state, a_job("other", device_count=1, limit_ms=LIMIT_MS), 0, 1)
    submit(state, wants(cards=16))

    assert plan(state, NOW_MS).evictions == (), "one node would not do"


def test_one_victim_is_not_stopped_for_two() -> None:
    state = a_pool_of()
    run(state, low("old"), 8)
    submit(state, wants("a"), wants("b"))

    result = plan(state, NOW_MS)

    assert result.evictions == (Eviction("old.1", "a", (NODE,)),)
    assert result.verdicts["b"].reasons[0].code is ReasonCode.DEVICES_BUSY


def test_two_share_what_one_gives() -> None:
    state = a_pool_of()
    run(state, low("old"), 8)
    submit(state, wants("a", 5), wants("b", 3), wants("c", 1))

    result = plan(state, NOW_MS)

    assert stopped(result) == ["old.1"]
    codes = {job_id: verdict.reasons[0].code for job_id, verdict in result.verdicts.items()}
    assert codes["a"] == codes["b"] == ReasonCode.MAKING_ROOM
    assert codes["c"] is not ReasonCode.MAKING_ROOM


def test_the_worked_example_of_the_documentation() -> None:
    """1 card is free beside `a` with 5 and `b` with 2, of which only `b` saves itself."""
    state = a_pool_of()
    run(state, low("a", 5), 5)
    run(state, low("b", 2, SAVES), 2)
    submit(state, wants("c", 3))
    assert stopped(plan(state, NOW_MS)) == ["b.1"]

    happen(state, ev.CancelRequested(at_ms=NOW_MS, job_id="c", by="u"))
    submit(state, wants("c4", 4))
    assert stopped(plan(state, NOW_MS)) == ["a.1"]


def test_a_plan_for_starts_alone_stops_as_many() -> None:
    """`first` is beyond its tenant's quota: who is behind it is looked at all the same."""
    state = a_pool_of()
    happen(state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("fish", max_cards=4)))
    run(state, low("old"), 8)
    first = replace(wants("first", priority=Priority.HIGH), tenant_id="fish")
    submit(state, first, wants())

    assert stopped(plan(state, NOW_MS, answers=Answers.GRANTS)) == ["old.1"]


# Taking turns.


def test_levels_are_six_times_as_much_each() -> None:
    assert [level(served) for served in (0, STEPS_CARD_MS[0] - 1, *STEPS_CARD_MS)] == [
        0,
        0,
        1,
        2,
        3,
        4,
    ]
    assert STEPS_CARD_MS == (600_000, 3_600_000, 21_600_000, 129_600_000)


def test_who_has_had_less_takes_from_who_has_had_more() -> None:
    state = a_pool_of()
    run(state, normal("old"), 8)
    submit(state, wants())

    assert stopped(plan(state, NOW_MS, TURNS)) == ["old.1"]


def test_but_not_from_one_that_would_lose_its_work() -> None:
    state = a_pool_of()
    run(state, normal("old", checkpoint=None), 8)
    submit(state, wants())
    assert plan(state, NOW_MS, TURNS).evictions == ()
    submit(state, wants("above", priority=Priority.HIGH))
    assert plan(state, NOW_MS, TURNS).evictions == (), "nor for a higher class"

    state = a_pool_of()
    run(state, low("old"), 8)
    submit(state, wants(priority=Priority.LOW))
    assert plan(state, NOW_MS, TURNS).evictions == (), "low work is stopped for higher classes"


def test_a_higher_class_takes_from_a_lower_one_that_has_had_as_little() -> None:
    state = a_pool_of()
    run(state, normal("had"), 8, at_ms=NOW_MS - 4 * MIN_RUN_MS)
    gone(state, "had.1", NOW_MS - 3 * MIN_RUN_MS)
    run(state, low("low"), 8, at_ms=NOW_MS - MIN_RUN_MS)

    assert stopped(plan(state, NOW_MS, TURNS)) == ["low.1"]
    assert state.jobs["had"].served_card_ms == 8 * MIN_RUN_MS


def test_nor_from_one_of_its_own_level_or_a_higher_class() -> None:
    state = a_pool_of()
    run(state, normal("old", 1), 8, at_ms=NOW_MS - MIN_RUN_MS)
    submit(state, wants())
    assert level(8 * MIN_RUN_MS) == 2
    state.queue.discard("new")
    state.jobs["new"].served_card_ms = 8 * MIN_RUN_MS
    state.queue.add(state.jobs["new"])
    assert plan(state, NOW_MS, TURNS).evictions == ()

    state = a_pool_of()
    run(state, replace(normal("old"), priority=Priority.HIGH), 8)
    submit(state, wants())
    assert plan(state, NOW_MS, TURNS).evictions == ()


def test_who_has_had_less_goes_first_where_jobs_take_turns() -> None:
    state = a_pool_of()
    run(state, normal("old"), 8)
    submit(state, replace(wants("new"), submitted_at_ms=NOW_MS - 1))
    decided = Eviction("old.1", "nobody", (NODE,))
    stop(state, decided)
    gone(state, "old.1", NOW_MS)

    assert [grant.job_id for grant in plan(state, NOW_MS, TURNS).grants] == ["new"]
    assert [grant.job_id for grant in plan(state, NOW_MS).grants] == ["old"], "else it is by age"


def test_nor_from_one_above_it_because_others_may() -> None:
    """`first` could take from `above` and has just come; `new` has nothing to take but one card."""
    state = a_pool_of(nodes=2)
    run(state, replace(normal("above"), priority=Priority.HIGH), 8)
    run(state, a_job("other", device_count=7, limit_ms=LIMIT_MS), 0, 7)
    run(state, low("low", 1), 0, 1)
    first = replace(wants("first", priority=Priority.HIGH), submitted_at_ms=NOW_MS)
    submit(state, first, wants())

    assert plan(state, NOW_MS, TURNS).evictions == ()


def test_who_is_over_a_limit_though_cards_are_free_hides_nobody_to_stop() -> None:
    """Nobody need be stopped for its cards, which says nothing of those behind it."""
    fish = a_tenant("fish", borrowing_cards=(("npu", 1),))
    state = a_state(a_tenant("steel"), fish, park=a_park(a_pool(POOL, 1, 4)))
    for number in range(2):
        run(state, low(f"old{number}", cards=1), 1)
    run(state, replace(normal("its-own", cards=1), tenant_id="fish"), 1)
    submit(state, replace(wants("over", cards=1, priority=Priority.HIGH), tenant_id="fish"))
    submit(state, wants("fits", cards=1), wants("next", cards=1))

    result = plan(state, NOW_MS)

    assert [one.job_id for one in result.grants] == ["fits"]
    assert [one.job_id for one in result.evictions] == ["next"]
