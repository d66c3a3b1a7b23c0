"""What would be sooner: one change at a time, the least that helps, and nothing that does not."""

from copy import deepcopy
from dataclasses import replace
from functools import partial

import pytest

from api.answers.quoting import alternative_view
from cluster.hours import hours_of
from scheduler.asking.alternatives import Alternative, Change, alternatives
from scheduler.asking.whatif import Prospect, what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import (
    Checkpoint,
    Job,
    Priority,
    Reason,
    ReasonCode,
    Topology,
    Variant,
)
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    happen,
    submit,
)

POOL = a_pool("east-npu", 1, 8)
BUSY = Reason(code=ReasonCode.DEVICES_BUSY, where="east-npu")


def a_busy_park() -> State:
    """Of 8 NPUs 6 are busy for two hours, then another job gets all 8 of them."""
    state = a_state(park=a_park(a_pool("east-npu", 1, 8), a_pool("north-gpu", 1, 8)))
    submit(state, a_job("runs", device_count=6, limit_ms=2 * HOUR_MS), a_job("head"))
    happen(state, a_lease("runs", a_placement("east-npu", 6)))
    return state


def found(state: State, job: Job, now_ms: int = 0) -> dict[Change, Alternative]:
    submit(state, job)
    answers = alternatives(job, now_ms, partial(what_if, state, now_ms))
    return {answer.change: answer for answer in answers}


def test_a_limit_as_long_as_until_who_is_ahead_is_the_least_to_give_up() -> None:
    state = a_busy_park()
    told = found(state, a_job("mine", device_count=2, limit_ms=3 * HOUR_MS), now_ms=59_999)

    limit, place, priority = told[Change.LIMIT], told[Change.PLACE], told[Change.PRIORITY]
    assert limit.job.limit_ms == 2 * HOUR_MS - 60_000, "whole minutes"
    assert (limit.prospect.pool.id, limit.prospect.start_ms) == ("east-npu", 59_999)
    assert (place.prospect.pool.id, place.prospect.start_ms) == ("north-gpu", 59_999)
    assert (priority.job.priority, priority.prospect.start_ms) == (Priority.HIGH, 59_999)
    assert Change.CARDS not in told, "one card for three hours would be in the way as well"


def test_what_it_has_to_save_itself_counts_as_well() -> None:
    checkpoint = Checkpoint(dir="ckpt", signal=None, grace_ms=HOUR_MS)
    job = a_job("mine", device_count=2, limit_ms=3 * HOUR_MS, checkpoint=checkpoint)

    assert found(a_busy_park(), job)[Change.LIMIT].job.limit_ms == HOUR_MS


def test_a_limit_that_the_balance_lasts_for_is_told() -> None:
    state = a_state(park=a_park(POOL))
    job = a_job("mine", device_count=2, limit_ms=3 * HOUR_MS)
    submit(state, job)
    (short,) = what_if(state, 0, job)[0].reasons or (None,)
    assert short is None, "it could pay"
    hold_micros = plan(state, 0).grants[0].hold_micros
    state.funds[job.tenant_id].available_micros = hold_micros // 2

    told = {one.change: one for one in alternatives(job, 0, partial(what_if, state, 0))}

    assert told[Change.LIMIT].job.limit_ms == HOUR_MS * 3 // 2
    assert not told[Change.LIMIT].prospect.reasons


def test_a_limit_that_ends_before_the_pool_closes_is_told() -> None:
    """It opens at 08:00 and closes at 20:00 of UTC+8; now it is 18:30."""
    pool = replace(POOL, hours=hours_of(["daily 08:00-20:00"]))
    state, now_ms = a_state(park=a_park(pool)), (10 * 60 + 30) * 60_000

    told = found(state, a_job("mine", device_count=2, limit_ms=2 * HOUR_MS), now_ms)

    limit = told[Change.LIMIT]
    assert limit.job.limit_ms == 87 * 60_000, "less the grace and two minutes"
    assert (limit.prospect.start_ms, limit.prospect.reasons) == (now_ms, ())


def test_what_one_of_its_variants_allows_already_is_no_alternative() -> None:
    """The GPUs come free first, but there it would take ten times as long."""
    state = a_state(park=a_park(a_pool("east-npu", 1, 8), a_pool("north-gpu", 1, 8)))
    submit(state, a_job("npus", limit_ms=3 * HOUR_MS), a_job("gpus", limit_ms=HOUR_MS))
    happen(state, a_lease("npus", a_placement("east-npu", 8)))
    happen(state, a_lease("gpus", a_placement("north-gpu", 8)))
    slow = Variant(
        device_kind_ids=("gpu",), device_count=8, limit_ms=10 * HOUR_MS, speed_permille=100
    )
    job = a_job("mine", device_count=8, device_kind_ids=("npu",), limit_ms=HOUR_MS)
    varied = replace(job, id="varied", variants=(slow,))

    assert found(deepcopy(state), job)[Change.PLACE].prospect.pool.id == "north-gpu"
    assert Change.PLACE not in found(state, varied)


def test_of_the_halves_the_largest_that_starts_at_once() -> None:
    told = found(a_busy_park(), a_job("mine", device_count=4))

    assert told[Change.CARDS].job.device_count == 2
    assert told[Change.CARDS].prospect.start_ms == 0
    assert told[Change.PRIORITY].prospect.start_ms == 2 * HOUR_MS
    assert Change.LIMIT not in told, "however short: its cards are not free"


def test_a_gang_is_halved_with_its_nodes_and_members() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 4, 8)))
    submit(state, a_job("runs", device_count=24))
    happen(state, a_lease("runs", a_placement("east-npu", 8, 8, 8)))
    job = a_job("mine", device_count=32, node_count=4, member_count=4, priority=Priority.HIGH)

    (cards,) = found(state, job).values()

    smaller = cards.job
    assert (smaller.device_count, smaller.node_count, smaller.member_count) == (8, 1, 1)


def test_who_must_be_in_one_rack_is_told_of_several() -> None:
    """A node of each rack is free: they would do for who may be anywhere in the pool."""
    state = a_state(park=a_park(a_pool("east-npu", 4, 8, nodes_per_rack=2)))
    submit(state, a_job("runs", device_count=16))
    happen(state, a_lease("runs", a_placement("east-npu", 0, 8, 8, 0)))
    job = a_job("mine", device_count=16, topology=Topology.RACK)

    told = found(state, job)

    assert told[Change.TOPOLOGY].job.topology is Topology.POOL
    assert told[Change.TOPOLOGY].prospect.start_ms == 0
    view = alternative_view(job, told[Change.TOPOLOGY])
    assert (view.change, view.value) == ("topology", "pool")
    assert view.text == "nodes of several racks: now in east-npu"
    assert view.text_zh == "节点可不在同一机柜：可立即启动（east-npu）"
    assert Change.TOPOLOGY not in found(state, a_job("other", device_count=24))


def test_each_kind_and_each_centre_more_is_told_with_when_it_would_start_there() -> None:
    """It wants npus of the east; its own come free in two hours, dcus of the east in one."""
    minutes_by_pool = {
        "east-npu": 120,
        "east-dcu": 60,
        "north-npu": 0,
        "north-gpu": 20,
        "north-dcu": 50,
        "south-dcu": 40,
        "south-npu": 90,
    }
    state = a_state(park=a_park(*(a_pool(one, 1, 8) for one in minutes_by_pool)))
    for number, (pool_id, minutes) in enumerate(minutes_by_pool.items()):
        if minutes:
            runs = a_job(f"r{number}", device_kind_ids=(), limit_ms=minutes * 60_000)
            submit(state, runs)
            happen(state, a_lease(runs.id, a_placement(pool_id, 8)))
    job = a_job("mine", centre_ids=("east",), priority=Priority.HIGH)
    submit(state, job)

    told = alternatives(job, 0, partial(what_if, state, 0))

    places = [one for one in told if one.change is Change.PLACE]
    assert [(one.prospect.pool.id, (one.prospect.start_ms or 0) // 60_000) for one in places] == [
        ("north-npu", 0),
        ("east-dcu", 60),
        ("south-npu", 90),
    ], "not where both its kind and its centre would have to change"
    assert [one.job.centre_ids for one in places] == [
        ("east", "north"),
        ("east",),
        ("east", "south"),
    ]
    assert [one.job.device_kind_ids for one in places] == [("npu",), ("npu", "dcu"), ("npu",)]
    assert alternative_view(job, places[0]).text == "npu in north as well: now in north-npu"


@pytest.mark.parametrize(
    ("free", "told"),
    [
        (("north-gpu",), [("north-gpu", ("npu", "gpu"))]),
        (("north-npu", "north-gpu"), [("north-npu", ("npu",))]),
    ],
)
def test_where_both_its_kind_and_its_centre_would_change_that_is_told_if_it_would_go_there(
    free: tuple[str, ...], told: list[tuple[str, tuple[str, ...]]]
) -> None:
    """With a gpu of the north allowed an npu of the north is as well, which it prefers."""
    state = a_state(park=a_park(*(a_pool(one, 1, 8) for one in ("east-npu", *free))))
    submit(state, a_job("runs"))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))
    job = a_job("mine", centre_ids=("east",), priority=Priority.HIGH)
    submit(state, job)

    found = alternatives(job, 0, partial(what_if, state, 0))

    assert [(one.prospect.pool.id, one.job.device_kind_ids) for one in found] == told


def test_a_place_more_is_told_where_the_job_would_be_with_it() -> None:
    """It prefers npus to dcus, of which the east has both free, dcus first in the park."""
    pools = ("east-dcu", "east-npu", "north-npu")
    state = a_state(park=a_park(*(a_pool(one, 1, 8) for one in pools)))
    submit(state, a_job("runs", centre_ids=("north",)))
    happen(state, a_lease("runs", a_placement("north-npu", 8)))
    kinds = ("npu", "dcu")
    job = a_job("mine", device_kind_ids=kinds, centre_ids=("north",), priority=Priority.HIGH)
    submit(state, job)

    (told,) = alternatives(job, 0, partial(what_if, state, 0))

    happen(state, ev.CancelRequested(at_ms=0, job_id="mine", by="u"))
    submit(state, replace(told.job, id="wider"))
    (grant,) = plan(state, 0).grants
    assert told.prospect.pool.id == grant.placement.pool_id == "east-npu"


def test_of_a_kind_more_the_pool_is_told_where_it_starts_first() -> None:
    """Any kind would do in both centres: dcus come free in the north before the east."""
    pools = ("east-npu", "east-dcu", "north-dcu")
    state = a_state(park=a_park(*(a_pool(one, 1, 8) for one in pools)))
    for number, (pool_id, hours) in enumerate(zip(pools, (9, 3, 2), strict=True)):
        submit(state, a_job(f"r{number}", device_kind_ids=(), limit_ms=hours * HOUR_MS))
        happen(state, a_lease(f"r{number}", a_placement(pool_id, 8)))

    told = found(state, a_job("mine", priority=Priority.HIGH))

    place = told[Change.PLACE]
    assert (place.prospect.pool.id, place.prospect.start_ms) == ("north-dcu", 2 * HOUR_MS)


@pytest.mark.parametrize(("vain", "told"), [(3, ["c3-npu", "c4-npu", "c5-npu"]), (8, [])])
def test_places_that_come_to_nothing_are_no_three_of_them(vain: int, told: list[str]) -> None:
    """Among all places they seem sooner; asked of each alone it is as late as where it is."""

    def ask(job: Job) -> list[Prospect]:
        late = Prospect(
            pool=POOL, form=job, length_ms=0, start_ms=HOUR_MS, cost_fen=None, reasons=(BUSY,)
        )
        if not job.centre_ids:
            return [replace(late, pool=pools[n], start_ms=0, reasons=()) for n in range(12)]
        numbers = [n for n in range(12) if f"c{n}" in job.centre_ids and n >= vain]
        return [late, *(replace(late, pool=pools[n], start_ms=0, reasons=()) for n in numbers)]

    pools = [a_pool(f"c{number}-npu", 1, 8) for number in range(12)]
    job = a_job("mine", centre_ids=("east",), device_kind_ids=("npu",), priority=Priority.HIGH)

    places = [one for one in alternatives(job, 0, ask) if one.change is Change.PLACE]

    assert [one.prospect.pool.id for one in places] == told


def test_where_nothing_helps_nothing_is_told() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("runs"))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))

    assert found(state, a_job("mine", device_count=1, device_kind_ids=())) == {}


def test_asking_changes_nothing_not_even_the_order_in_which_they_came() -> None:
    state = a_busy_park()
    job = a_job("mine", device_count=2, limit_ms=3 * HOUR_MS)
    submit(state, job, a_job("behind"))
    before = deepcopy(state.snapshot())

    assert alternatives(job, 0, partial(what_if, state, 0))

    assert state.snapshot() == before
    state.queue.check()


def test_a_gain_of_less_than_a_minute_is_none() -> None:
    state = a_state(park=a_park(a_pool("east-npu", 1, 8)))
    submit(state, a_job("first", limit_ms=59_999), a_job("runs", limit_ms=1_000))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))

    assert found(state, a_job("mine", submitted_at_ms=1)) == {}


def test_the_soonest_comes_first() -> None:
    def ask(job: Job) -> list[Prospect]:
        hours = {4: 9, 2: 5, 1: 7}[job.device_count]
        is_elsewhere = not job.device_kind_ids or "gpu" in job.device_kind_ids
        hours = 1 if is_elsewhere else hours
        hours = 3 if job.priority is Priority.HIGH else hours
        return [
            Prospect(
                pool=a_pool("north-gpu", 1, 8) if is_elsewhere else POOL,
                form=a_job(),
                length_ms=0,
                start_ms=hours * HOUR_MS,
                cost_fen=None,
                reasons=(BUSY,),
            )
        ]

    told = alternatives(a_job(device_count=4), 0, ask)

    assert [one.change for one in told] == [Change.PLACE, Change.PRIORITY, Change.CARDS]
    assert told[-1].job.device_count == 2, "the smaller would start later again"


def test_where_no_size_starts_at_once_the_least_is_given_up() -> None:
    def ask(job: Job) -> list[Prospect]:
        start_ms = 8 * HOUR_MS + job.device_count * 600_000
        return [
            Prospect(
                pool=POOL,
                form=a_job(),
                length_ms=0,
                start_ms=start_ms,
                cost_fen=None,
                reasons=(BUSY,),
            )
        ]

    (cards,) = alternatives(a_job(device_count=64, priority=Priority.HIGH), 0, ask)[:1]

    assert cards.job.device_count == 32


@pytest.mark.parametrize(
    ("nodes", "members", "sizes"),
    [(None, None, [24, 12, 6, 3]), (None, 2, [24, 12]), (1, 8, [24]), (2, 6, [24, 12])],
)
def test_a_gang_is_halved_as_far_as_all_of_it_can_be(
    nodes: int | None, members: int | None, sizes: list[int]
) -> None:
    asked: list[int] = []

    def ask(job: Job) -> list[Prospect]:
        asked.append(job.device_count)
        return [
            Prospect(
                pool=POOL, form=a_job(), length_ms=0, start_ms=None, cost_fen=None, reasons=(BUSY,)
            )
        ]

    job = a_job(
        device_count=24,
        node_count=nodes,
        member_count=members,
        device_kind_ids=(),
        priority=Priority.HIGH,
    )
    assert alternatives(job, 0, ask) == ()

    assert asked == sizes


def test_who_is_about_to_start_needs_nothing() -> None:
    asked: list[Job] = []

    def ask(job: Job) -> list[Prospect]:
        asked.append(job)
        return [
            Prospect(pool=POOL, form=a_job(), length_ms=0, start_ms=0, cost_fen=None, reasons=())
        ]

    assert alternatives(a_job(), 0, ask) == ()
    assert len(asked) == 1
