"""A plan of grants alone looks at nobody where nothing is free for any and nobody is stopped."""

from dataclasses import replace

from scheduler.facts.state import State
from scheduler.model.plan import Answers, Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.planning.planner import plan
from tests.builders import a_park, a_pool, a_state, a_tenant, submit
from tests.preemptive import NOW_MS, POOL, TURNS, a_pool_of, low, normal, run, wants


def brief(state: State, policy: Policy = DEFAULT) -> Plan:
    """Of two who wait: where one waits alone it is looked at."""
    submit(state, wants())
    submit(state, replace(wants(), id="other"))
    return plan(state, NOW_MS, policy, Answers.GRANTS)


def stopped(state: State, policy: Policy = DEFAULT) -> list[str]:
    return [eviction.attempt_id for eviction in brief(state, policy).evictions]


def test_where_nothing_is_free_and_nobody_is_stopped_nobody_is_looked_at() -> None:
    state = a_pool_of()
    run(state, normal("runs"), 8)

    assert not brief(state).verdicts


def test_where_no_shape_that_waits_fits_into_what_is_free_nobody_is_looked_at() -> None:
    state = a_pool_of()
    run(state, normal("runs", 4), 4)

    assert not brief(state).verdicts


def test_low_work_is_stopped_all_the_same() -> None:
    state = a_pool_of()
    run(state, low("low"), 8)

    assert stopped(state) == ["low.1"]


def test_who_has_had_most_is_stopped_all_the_same_where_jobs_take_turns() -> None:
    state = a_pool_of()
    run(state, normal("runs"), 8)

    assert stopped(state, TURNS) == ["runs.1"]


def test_what_is_borrowed_is_taken_back_all_the_same() -> None:
    owner = a_tenant("steel", nominal_cards=(("npu", 8),))
    state = a_state(owner, a_tenant("fish"), park=a_park(a_pool(POOL, 1, 8)))
    run(state, replace(normal("runs"), tenant_id="fish"), 8)

    assert stopped(state) == ["runs.1"]
