"""Where the loop need draw up no plan for a while, that plan decides nothing."""

from scheduler.controller import Controller
from scheduler.model.plan import KeptCards
from scheduler.planning.planner import plan
from scheduler.planning.quiet import quiet_until_ms

QUIET_MS_MAX = 20_000


def is_quiet(controller: Controller, now_ms: int) -> bool:
    """Whether no plan need be drawn up for a while; at the end of that one decides nothing."""
    state, policy = controller.state, controller.settings.policy
    until_ms = quiet_until_ms(state, now_ms, policy)
    if until_ms == now_ms or not state.queue:
        return False
    found = plan(state, min(until_ms - 1, now_ms + QUIET_MS_MAX), policy)
    kept = (one for one in found.verdicts.values() if isinstance(one, KeptCards))
    assert [*found.grants, *found.evictions, *kept] == [], "a plan that decides would be left out"
    return True
