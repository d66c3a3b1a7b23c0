"""Who is asked about is told of those behind it who begin, or are promised cards, before it."""

from dataclasses import replace

import pytest

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Priority, ReasonCode
from scheduler.planning.planner import plan
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
    submit,
)
from tests.unit.scheduler.asking.test_whatif import (
    NOW_MS,
    a_park_with_work,
    asked,
    half_of_it_to_be_had,
)


def of_fish(job_id: str, *, device_count: int = 8, at_ms: int = 0) -> Job:
    job = a_job(job_id, tenant_id="fish", device_count=device_count, submitted_at_ms=at_ms)
    return replace(job, limit_ms=2 * HOUR_MS)


def behind_its_quota(*others: Job, npus: int) -> State:
    """All that steel may hold are GPUs, for an hour; others wait, of whom it would be ahead."""
    park = a_park(a_pool("east-npu", 1, 8), a_pool("east-gpu", 1, 8))
    state = a_state(a_tenant("steel", max_cards=8), a_tenant("fish"), park=park)
    submit(state, a_job("mine", device_kind_ids=("gpu",)))
    happen(state, a_lease("mine", a_placement("east-gpu", 8)))
    if npus:
        submit(state, of_fish("theirs", device_count=npus))
        happen(state, a_lease("theirs", a_placement("east-npu", npus)))
    submit(state, *others)
    return state


@pytest.mark.parametrize("npus", [0, 8])
def test_who_waits_for_a_quota_is_told_of_those_behind_who_begin_before_it(npus: int) -> None:
    """It could have the NPUs in an hour: one behind it is given or promised them until later."""
    state = behind_its_quota(of_fish("behind"), npus=npus)
    job = asked(priority=Priority.HIGH, device_kind_ids=("npu",))

    (npu,) = what_if(state, NOW_MS, job)
    submit(state, job)
    drawn_up = plan(state, NOW_MS)

    start = drawn_up.verdicts["asked"].start
    assert start is not None
    assert (npu.start_ms, npu.is_promised) == (start.at_ms, False)
    given = {grant.job_id for grant in drawn_up.grants}
    assert given == ({"behind"} if not npus else set())
    assert start.at_ms >= (4 if npus else 2) * HOUR_MS


def test_what_those_behind_may_expect_is_in_nobody_s_way() -> None:
    """`first` is promised the NPUs until the fourth hour, `second` may expect them after it."""
    state = behind_its_quota(of_fish("first"), of_fish("second", at_ms=1), npus=8)

    (npu,) = what_if(state, NOW_MS, asked(priority=Priority.HIGH, device_kind_ids=("npu",)))

    assert npu.start_ms == 4 * HOUR_MS


def test_what_it_would_be_given_in_one_pool_is_not_in_its_way_in_another() -> None:
    """It may hold 8 cards: GPUs now, for four hours, or NPUs in three."""
    state = a_park_with_work(a_tenant("steel"), a_tenant("fish", max_cards=8))

    job = asked(tenant_id="fish", priority=Priority.LOW, limit_ms=4 * HOUR_MS)
    gpu, npu = what_if(state, NOW_MS, job)

    assert (gpu.start_ms, npu.start_ms) == (NOW_MS, 3 * HOUR_MS)


def test_who_comes_up_for_what_was_freed_and_at_its_turn_is_asked_about_once() -> None:
    """The node on which room was made for it is down."""
    state = half_of_it_to_be_had()
    job = asked(submitted_at_ms=HOUR_MS - 10_000, device_kind_ids=("npu",))
    submit(state, job)
    nodes = tuple(sorted(state.online_node_ids))
    made = ev.StopDecided(
        at_ms=HOUR_MS,
        attempt_id="low.1",
        cause=EndCause.PREEMPTED,
        grace_ms=60_000,
        for_job_id="asked",
        for_node_ids=nodes,
    )
    happen(state, made, ev.NodesChanged(at_ms=HOUR_MS, centre_id="east", online_node_ids=()))

    (npu,) = what_if(state, HOUR_MS, job)

    assert npu.reasons[0].code is ReasonCode.NODES_DOWN
