"""How fast a job is on each kind of a plain list, once its like have run on several of them."""

from dataclasses import replace

import pytest

from api.answers.reasons import views
from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.forecast.speeds import lengths_by_kind
from scheduler.model.job import EndCause, Job, ReasonCode
from scheduler.model.plan import Answers
from scheduler.model.policy import EASY
from scheduler.planning.planner import plan
from tests.builders import HOUR_MS, a_job, a_placement, a_state, a_tenant, happen, submit
from tests.unit.scheduler.forecast.test_speeds import has_run
from tests.unit.scheduler.model.test_variants import DCU, NPU, PARK, SAVES, end, fill, run

KINDS = ("npu", "dcu")
NOW_MS = 9 * HOUR_MS


def a_list(job_id: str = "j", limit_hours: int = 99, **changes: object) -> Job:
    """Eight cards of npu, or else of dcu; its user is nobody else."""
    job = a_job(job_id, device_count=8, device_kind_ids=KINDS, limit_ms=limit_hours * HOUR_MS)
    return replace(job, user="lists", **changes)  # type: ignore[arg-type] # as its callers say


def learned(job: Job, npu: int = 3, dcu: int = 6) -> State:
    """Three of its like ran for so many hours on each kind."""
    state = a_state(park=PARK)
    has_run(state, job, a_placement(NPU, 8), [npu] * 3)
    has_run(state, job, a_placement(DCU, 8), [dcu] * 3)
    return state


def test_its_like_tell_how_long_it_takes_on_each_kind() -> None:
    job = a_list()
    state = learned(job)

    assert lengths_by_kind(job, state.history) == {"npu": 3 * HOUR_MS, "dcu": 6 * HOUR_MS}
    for other in (
        replace(job, name="other"),
        replace(job, device_count=4),
        replace(job, device_kind_ids=("npu",)),
        replace(job, device_kind_ids=("gpu", "dcu")),
        replace(job, device_kind_ids=()),
        replace(job, data_ids=("web",)),
    ):
        assert not lengths_by_kind(other, state.history), "nothing is known of it"


def test_the_first_kind_and_another_must_be_known() -> None:
    job, state = a_list(), a_state(park=PARK)
    has_run(state, job, a_placement(DCU, 8), [6, 6, 6])

    assert not lengths_by_kind(job, state.history)
    has_run(state, job, a_placement(NPU, 8), [3, 3])
    assert not lengths_by_kind(job, state.history)


@pytest.mark.parametrize(("dcu_free", "pool_id"), [(9 + 9, DCU), (9 + 11, NPU)])
def test_it_is_promised_where_it_is_over_first(dcu_free: int, pool_id: str) -> None:
    """From 22 h on it takes 3 h on npu, over at 25 h; on dcu 6 h, over at 24 h or at 26 h."""
    job = replace(a_list(), submitted_at_ms=NOW_MS)
    state = learned(job)
    submit(state, job)
    fill(state, NPU, hours=9 + 13)
    fill(state, DCU, hours=dcu_free)

    start = plan(state, NOW_MS).verdicts["j"].start

    assert start is not None
    assert (start.pool_id, start.is_promised) == (pool_id, True)


def test_a_quota_that_keeps_it_from_both_kinds_is_told_once() -> None:
    """The plan looks at each kind as at a job of its own, and says so of each."""
    job = replace(a_list(), submitted_at_ms=NOW_MS)
    state = learned(job)
    submit(state, job, replace(job, id="before", submitted_at_ms=0))
    run(state, "before", a_placement(NPU, 8), at_ms=NOW_MS)
    declared = ev.TenantDeclared(at_ms=NOW_MS, tenant=a_tenant(job.tenant_id, max_cards=8))
    happen(state, declared)

    reasons = plan(state, NOW_MS).verdicts["j"].reasons

    assert [one.code for one in views(reasons)] == [ReasonCode.TENANT_QUOTA]
    assert len(reasons) == len(KINDS)


def test_without_history_it_is_promised_where_it_starts_first() -> None:
    job = replace(a_list(), submitted_at_ms=NOW_MS)
    state = a_state(park=PARK)
    submit(state, job)
    fill(state, NPU, hours=22)
    fill(state, DCU, hours=20)

    start = plan(state, NOW_MS).verdicts["j"].start

    assert start is not None
    assert start.pool_id == DCU


def test_who_knows_no_forecasts_knows_no_speeds() -> None:
    job = replace(a_list(), submitted_at_ms=NOW_MS)
    state = learned(job)
    submit(state, job)
    fill(state, NPU, hours=22)
    fill(state, DCU, hours=20)

    start = plan(state, NOW_MS, EASY).verdicts["j"].start

    assert start is not None
    assert start.pool_id == DCU


def test_what_can_start_now_starts_on_the_kind_that_it_prefers() -> None:
    job = replace(a_list(), submitted_at_ms=NOW_MS)
    state = learned(job, npu=6, dcu=3)
    submit(state, job)

    grants = plan(state, NOW_MS, answers=Answers.GRANTS).grants

    assert [grant.placement.pool_id for grant in grants] == [NPU]


@pytest.mark.parametrize(("pool_id", "hours"), [(NPU, 3), (DCU, 6)])
def test_what_runs_is_foretold_by_its_kind(pool_id: str, hours: int) -> None:
    job = a_list()
    state = learned(job)
    submit(state, job)

    run(state, "j", a_placement(pool_id, 8), at_ms=NOW_MS)

    assert state.live["j.1"].ends.likely_ms == NOW_MS + hours * HOUR_MS


def test_what_it_has_done_counts_on_another_kind() -> None:
    """Four hours on dcu are two of the three that it takes on npu."""
    job = a_list(checkpoint=SAVES)
    state = learned(job)
    submit(state, job)
    run(state, "j", a_placement(DCU, 8), at_ms=10 * HOUR_MS)
    end(state, "j.1", 14 * HOUR_MS, EndCause.PREEMPTED)

    run(state, "j", a_placement(NPU, 8), at_ms=20 * HOUR_MS, number=2)

    assert state.jobs["j"].had_ms == 2 * HOUR_MS
    assert state.live["j.2"].ends.likely_ms == 21 * HOUR_MS


def test_runs_of_later_jobs_are_learned_by_the_clock() -> None:
    """What ran when speeds were known says the same as what ran before."""
    job = a_list()
    state = learned(job)
    one = replace(job, id="later")
    submit(state, one)
    run(state, "later", a_placement(DCU, 8), at_ms=NOW_MS)
    end(state, "later.1", NOW_MS + 6 * HOUR_MS)

    assert lengths_by_kind(job, state.history)["dcu"] == 6 * HOUR_MS


def test_a_quote_tells_how_long_it_takes_on_each_kind() -> None:
    job = replace(a_list(), submitted_at_ms=NOW_MS)
    state = learned(job)

    told = {one.pool.id: (one.run_ms, one.length_ms) for one in what_if(state, NOW_MS, job)}

    assert told == {NPU: (3 * HOUR_MS,) * 2, DCU: (6 * HOUR_MS,) * 2}


def test_it_passes_a_promise_on_the_kind_on_which_it_is_out_of_the_way() -> None:
    """A plan of grants alone is not over while one fits: on dcu it takes an hour, on npu ten."""
    job = replace(a_list(), submitted_at_ms=NOW_MS)
    state = learned(job, npu=10, dcu=1)
    wide = a_job("wide", device_count=16, device_kind_ids=("dcu",), submitted_at_ms=NOW_MS - 1)
    # Of its shape, and before it: of this one nothing is known, so that it fits nowhere.
    other = replace(a_list("other"), user="else", submitted_at_ms=NOW_MS - 1)
    submit(state, replace(wide, user="else"), other, job)
    fill(state, NPU, hours=22)
    fill(state, DCU, cards=(8,), hours=9 + 2)

    grants = plan(state, NOW_MS, answers=Answers.GRANTS).grants

    assert [grant.placement.pool_id for grant in grants] == [DCU]
