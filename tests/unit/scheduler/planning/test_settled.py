"""What a plan tells a job because it told it another of its shape, against finding it out anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.model.job import EndCause, Job, Priority, ReasonCode, Variant
from scheduler.model.plan import Plan, Verdict
from scheduler.model.policy import DEFAULT, EASY, FIFO, Policy
from scheduler.planning.options import Opening, Option
from scheduler.planning.planner import plan
from scheduler.planning.settled import Settled
from scheduler.planning.stops import Stops
from scheduler.planning.survey import Survey
from scheduler.sharing.standing import Merit
from tests.builders import HOUR_MS, YUAN, a_park, a_pool, a_state, a_tenant, happen, submit
from tests.preemptive import (
    LIMIT_MS,
    NOW_MS,
    POOL,
    TURNS,
    a_pool_of,
    low,
    normal,
    run,
    wants,
)
from tests.unit.scheduler.test_planner_invariants import states
from tests.unit.scheduler.test_preemption_invariants import crowded

POLICIES = st.sampled_from([DEFAULT, TURNS, EASY, FIFO])
MORE, LATER = st.integers(1, 3), st.sampled_from([0, 15_000])
LIMITS = st.sampled_from([1_000, HOUR_MS, 48 * HOUR_MS])
PRIORITIES = st.sampled_from(Priority)
SETTLED_MS = NOW_MS + 20_000
"""By then those that began to wait at the moment of the plan have the patience to ask."""


@contextmanager
def nothing_is_settled() -> Iterator[None]:
    def of(_: Settled, __: Job, ___: Ends) -> Verdict | None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Settled, "of", of)
        yield


def with_many_alike(state: State, data: st.DataObject) -> State:
    """Of each job that waits some more, of other classes and limits."""
    for record in list(state.queue.records()):
        for number in range(data.draw(MORE)):
            like = replace(
                record.job,
                id=f"{record.job.id}-{number}",
                tenant_id=data.draw(st.sampled_from(sorted(state.tenants))),
                limit_ms=data.draw(LIMITS),
                priority=data.draw(PRIORITIES),
                submitted_at_ms=record.job.submitted_at_ms + data.draw(LATER),
            )
            submit(state, like)
    return state


def both(state: State, now_ms: int, policy: Policy) -> tuple[Plan, Plan]:
    known = plan(state, now_ms, policy)
    with nothing_is_settled():
        return known, plan(state, now_ms, policy)


@settings(max_examples=100)
@given(st.data(), POLICIES, st.sampled_from([NOW_MS, SETTLED_MS]))
def test_who_stops_others_and_who_waits_is_told_what_would_be_found_out_anew(
    data: st.DataObject, policy: Policy, now_ms: int
) -> None:
    state = with_many_alike(data.draw(crowded()), data)
    for tenant_id in sorted(state.funds):
        state.funds[tenant_id].available_micros = data.draw(
            st.sampled_from([10**15, 10**15, 10**7])
        )
    stopping = [one.id for one in state.live.values() if data.draw(st.integers(0, 3)) == 0]
    for attempt_id in stopping:
        stop = ev.StopDecided(
            at_ms=NOW_MS, attempt_id=attempt_id, cause=EndCause.PREEMPTED, grace_ms=30_000
        )
        assert state.apply(stop) is None

    known, anew = both(state, now_ms, policy)

    assert known == anew
    assert list(known.verdicts) == list(anew.verdicts)


@settings(max_examples=100)
@given(st.data(), POLICIES)
def test_in_parks_of_several_pools_as_well(data: st.DataObject, policy: Policy) -> None:
    state = with_many_alike(data.draw(states()), data)

    known, anew = both(state, 7, policy)

    assert known == anew


def of_fish(job: Job) -> Job:
    """It has just come, and its tenant, which has nothing, goes first."""
    return replace(job, tenant_id="fish", submitted_at_ms=NOW_MS)


def brief(job_id: str, cards: int) -> Job:
    """Over before all that is promised."""
    return replace(wants(job_id, cards), limit_ms=HOUR_MS)


def test_who_has_waited_may_have_others_stopped_though_its_like_has_not() -> None:
    state = a_pool_of()
    run(state, low("runs"), 8)
    submit(
        state,
        of_fish(wants("promised", 8, Priority.HIGH)),
        of_fish(brief("waits", 8)),
        brief("old", 8),
    )

    result = plan(state, NOW_MS)

    assert [*result.verdicts] == ["promised", "waits", "old"]
    assert [one.job_id for one in result.evictions] == ["old"]


def test_an_owner_may_have_who_borrows_stopped_though_nobody_is_of_lower_merit() -> None:
    owning = {"steel": 16, "fish": 8, "guest": 0}
    tenants = (a_tenant(one, nominal_cards=(("npu", own),)) for one, own in owning.items())
    state = a_state(*tenants, park=a_park(a_pool(POOL, 3, 8)))
    run(state, replace(normal("borrows"), tenant_id="guest"), 8)
    run(state, replace(normal("lasts"), tenant_id="guest"), 0, 8)
    run(state, normal("own"), 0, 0, 8)
    submit(
        state,
        of_fish(wants("promised", 8, Priority.HIGH)),
        of_fish(brief("waits", 8)),
        brief("old", 8),
    )

    result = plan(state, NOW_MS)

    assert [*result.verdicts] == ["promised", "waits", "old"]
    assert [(one.attempt_id, one.job_id) for one in result.evictions] == [("borrows.1", "old")]


def test_who_would_do_with_less_starts_though_its_like_was_told_to_wait() -> None:
    """Three that want a whole node settle what their shape is told."""
    state = a_pool_of()
    run(state, normal("runs", 6), 6)
    less = Variant(device_kind_ids=("npu",), device_count=1, limit_ms=HOUR_MS)
    submit(state, *(wants(f"new-{number}") for number in range(3)))
    submit(state, replace(wants("yields"), submitted_at_ms=NOW_MS, variants=(less,)))

    result = plan(state, NOW_MS)

    assert [*result.verdicts] == ["new-0", "new-1", "new-2"]
    assert [(one.job_id, one.placement.card_count) for one in result.grants] == [("yields", 1)]


def test_what_comes_free_for_another_may_be_claimed_though_its_like_found_nothing() -> None:
    state = a_pool_of()
    run(state, low("runs"), 8)
    submit(
        state,
        of_fish(wants("promised", 4, Priority.HIGH)),
        of_fish(brief("waits", 2)),
        brief("old", 4),
    )
    submit(state, replace(brief("late", 2), priority=Priority.LOW))

    result = plan(state, NOW_MS)

    codes = {job_id: one.reasons[0].code for job_id, one in result.verdicts.items()}
    assert codes["waits"] is ReasonCode.DEVICES_BUSY
    assert codes["old"] is codes["late"] is ReasonCode.MAKING_ROOM


def stopping(state: State, job_id: str) -> None:
    """It is gone soon."""
    stop = ev.StopDecided(
        at_ms=NOW_MS, attempt_id=f"{job_id}.1", cause=EndCause.CANCELLED, grace_ms=10_000
    )
    happen(state, stop)


def code(told: Verdict) -> ReasonCode:
    return told.reasons[0].code


def test_who_is_gone_in_time_claims_what_comes_free_though_its_like_would_not_be() -> None:
    """Both would be over before the promise if they began now; only one if it begins soon."""
    state = a_pool_of(nodes=2)
    run(state, normal("stays"), 8)
    run(state, normal("goes"), 0, 8)
    stopping(state, "goes")
    submit(state, of_fish(wants("promised", 16, Priority.HIGH)))
    limit_ms = LIMIT_MS - HOUR_MS - 1
    submit(state, replace(wants("long", 4), limit_ms=limit_ms, submitted_at_ms=0))
    submit(state, brief("brief", 4))

    told = plan(state, NOW_MS, EASY).verdicts

    assert [*told] == ["promised", "long", "brief"]
    assert code(told["long"]) is ReasonCode.DEVICES_BUSY
    assert code(told["brief"]) is ReasonCode.MAKING_ROOM


def test_whose_quota_is_not_kept_claims_what_comes_free_though_that_of_its_like_is() -> None:
    """`small` may have its quota until `x` ends, when it is kept for `big`: now, but not soon."""
    steel = a_tenant("steel", max_cards=16)
    state = a_state(steel, a_tenant("fish"), park=a_park(a_pool(POOL, 3, 8)))
    run(state, replace(normal("x"), limit_ms=2 * HOUR_MS), 8)
    run(state, replace(normal("goes"), tenant_id="fish"), 0, 8)
    run(state, replace(normal("stays"), tenant_id="fish"), 0, 0, 8)
    stopping(state, "goes")
    submit(state, of_fish(wants("promised", 24, Priority.HIGH)))
    submit(state, replace(wants("big", 16), submitted_at_ms=0), brief("small", 4))
    submit(state, replace(brief("like", 4), tenant_id="fish"))

    told = plan(state, NOW_MS).verdicts

    assert [*told] == ["promised", "big", "small", "like"]
    assert code(told["small"]) is ReasonCode.DEVICES_BUSY
    assert code(told["like"]) is ReasonCode.MAKING_ROOM


def test_whose_quota_was_taken_meanwhile_is_not_told_what_its_like_was() -> None:
    state = a_state(
        a_tenant("steel", max_cards=9), a_tenant("fish"), park=a_park(a_pool(POOL, 2, 8))
    )
    run(state, replace(normal("first"), tenant_id="fish"), 8)
    run(state, replace(normal("later", 4), tenant_id="fish"), 0, 4, at_ms=1)
    submit(state, of_fish(wants("promised", 8, Priority.HIGH)))
    submit(state, wants("a", 8), wants("b", 8), wants("c-starts", 2), wants("d", 8))

    result = plan(state, NOW_MS)

    assert [grant.job_id for grant in result.grants] == ["c-starts"]
    assert code(result.verdicts["b"]) is ReasonCode.DEVICES_BUSY
    assert code(result.verdicts["d"]) is ReasonCode.TENANT_QUOTA


def test_whose_money_is_saved_meanwhile_is_not_told_what_its_like_was() -> None:
    """Ten hours of a node cost 288 yuan; 32 cards can be paid once what is held is free again."""
    state = a_state(a_tenant("steel"), a_tenant("fish"), park=a_park(a_pool(POOL, 4, 8)))
    run(state, replace(normal("all", 32), tenant_id="fish"), 8, 8, 8, 8)
    submit(state, of_fish(wants("promised", 8, Priority.HIGH)))
    submit(state, wants("a", 8), wants("b", 8), wants("c-dear", 32), wants("d", 8))
    state.funds["steel"].available_micros = state.funds["steel"].held_micros = 600 * YUAN

    told = plan(state, NOW_MS).verdicts

    assert code(told["b"]) is ReasonCode.DEVICES_BUSY
    assert [code(told[one]) for one in ("c-dear", "d")] == [ReasonCode.FUNDS] * 2


def test_of_those_alike_one_looks_for_what_comes_free(monkeypatch: pytest.MonkeyPatch) -> None:
    state = a_pool_of(nodes=2)
    run(state, normal("stays"), 8)
    run(state, normal("goes"), 0, 8)
    stopping(state, "goes")
    submit(state, *(wants(f"new-{number:02}", 16) for number in range(12)))
    looked: list[str] = []

    def find_soon(_: Survey, record: JobRecord, *__: object) -> None:
        looked.append(record.job.id)

    monkeypatch.setattr(Survey, "find_soon", find_soon)
    plan(state, NOW_MS)

    assert looked == ["new-00", "new-01"], "the first is promised a start"


def test_of_those_alike_one_asks_whom_to_stop_though_all_might(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = a_pool_of(nodes=2)
    run(state, low("runs"), 8)
    run(state, normal("stays"), 0, 8)
    submit(state, *(wants(f"new-{number:02}", 16) for number in range(12)))
    asked: list[str] = []

    def openings(_: Stops, options: list[tuple[JobRecord, Option]], __: int) -> Iterator[Opening]:
        asked.extend(form.job.id for form, _ in options)
        return iter(())

    monkeypatch.setattr(Stops, "openings", openings)
    result = plan(state, NOW_MS)

    assert len(result.verdicts) == 12
    assert asked == ["new-00", "new-01"], "the first is promised a start, and the second settles it"


def test_who_asked_in_vain_spares_nobody_of_higher_merit() -> None:
    settled, ends, normal_merit = Settled(()), Ends(1, 1), Merit(1, 0)

    settled.note_vain(ends, normal_merit)
    settled.note_vain(ends, Merit(0, 0))

    assert settled.is_vain(ends, normal_merit)
    assert not settled.is_vain(ends, Merit(2, 0))
