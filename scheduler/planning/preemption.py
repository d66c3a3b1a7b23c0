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

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.forecast.ends import Ends
from scheduler.model.entitlements import Levels, parting
from scheduler.model.job import Priority
from scheduler.model.policy import Preemption
from scheduler.placing.placement import Fit, FreeCards
from scheduler.planning.potential import Working
from scheduler.planning.victims import (
    KNOWN_MAX,
    SOON_MS,
    Allowed,
    Choices,
    Clearing,
    Victim,
    beside_cleared,
    cheapest_for_bundles,
    cheapest_in,
    clear,
    lost,
    seats_cleared,
    seats_in,
    total_cost,
    without_idle,
)
from scheduler.sharing.standing import (
    ALL,
    NOTHING,
    NOWHERE,
    Merit,
    Owns,
    Standing,
    Standings,
    Taker,
)
from scheduler.timing.backfill import PoolRoom


class Search(NamedTuple):
    """For room that is looked for in a pool: how much, by whom, until when, and within limits."""

    room: PoolRoom
    pool_id: str
    wanted: Fit
    taker: Taker
    ends: Ends
    may: Allowed | None


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
        self._state = state
        self._clearable: dict[tuple[str, Merit], list[int]] = {}
        self._known: dict[Hashable, Choices] = {}
        self._failed: dict[tuple[str, Fit, bool, Owns, Levels], Merit] = {}
        heads = (lane[0][1] for lane in state.queue.lanes.values())
        strongest = standings.strongest((taker, *standings.starving.waiting[:1], *heads))
        self._found = [*self._all(state, strongest)]
        # Where nobody owns anything, nobody asks as an owner.
        owned = [one.standing.owns for one in self._found] if standings.has_owners else []
        self._all_own = Owns(*map(all, zip(*owned, strict=True))) if owned else ALL
        by_merit: dict[Merit, list[Victim]] = defaultdict(list)
        for victim in self._found:
            if victim.is_preemptible:
                by_merit[victim.standing.merit].append(victim)
        self._by_merit = sorted(by_merit.items(), reverse=True)

    @cached_property
    def working(self) -> Working:
        """What runs and is claimed, with what the plan stops gone; made when first asked for."""
        return Working(self._state, self._now_ms, self._standings)

    def is_over(self, taker: Standing) -> bool:
        """Whether nobody who is not stopped yet is of a lower standing, or at least lower merit."""
        if any(taker.owns) and not all(self._all_own):
            return False
        return not self.is_any_below(taker.merit)

    def is_any_below(self, merit: Merit) -> bool:
        """Whether anybody who is not stopped yet is of lower merit."""
        lowest = self._lowest_merit()
        return lowest is not None and lowest < merit

    def _lowest_merit(self) -> Merit | None:
        """Of those that may be stopped yet: who is stopped stays so while the plan is made."""
        while self._by_merit:
            merit, left = self._by_merit[-1]
            while left and left[-1].id in self._stopped:
                left.pop()
            if left:
                return merit
            self._by_merit.pop()
        return None

    def is_any_in(self, pool_id: str) -> bool:
        """Whether anybody might be stopped there, or was."""
        return pool_id in self._by_pool_and_node

    def asks_from_ms(self, record: JobRecord) -> int:
        """When the job has waited long enough; what ends until then need not be stopped."""
        return max(self._now_ms, record.waiting_since_ms + self._policy.patience_ms)

    def could_clear(self, room: PoolRoom, pool_id: str, wanted: Fit, merit: Merit) -> bool:
        """Whether it would fit if all of lower merit were stopped: else `choose` finds nobody.

        Of what is free as the plan begins; racks are not asked.
        """
        key = pool_id, merit
        if key not in self._clearable:
            self._clearable[key] = self._cleared(room, pool_id, merit)
        cards, needed = self._clearable[key], 0
        for run in sorted(wanted.runs, key=lambda one: one.card_count, reverse=True):
            needed += run.node_count
            if sum(there >= run.card_count for there in cards) < needed:
                return False
        return True

    def _cleared(self, room: PoolRoom, pool_id: str, merit: Merit) -> list[int]:
        """How many cards each node would have."""
        taker, free = Taker(NOWHERE, Standing(NOTHING, merit)), dict(room.now.by_node)
        for victim in self._found:
            placement = victim.attempt.placement
            if placement.pool_id == pool_id and self._may_take(taker, victim):
                for share in placement.shares:
                    if share.node_id in free:
                        free[share.node_id] += share.card_count
        return [*free.values()]

    def choose(
        self,
        room: PoolRoom,
        pool_id: str,
        wanted: Fit,
        taker: Taker,
        ends: Ends,
        may: Allowed | None = None,
    ) -> Clearing:
        """The work to stop so that it fits, at the least cost; nobody where that cannot be.

        Where limits forbid it as yet, `may` says whether they would without some of these: then it
        may have room already. Who found nobody to stop spares those of no higher merit the search:
        of its branches, and all others where nobody has work that is its own.
        """
        owns, merit = taker.standing
        key = pool_id, wanted, room.is_short(ends), owns, taker.levels
        failed = self._failed.get(key)
        is_known = failed is not None and merit <= failed and may is None
        if self.is_over(taker.standing) or is_known:
            return Clearing()
        search = Search(room, pool_id, wanted, taker, ends, may)
        found = self._by_racks(search)
        if found is None:
            found = self._by_nodes(search)
        if found.victims and self._standings.has_owners:
            found = self._lasting(search, found)
        if not (found.victims or may or room.view_soon(ends).fits(wanted)):
            self._failed[key] = merit
        return found

    def _lasting(self, search: Search, found: Clearing) -> Clearing:
        """The same, and where it is then; nobody where these could come to stop it in turn."""
        room, pool_id, wanted, taker, ends, _ = search
        shares = found.shares or seats_cleared(room, wanted, found.victims, ends)
        node_ids = tuple(share.node_id for share in shares)
        is_whole = len(node_ids) > 1 and not wanted.bundles
        there = self._standings.there(taker, pool_id, node_ids, is_whole=is_whole)
        gone = [victim.attempt for victim in found.victims]
        return Clearing(found.victims, shares) if self.working.falls(gone, there) else Clearing()

    def _by_nodes(self, search: Search) -> Clearing:
        """Up to a node's cards it is to be on one of which it may stop them as it stands there."""
        room, pool_id, wanted, taker, ends, may = search
        found, part = self._cheapest(search)
        is_there = wanted.node_count == 1 and self._standings.has_owners
        if found and (is_there or (may and not wanted.bundles)):
            return Clearing(found, seats_in(room, part, wanted, found, ends))
        if found and wanted.bundles:
            shares = seats_in(room, room.view_soon(ends), wanted, found, ends) or ()
            node_ids = [share.node_id for share in shares]
            there = self._standings.there(taker, pool_id, node_ids, is_whole=False)
            if there.standing != taker.standing:
                found, _ = self._cheapest(search._replace(taker=there))
        return Clearing(found)

    def _by_racks(self, search: Search) -> Clearing | None:
        """Where whole racks are guaranteed it takes as an owner only in one of them.

        It is to be in that one: who is stopped there may leave cards of others as well.
        """
        room, pool_id, wanted, taker, ends, _ = search
        elsewhere = self._standings.by_racks(taker, pool_id)
        if elsewhere is None:
            return None
        near = replace(wanted, is_in_rack=wanted.node_count > 1)
        found = [self._cheapest(search._replace(wanted=near))]
        if near != wanted:
            found.append(self._cheapest(search._replace(taker=elsewhere)))
        able = [one for one in found if one[0]]
        if not able:
            return Clearing()
        victims, part = min(able, key=lambda one: total_cost(one[0]))
        return Clearing(victims, seats_in(room, part, wanted, victims, ends))

    def _cheapest(self, search: Search) -> tuple[tuple[Victim, ...], FreeCards]:
        """The work to stop, and the part of the pool in which that makes room."""
        room, pool_id, wanted, taker, ends, may = search
        view, kept = room.view_soon(ends), room.kept_node_ids(ends)
        domains = view.domains(wanted)
        choices: Choices = {}
        if wanted.bundles:
            by_node = {node_id: [*victims] for node_id, victims in self._able_by_node(search)}
            options = [cheapest_for_bundles(part, by_node, wanted) for part in domains]
        else:
            choices = self._of_gang(search) if wanted.node_count > 1 else self._choices(search, may)
            options = [cheapest_in(part, choices, wanted, may) for part in domains]
        found = [
            ((*chosen.values(),), part)
            for part, chosen in zip(domains, options, strict=True)
            if chosen
        ]
        if not found:
            return (), view
        cheapest, part = min(found, key=lambda one: total_cost(one[0]))
        if wanted.node_count == 1:
            return cheapest, view.on(n for n, choice in choices.items() if choice == cheapest)
        if may or self._standings.by_racks(taker, pool_id):
            domains = [part]
        needed = without_idle(cheapest, domains, wanted, kept, may)
        if may and not wanted.bundles:
            part = beside_cleared(part, needed, wanted, kept)
        return (needed if part.by_node else ()), part

    def _of_gang(self, search: Search) -> Choices:
        """Those that cost least first; limits are asked of all of its nodes together.

        So they are the same of all gangs that are alike, until the plan gives or keeps something
        there, as it does where it stops somebody.
        """
        room, pool_id, _, taker, ends, _ = search
        key = pool_id, taker, room.is_short(ends), room.version
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            found = self._choices(search, None).items()
            known = self._known[key] = dict(sorted(found, key=lambda one: total_cost(one[1])))
        return known

    def _choices(self, search: Search, may: Allowed | None) -> Choices:
        """By node those whose end clears it at the least cost."""
        room, _, wanted, _, ends, _ = search
        free = room.view_soon(ends).by_node
        found = {
            node_id: clear(node_id, able, wanted.card_count - free[node_id], may)
            for node_id, able in self._able_by_node(search)
        }
        return {node_id: choice for node_id, choice in found.items() if choice}

    def _able_by_node(self, search: Search) -> Iterator[tuple[str, Iterator[Victim]]]:
        room, pool_id, wanted, taker, ends, _ = search
        free, kept = room.view_soon(ends).by_node, room.kept_node_ids(ends)
        for node_id, here in self._by_pool_and_node.get(pool_id, {}).items():
            if node_id in free and node_id not in kept:
                yield node_id, self._able(taker, pool_id, wanted, node_id, here)

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
        able = (victim for victim in here if self._may_take(taker, victim))
        return self._own_branches_first(taker, able) if any(taker.gained) else able

    def _own_branches_first(self, taker: Taker, able: Iterable[Victim]) -> Iterator[Victim]:
        """Who has used up what is its branches' gives back before others do."""
        levels = ((parting(taker.levels, victim.levels), victim) for victim in able)
        marked = (
            victim._replace(is_outside=level is not None and taker.gained[level])
            for level, victim in levels
        )
        return iter(sorted(marked, key=lambda victim: victim.cost))

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
            is_preemptible = self._is_preemptible(record)
            if not (has_owners or is_preemptible):
                continue
            served_card_ms = attempt.placement.card_count * (self._now_ms - started_ms)
            standing = self._standings.running(attempt, record, served_card_ms)
            if standing < strongest and self._is_worth_it(attempt, record):
                lost_card_ms = lost(attempt, record.job, self._now_ms)
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

    def _is_preemptible(self, record: JobRecord) -> bool:
        """`low` work; where jobs take turns, all that can go on from where it was.

        And only what is gone soon once it is stopped, and was not too often of late.
        """
        job = record.job
        if record.yields_from_ms(self._policy.max_per_day) > self._now_ms:
            return False
        is_resumed = self._policy.is_shared and job.checkpoint is not None
        return (is_resumed or job.priority is Priority.LOW) and job.grace_ms <= SOON_MS
