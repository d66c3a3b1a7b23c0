"""A plan of grants alone goes on only as long as somebody might be stopped for one who waits."""

from dataclasses import replace
from typing import Any

import pytest

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Priority
from scheduler.model.plan import Answers, Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.placing.placement import Fit
from scheduler.planning.planner import plan
from scheduler.planning.preemption import Victims
from scheduler.planning.victims import Clearing
from scheduler.timing.backfill import PoolRoom
from tests.builders import (
    HOUR_MS,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)
from tests.preemptive import NOW_MS, POOL, a_pool_of, low, normal, run, stopped, wants


def brief(state: State, *jobs: Job, policy: Policy = DEFAULT) -> Plan:
    """In the order of their ids."""
    submit(state, *jobs)
    return plan(state, NOW_MS, policy, Answers.GRANTS)


def many(cards: int) -> list[Job]:
    return [wants(f"many-{number}", cards) for number in range(5)]


def a_node_with_low(cards: int) -> State:
    """One node of 8 cards: so many may be stopped, and the others not."""
    state = a_pool_of()
    run(state, low("low", cards), cards)
    run(state, normal("stays", 8 - cards), 8 - cards)
    return state


def test_nobody_is_looked_at_behind_whom_the_last_is_stopped_for() -> None:
    state = a_pool_of()
    run(state, low("low"), 8)

    result = brief(state, *many(8))

    assert stopped(result) == ["low.1"]
    assert [*result.verdicts] == ["many-0"]


def test_once_all_is_stopped_nobody_looks_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    state = a_pool_of()
    run(state, low("low"), 8)
    asked: list[Fit] = []
    choose = Victims.choose

    def chosen(
        victims: Victims, room: PoolRoom, pool_id: str, wanted: Fit, *others: Any
    ) -> Clearing:
        asked.append(wanted)
        return choose(victims, room, pool_id, wanted, *others)

    monkeypatch.setattr(Victims, "choose", chosen)
    brief(state, *many(8))

    assert asked == [Fit(1, 8)]


def test_nobody_is_looked_at_where_what_might_be_stopped_is_too_little_for_all() -> None:
    result = brief(a_node_with_low(2), *many(4))

    assert not stopped(result)
    assert not result.verdicts


def test_who_needs_no_more_than_might_be_stopped_is_reached_behind_many() -> None:
    result = brief(a_node_with_low(2), *many(4), wants("zz-small", 2))

    assert stopped(result) == ["low.1"]
    assert result.evictions[0].job_id == "zz-small"


def test_who_would_do_with_so_little_in_another_of_its_forms_is_reached_as_well() -> None:
    elastic = replace(wants("zz-elastic", 4), min_device_count=2)

    result = brief(a_node_with_low(2), *many(4), elastic)

    assert stopped(result) == ["low.1"]


def test_an_owner_is_reached_behind_one_who_may_not_ask_yet() -> None:
    """By class alone nobody could be stopped: it takes back what is borrowed."""
    owning = {"steel": 8, "fish": 8, "guest": 0}
    tenants = (a_tenant(one, nominal_cards=(("npu", own),)) for one, own in owning.items())
    state = a_state(*tenants, park=a_park(a_pool(POOL, 2, 8)))
    for number in range(2):
        job = replace(normal(f"borrows-{number}"), tenant_id="guest")
        run(state, job, *[0] * number, 8)
    hasty = replace(wants("hasty", 8, Priority.HIGH), tenant_id="fish", submitted_at_ms=NOW_MS)

    result = brief(state, hasty, wants("owner", 8))

    assert [*result.verdicts] == ["hasty", "owner"]
    assert [one.job_id for one in result.evictions] == ["owner"]


def test_what_is_promised_is_cleared_only_for_who_is_over_in_time() -> None:
    first = wants("first", 8)
    long = [replace(one, limit_ms=20 * HOUR_MS) for one in many(2)]
    short = replace(wants("zz-short", 2), limit_ms=HOUR_MS)

    by_limits = replace(DEFAULT, firm_after_ms=0)

    in_vain = brief(a_node_with_low(2), first, *long, policy=by_limits)
    result = brief(a_node_with_low(2), first, *long, short, policy=by_limits)

    assert [*in_vain.verdicts] == ["first"]
    assert stopped(result) == ["low.1"]


@pytest.mark.parametrize("answers", Answers)
def test_what_comes_free_is_claimed_by_one_and_others_are_stopped_for_the_next(
    answers: Answers,
) -> None:
    """Half a node is being stopped, half runs `low`; first somebody waits for other cards."""
    state = a_state(a_tenant("steel"), park=a_park(a_pool(POOL, 1, 8), a_pool("east-gpu", 1, 8)))
    run(state, normal("ends", 4), 4)
    run(state, low("low", 4), 4)
    submit(state, normal("gpu", 8))
    lease = a_lease("gpu", a_placement("east-gpu", 8))
    happen(state, lease, ev.Started(at_ms=0, attempt_id=lease.attempt_id))
    cancel(state, "ends")
    elsewhere = replace(wants("a", 8, Priority.HIGH), device_kind_ids=("gpu",))
    two = [replace(wants(name, 4), device_kind_ids=("npu",)) for name in ("b", "c")]
    submit(state, elsewhere, *two)

    result = plan(state, NOW_MS, DEFAULT, answers)

    assert [(one.attempt_id, one.job_id) for one in result.evictions] == [("low.1", "c")]


def cancel(state: State, job_id: str) -> None:
    """Its work has some time to go."""
    stop = ev.StopDecided(
        at_ms=NOW_MS, attempt_id=f"{job_id}.1", cause=EndCause.CANCELLED, grace_ms=30_000
    )
    happen(state, ev.CancelRequested(at_ms=NOW_MS, job_id=job_id, by="ann"), stop)
