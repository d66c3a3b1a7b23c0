"""Whether a plan could decide anything at all, and until when not: asked before one is drawn up.

What is there decides, and no rule: turns, quotas, money, hours and promises only ever forbid. So no
plan gives anybody cards where no shape that waits fits into what is free; and none stops anybody
where none would fit though all that stand below it were gone. Of both the clock alone changes the
latter, at moments that are known: who runs may be stopped from then on, comes to stand lower, or
may grow; who waits starves.
"""

from collections.abc import Iterator

from cluster.inventory import Park
from scheduler.facts.state import State
from scheduler.model.policy import Policy
from scheduler.model.variants import forms
from scheduler.placing.placement import Shape, shape_of
from scheduler.planning.desk import Desk
from scheduler.planning.growth import grows_after_ms, ripe
from scheduler.planning.stops import may_stop_any
from scheduler.planning.vacancy import takers
from scheduler.sharing.standing import Merit, Standings

NEVER_MS = 1 << 60
WAITING_MAX = 1_000
"""Where more wait it is not asked whom they could have stopped: that costs as much as a plan."""


def is_all_taken(state: State, park: Park, policy: Policy) -> bool:
    """Whether no card is free and nobody may be stopped: the same, seen before a plan begins."""
    held = state.holdings.cards_by_pool
    is_full = all(held[pool.id] >= pool.card_count for pool in park.pools)
    return is_full and not may_stop_any(state, policy)


def is_quiet(desk: Desk) -> bool:
    """Whether no turn of a plan that begins brings anybody cards, or stops anybody."""
    state = desk.state
    if desk.vacancy.is_left() or ripe(state, desk.now_ms, desk.policy):
        return False
    if not may_stop_any(state, desk.policy):
        return True
    if state.agenda.stopping or len(state.queue) > WAITING_MAX:
        return False
    stops = desk.begin()
    return not stops.could_any(_takers(state, desk.policy, stops.standings))


def _takers(state: State, policy: Policy, standings: Standings) -> Iterator[tuple[Shape, Merit]]:
    """Each shape that waits, with as much merit as any of it has, or more."""
    for shape, (order, level) in takers(state.queue):
        yield shape, Merit(-order, -level if policy.is_shared else 0)
    for record in standings.starving.waiting:
        for form in forms(record.job):
            yield shape_of(form), standings.merit(record)


def quiet_until_ms(state: State, now_ms: int, policy: Policy) -> int:
    """Until then no plan decides anything unless something happens; `now_ms` where one may."""
    park = state.park
    if park is None or park.pools_with_hours or len(state.quotes):
        return now_ms
    if not is_quiet(Desk(state, park, now_ms, policy)):
        return now_ms
    moments = (at_ms for at_ms in _moments(state, now_ms, policy) if at_ms > now_ms)
    return min(moments, default=NEVER_MS)


def _moments(state: State, now_ms: int, policy: Policy) -> Iterator[int]:
    """When the clock alone changes whom a plan may stop for whom; some have passed."""
    preemption = policy.preemption
    if preemption is None:
        return
    for attempt in state.agenda.small.values():
        yield attempt.begin_ms + grows_after_ms(preemption)
    for attempt in state.live.values():
        if attempt.started_at_ms is not None:
            yield attempt.started_at_ms + preemption.min_run_ms
            yield state.jobs[attempt.job_id].yields_from_ms(preemption.max_per_day)
    if preemption.is_shared:
        yield from state.agenda.beyond_from_ms()
        yield state.queue.next_starving_ms(now_ms)
        yield from (record.not_before_ms for record in state.queue.starving(now_ms))
