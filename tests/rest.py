"""Whether stopping comes to rest: what is planned is done by turns until nobody is stopped."""

from hypothesis import currently_in_test_context, note

from scheduler.facts.state import State
from scheduler.model.policy import Policy
from scheduler.planning.planner import plan
from scheduler.planning.potential import Potential, potential
from scheduler.planning.verifier import verified
from scheduler.sharing.standing import Merit, Standings
from tests.preemptive import MIN_RUN_MS, NOW_MS, gone, stop
from tests.unit.scheduler.test_preemption_invariants import lease_all

Held = tuple[Potential, dict[str, Merit]]
"""The potential, and the class and level of all that runs."""


def comes_to_rest(state: State, policy: Policy, wait_ms: int = MIN_RUN_MS + 10) -> int:
    """Where nobody comes and nothing ends, there comes a plan that stops nobody any more.

    Each round stops whom it must, grants what it may, and grants again after a wait of so long. No
    plan that stops somebody has a flaw. How many rounds there were.
    """
    now_ms, rounds = NOW_MS, 0
    while evictions := (result := plan(state, now_ms, policy)).evictions:
        assert verified(state, result, now_ms, policy)[1] == ()
        before = held(state, now_ms, policy)
        rounds += 1
        if currently_in_test_context():
            note(f"{now_ms}: {[(one.attempt_id, one.job_id) for one in evictions]}")
        assert rounds <= 2 * len(state.jobs), "it does not come to rest"
        for eviction in evictions:
            stop(state, eviction, at_ms=now_ms)
        for eviction in evictions:
            gone(state, eviction.attempt_id, now_ms + 1)
        lease_all(state, plan(state, now_ms + 2, policy), now_ms + 2)
        after = held(state, now_ms + 2, policy)
        assert after[0] < before[0] or has_crossed(before, after), "the potential does not fall"
        now_ms += wait_ms
        before = held(state, now_ms, policy)
        lease_all(state, plan(state, now_ms, policy), now_ms)
        after = held(state, now_ms, policy)
        assert after[0] <= before[0], "the potential rises by what starts"
    return rounds


def held(state: State, now_ms: int, policy: Policy) -> Held:
    assert state.park is not None
    standings = Standings(state, now_ms, policy)
    works = [standings.work(attempt, state, now_ms) for attempt in state.live.values()]
    return potential(standings, state.park, works), {work.id: work.merit for work in works}


def has_crossed(before: Held, after: Held) -> bool:
    """Whether anything that runs in both has come to another level meanwhile, or to starve."""
    return any(merit != after[1].get(name, merit) for name, merit in before[1].items())
