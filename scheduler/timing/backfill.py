"""EASY backfill: a lower job may start now only where no higher job's start is likely to move.

The first job that a pool blocks gets a reservation there: the earliest moment at which running
work leaves room for it. What starts now must end before that moment or use only cards that are
spare at it (Lifka, "The ANL/IBM SP scheduling system", 1995). Work ends as is likely by its
forecast (see `ends`; forecasts in the place of limits: Tsafrir, Etsion, Feitelson, "Backfilling
using system-generated predictions rather than user runtime estimates", 2007).

Where a reservation is firm, what starts must end by its limit before the nodes are free by
the limits of what runs there. Which nodes they are still goes by forecasts: those of which limits
say that they are free first are often those where work runs for long. Only where it is sure they
are those, so that nothing that starts later can move it.

What is being stopped comes free soon, and may be claimed before it is: by nobody else then.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from scheduler.facts.agenda import Ending
from scheduler.forecast.ends import Ends
from scheduler.model.job import NodeShare, Placement
from scheduler.model.policy import Firmness
from scheduler.placing.placement import Fit, FreeCards
from scheduler.timing.ahead import Ahead, Opening, give_back

LEEWAY_LEAST_MS = 60_000
AGAIN_MOST = 2
"""For so many halvings of those who have to end a promise is for as far away again."""


def leeway_ms(opening: Opening, away_ms: int) -> int:
    """How much later than it is likely to be there, so far away, an opening may be promised.

    Each run that has to end for it is as likely as not to go on beyond then, so for the last of
    them it is as far again, as often as their number can be halved, twice at most; not beyond their
    limits. Of how far only the highest bit counts, so that it does not change at every moment.
    """
    way_ms = 1 << max(away_ms, LEEWAY_LEAST_MS).bit_length() - 1
    leeway = way_ms * min(AGAIN_MOST, max(1, opening.run_count).bit_length() - 1)
    return min(leeway, max(0, opening.sure_ms - opening.at_ms))


@dataclass(frozen=True, slots=True)
class Release:
    """Cards that come free once what holds them ends."""

    ends: Ends
    attempt_id: str
    shares: tuple[NodeShare, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out of a pool: it holds as long as the same runs there, and nothing is taken.

    By whether limits count, what comes free; and what it makes room for, None where that is never.
    """

    aheads: dict[bool, Ahead] = field(default_factory=dict)
    openings: dict[tuple[Fit, Firmness], Opening | None] = field(default_factory=dict)


class Running(Protocol):
    """What runs in a pool when a plan begins."""

    def endings(self, *, is_firm: bool) -> Sequence[Ending]:
        """When it ends, in order: firm by its limits, else as is likely."""
        ...


@dataclass(frozen=True, slots=True)
class Reservation:
    """A placement in the future: these cards are needed from `start_ms` on, or earlier.

    They are likely to be free at `soonest_ms`, and who passes is over by `start_ms`, which may be
    later. Where it is firm, they are free at both by the limits of what runs there, and are likely
    to be so at `likely_ms`; else that is `start_ms`. `leeway_ms` is how much later than is likely
    it may be promised. By `choice_ms` it is in this pool and no other: whom others have passed that
    is as it was then, as they move what is likely.
    """

    job_id: str
    soonest_ms: int
    start_ms: int
    likely_ms: int
    shares: tuple[NodeShare, ...]
    spare: Mapping[str, int]
    is_firm: bool
    leeway_ms: int = 0
    choice_ms: int = 0

    def is_clear_of(self, ends: Ends) -> bool:
        """Whether work that ends then is out of its way."""
        return ends.by(is_firm=self.is_firm) <= self.start_ms


class PoolRoom:
    """One pool while a plan is made: what is free now or soon, and what is free for long.

    Without a reservation `long` is the same object as `now`. With one, it says what may be taken by
    work that would still run when the reservation begins. `soon` is what is free once all that is
    being stopped has ended, at `soon_ms`, and `soon_long` so for long.
    """

    def __init__(
        self,
        free: FreeCards,
        running: Running,
        stopping: Iterable[Release] = (),
        known: Callable[[], Known] = Known,
    ) -> None:
        """`known` says what was found out of the pool as it is now, and is to be kept with it."""
        self.now = self.long = self.soon = self.soon_long = free
        self.soon_ms = 0
        self.version = 0
        """Another one whenever what is free, or kept, has changed, or nobody may pass any more."""
        self.reservation: Reservation | None = None
        self.is_passed = False
        """Whether anybody has started, or others are stopped for it, since that is kept."""
        self._running = running
        self._releases: list[Release] = []
        self._stopped: set[str] = set()
        self._known_before = known
        self._known: Known | None = None
        for stop in stopping:
            self.free_soon(stop)

    def find(self, wanted: Fit, ends: Ends) -> tuple[NodeShare, ...] | None:
        return self._view(ends).find(wanted)

    def fits(self, wanted: Fit, ends: Ends) -> bool:
        return self._view(ends).fits(wanted)

    def find_soon(self, wanted: Fit, ends: Ends) -> tuple[NodeShare, ...] | None:
        return self.view_soon(ends).find(wanted)

    def view_soon(self, ends: Ends) -> FreeCards:
        return self.soon if self.is_short(ends) else self.soon_long

    def free_soon(self, stop: Release) -> None:
        """These cards come free by a stop; what is promised of their nodes stays as it is."""
        if self.soon is self.now:
            self.soon = self.now.copy()
            self.soon_long = self.soon if self.long is self.now else self.long.copy()
        self.soon_ms = max(self.soon_ms, stop.ends.latest_ms)
        self._stopped.add(stop.attempt_id)
        self._known = Known()
        give_back(self.soon, stop.shares)
        if self.soon_long is not self.soon:
            promised = self.reservation.spare if self.reservation else {}
            give_back(self.soon_long, tuple(s for s in stop.shares if s.node_id not in promised))

    def kept_node_ids(self, ends: Ends) -> Collection[str]:
        """Nodes of which nothing is freed for work that ends then: what they give is promised."""
        return () if self.reservation is None or self.is_short(ends) else self.reservation.spare

    def is_short(self, ends: Ends) -> bool:
        """Whether work that ends then is out of the reservation's way."""
        return self.reservation is None or self.reservation.is_clear_of(ends)

    def take(self, placement: Placement, attempt_id: str, ends: Ends) -> None:
        """Take what is free now."""
        views = [self.now, self.soon]
        if not self.is_short(ends):
            views += [self.long, self.soon_long]
        self._take(placement.shares, views, Release(ends, attempt_id, placement.shares))

    def claim(self, shares: tuple[NodeShare, ...], job_id: str, ends: Ends) -> None:
        """Take what will be free soon; of what is free now there is the less for others."""
        views = [self.soon] if self.is_short(ends) else [self.soon, self.soon_long]
        self._take(shares, views, Release(ends, job_id, shares))

    def _take(
        self, shares: tuple[NodeShare, ...], views: list[FreeCards], release: Release
    ) -> None:
        for view in {id(view): view for view in views}.values():
            for share in shares:
                view.set(share.node_id, view.by_node[share.node_id] - share.card_count)
        # Nothing is free now that will not be, nor for long what is not for a while.
        for low, high in (
            (self.now, self.soon),
            (self.soon_long, self.soon),
            (self.long, self.now),
            (self.long, self.soon_long),
        ):
            if low is not high:
                _lower(low, high, shares)
        self._releases.append(release)
        self._known = Known()
        self.version += 1

    def earliest(
        self, job_id: str, wanted: Fit, now_ms: int, firmness: Firmness
    ) -> Reservation | None:
        """When and where the pool could first hold it; None if no end suffices.

        Sure: if all ends by its limit; else as is likely.
        """
        if self._known is None:
            self._known = self._known_before()
        openings, key = self._known.openings, (wanted, firmness)
        if key not in openings:
            openings[key] = self._opening(self._known, wanted, firmness)
        opening = openings[key]
        if opening is None:
            return None
        soonest_ms = self._not_before(opening.at_ms, now_ms)
        return Reservation(
            job_id=job_id,
            soonest_ms=soonest_ms,
            start_ms=soonest_ms,
            likely_ms=self._not_before(opening.likely_ms, now_ms),
            shares=opening.shares,
            spare=opening.spare,
            is_firm=firmness is not Firmness.LIKELY,
            leeway_ms=leeway_ms(opening, soonest_ms - now_ms),
            choice_ms=soonest_ms,
        )

    def _opening(self, known: Known, wanted: Fit, firmness: Firmness) -> Opening | None:
        is_sure = firmness is Firmness.SURE
        if is_sure not in known.aheads:
            known.aheads[is_sure] = self._ahead(self.soon, is_firm=is_sure)
        first = known.aheads[is_sure].opening(wanted)
        if first is None:
            return None
        if firmness is Firmness.LIKELY:
            return self._awaited(first)
        nodes = self.soon.on(share.node_id for share in first.shares)
        likely, sure = (self._ahead(nodes, is_firm=one).opening(wanted) for one in (False, True))
        assert likely is not None, "there is room, but never on its own nodes"
        assert sure is not None, "there is room, but never on its own nodes"
        return sure._replace(likely_ms=likely.at_ms)

    def _awaited(self, opening: Opening) -> Opening:
        """With how many have to end for it, and when the last of them does by its limit."""
        node_ids = {share.node_id for share in opening.shares}
        awaited = {
            attempt_id
            for at_ms, attempt_id, shares in self._all_releases(is_firm=False)
            if at_ms <= opening.at_ms and any(share.node_id in node_ids for share in shares)
        }
        firm = self._all_releases(is_firm=True)
        sure_ms = max((at_ms for at_ms, one, _ in firm if one in awaited), default=opening.at_ms)
        return opening._replace(run_count=len(awaited), sure_ms=sure_ms)

    def _ahead(self, free: FreeCards, *, is_firm: bool) -> Ahead:
        return Ahead(free, self._all_releases(is_firm=is_firm))

    def gone_ms(self, now_ms: int) -> int:
        """When all that is being stopped has gone; what is late goes at any moment."""
        return max(self.soon_ms, now_ms + 1)

    def _not_before(self, at_ms: int, now_ms: int) -> int:
        """Neither now nor before all that is being stopped has gone."""
        return max(at_ms, self.soon_ms, now_ms + 1)

    def _all_releases(self, *, is_firm: bool) -> Sequence[Ending]:
        """What comes free, in order; first what is being stopped, which `soon` has already."""
        running, stopped = self._running.endings(is_firm=is_firm), self._stopped
        if not self._releases and not stopped:
            return running
        to_come = [
            *running,
            *((one.ends.by(is_firm=is_firm), one.attempt_id, one.shares) for one in self._releases),
        ]
        to_come = [one for one in to_come if one[1] not in stopped]
        return [(0, "", ()), *sorted(to_come)] if stopped else sorted(to_come)

    def reserve(self, reservation: Reservation) -> None:
        """Keep these cards for later; at most one reservation a pool."""
        assert self.reservation is None, "a pool keeps one reservation"
        self.reservation = reservation
        self.version += 1
        self.long = _with_kept(self.now, reservation)
        self.soon_long = self.long if self.soon is self.now else _with_kept(self.soon, reservation)

    def _view(self, ends: Ends) -> FreeCards:
        return self.now if self.is_short(ends) else self.long


def _with_kept(free: FreeCards, reservation: Reservation) -> FreeCards:
    """What is left of them for work that still runs when the reservation begins."""
    left = free.copy()
    for node_id, spare in reservation.spare.items():
        left.set(node_id, min(free.by_node[node_id], spare))
    return left


def _lower(low: FreeCards, high: FreeCards, shares: tuple[NodeShare, ...]) -> None:
    """On these nodes the one has no more than the other."""
    for share in shares:
        node_id = share.node_id
        low.set(node_id, min(low.by_node[node_id], high.by_node[node_id]))
