"""Whom gangs might stop is found out once for all that are alike, and anew where it changes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.plan import Plan
from scheduler.model.policy import DEFAULT, Policy
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.planning.victims import clear
from tests.builders import HOUR_MS, a_park, a_pool, a_state, a_tenant, submit
from tests.preemptive import (
    NOW_MS,
    POOL,
    SAVES,
    TURNS,
    gone,
    high,
    low,
    normal,
    of_fish,
    run,
    stopped,
    wants,
)

OLD_MS = NOW_MS // 2


def behind_a_limit(nodes: int) -> State:
    """Fish may borrow four cards, so no gang of it starts, whoever is stopped."""
    fish = a_tenant("fish", borrowing_cards=(("npu", 4),))
    return a_state(fish, a_tenant("steel"), park=a_park(a_pool(POOL, nodes, 8)))


def planned(state: State, policy: Policy = DEFAULT) -> Plan:
    result = plan(state, NOW_MS, policy)
    assert verified(state, result, NOW_MS, policy)[1] == ()
    return result


def gang(job: Job, at_ms: int = OLD_MS) -> Job:
    return replace(job, device_count=16, submitted_at_ms=at_ms)


def test_of_gangs_that_are_alike_nodes_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    state = behind_a_limit(4)
    for node in range(4):
        run(state, low(f"x{node}"), *[0] * node, 8)
    for number in range(20):
        submit(state, of_fish(gang(wants(f"w{number}"))))
    looked_at: list[str] = []
    found: Callable[..., object] = clear

    def counted(node_id: str, *rest: object) -> object:
        looked_at.append(node_id)
        return found(node_id, *rest)

    monkeypatch.setattr("scheduler.planning.preemption.clear", counted)

    assert planned(state).evictions == ()
    assert len(looked_at) == 4


def test_whom_a_gang_of_a_higher_class_might_stop_is_not_what_another_may() -> None:
    """The second has had more than what runs; `low` alone stands below it."""
    state = behind_a_limit(3)
    run(state, gang(normal("second"), 0), 8, 8)
    gone(state, "second.1", OLD_MS)
    for node in range(2):
        run(state, normal(f"x{node}"), *[0] * node, 8, at_ms=OLD_MS)
    run(state, low("low", 4, SAVES), 0, 0, 4)
    submit(state, of_fish(gang(high("first"))))

    assert planned(state, TURNS).evictions == ()


def test_what_was_stopped_for_one_gang_is_not_stopped_for_the_next() -> None:
    state = behind_a_limit(4)
    for node in range(4):
        run(state, low(f"x{node}"), *[0] * node, 8)
    submit(state, gang(wants("first")), gang(wants("second")))

    assert sorted(stopped(planned(state))) == ["x0.1", "x1.1", "x2.1", "x3.1"]


def test_a_gang_that_is_over_before_a_promise_takes_what_a_longer_one_may_not() -> None:
    """`ahead` has no patience yet, and is promised both nodes once they are free."""
    state = behind_a_limit(2)
    for node in range(2):
        run(state, low(f"x{node}"), *[0] * node, 8)
    short = replace(gang(wants("short"), OLD_MS + 1), limit_ms=HOUR_MS)
    submit(state, gang(high("ahead"), NOW_MS), replace(gang(wants("long")), user="new"), short)

    assert {one.job_id for one in planned(state).evictions} == {"short"}
