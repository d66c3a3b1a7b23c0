"""Nominal quotas: from whom an owner takes what was borrowed."""

from dataclasses import replace

import pytest

from scheduler.facts import events as ev
from scheduler.model.job import Priority, ReasonCode
from scheduler.model.plan import Answers, Eviction
from scheduler.model.policy import DEFAULT, EASY
from scheduler.planning.planner import plan
from scheduler.planning.victims import SOON_MS
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
    POOL,
    SAVES,
    TURNS,
    high,
    low,
    normal,
    of_fish,
    owned_by,
    run,
    stopped,
    wants,
)

GPU_POOL = "east-gpu"

# Who takes from whom.


def test_an_owner_takes_back_what_even_a_higher_class_has_borrowed() -> None:
    state = owned_by(steel=8)
    run(state, of_fish(high("old")), 8)
    submit(state, wants(priority=Priority.LOW))

    result = plan(state, NOW_MS)

    assert result.evictions == (Eviction("old.1", "new", (NODE,)),)
    (reason,) = result.verdicts["new"].reasons
    assert reason.code is ReasonCode.MAKING_ROOM


def test_nothing_is_taken_back_by_who_would_be_beyond_its_quota() -> None:
    state = owned_by(steel=7)
    run(state, of_fish(normal("old")), 8)
    submit(state, wants())

    assert plan(state, NOW_MS).evictions == ()


def test_nothing_is_taken_back_where_nobody_is_stopped() -> None:
    state = owned_by(steel=8)
    run(state, of_fish(normal("old")), 8)
    submit(state, wants())

    assert plan(state, NOW_MS, EASY).evictions == ()
    assert plan(state, NOW_MS, replace(DEFAULT, preemption=None)).evictions == ()


@pytest.mark.parametrize(("cards", "count"), [(4, 1), (8, 0)])
def test_what_the_owner_holds_already_counts(cards: int, count: int) -> None:
    state = owned_by(steel=8, nodes=2)
    run(state, normal("mine", 4), 4)
    run(state, of_fish(normal("rest", 4)), 4)
    run(state, of_fish(normal("old")), 0, 8)
    submit(state, wants(cards=cards))

    assert len(plan(state, NOW_MS).evictions) == count


def test_what_is_within_its_quota_is_not_taken_by_a_higher_class_beyond_its_own() -> None:
    state = owned_by(fish=8)
    run(state, of_fish(low("old", checkpoint=SAVES)), 8)
    submit(state, wants(priority=Priority.HIGH))

    assert plan(state, NOW_MS).evictions == ()
    assert plan(state, NOW_MS, TURNS).evictions == ()


def test_within_both_quotas_the_higher_class_takes_from_low() -> None:
    """The quotas were declared while there was more: nodes are down."""
    state = owned_by(steel=8, fish=8, nodes=2)
    run(state, of_fish(low("old")), 8)
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=(NODE,)))
    submit(state, wants())

    assert stopped(plan(state, NOW_MS)) == ["old.1"]


def test_a_tenant_s_own_low_work_makes_room_within_its_quota() -> None:
    state = owned_by(steel=8)
    run(state, low("old"), 8)
    submit(state, wants())

    assert stopped(plan(state, NOW_MS)) == ["old.1"]


def test_a_tenant_s_jobs_take_turns_within_its_quota() -> None:
    state = owned_by(steel=8)
    run(state, normal("old"), 8)
    submit(state, wants())

    assert plan(state, NOW_MS).evictions == ()
    assert stopped(plan(state, NOW_MS, TURNS)) == ["old.1"]


def test_what_began_last_is_what_was_borrowed() -> None:
    """Though it would lose what it has done, and the older would not."""
    state = owned_by(steel=8, fish=8, nodes=2)
    run(state, of_fish(normal("first")), 8, at_ms=1)
    run(state, of_fish(normal("second", checkpoint=None)), 0, 8, at_ms=2)
    submit(state, wants())

    assert stopped(plan(state, NOW_MS)) == ["second.1"]


def test_what_is_too_large_for_the_rest_of_a_quota_leaves_it_to_what_is_smaller() -> None:
    """Else it would be in the way of what its own tenant owns, and borrow nevertheless."""
    state = owned_by(steel=2, fish=6)
    run(state, of_fish(normal("first", 4)), 4, at_ms=1)
    run(state, of_fish(normal("big", 3)), 3, at_ms=2)
    run(state, of_fish(normal("small", 1)), 1, at_ms=3)
    submit(state, wants(cards=1))

    assert stopped(plan(state, NOW_MS)) == ["big.1"]


def test_the_higher_class_of_a_tenant_is_within_its_quota_first() -> None:
    state = owned_by(steel=8, fish=8, nodes=2)
    run(state, of_fish(normal("older")), 8, at_ms=1)
    run(state, of_fish(high("higher")), 0, 8, at_ms=2)
    submit(state, wants())

    assert stopped(plan(state, NOW_MS)) == ["older.1"]


def test_borrowed_work_goes_before_low_work_within_its_quota() -> None:
    """Also where that loses more."""
    state = owned_by(steel=4, fish=4)
    run(state, of_fish(low("own", 4, SAVES)), 4, at_ms=1)
    run(state, of_fish(low("borrowed", 4)), 4, at_ms=2)
    submit(state, wants(cards=4))

    assert stopped(plan(state, NOW_MS)) == ["borrowed.1"]


def test_borrowed_work_goes_before_low_work_within_its_quota_on_another_node() -> None:
    state = owned_by(steel=8, fish=8, nodes=2)
    run(state, of_fish(low("own", 8, SAVES)), 8, at_ms=1)
    run(state, of_fish(low("borrowed", 8)), 0, 8, at_ms=2)
    submit(state, wants())

    assert stopped(plan(state, NOW_MS)) == ["borrowed.1"]


def test_where_some_own_cards_a_borrower_still_stops_only_low_work() -> None:
    state = owned_by(steel=1, nodes=2)
    run(state, of_fish(normal("theirs")), 8)
    run(state, of_fish(normal("rest", 4)), 0, 4)
    run(state, of_fish(low("small", 4)), 0, 4)
    submit(state, wants(priority=Priority.HIGH))

    assert plan(state, NOW_MS).evictions == ()


def test_a_quota_is_of_one_kind() -> None:
    tenants = a_tenant("steel", nominal_cards=(("gpu", 4),)), a_tenant("fish")
    state = a_state(*tenants, park=a_park(a_pool(POOL, 1, 8), a_pool(GPU_POOL, 1, 4)))
    run(state, of_fish(normal("npu")), 8)
    gpu = of_fish(a_job("gpu", device_count=4, device_kind_ids=("gpu",), limit_ms=LIMIT_MS))
    submit(state, gpu)
    lease = a_lease("gpu", a_placement(GPU_POOL, 4))
    happen(state, lease, ev.Started(at_ms=0, attempt_id="gpu.1"))

    submit(state, replace(wants("npus", 4), device_kind_ids=("npu",)))
    assert plan(state, NOW_MS).evictions == ()

    submit(state, replace(wants("any", 4), device_kind_ids=("npu", "gpu")))
    assert stopped(plan(state, NOW_MS)) == ["gpu.1"]


def test_who_uses_its_quota_takes_nothing_from_others_by_better_work() -> None:
    """The better makes room among its own; what others have borrowed is nobody's then."""
    state = owned_by(steel=8, nodes=2)
    run(state, low("mine"), 8)
    run(state, of_fish(high("theirs")), 0, 8)
    submit(state, wants())

    assert stopped(plan(state, NOW_MS)) == ["mine.1"]


def test_new_work_does_not_take_the_park_piece_by_piece() -> None:
    """Each comes with a better level than what its tenant runs, whose quota is full."""
    state = owned_by(steel=8, nodes=2)
    run(state, normal("mine", checkpoint=None), 8)
    run(state, of_fish(normal("theirs", checkpoint=None)), 0, 8)
    submit(state, wants())

    assert plan(state, NOW_MS, TURNS).evictions == ()


@pytest.mark.parametrize("answers", Answers)
def test_a_low_owner_that_finds_nobody_leaves_it_to_a_higher_borrower(answers: Answers) -> None:
    """Of its own tenant the second takes, though it stands below the first."""
    state = owned_by(steel=9, nodes=2)
    run(state, low("mine"), 8)
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=(NODE,)))
    submit(state, wants("first", 1, Priority.LOW), wants("second", 8, Priority.HIGH))

    evictions = plan(state, NOW_MS, answers=answers).evictions

    assert [(e.attempt_id, e.job_id) for e in evictions] == [("mine.1", "second")]


def test_a_job_of_several_kinds_comes_first_only_where_all_are_its_own() -> None:
    """Else it would go first for cards of others, as often as it likes."""
    tenants = a_tenant("steel", nominal_cards=(("gpu", 4),)), a_tenant("fish")
    state = a_state(*tenants, park=a_park(a_pool(POOL, 1, 8), a_pool(GPU_POOL, 1, 4)))
    submit(state, of_fish(wants("theirs", 8, Priority.HIGH)))
    submit(state, replace(wants("both", 4, Priority.LOW), device_kind_ids=("npu", "gpu")))
    submit(state, replace(wants("own", 1, Priority.LOW), device_kind_ids=("gpu",)))

    grants = [(grant.job_id, grant.placement.pool_id) for grant in plan(state, NOW_MS).grants]

    assert grants == [("own", GPU_POOL), ("theirs", POOL)]


def test_what_it_owns_of_one_kind_takes_nothing_back_of_another() -> None:
    """On npu `new` borrows as well, and takes its turn: not of `lately`, which would lose less."""
    tenants = a_tenant("steel", nominal_cards=(("gpu", 8),)), a_tenant("fish")
    state = a_state(*tenants, park=a_park(a_pool(POOL, 2, 8), a_pool(GPU_POOL, 1, 8)))
    run(state, of_fish(normal("long", checkpoint=replace(SAVES, signal=None))), 8)
    run(state, of_fish(normal("lately")), 0, 8, at_ms=NOW_MS - MIN_RUN_MS)
    submit(state, of_fish(normal("fresh")))
    lease = a_lease("fresh", a_placement(GPU_POOL, 8), at_ms=NOW_MS)
    happen(state, lease, ev.Started(at_ms=NOW_MS, attempt_id=lease.attempt_id))
    submit(state, replace(wants(), device_kind_ids=("npu", "gpu")))
    state.queue.discard("new")
    state.jobs["new"].served_card_ms = 8 * MIN_RUN_MS  # as much as `lately`
    state.queue.add(state.jobs["new"])

    assert stopped(plan(state, NOW_MS, TURNS)) == ["long.1"]


def test_a_quota_where_the_job_may_not_go_is_none() -> None:
    tenants = a_tenant("steel", nominal_cards=(("gpu", 4),)), a_tenant("fish")
    park = a_park(a_pool(POOL, 1, 8), a_pool("north-gpu", 1, 4))
    state = a_state(*tenants, park=park)
    submit(state, of_fish(wants("theirs", 8, Priority.HIGH)))
    there = replace(wants("there", 4, Priority.LOW), device_kind_ids=("npu", "gpu"))
    submit(state, replace(there, centre_ids=("east",)))

    assert [grant.job_id for grant in plan(state, NOW_MS).grants] == ["theirs"]


def test_a_borrower_of_a_long_grace_gives_back_after_five_minutes() -> None:
    state = owned_by(steel=8)
    slow = replace(SAVES, grace_ms=3_600_000)
    run(state, of_fish(normal("old", checkpoint=slow)), 8)
    submit(state, wants())

    result = plan(state, NOW_MS)

    assert stopped(result) == ["old.1"]
    start = result.verdicts["new"].start
    assert start is not None
    assert start.at_ms == NOW_MS + SOON_MS
    state = owned_by()
    run(state, of_fish(low("old", checkpoint=slow)), 8)
    submit(state, wants())
    assert plan(state, NOW_MS).evictions == (), "for a class it is not stopped"


def test_a_job_of_any_kind_is_within_any_of_its_tenant_s_quotas() -> None:
    state = owned_by(steel=8)
    run(state, of_fish(normal("old")), 8)
    submit(state, replace(wants(), device_kind_ids=()))

    assert stopped(plan(state, NOW_MS)) == ["old.1"]
