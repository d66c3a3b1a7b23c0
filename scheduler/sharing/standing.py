"""How jobs stand against one another: who goes first, and who may take from whom.

First comes who is within its tenant's **nominal quota**: cards of a device kind that are the
tenant's own. What runs beyond quotas is borrowed, and is given back when an owner wants it (the
nominal quota and the reclaim within a cohort of Kueue; here all tenants of the park lend to one
another). A job that waits is within it if all that its tenant holds of the kind leaves room for it.
Of what runs the best of each tenant is, the oldest first among equals, as far as the quota goes: so
what is within it stays within it, whatever ends, until the tenant itself starts something better.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Priority
from scheduler.model.levels import level
from scheduler.model.policy import Policy
from scheduler.sharing.starving import Starving

STARVING = 1
"""Above all levels, of which the best is 0."""

Quota = tuple[str, str]
"""A tenant and a device kind."""


class Merit(NamedTuple):
    """A job's class, and how little it has had, or that it starves; the greater goes first."""

    rank: int
    spared: int


BEST_MERIT = Merit(max(priority.rank for priority in Priority), STARVING)


_merit = cache(Merit)
"""Of all that runs the same few are asked for in each plan."""


class Standing(NamedTuple):
    """Whether a job is within its tenant's nominal quota, and then its merit; the greater first."""

    owns: bool
    merit: Merit


_standing = cache(Standing)


class Taker(NamedTuple):
    """Who wants cards: of its own tenant's work it takes by merit alone."""

    tenant_id: str
    standing: Standing


class Standings:
    """How all stand while a plan is made; what it grants counts at once."""

    def __init__(self, state: State, now_ms: int, policy: Policy, starving: Starving) -> None:
        self._is_shared = policy.is_shared
        self._starving = starving
        self._nominal: dict[Quota, int] = {}
        self._kind_ids: dict[str, list[str]] = defaultdict(list)
        self._held: Counter[Quota] = Counter()
        self._owning: set[str] = set()
        for tenant in state.tenants.values():
            for kind_id, cards in tenant.nominal_cards:
                self._nominal[tenant.id, kind_id] = cards
                self._kind_ids[tenant.id].append(kind_id)
        if self._nominal:
            self._count(state, now_ms)

    @property
    def has_owners(self) -> bool:
        """Whether anybody has a nominal quota."""
        return bool(self._nominal)

    def merit(self, record: JobRecord, running_card_ms: int = 0) -> Merit:
        """Where jobs do not take turns, what they have had counts for nothing."""
        if record.job.id in self._starving.job_ids:
            return _merit(record.job.priority.rank, STARVING)
        served_card_ms = record.served_card_ms + running_card_ms
        spared = -level(served_card_ms) if self._is_shared else 0
        return _merit(record.job.priority.rank, spared)

    def running(self, attempt: Attempt, record: JobRecord, served_card_ms: int) -> Standing:
        """How work stands that runs and has given its job so much."""
        return _standing(attempt.id in self._owning, self.merit(record, served_card_ms))

    def taker(self, record: JobRecord, kind_id: str) -> Taker:
        """How a job would stand if it began on this kind now."""
        standing = Standing(self.owns(record, kind_id), self.merit(record))
        return Taker(record.job.tenant_id, standing)

    def best(self, record: JobRecord) -> Standing:
        """The same, on the kind where it stands best."""
        own = self._kind_ids.get(record.job.tenant_id, ()) if self._nominal else ()
        is_owner = any(self.owns(record, one) for one in record.job.device_kind_ids or own)
        return Standing(is_owner, self.merit(record))

    def strongest(self, takers: Iterable[JobRecord]) -> Standing:
        """None of them stands better, whoever owns what."""
        return Standing(self.has_owners, max(map(self.merit, takers)))

    def owns(self, record: JobRecord, kind_id: str) -> bool:
        """Whether a job that began on this kind now would be within its tenant's quota."""
        quota = record.job.tenant_id, kind_id
        nominal = self._nominal.get(quota)
        return nominal is not None and self._held[quota] + record.job.device_count <= nominal

    def is_borrowing(self, record: JobRecord, kind_id: str) -> bool:
        """Whether a job that began on this kind now would be stopped for those who own such."""
        owners = {tenant_id for tenant_id, own_kind_id in self._nominal if own_kind_id == kind_id}
        has_others = bool(owners - {record.job.tenant_id})
        return has_others and not self.owns(record, kind_id)

    def may_own(self, tenant_id: str) -> bool:
        """Whether the tenant has a quota with room for a job, however small."""
        kind_ids = self._kind_ids.get(tenant_id, ())
        return any(self._held[tenant_id, one] < self._nominal[tenant_id, one] for one in kind_ids)

    def take(self, record: JobRecord, kind_id: str) -> None:
        """The job was just given its cards, of this kind."""
        self._held[record.job.tenant_id, kind_id] += record.job.device_count

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
            for _, attempt in sorted(theirs, key=_best_first):
                self._held[quota] += attempt.placement.card_count
                if self._held[quota] <= self._nominal[quota]:
                    self._owning.add(attempt.id)


def _best_first(running: tuple[Merit, Attempt]) -> tuple[int, int, int, str]:
    merit, attempt = running
    return -merit.rank, -merit.spared, attempt.leased_at_ms, attempt.id
