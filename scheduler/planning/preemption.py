"""Who is stopped for whom: the running work whose end costs least, and only where that is enough.

A job may take from running work of a lower standing alone (see `standing`): who is within its
tenant's nominal quota from all that is borrowed; else from a lower class, or, where jobs take
turns, from the same class and a higher level (see `levels`), and who starves (see `starving`) from
all of its class that do not; but nobody who borrows from another tenant's work within its quota.
What runs within its quota stays within it, unless its own tenant starts something better, and each
time that what is borrowed is taken back more cards are. A job that is stopped keeps its merit or
comes to a worse one as it runs, so who was stopped for another can stop it in turn only once that
one has run its way to a higher level, and there are five; or once it starves, which it then does to
its end. Nobody is stopped for nothing: the victims are looked for on whole placements, and what is
freed is claimed in the same plan.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.model.entitlements import Levels
from scheduler.model.job import Job, Priority
from scheduler.model.policy import Preemption
from scheduler.placing.placement import Fit, FreeCards
from scheduler.placing.seating import Seating
from scheduler.sharing.standing import (
    ALL,
    Merit,
    Owns,
    Standing,
    Standings,
    Taker,
    parting,
)
from scheduler.timing.backfill import PoolRoom, give_back

SOON_MS = 300_000
"""What is stopped is gone so soon, or it is not stopped for others."""


class Victim(NamedTuple):
    """Running work that might be stopped, and what that would lose: cards x time, done in vain."""

    attempt: Attempt
    job: Job
    levels: Levels
    standing: Standing
    lost_card_ms: int
    is_preemptible: bool

    @property
    def cost(self) -> tuple[Owns, int, int, int, int, str]:
        """What is borrowed and lower classes first, then what loses least, has had most, is new."""
        (owns, merit), started_ms = self.standing, self.attempt.started_at_ms or 0
        return owns, merit.rank, self.lost_card_ms, merit.spared, -started_ms, self.id

    @property
    def id(self) -> str:
        return self.attempt.id

    @property
    def grace_ms(self) -> int:
        """What it has to save itself: what was borrowed is given back soon, whatever it asked."""
        return min(self.job.grace_ms, SOON_MS)


class Victims:
    """Running work that might be stopped, by pool and node, while a plan is made.

    `taker` is who asks first; others ask who wait. `stopped` is what the plan stops already; it
    grows as the plan does.
    """

    def __init__(
        self,
        state: State,
        now_ms: int,
        policy: Preemption,
        taker: JobRecord,
        stopped: Container[str],
        standings: Standings,
    ) -> None:
        self._policy = policy
        self._now_ms = now_ms
        self._stopped = stopped
        self._standings = standings
        self._failed: dict[tuple[str, Fit, bool, Owns, Levels], Merit] = {}
        takers = (taker, *(lane[0][1] for lane in state.queue.lanes.values()))
        strongest = standings.strongest(takers)
        self._found = [*self._all(state, strongest)]
        # Where nobody owns anything, nobody asks as an owner.
        owned = [one.standing.owns for one in self._found] if standings.has_owners else []
        self._all_own = Owns(*map(all, zip(*owned, strict=True))) if owned else ALL
        merits = (victim.standing.merit for victim in self._found if victim.is_preemptible)
        self._lowest_merit = min(merits, default=None)

    def is_over(self, taker: Standing) -> bool:
        """Whether nobody who runs is of a lower standing, or at least of a lower merit."""
        if any(taker.owns) and any(
            mine and not all_own for mine, all_own in zip(taker.owns, self._all_own, strict=True)
        ):
            return False
        return self._lowest_merit is None or self._lowest_merit >= taker.merit

    def asks_from_ms(self, record: JobRecord) -> int:
        """When the job has waited long enough; what ends until then need not be stopped."""
        return max(self._now_ms, record.waiting_since_ms + self._policy.patience_ms)

    def choose(
        self, room: PoolRoom, pool_id: str, wanted: Fit, taker: Taker, ends: Ends
    ) -> tuple[Victim, ...]:
        """The work to stop so that it fits, at the least cost; empty where that cannot be.

        Who found nobody to stop spares those of no higher merit the search: of its branches, and
        all others where nobody has work that is its own.
        """
        owns, merit = taker.standing
        key = pool_id, wanted, room.is_short(ends), owns, taker.levels
        failed = self._failed.get(key)
        if self.is_over(taker.standing) or (failed is not None and merit <= failed):
            return ()
        found = self._cheapest(room, pool_id, wanted, taker, ends)
        if found and wanted.bundles:
            node_ids = _seats(room, wanted, found, ends)
            there = self._standings.there(taker, pool_id, node_ids, is_whole=False)
            if there != taker:
                found = self._cheapest(room, pool_id, wanted, there, ends)
        if not found:
            self._failed[key] = merit
        return found

    def _cheapest(
        self, room: PoolRoom, pool_id: str, wanted: Fit, taker: Taker, ends: Ends
    ) -> tuple[Victim, ...]:
        """Where whole racks are guaranteed it takes as an owner only in one of them."""
        elsewhere = self._standings.by_racks(taker, pool_id) if wanted.node_count > 1 else None
        if elsewhere is None or wanted.is_in_rack:
            return self._cheapest_there(room, pool_id, wanted, taker, ends)
        in_rack = replace(wanted, is_in_rack=True)
        found = (
            self._cheapest_there(room, pool_id, in_rack, taker, ends),
            self._cheapest_there(room, pool_id, wanted, elsewhere, ends),
        )
        return min(filter(None, found), key=_total_cost, default=())

    def _cheapest_there(
        self, room: PoolRoom, pool_id: str, wanted: Fit, taker: Taker, ends: Ends
    ) -> tuple[Victim, ...]:
        view = room.view_soon(ends)
        free, kept = view.by_node, room.kept_node_ids(ends)
        able = (
            (node_id, self._able(taker, pool_id, wanted, node_id, here))
            for node_id, here in self._by_pool_and_node.get(pool_id, {}).items()
            if node_id in free and node_id not in kept
        )
        domains = view.domains(wanted)
        if wanted.bundles:
            listed = {node_id: [*victims] for node_id, victims in able}
            options = [_cheapest_for_bundles(part, listed, wanted) for part in domains]
        else:
            clear = ((n, _clear(n, victims, wanted.card_count - free[n])) for n, victims in able)
            choices = {node_id: choice for node_id, choice in clear if choice}
            options = [_cheapest_in(part, choices, wanted) for part in domains]
        found = [chosen for chosen in options if chosen]
        if not found:
            return ()
        cheapest = min(found, key=lambda chosen: _total_cost((*chosen.values(),)))
        if wanted.node_count == 1:
            return (*cheapest.values(),)
        return _without_idle(cheapest, domains, wanted, kept)

    @cached_property
    def _by_pool_and_node(self) -> Mapping[str, Mapping[str, list[Victim]]]:
        """Those that cost least first; found out when first somebody asks whom to stop."""
        by_pool: dict[str, dict[str, list[Victim]]] = {}
        for victim in sorted(self._found, key=lambda victim: victim.cost):
            placement = victim.attempt.placement
            by_node = by_pool.setdefault(placement.pool_id, defaultdict(list))
            for share in placement.shares:
                by_node[share.node_id].append(victim)
        return by_pool

    def _able(
        self, taker: Taker, pool_id: str, wanted: Fit, node_id: str, here: Iterable[Victim]
    ) -> Iterator[Victim]:
        """Whom it may stop there: as an owner where it would be one on such nodes."""
        is_whole = wanted.node_count > 1 and not wanted.bundles
        node_ids = [node_id] * (wanted.node_count if is_whole else 1)
        taker = self._standings.there(taker, pool_id, node_ids, is_whole=is_whole)
        return (victim for victim in here if self._may_take(taker, victim))

    def _may_take(self, taker: Taker, victim: Victim) -> bool:
        """Only work that can go on from where it was is stopped for another of its class.

        What is borrowed is given back, whatever it is; where branches do not part merit counts.
        """
        level, merit = parting(taker.levels, victim.levels), victim.standing.merit
        owns = level is not None and victim.standing.owns[level]
        is_owner = level is not None and taker.standing.owns[level]
        if victim.id in self._stopped or (owns and not is_owner):
            return False
        if is_owner and not owns:
            return True
        if merit >= taker.standing.merit:
            return False
        is_below = merit.rank < taker.standing.merit.rank
        return victim.is_preemptible and (is_below or victim.job.checkpoint is not None)

    def _all(self, state: State, strongest: Standing) -> Iterator[Victim]:
        """Those that somebody might stop, cheap questions first: it is asked of all that run."""
        begun_ms = self._now_ms - self._policy.min_run_ms
        has_owners = any(strongest.owns)
        for attempt in self._below(state, strongest):
            started_ms, record = attempt.started_at_ms, state.jobs[attempt.job_id]
            if started_ms is None or started_ms > begun_ms:
                continue
            is_preemptible = self._is_preemptible(record.job)
            if not (has_owners or is_preemptible):
                continue
            served_card_ms = attempt.placement.card_count * (self._now_ms - started_ms)
            standing = self._standings.running(attempt, record, served_card_ms)
            if standing < strongest and self._is_worth_it(attempt, record):
                lost_card_ms = 0 if _saves_itself(record.job) else served_card_ms
                levels = self._standings.levels(record.job)
                yield Victim(attempt, record.job, levels, standing, lost_card_ms, is_preemptible)

    def _below(self, state: State, strongest: Standing) -> Iterable[Attempt]:
        """Of what runs all that might stand below, and some more, at little cost for each."""
        if any(strongest.owns):
            return state.live.values()
        if not self._policy.is_shared:
            return state.agenda.of_priority(Priority.LOW).values()
        rank, spared = strongest.merit
        classes = (
            state.agenda.beyond(one, -spared if one.rank == rank else -1, self._now_ms)
            for one in Priority
            if one.rank <= rank
        )
        return chain.from_iterable(classes)

    def _is_worth_it(self, attempt: Attempt, record: JobRecord) -> bool:
        """It does not end anyway."""
        if attempt.stop_cause is not None or record.is_cancelled:
            return False
        return attempt.ends.latest_ms - self._now_ms > self._policy.patience_ms

    def _is_preemptible(self, job: Job) -> bool:
        """`low` work always; where jobs take turns, all that can go on from where it was.

        And only what is gone soon once it is stopped.
        """
        is_resumed = self._policy.is_shared and job.checkpoint is not None
        return (is_resumed or job.priority is Priority.LOW) and job.grace_ms <= SOON_MS


def _saves_itself(job: Job) -> bool:
    """Whether it is told to save itself before it is stopped."""
    return job.checkpoint is not None and job.checkpoint.signal is not None


def _clear(node_id: str, able: Iterable[Victim], missing: int) -> tuple[Victim, ...]:
    """The first of them that give so many cards of the node, without those that others make idle.

    Empty where all together do not.
    """
    chosen: list[tuple[Victim, int]] = []
    for victim in able:
        if missing <= 0:
            break
        shares = victim.attempt.placement.shares
        cards = next(share.card_count for share in shares if share.node_id == node_id)
        chosen.append((victim, cards))
        missing -= cards
    needed: list[Victim] = []
    for victim, cards in reversed(chosen):
        if cards <= -missing:
            missing += cards
        else:
            needed.append(victim)
    return tuple(reversed(needed)) if missing <= 0 else ()


def _cheapest_in(
    free: FreeCards, choices: Mapping[str, tuple[Victim, ...]], wanted: Fit
) -> dict[str, Victim]:
    """Of the choices by node those for which it fits there at the least cost; else none."""
    here = [choice for node_id, choice in choices.items() if node_id in free.by_node]
    needed = wanted.node_count
    if needed > 1:
        needed -= free.whole_node_count()
    if len(here) < needed:
        return {}
    cheapest = sorted(here, key=_total_cost)[:needed]
    return {victim.id: victim for choice in cheapest for victim in choice}


def _cheapest_for_bundles(
    free: FreeCards, able_by_node: Mapping[str, Sequence[Victim]], wanted: Fit
) -> dict[str, Victim]:
    """The largest bundles first: on nodes that have room, then on those that are cleared cheapest.

    None where one finds no node; whichever it is that a larger one takes (see `seating`).
    """
    chosen: dict[str, Victim] = {}
    used: set[str] = set()
    for count, cards in sorted(wanted.bundles, key=lambda run: run.card_count, reverse=True):
        room = [n for n, there in free.by_node.items() if there >= cards and n not in used]
        used.update(nodes := sorted(room, key=free.by_node.__getitem__)[:count])
        choices = (
            (_clear(node_id, able, cards - free.by_node[node_id]), node_id)
            for node_id, able in able_by_node.items()
            if node_id in free.by_node and node_id not in used
        )
        by_cost = sorted((one for one in choices if one[0]), key=lambda one: _total_cost(one[0]))
        if len(nodes) + len(by_cost) < count:
            return {}
        for choice, node_id in by_cost[: count - len(nodes)]:
            used.add(node_id)
            chosen |= {victim.id: victim for victim in choice}
    return chosen


def _without_idle(
    chosen: dict[str, Victim], domains: Sequence[FreeCards], wanted: Fit, kept: Collection[str]
) -> tuple[Victim, ...]:
    """Those without whom there would be too few whole nodes: one gang may clear several.

    What it gives of nodes that are promised to others clears none.
    """
    for victim in sorted(chosen.values(), key=lambda one: one.cost, reverse=True):
        others = {one.id: one for one in chosen.values() if one.id != victim.id}
        freed: Counter[str] = Counter()
        for one in others.values():
            for share in one.attempt.placement.shares:
                if share.node_id not in kept:
                    freed[share.node_id] += share.card_count
        if any(_holds(part, freed, wanted) for part in domains):
            chosen = others
    return tuple(chosen.values())


def _holds(free: FreeCards, freed: Mapping[str, int], wanted: Fit) -> bool:
    """Whether there are enough whole nodes, or room for all bundles, with so many cards more."""
    if wanted.bundles:
        buckets: list[list[str]] = [[] for _ in range(free.cards_per_node + 1)]
        for node_id, cards in free.by_node.items():
            buckets[cards + freed[node_id]].append(node_id)
        seating = Seating(wanted.bundles)
        return seating.seatable(buckets) == seating.card_count
    nodes = free.by_node.items()
    whole = sum(cards + freed[node_id] >= wanted.card_count for node_id, cards in nodes)
    return whole >= wanted.node_count


def _seats(room: PoolRoom, wanted: Fit, stopped: Iterable[Victim], ends: Ends) -> list[str]:
    """On which nodes it would be then: bundles may be beside what others run there."""
    free, kept = room.view_soon(ends).copy(), room.kept_node_ids(ends)
    for victim in stopped:
        shares = victim.attempt.placement.shares
        give_back(free, tuple(share for share in shares if share.node_id not in kept))
    return [share.node_id for share in free.find(wanted) or ()]


def _total_cost(choice: tuple[Victim, ...]) -> tuple[tuple[Owns, int], int, int, str]:
    """The highest class among them, what is lost, how many cards stand still; the id decides."""
    return (
        max((victim.standing.owns, victim.standing.merit.rank) for victim in choice),
        sum(victim.lost_card_ms for victim in choice),
        sum(victim.attempt.placement.card_count for victim in choice),
        choice[0].id,
    )
