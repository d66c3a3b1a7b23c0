"""Whether stopping comes to rest: what is planned is done by turns until nobody is stopped."""

from collections.abc import Callable

from hypothesis import note

from scheduler.facts.state import State
from scheduler.model.plan import Plan
from scheduler.model.policy import Policy
from scheduler.planning.planner import plan
from tests.preemptive import NOW_MS, gone, stop
from tests.unit.test_preemption_invariants import lease_all


def comes_to_rest(
    state: State,
    policy: Policy,
    wait_ms: int,
    check: Callable[[Plan, int], None] = lambda *_: None,
) -> None:
    """Where nobody comes and nothing ends, there comes a plan that stops nobody any more.

    Each round stops whom it must, grants what it may, and grants again after a wait of so long.
    """
    now_ms, rounds = NOW_MS, 0
    while evictions := (result := plan(state, now_ms, policy)).evictions:
        check(result, now_ms)
        rounds += 1
        note(f"{now_ms}: {[(one.attempt_id, one.job_id) for one in evictions]}")
        assert rounds <= 2 * len(state.jobs), "it does not come to rest"
        for eviction in evictions:
            stop(state, eviction, at_ms=now_ms)
        for eviction in evictions:
            gone(state, eviction.attempt_id, now_ms + 1)
        lease_all(state, plan(state, now_ms + 2, policy), now_ms + 2)
        now_ms += wait_ms
        lease_all(state, plan(state, now_ms, policy), now_ms)
