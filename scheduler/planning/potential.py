"""What makes stopping come to an end: a vector that falls with each stop, and cannot fall for ever.

For each standing, the best first: how much of the park's P does **not** run or wait for what is
being cleared for it with that standing. Of two vectors the less is that which is less where they
first differ. None is below zero, so no chain of stops falls for ever, as long as nothing comes or
ends and nothing that runs comes to a worse level. What only starts never makes it rise.

It is counted on the work as it would be: with those that are stopped gone, and with the one for
whom they are. That alone could not go on in circles, were how two jobs stand against one another
the same beside all others. It is not: of what runs the best of a branch is within its quotas, so
one that begins, or is gone, changes how others stand.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import product

from cluster.inventory import Park
from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.model.job import Priority
from scheduler.model.levels import STEPS_CARD_MS
from scheduler.planning.claims import kind_id_of
from scheduler.sharing.standing import (
    STARVING,
    Merit,
    Owns,
    Running,
    Standing,
    Standings,
    Taker,
)

Potential = tuple[int, ...]
"""TFLOPS by standing, in the order of `STANDINGS`."""

STANDINGS = tuple(
    Standing(Owns(*owns), Merit(priority.rank, spared))
    for owns in product((True, False), repeat=len(Owns._fields))
    for priority in sorted(Priority, key=lambda one: one.rank, reverse=True)
    for spared in range(STARVING, -len(STEPS_CARD_MS) - 1, -1)
)
"""From the best."""


class Working:
    """What runs and is claimed while a plan is made; stops change it, and nothing that starts.

    Where nobody owns anything the rest stands as it does whoever is stopped, and is left out.
    """

    def __init__(self, state: State, now_ms: int, standings: Standings) -> None:
        assert state.park is not None, "jobs are planned in a park"
        self._state = state
        self._park = state.park
        self._now_ms = now_ms
        self._standings = standings
        self._next_ms = now_ms + 1
        """When who asks would begin: of its equals it comes after all who asked before."""
        self._works = {
            work.id: work for work in standings.works if state.live[work.id].stop_cause is None
        }
        if standings.has_owners:
            self._works.update((work.id, work) for work in self._claimed())

    def falls(self, gone: Collection[Attempt], taker: Taker) -> bool:
        """Whether the potential does once these are stopped for it."""
        before, after = self._changed(gone, "", taker)
        return self._potential(after) < self._potential(before)

    def change(self, gone: Collection[Attempt], job_id: str, taker: Taker) -> None:
        """These are stopped for it."""
        _, after = self._changed(gone, job_id, taker)
        self._next_ms += 1
        if self._standings.has_owners:
            self._works = after

    def _changed(
        self, gone: Collection[Attempt], job_id: str, taker: Taker
    ) -> tuple[dict[str, Running], dict[str, Running]]:
        """All that counts, before and afterwards."""
        stops = [self._standings.work(one, self._state, self._now_ms) for one in gone]
        before = self._works | {work.id: work for work in stops}
        after = self._works | {job_id: self._standings.coming(taker, job_id, self._next_ms)}
        for work in stops:
            after.pop(work.id, None)
        return before, after

    def _potential(self, works: dict[str, Running]) -> Potential:
        return potential(self._standings, self._park, works.values())

    def _claimed(self) -> Iterable[Running]:
        """Those for whom room was made before, and not taken yet."""
        for job_id, claim in sorted(self._state.claims.items()):
            record = self._state.jobs[job_id]
            if claim.is_repair or claim.until_ms <= self._now_ms or record.quote is not None:
                continue
            kind_id = kind_id_of(claim.node_ids, self._park)
            if kind_id is not None:
                taker = self._standings.taker(record, kind_id)
                yield self._standings.coming(taker, job_id, self._now_ms)


def potential(standings: Standings, park: Park, running: Iterable[Running]) -> Potential:
    """By standing, how much of the park does not run with it."""
    left: Counter[Standing] = Counter()
    for standing, work in standings.ranked(running):
        left[standing] -= work.cards * park.device_kind_by_id[work.kind_id].share_tflops
    total = sum(pool.card_count * park.share_tflops_per_card(pool) for pool in park.pools)
    return tuple(total + left[standing] for standing in STANDINGS)
