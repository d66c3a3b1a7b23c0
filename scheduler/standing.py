"""How jobs stand against one another: who goes first, and who may take from whom.

First comes who is within its tenant's **nominal quota**: cards of a device kind that are the
tenant's own. What others hold of them is borrowed, and is given back when the owner wants it (the
nominal quota and the reclaim within a cohort of Kueue; here all tenants of the park lend to one
another). Within a quota the tenant's own jobs come in their order, the oldest first among equals:
so what is within it stays within it, whatever ends, until the tenant itself starts something
better; and what its jobs hold within it is never more than the quota.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from scheduler.levels import level
from scheduler.policy import Policy
from scheduler.record import Attempt, JobRecord
from scheduler.starving import Starving
from scheduler.state import State

STARVING = 1
"""Above all levels, of which the best is 0."""

Quota = tuple[str, str]
"""A tenant and a device kind."""


class Merit(NamedTuple):
    """A job's class, and how little it has had, or that it starves; the greater goes first."""

    rank: int
    spared: int


class Standing(NamedTuple):
    """Whether a job is within its tenant's nominal quota, and then its merit; the greater first."""

    owns: bool
    merit: Merit


class Standings:
    """How all stand while a plan is made; what it grants counts at once."""

    def __init__(self, state: State, now_ms: int, policy: Policy, starving: Starving) -> None:
        self._is_shared = policy.is_shared
        self._starving = starving
        self._nominal: dict[Quota, int] = {}
        self._kind_ids: dict[str, list[str]] = defaultdict(list)
        self._held: dict[Quota, list[tuple[Merit, int]]] = defaultdict(list)
        self._above: dict[tuple[Quota, Merit], int] = {}
        self._owning: set[str] = set()
        for tenant in state.tenants.values():
            for kind_id, cards in tenant.nominal_cards:
                self._nominal[tenant.id, kind_id] = cards
                self._kind_ids[tenant.id].append(kind_id)
        if self._nominal:
            self._count(state, now_ms)

    def merit(self, record: JobRecord, running_card_ms: int = 0) -> Merit:
        """Where jobs do not take turns, what they have had counts for nothing."""
        if record.job.id in self._starving.job_ids:
            return Merit(record.job.priority.rank, STARVING)
        served_card_ms = record.served_card_ms + running_card_ms
        spared = -level(served_card_ms) if self._is_shared else 0
        return Merit(record.job.priority.rank, spared)

    def running(self, attempt: Attempt, record: JobRecord, served_card_ms: int) -> Standing:
        """How work stands that runs and has given its job so much."""
        return Standing(attempt.id in self._owning, self.merit(record, served_card_ms))

    def waiting(self, record: JobRecord, kind_id: str) -> Standing:
        """How a job would stand if it began on this kind now."""
        return Standing(self._owns(record, kind_id), self.merit(record))

    def best(self, record: JobRecord) -> Standing:
        """The same, on the kind where it stands best."""
        return Standing(self.is_owner(record), self.merit(record))

    def strongest(self, takers: Iterable[JobRecord]) -> Standing:
        """None of them stands better, whoever owns what."""
        return Standing(bool(self._nominal), max(map(self.merit, takers)))

    def is_owner(self, record: JobRecord) -> bool:
        """Whether a job would be within the quota of one of the kinds that it accepts."""
        if not self._nominal:
            return False
        own = self._kind_ids.get(record.job.tenant_id, ())
        return any(self._owns(record, kind_id) for kind_id in record.job.device_kind_ids or own)

    def is_borrowing(self, record: JobRecord, kind_id: str) -> bool:
        """Whether a job that began on this kind now would be stopped for those who own such."""
        owners = {tenant_id for tenant_id, own_kind_id in self._nominal if own_kind_id == kind_id}
        has_others = bool(owners - {record.job.tenant_id})
        return has_others and not self._owns(record, kind_id)

    def may_own(self, record: JobRecord) -> bool:
        """Whether its tenant has a quota with room for a job like it, however small."""
        tenant_id, merit = record.job.tenant_id, self.merit(record)
        return any(
            self._cards_above((tenant_id, kind_id), merit) < self._nominal[tenant_id, kind_id]
            for kind_id in self._kind_ids.get(tenant_id, ())
        )

    def take(self, record: JobRecord, kind_id: str) -> None:
        """The job was just given its cards, of this kind."""
        quota = record.job.tenant_id, kind_id
        if quota in self._nominal:
            self._held[quota].append((self.merit(record), record.job.device_count))
            self._above.clear()

    def _owns(self, record: JobRecord, kind_id: str) -> bool:
        quota = record.job.tenant_id, kind_id
        nominal = self._nominal.get(quota)
        if nominal is None:
            return False
        return self._cards_above(quota, self.merit(record)) + record.job.device_count <= nominal

    def _cards_above(self, quota: Quota, merit: Merit) -> int:
        """What the tenant holds of the kind for jobs that are as good or better."""
        cards = self._above.get((quota, merit))
        if cards is None:
            cards = sum(held for other, held in self._held[quota] if other >= merit)
            self._above[quota, merit] = cards
        return cards

    def _count(self, state: State, now_ms: int) -> None:
        """What runs, by quota; the best of each are within it as far as it goes."""
        running: dict[Quota, list[tuple[Merit, Attempt]]] = defaultdict(list)
        for attempt in state.live.values():
            record = state.jobs[attempt.job_id]
            quota = record.job.tenant_id, attempt.placement.device_kind_id
            if quota in self._nominal:
                merit = self.merit(record, attempt.served_card_ms(now_ms))
                running[quota].append((merit, attempt))
        for quota, theirs in running.items():
            left = self._nominal[quota]
            for merit, attempt in sorted(theirs, key=_best_first):
                left -= attempt.placement.card_count
                if left >= 0:
                    self._owning.add(attempt.id)
                self._held[quota].append((merit, attempt.placement.card_count))


def _best_first(running: tuple[Merit, Attempt]) -> tuple[int, int, int, str]:
    merit, attempt = running
    return -merit.rank, -merit.spared, attempt.leased_at_ms, attempt.id
