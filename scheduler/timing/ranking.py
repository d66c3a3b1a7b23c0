"""Where jobs that are alike could be ready first, as far as is known of those looked at before.

Timelines only fill, so what was found for one job bounds it for all later ones that are alike: they
look at no place anew that another comes before.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify
from typing import NamedTuple, Protocol

from cluster.inventory import Pool
from scheduler.placing.placement import Fit
from scheduler.timing.timeline import Timeline

RANKS_MAX = 2_000_000
"""So many are kept of all kinds of jobs; then all is forgotten, and found out anew."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What jobs want that are alike: so many cards for so long, in one of these places, from then.

    Without `from_ms` it is no sooner than something ends in the pool: now there is no room. What is
    known of a wish is looked up by the very object, so that nothing of it need be compared.
    """

    places: Sequence[Place]
    card_count: int
    length_ms: int
    from_ms: int | None


class Awaited(Protocol):
    """What is to come of a pool."""

    @property
    def cards(self) -> Timeline: ...
    @property
    def last_start_ms(self) -> int: ...


class Seat(NamedTuple):
    """A place with what is to come of it: there is no room for the shape before `soonest_ms`."""

    place: Place
    pool: Awaited
    soonest_ms: int


SeatOf = Callable[[Place, int | None], Seat | None]
"""How a place is looked at, from when on; None where it never has room."""


class Ranking(NamedTuple):
    """`seats` are in the order of the places; `ready` is a heap of those that may have the cards.

    Whoever finds a place to be ready later changes its rank.
    """

    seats: Sequence[Seat | None]
    ready: list[Rank]


class Rankings:
    """By wishes."""

    def __init__(self, seat_of: SeatOf) -> None:
        self._seat_of = seat_of
        self._wishes: dict[tuple[int, int, int, int | None], Wish] = {}
        self._known: dict[Wish, Ranking] = {}
        self._seats: dict[tuple[int, int | None], tuple[Sequence[Place], list[Seat | None]]] = {}
        self._rank_count = 0

    def wish(
        self, places: Sequence[Place], card_count: int, length_ms: int, from_ms: int | None
    ) -> Wish:
        """The same object for the same; the places must be as well, which are kept with it."""
        key = id(places), card_count, length_ms, from_ms
        if key not in self._wishes:
            self._wishes[key] = Wish(places, card_count, length_ms, from_ms)
        return self._wishes[key]

    def of(self, wish: Wish) -> Ranking:
        found = self._known.get(wish)
        if found is None:
            if self._rank_count > RANKS_MAX:
                self._wishes, self._known, self._seats, self._rank_count = {}, {}, {}, 0
            self._rank_count += len(wish.places)
            seats = self._seats_of(wish.places, wish.from_ms)
            found = self._known[wish] = Ranking(seats, _ranks(seats, wish))
        return found

    def _seats_of(self, places: Sequence[Place], from_ms: int | None) -> list[Seat | None]:
        """Of jobs of one shape looked at once, for however long they run."""
        key = id(places), from_ms
        if key not in self._seats:
            self._rank_count += len(places)
            self._seats[key] = places, [self._seat_of(place, from_ms) for place in places]
        return self._seats[key][1]


def _ranks(seats: Iterable[Seat | None], wish: Wish) -> list[Rank]:
    """Without places that never have the cards."""
    ranks = []
    for number, seat in enumerate(seats):
        bound_ms = seat.pool.cards.bound(wish.card_count, wish.length_ms) if seat else None
        if seat and bound_ms is not None:
            ranks.append((max(bound_ms, seat.soonest_ms) + seat.place.transfer_ms, number))
    heapify(ranks)
    return ranks
