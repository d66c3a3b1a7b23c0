"""Where jobs that are alike could be ready first, as far as is known of those looked at before.

Timelines only fill, so what was found for one job bounds it for all later ones that are alike: they
look at no place anew that another comes before.
"""

from collections.abc import Mapping, Sequence
from heapq import heapify
from typing import NamedTuple, Protocol

from cluster.inventory import Pool
from scheduler.placing.placement import Fit
from scheduler.timing.timeline import Timeline

RANKINGS_MAX = 16_384
"""For so many kinds of jobs it is kept; then all is forgotten, and found out anew."""

Rank = tuple[int, int]
"""When a job would be ready in a place at the soonest, and the number of the place."""


class Place(Protocol):
    """A pool that could hold a job, and how the job would sit in it."""

    @property
    def pool(self) -> Pool: ...
    @property
    def wanted(self) -> Fit: ...
    @property
    def transfer_ms(self) -> int: ...


class Awaited(Protocol):
    """What is to come of a pool."""

    @property
    def cards(self) -> Timeline: ...


class Ranking(NamedTuple):
    """`ready` is a heap."""

    places: Sequence[Place]
    ready: list[Rank]


class Rankings:
    """By places, and by how many cards jobs ask for, for how long, and from when on."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[int, int, int | None]], Ranking] = {}

    def of(
        self,
        places: Sequence[Place],
        kind: tuple[int, int, int | None],
        pools: Mapping[str, Awaited],
    ) -> list[Rank]:
        """A heap, of which whoever finds a place to be ready later changes the rank.

        The same places must be the same object, which is kept: no other is where it is.
        """
        key = id(places), kind
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= RANKINGS_MAX:
                self._known.clear()
            found = self._known[key] = Ranking(places, _ranks(places, kind, pools))
        return found.ready


def _ranks(
    places: Sequence[Place], kind: tuple[int, int, int | None], pools: Mapping[str, Awaited]
) -> list[Rank]:
    """Without places that never have the cards."""
    cards, length_ms, _ = kind
    ranks = []
    for number, place in enumerate(places):
        if (pool := pools.get(place.pool.id)) is not None:
            bound_ms = pool.cards.bound(cards, length_ms)
            if bound_ms is not None:
                ranks.append((bound_ms + place.transfer_ms, number))
    heapify(ranks)
    return ranks
