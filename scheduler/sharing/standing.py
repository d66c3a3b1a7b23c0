"""How jobs stand against one another: who goes first, and who may take from whom.

First comes who is within its **nominal quota**: what is its branch's own, in cards of a device kind
or in TFLOPS over all of them. What runs beyond quotas is borrowed, and is given back when an owner
wants it (the nominal quota and the reclaim within a cohort of Kueue; here all of the park lend to
one another). A job that waits is within if all that its branch holds leaves room for it. Of
what runs the best of each branch is, the oldest first among equals, as far as the quota goes: so
what is within it stays within it, whatever ends, until the branch itself starts something better.

Cohorts, tenants and projects may each have quotas. Two jobs are compared where their branches part:
those of two cohorts by what is the cohorts' own, those of one tenant by what is its projects'. What
is within the quota of a part is so, before all else, within that of the whole.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import product
from typing import NamedTuple

from cluster.inventory import Pool
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.entitlements import Key, Levels
from scheduler.model.job import Job, Priority
from scheduler.model.levels import level
from scheduler.model.policy import Policy
from scheduler.sharing.cells import Cells
from scheduler.sharing.starving import Starving

STARVING = 1
"""Above all levels, of which the best is 0."""


class Merit(NamedTuple):
    """A job's class, and how little it has had, or that it starves; the greater goes first."""

    rank: int
    spared: int


BEST_MERIT = Merit(max(priority.rank for priority in Priority), STARVING)


_merit = cache(Merit)
"""Of all that runs the same few are asked for in each plan."""


class Owns(NamedTuple):
    """Whether a job is within what is its own: its cohort's, its tenant's, its project's.

    Where its cohort has nothing of the kind, `top` is of its tenant.
    """

    top: bool
    tenant: bool
    project: bool


NOTHING = Owns(top=False, tenant=False, project=False)
ALL = Owns(top=True, tenant=True, project=True)
NOWHERE = Levels("", "", "")


class Standing(NamedTuple):
    """What of it is within nominal quotas, and then its merit; the greater first."""

    owns: Owns
    merit: Merit


_standing = cache(Standing)


class Taker(NamedTuple):
    """Who wants cards, and in which branches it is."""

    levels: Levels
    standing: Standing


class Running(NamedTuple):
    """Work that runs, by what it is compared."""

    merit: Merit
    attempt: Attempt
    levels: Levels


def parting(one: Levels, other: Levels) -> int | None:
    """At which level the branches of two jobs part, of those of `Owns`; None where they do not."""
    if (one.cohort or one.tenant) != (other.cohort or other.tenant):
        return 0
    if one.tenant != other.tenant:
        return 1
    return 2 if one.project != other.project else None


class Standings:
    """How all stand while a plan is made; what it grants counts at once."""

    def __init__(self, state: State, now_ms: int, policy: Policy, starving: Starving) -> None:
        assert state.park is not None, "jobs are planned in a park"
        self._is_shared = policy.is_shared
        self._starving = starving
        self._entitlements = state.entitled.in_force(state.tree, state.park)
        self._nominal = self._entitlements.nominal
        self._kind_ids = sorted({pool.device_kind_id for pool in state.park.pools})
        self._card_kind_ids = [one for one in self._kind_ids if one in state.park.card_kind_ids]
        self._cells = Cells(state.tenants.values() if self._nominal else (), state.park)
        self._held: Counter[Key] = Counter()
        self._owning: dict[str, Owns] = {}
        if self._nominal:
            self._count(state, now_ms)

    @property
    def has_owners(self) -> bool:
        """Whether anybody has a nominal quota."""
        return bool(self._nominal)

    @property
    def most(self) -> Owns:
        """As much as anybody may own."""
        return ALL if self.has_owners else NOTHING

    def levels(self, job: Job) -> Levels:
        """Where it is compared with others; nowhere in particular where nobody owns anything."""
        if not self._nominal:
            return NOWHERE
        return self._entitlements.levels(job.tenant_id, job.project)

    def merit(self, record: JobRecord, running_card_ms: int = 0) -> Merit:
        """Where jobs do not take turns, what they have had counts for nothing."""
        if record.job.id in self._starving.job_ids:
            return _merit(record.job.priority.rank, STARVING)
        served_card_ms = record.served_card_ms + running_card_ms
        spared = -level(served_card_ms) if self._is_shared else 0
        return _merit(record.job.priority.rank, spared)

    def running(self, attempt: Attempt, record: JobRecord, served_card_ms: int) -> Standing:
        """How work stands that runs and has given its job so much."""
        owns = self._owning.get(attempt.id, NOTHING)
        return _standing(owns, self.merit(record, served_card_ms))

    def taker(self, record: JobRecord, kind_id: str) -> Taker:
        """How a job would stand if it began on this kind now."""
        standing = Standing(self.owns(record, kind_id), self.merit(record))
        return Taker(self.levels(record.job), standing)

    def best(self, record: JobRecord) -> Standing:
        """The same, at each level on the kind where it stands best."""
        if not self._nominal:
            return _standing(NOTHING, self.merit(record))
        kind_ids = record.job.device_kind_ids or self._card_kind_ids
        found = [self.owns(record, one) for one in kind_ids]
        return Standing(Owns(*map(any, zip(*found, strict=True))), self.merit(record))

    def strongest(self, takers: Iterable[JobRecord]) -> Standing:
        """None of them stands better, whoever owns what."""
        return Standing(self.most, max(map(self.merit, takers)))

    def owns(self, record: JobRecord, kind_id: str) -> Owns:
        """Whether a job that began on this kind now would be within what is its branches' own."""
        if not self._nominal:
            return NOTHING
        levels, cards = self.levels(record.job), record.job.device_count
        found = (self._is_within(one, kind_id, cards) for one in levels)
        return self._owns(levels, kind_id, found)

    def _owns(self, levels: Levels, kind_id: str, within: Iterable[bool]) -> Owns:
        cohort, tenant, project = within
        is_top = cohort if self._units(levels.cohort, kind_id) else tenant
        return Owns(top=is_top, tenant=tenant, project=project)

    def _is_within(self, branch: str, kind_id: str, cards: int) -> bool:
        """Whether the branch has quotas of this kind or over all, and so much more is in each."""
        units = self._units(branch, kind_id)
        return bool(units) and all(
            self._held[branch, unit] + self._entitlements.amount(unit, kind_id, cards)
            <= self._nominal[branch, unit]
            for unit in units
        )

    def _units(self, branch: str, kind_id: str) -> list[str]:
        """In which the branch has nominal quotas that are of this kind."""
        units = self._entitlements.units(kind_id)
        return [unit for unit in units if (branch, unit) in self._nominal]

    def has_quota(self, job: Job) -> bool:
        """Whether anything is its branches' own."""
        return any(branch in self.levels(job) for branch, _ in self._nominal)

    def is_borrowing(self, record: JobRecord, kind_id: str) -> bool:
        """Whether a job that began on this kind now would be stopped for those who own such."""
        own, owns = self.levels(record.job), self.owns(record, kind_id)
        others = (
            self._entitlements.levels_of(branch)
            for branch, unit in self._nominal
            if unit in self._entitlements.units(kind_id) and branch not in own
        )
        return any(not owns[level] for one in others if (level := parting(own, one)) is not None)

    def may_own(self, tenant_id: str, project_id: str) -> Iterator[Owns]:
        """What some job of these branches may own, however small; not nothing."""
        if not self._nominal:
            return
        levels = self._entitlements.levels(tenant_id, project_id)
        cohort, tenant, project = (
            any(self._is_within(one, kind_id, 1) for kind_id in self._kind_ids) for one in levels
        )
        for found in product((False, True), repeat=len(levels)):
            owns = Owns(*found)
            is_top = cohort or owns.top == owns.tenant
            if any(owns) and is_top and owns.tenant <= tenant and owns.project <= project:
                yield owns

    def there(
        self, taker: Taker, pool_id: str, node_ids: Collection[str], *, is_whole: bool
    ) -> Taker:
        """As it would stand on these nodes, or on so many whole ones: it may be that it borrows."""
        keeps = self._cells.keeps_whole if is_whole else self._cells.keeps
        is_kept = keeps(pool_id, taker.levels.tenant, node_ids)
        return taker if is_kept else _borrowing(taker)

    def by_racks(self, taker: Taker, pool_id: str) -> Taker | None:
        """Where somebody is guaranteed racks: as a gang would stand anywhere but in one rack."""
        return _borrowing(taker) if self._cells.are_racks(pool_id) else None

    def take(self, record: JobRecord, pool: Pool, node_ids: Collection[str]) -> None:
        """The job was just given its cards, on these nodes."""
        kind_id = pool.device_kind_id
        if any(self.owns(record, kind_id)):
            self._cells.take(pool.id, record.job.tenant_id, node_ids)
        self._hold(self.levels(record.job), kind_id, record.job.device_count)

    def _hold(self, branches: Iterable[str], kind_id: str, cards: int) -> None:
        for branch in branches:
            for unit in self._units(branch, kind_id):
                self._held[branch, unit] += self._entitlements.amount(unit, kind_id, cards)

    def _count(self, state: State, now_ms: int) -> None:
        """What runs, by branch; the best of each are within its quota as far as it goes.

        From the narrowest: what is within the quota of a part comes first in that of the whole.
        """
        running = [self._running(one, state, now_ms) for one in state.live.values()]
        running.sort(key=_best_first)
        owning: list[list[bool]] = [[] for _ in running]
        for depth in (2, 1, 0):
            for index in sorted(range(len(running)), key=lambda one: [not o for o in owning[one]]):
                _, attempt, levels = running[index]
                kind_id, cards = attempt.placement.device_kind_id, attempt.placement.card_count
                self._hold([levels[depth]], kind_id, cards)
                owning[index].insert(0, self._is_within(levels[depth], kind_id, 0))
        for (_, attempt, levels), found in zip(running, owning, strict=True):
            placement = attempt.placement
            owns = self._owns(levels, placement.device_kind_id, found)
            node_ids = [share.node_id for share in placement.shares]
            # What is not within keeps nobody from a node: it can be taken back.
            is_kept = not any(owns) or self._cells.take(placement.pool_id, levels.tenant, node_ids)
            self._owning[attempt.id] = owns if is_kept else NOTHING

    def _running(self, attempt: Attempt, state: State, now_ms: int) -> Running:
        record = state.jobs[attempt.job_id]
        merit = self.merit(record, attempt.served_card_ms(now_ms))
        return Running(merit, attempt, self.levels(record.job))


def _borrowing(taker: Taker) -> Taker:
    return taker._replace(standing=Standing(NOTHING, taker.standing.merit))


def _best_first(running: Running) -> tuple[int, int, int, str]:
    merit, attempt, _ = running
    return -merit.rank, -merit.spared, attempt.leased_at_ms, attempt.id
