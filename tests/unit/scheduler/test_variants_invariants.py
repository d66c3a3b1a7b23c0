"""What every plan keeps where jobs are content with one gang or another."""

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from functools import cache

from hypothesis import assume, given
from hypothesis import strategies as st

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.forecast.speeds import speeds
from scheduler.model.job import Checkpoint, Job, Variant
from scheduler.model.policy import DEFAULT, Policy
from scheduler.model.tree import Quota
from scheduler.model.variants import form_in, forms
from scheduler.placing.placement import Fit, fit, shape_of
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import HOUR_MS, happen, promised_ms, submit
from tests.unit.scheduler.test_planner_invariants import jobs, lease, policies, states

variants = st.builds(
    Variant,
    device_kind_ids=st.sampled_from([(), ("npu",), ("dcu",), ("dcu", "npu")]),
    device_count=st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16]),
    limit_ms=st.sampled_from([1, 1_000, HOUR_MS, 20 * HOUR_MS]),
    node_count=st.sampled_from([None, None, 1, 2]),
    speed_permille=st.sampled_from([None, 1, 500, 2_000]),
)
several = st.lists(variants, max_size=3, unique_by=lambda one: one.device_count)
least = st.sampled_from([1, 2])


@cache
@st.composite
def content_jobs(draw: st.DrawFn, number: int) -> Job:
    """With up to three variants, of which no two are alike; or elastic; or of several roles."""
    job = draw(jobs(number))
    if job.roles:
        return job
    others = tuple(one for one in draw(several) if one.device_count != job.device_count)
    if others or job.device_count % 2 or draw(st.booleans()):
        return replace(job, variants=others)
    return replace(job, min_device_count=draw(least), checkpoint=SAVES)


mixed = states(of=content_jobs)
SAVES = Checkpoint(dir="ckpt", signal="SIGUSR1", grace_ms=1)


@given(mixed, policies)
def test_every_gang_is_whole_and_one_that_the_job_is_content_with(
    state: State, policy: Policy
) -> None:
    assert state.park is not None
    result = plan(state, 7, policy)
    for grant in result.grants:
        job, placement = state.jobs[grant.job_id].job, grant.placement
        pool = state.park.pool_by_id[placement.pool_id]
        gangs = [(form.device_count, form.device_kind_ids) for form in forms(job)]

        assert any(
            placement.card_count == cards and (not kinds or pool.device_kind_id in kinds)
            for cards, kinds in gangs
        )
        wanted = fit(shape_of(form_in(job, placement)), pool)
        assert isinstance(wanted, Fit)
        had = [share.card_count for share in placement.shares]
        assert sorted(had) == sorted(wanted.cards_by_node())

    assert verified(state, result, 7, policy) == (result, ())


@given(mixed, policies)
def test_all_grants_fit_beside_one_another_and_within_all_quotas(
    state: State, policy: Policy
) -> None:
    for grant in plan(state, 7, policy).grants:
        lease(state, grant, 7)

    held, before = Counter[Quota](), Counter[Quota]()
    for attempt in state.live.values():
        job = state.jobs[attempt.job_id].job
        for quota in state.tree.quotas(job.tenant_id, job.project):
            held[quota] += attempt.placement.card_count
            before[quota] += attempt.placement.card_count if attempt.leased_at_ms < 7 else 0
    for quota, cards in held.items():
        assert cards <= max(before[quota], quota.most), f"{quota.branch} holds too much"


@given(mixed, policies)
def test_whoever_waits_has_one_answer_with_the_reasons_of_each_form(
    state: State, policy: Policy
) -> None:
    result = plan(state, 7, policy)

    granted = [grant.job_id for grant in result.grants]
    assert sorted([*granted, *result.verdicts]) == sorted(state.queue)
    for job_id, verdict in result.verdicts.items():
        assert verdict.reasons, f"{job_id} waits and nobody says why"
        assert verdict.start is None or verdict.start.at_ms > 7
        if not state.jobs[job_id].backoff_reason(7) and promised_ms(verdict) is None:
            assert len(verdict.reasons) >= len(forms(state.jobs[job_id].job))


@given(mixed)
def test_a_plan_depends_on_the_state_and_nothing_else(state: State) -> None:
    before = deepcopy(state.snapshot())

    first = plan(state, 7)

    assert state.snapshot() == before
    assert plan(State.restored(before), 7) == first


@given(mixed)
def test_nothing_waits_that_could_start_alone_unless_somebody_is_ahead(state: State) -> None:
    result = plan(state, 7)
    assume(all(promised_ms(verdict) is None for verdict in result.verdicts.values()))
    for grant in result.grants:
        lease(state, grant, 7)

    assert plan(state, 7).grants == ()


@given(mixed, content_jobs(99))
def test_what_is_quoted_first_is_what_the_plan_does(state: State, job: Job) -> None:
    before = deepcopy(state.snapshot())
    found = what_if(state, 7, job)
    assert state.snapshot() == before

    submit(state, job)
    answer = next((one.placement for one in plan(state, 7).grants if one.job_id == job.id), None)

    first = found[0] if found and not found[0].reasons else None
    assert (first is None) == (answer is None)
    if first is not None and answer is not None:
        assert (first.pool.id, first.form.device_count) == (answer.pool_id, answer.card_count)


@given(mixed)
def test_who_grows_is_elastic_and_finds_the_cards(state: State) -> None:
    for attempt in state.live.values():
        happen(state, ev.Started(at_ms=7, attempt_id=attempt.id))
    result = plan(state, 7 + HOUR_MS)

    assert verified(state, result, 7 + HOUR_MS, DEFAULT) == (result, ())
    grown = [one for one in result.evictions if one.attempt_id in state.live]
    grown = [one for one in grown if state.live[one.attempt_id].job_id == one.job_id]
    assert len(grown) <= 1
    for growth in grown:
        placement = state.live[growth.attempt_id].placement
        room = sum(state.free_cards[node_id] for node_id in growth.node_ids)
        room += sum(one.card_count for one in placement.shares if one.node_id in growth.node_ids)
        assert state.jobs[growth.job_id].is_small
        assert room > placement.card_count


@given(content_jobs(1), states())
def test_each_form_has_a_speed_and_the_first_is_the_measure(job: Job, state: State) -> None:
    found = speeds(job, state.history, state.park)

    assert found[0] == 1_000
    assert len(found) == len(forms(job))
    assert all(speed > 0 for speed in found)
