"""EASY backfill: a lower job may start now only where no higher job's planned start moves.

The first job that a pool blocks gets a reservation there: the earliest moment at which running
work, each ending by its limit, leaves room for it. What starts now must end before that moment or
use only cards that are spare at it (Lifka, "The ANL/IBM SP scheduling system", 1995).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.job import NodeShare, Placement
from scheduler.placement import Fit, FreeCards


@dataclass(frozen=True, slots=True)
class Release:
    """Cards that come free at `at_ms`, if what holds them ends by its limit."""

    at_ms: int
    attempt_id: str
    shares: tuple[NodeShare, ...]


@dataclass(frozen=True, slots=True)
class Reservation:
    """A placement in the future: these cards are needed from `start_ms` on."""

    job_id: str
    start_ms: int
    shares: tuple[NodeShare, ...]
    spare: dict[str, int]


class PoolRoom:
    """One pool while a plan is made: what is free now, and what is free for long.

    Without a reservation both are the same object. With one, `long` says what may be taken by work
    that would still run when the reservation begins.
    """

    def __init__(self, free: FreeCards, releases: Iterable[Release]) -> None:
        self.now = free
        self.long = free
        self.reservation: Reservation | None = None
        self._unread = releases
        self._releases: list[Release] = []

    def find(self, wanted: Fit, end_ms: int) -> tuple[NodeShare, ...] | None:
        return self._view(end_ms).find(wanted)

    def is_short(self, end_ms: int) -> bool:
        """Whether work that ends then is out of the reservation's way."""
        return self.reservation is None or end_ms <= self.reservation.start_ms

    def take(self, placement: Placement, attempt_id: str, end_ms: int) -> None:
        is_short = self.is_short(end_ms)
        for share in placement.shares:
            left = self.now.by_node[share.node_id] - share.card_count
            self.now.set(share.node_id, left)
            if self.long is not self.now:
                for_long = self.long.by_node[share.node_id]
                taken = for_long if is_short else for_long - share.card_count
                self.long.set(share.node_id, min(left, taken))
        self._releases.append(Release(end_ms, attempt_id, placement.shares))

    def earliest(self, job_id: str, wanted: Fit, now_ms: int) -> Reservation | None:
        """When the pool could hold it, if all ends by its limit; None if that does not suffice."""
        future = self.now.copy()
        self._releases.extend(self._unread)
        self._unread = ()
        releases = sorted(self._releases, key=lambda r: (r.at_ms, r.attempt_id))
        for index, release in enumerate(releases):
            _give_back(future, release.shares)
            is_last_of_moment = (
                index + 1 == len(releases) or releases[index + 1].at_ms != release.at_ms
            )
            shares = future.find(wanted) if is_last_of_moment else None
            if shares is not None:
                spare = {s.node_id: future.by_node[s.node_id] - s.card_count for s in shares}
                return Reservation(job_id, max(release.at_ms, now_ms + 1), shares, spare)
        return None

    def reserve(self, reservation: Reservation) -> None:
        """Keep these cards for later; at most one reservation a pool."""
        assert self.reservation is None, "a pool keeps one reservation"
        self.reservation = reservation
        self.long = self.now.copy()
        for node_id, spare in reservation.spare.items():
            self.long.set(node_id, min(self.now.by_node[node_id], spare))

    def _view(self, end_ms: int) -> FreeCards:
        return self.now if self.is_short(end_ms) else self.long


def _give_back(free: FreeCards, shares: tuple[NodeShare, ...]) -> None:
    """Nodes that are down give nothing back."""
    for share in shares:
        if share.node_id in free.by_node:
            free.set(share.node_id, free.by_node[share.node_id] + share.card_count)
