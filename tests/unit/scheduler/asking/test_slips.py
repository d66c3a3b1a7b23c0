"""Why a start that was told slides, worked by hand."""

from dataclasses import replace

import pytest

from scheduler.asking.ranking import ranking
from scheduler.asking.slips import Group, Overstayed, Slip, ToldFirst
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, Priority, Topology
from scheduler.model.policy import DEFAULT, EASY, Policy
from tests.builders import HOUR_MS, a_park, a_pool, a_state, a_tenant, happen, submit
from tests.preemptive import LIMIT_MS, NODE, POOL, SAVES, normal, run, wants

TOLD = ToldFirst(at_ms=HOUR_MS // 2, start_ms=HOUR_MS, pool_id=POOL)
"""Half an hour after those began of whom an hour is foretold."""


def brief(job_id: str, cards: int = 8) -> Job:
    """Its like have run for an hour."""
    return replace(normal(job_id, cards, checkpoint=None), name="brief")


def crowd(*jobs: Job) -> State:
    """They hold a node each since 0, and steel waits for all of a pool of four."""
    others = a_pool("west-npu", 1, 8)
    state = a_state(a_tenant("steel"), a_tenant("fish"), park=a_park(a_pool(POOL, 4, 8), others))
    for tenant_id in ("steel", "fish"):
        past = replace(brief("past"), tenant_id=tenant_id)
        state.history.begin(past, f"{tenant_id}.1", 0)
        state.history.end(f"{tenant_id}.1", HOUR_MS)
    for number, job in enumerate(jobs):
        run(state, job, *[0] * number, job.device_count)
    submit(state, replace(wants("waits", 32), submitted_at_ms=0))
    return state


def later(job_id: str, cards: int = 8) -> Job:
    """It comes after that, and goes first."""
    return replace(wants(job_id, cards, Priority.HIGH), submitted_at_ms=TOLD.at_ms + 1)


def start(state: State, *jobs: Job) -> State:
    """After that each has a node, behind those that have one."""
    for number, job in enumerate(jobs, start=len(state.live)):
        run(state, job, *[0] * number, job.device_count, at_ms=TOLD.at_ms + 2)
    return state


def of(
    state: State, now_ms: int, told: ToldFirst = TOLD, policy: Policy = DEFAULT
) -> Overstayed | None:
    return slip_of(state, now_ms, told, policy).overstayed


def slip_of(state: State, now_ms: int, told: ToldFirst = TOLD, policy: Policy = DEFAULT) -> Slip:
    found = ranking(state, now_ms, "waits", policy, told)
    assert found is not None
    assert found.slip is not None
    return found.slip


@pytest.mark.parametrize(
    ("start_ms", "is_missed"),
    [(None, True), (HOUR_MS, False), (HOUR_MS + 112_499, False), (HOUR_MS + 112_500, True)],
)
def test_a_start_is_missed_by_a_sixteenth_of_what_was_to_be_waited(
    start_ms: int | None, is_missed: bool
) -> None:
    assert TOLD.is_missed(start_ms) is is_missed


@pytest.mark.parametrize(("late_ms", "is_missed"), [(59_999, False), (60_000, True)])
def test_a_start_that_was_near_is_missed_by_a_minute(late_ms: int, is_missed: bool) -> None:
    told = ToldFirst(at_ms=0, start_ms=1_000, pool_id=POOL)

    assert told.is_missed(1_000 + late_ms) is is_missed


def test_runs_that_were_to_be_over_by_then_are_counted() -> None:
    state = crowd(brief("a"), replace(brief("b", 4), tenant_id="fish"))

    found = of(state, HOUR_MS + 7)

    assert found == Overstayed(count=2, mine=1, cards=12, over_ms=7, until_ms=8 * HOUR_MS)


def test_nobody_overstays_before_the_forecast_is_over() -> None:
    state = crowd(brief("a"))

    assert of(state, HOUR_MS - 2) is None
    assert of(state, HOUR_MS) is not None


def test_who_was_not_to_be_over_by_then_keeps_nobody() -> None:
    state = crowd(brief("a"))

    assert of(state, HOUR_MS + 7, replace(TOLD, start_ms=HOUR_MS - 1)) is None
    assert of(state, HOUR_MS + 7, TOLD) is not None


def test_who_is_over_before_it_all_the_same_keeps_nobody() -> None:
    """It had overstayed when it was told, and is over by then; or its limit ends it by then."""
    state = crowd(brief("a"))

    assert of(state, HOUR_MS + 7, replace(TOLD, start_ms=8 * HOUR_MS)) is None
    state = crowd(replace(brief("a"), limit_ms=2 * HOUR_MS))
    assert of(state, HOUR_MS + 7, replace(TOLD, start_ms=2 * HOUR_MS)) is None


def test_what_had_overstayed_when_it_was_told_is_measured_from_there() -> None:
    told = ToldFirst(at_ms=HOUR_MS + 1, start_ms=8 * HOUR_MS, pool_id=POOL)
    state = crowd(brief("a"))

    found = of(state, 8 * HOUR_MS + 5, told)

    assert found == Overstayed(count=1, mine=1, cards=8, over_ms=5, until_ms=LIMIT_MS)


def test_other_pools_and_who_came_after_are_left_out() -> None:
    state = crowd(brief("a"))

    assert of(state, HOUR_MS + 7, replace(TOLD, pool_id="west-npu")) is None
    assert of(state, HOUR_MS + 7, replace(TOLD, at_ms=-1)) is None


def test_where_nothing_is_forecast_nothing_overstays_it() -> None:
    assert of(crowd(brief("a")), HOUR_MS + 7, policy=EASY) is None
    assert of(crowd(replace(brief("a"), user="new")), HOUR_MS + 7) is None


def test_runs_are_no_cause_where_there_is_room_beside_them() -> None:
    state = start(crowd(brief("a")), later("b"))
    submit(state, replace(wants("small", 16), submitted_at_ms=0))

    found = ranking(state, HOUR_MS + 7, "small", DEFAULT, TOLD)

    assert found is not None
    assert found.slip == Slip()
    assert slip_of(state, HOUR_MS + 7).is_full


def test_in_one_of_its_forms_there_may_be_room() -> None:
    state = crowd(brief("a"))
    large = replace(wants("large", 32), submitted_at_ms=0)
    submit(state, replace(large, min_device_count=16, checkpoint=SAVES))

    found = ranking(state, HOUR_MS + 7, "large", DEFAULT, TOLD)

    assert found is not None
    assert found.slip == Slip()


def test_nodes_that_are_gone_leave_no_room() -> None:
    state = crowd()
    assert not slip_of(state, HOUR_MS + 7).is_full

    online = tuple(sorted(state.online_node_ids - {NODE}))
    happen(state, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=online))

    assert slip_of(state, HOUR_MS + 7) == Slip(is_full=True)


def test_a_centre_that_is_silent_leaves_no_room() -> None:
    state = crowd()

    happen(state, ev.CentreLinkChanged(at_ms=1, centre_id="east", is_heard=False))

    assert slip_of(state, HOUR_MS + 7) == Slip(is_full=True)


def test_who_came_after_and_started_is_counted() -> None:
    past = replace(later("d"), submitted_at_ms=TOLD.at_ms)
    state = start(crowd(), later("a"), replace(later("b", 4), tenant_id="fish"), past)

    found = slip_of(state, HOUR_MS - 7)

    assert found == Slip(is_full=True, started=Group(count=2, mine=1, cards=12))


def test_who_came_after_and_is_over_by_then_is_no_cause() -> None:
    short = replace(later("a"), limit_ms=HOUR_MS // 2 - 2)
    state = start(crowd(brief("b")), short)

    assert slip_of(state, HOUR_MS - 7).started is None
    assert slip_of(state, HOUR_MS - 7, replace(TOLD, start_ms=HOUR_MS - 1)).started is not None


def test_who_came_after_and_comes_first_in_the_queue_is_counted() -> None:
    state = start(
        crowd(brief("a")), *(replace(later(f"r{n}"), submitted_at_ms=0) for n in range(3))
    )
    low = replace(later("f"), priority=Priority.LOW)
    first, second = (replace(later(one), centre_ids=("west",)) for one in ("g", "h"))
    old = replace(later("e"), submitted_at_ms=TOLD.at_ms)
    submit(
        state, replace(later("b", 16), tenant_id="fish"), later("c", 16), low, first, second, old
    )

    found = slip_of(state, HOUR_MS + 7)

    assert found.ahead == Group(count=2, mine=1, cards=32)


def test_who_comes_first_is_a_cause_where_there_is_no_room_for_both() -> None:
    """All four nodes come free at the start that it was told."""
    state = crowd(*map(brief, "abcd"))
    small, large = (replace(wants(one, 32), submitted_at_ms=0) for one in ("small", "large"))
    submit(state, later("e", 16), replace(small, device_count=16))
    submit(state, replace(large, min_device_count=16, checkpoint=SAVES))

    found = [ranking(state, HOUR_MS - 7, one, DEFAULT, TOLD) for one in ("small", "large")]

    assert slip_of(state, HOUR_MS - 7) == Slip(ahead=Group(count=1, mine=1, cards=16))
    assert [one.slip for one in found if one] == [Slip(), Slip()]


def test_who_overstays_is_a_cause_where_those_ahead_wait_for_it() -> None:
    """All is free again by the start that it was told, after another has had its turn."""
    told = replace(TOLD, start_ms=9 * HOUR_MS)
    state = crowd(brief("a"))
    submit(state, *(replace(later(one), centre_ids=("west",)) for one in "gh"))

    alone = slip_of(state, HOUR_MS + 7, told)
    submit(state, replace(wants("first", 32, Priority.HIGH), submitted_at_ms=0))
    behind = slip_of(state, HOUR_MS + 7, told)
    early = slip_of(state, HOUR_MS - 1, told)

    runs = Overstayed(count=1, mine=1, cards=8, over_ms=7, until_ms=8 * HOUR_MS)
    assert (alone, behind, early) == (Slip(), Slip(overstayed=runs), Slip())


def test_who_overstays_and_is_over_by_then_does_not_fill_the_pool() -> None:
    told = replace(TOLD, start_ms=9 * HOUR_MS)
    state = start(crowd(brief("a")), *(replace(later(one), user="new") for one in "bcd"))

    found = slip_of(state, HOUR_MS + 7, told)

    assert found == Slip(is_full=True, started=Group(count=3, mine=3, cards=24))


def test_nodes_of_two_racks_are_no_room_for_who_wants_one() -> None:
    """One node of each is free."""
    state = crowd(brief("a"))
    run(state, brief("b"), 0, 0, 8)
    in_rack = replace(wants("in-rack", 16), topology=Topology.RACK, submitted_at_ms=0)
    submit(state, in_rack)
    state.park = a_park(a_pool(POOL, 4, 8, nodes_per_rack=2), a_pool("west-npu", 1, 8))

    found = ranking(state, HOUR_MS + 7, "in-rack", DEFAULT, TOLD)

    assert found is not None
    assert found.slip is not None
    assert found.slip.is_full
    assert found.slip.overstayed is not None
    assert found.slip.overstayed.count == 2


def test_who_is_first_by_now_and_has_leeway_is_told_when_it_is_likely_to_start() -> None:
    """It waits for four runs that are to be over at the start that it was told."""
    state, now_ms = crowd(*map(brief, "abcd")), TOLD.at_ms + 1
    behind = replace(TOLD, start_ms=10 * HOUR_MS)

    assert slip_of(state, now_ms) == Slip(likely_ms=HOUR_MS)
    assert slip_of(state, now_ms, behind) == Slip()
    assert slip_of(state, now_ms, replace(TOLD, start_ms=HOUR_MS // 2)).likely_ms is None
    assert slip_of(state, now_ms, replace(TOLD, pool_id="west-npu")).likely_ms is None


def test_who_is_not_first_has_none() -> None:
    state = crowd(*map(brief, "abcd"))
    submit(state, replace(wants("first", 32, Priority.HIGH), submitted_at_ms=0))

    assert slip_of(state, TOLD.at_ms + 1).likely_ms is None


def test_a_pool_that_is_no_longer_in_the_park_tells_nothing() -> None:
    assert slip_of(crowd(brief("a")), HOUR_MS + 7, replace(TOLD, pool_id="gone")) == Slip()
