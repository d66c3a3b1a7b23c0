"""How jobs stand against one another: who goes first, and who may take from whom.

First comes who is within its **nominal quota**: what is its branch's own, in cards of a device kind
or in TFLOPS over all of them. What runs beyond quotas is borrowed, and is given back when an owner
wants it (the nominal quota and the reclaim within a cohort of Kueue; here all of the park lend to
one another). A job that waits is within if all that its branch holds leaves room for it. Of
what runs the best of each branch is, the oldest first among equals, as far as the quota goes; what
is too large for the rest of it borrows all it has, and is in nobody's way. So what is within it
stays within it, until something better of the branch itself is.

Cohorts, tenants and projects may each have quotas. Two jobs are compared where their branches part:
those of two cohorts by what is the cohorts' own, those of one tenant by what is its projects'. What
is within the quota of a part is so, before all else, within that of the whole; so will be who waits
and is within its part, though others have borrowed all that is the whole's.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache, cached_property
from itertools import product
from operator import gt, le
from typing import NamedTuple

from cluster.inventory import Pool
from scheduler.facts.agenda import NEVER_MS
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.entitlements import Key, Levels, parting
from scheduler.model.job import Job, Priority
from scheduler.model.levels import level
from scheduler.model.policy import Policy
from scheduler.sharing.cells import Cells
from scheduler.sharing.starving import Starving, starving
from scheduler.sharing.within import Flags, Within

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
    """Who wants so many cards of a kind, and in which branches it is.

    It borrows on nodes that are kept for others, whatever it is within. `gained` is of what it owns
    that which is its own only once it runs.
    """

    levels: Levels
    standing: Standing
    kind_id: str = ""
    cards: int = 0
    is_borrowing: bool = False
    gained: Owns = NOTHING

    @property
    def as_yet(self) -> "Taker":
        """As it stands with all that its branches hold."""
        if not any(self.gained):
            return self
        owns = Owns(*map(gt, self.standing.owns, self.gained))
        return self._replace(standing=self.standing._replace(owns=owns), gained=NOTHING)


class Running(NamedTuple):
    """Work that runs, or is to, by what it is compared.

    Of what is to run it is known whether it borrows on its nodes, which are not named.
    """

    merit: Merit
    began_ms: int
    id: str
    levels: Levels
    kind_id: str
    cards: int
    pool_id: str = ""
    node_ids: tuple[str, ...] = ()
    is_borrowing: bool = False


class Standings:
    """How all stand while a plan is made; what it grants counts at once."""

    def __init__(self, state: State, now_ms: int, policy: Policy) -> None:
        assert state.park is not None, "jobs are planned in a park"
        self._is_shared = policy.is_shared
        self.starving = starving(state, now_ms) if policy.is_shared else Starving()
        self._entitlements = state.entitled.in_force(state.tree, state.park)
        self._nominal = self._entitlements.nominal
        self._park = state.park
        self._guaranteed = (*state.tenants.values(),) if self._nominal else ()
        self._cells = Cells(self._guaranteed, state.park)
        self._held: dict[Key, int] = defaultdict(int)
        self._owning: dict[str, Owns] = {}
        self._flags: list[Flags] = []
        self._then: dict[Taker, Taker] = {}
        self.works: list[Running] = []
        """What runs, the best first; nothing where nobody owns anything."""
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
        if record.job.id in self.starving.job_ids:
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
        levels, cards = self.levels(record.job), record.job.device_count
        owns = self._owns_beside(levels, kind_id, cards)
        return self._once_it_runs(Taker(levels, Standing(owns, self.merit(record)), kind_id, cards))

    def _once_it_runs(self, taker: Taker) -> Taker:
        """Who is within its part may be so within the wider branches as well.

        What others of these have borrowed comes behind it then, and is beyond their quotas.
        """
        owns, merit = taker.standing
        narrowest = max((level for level, mine in enumerate(owns) if mine), default=0)
        if all(owns[:narrowest]):
            return taker
        if taker not in self._then:
            wider = self._joining(self.coming(taker, "", NEVER_MS))[:narrowest]
            then = Owns(*wider, *owns[narrowest:])
            gained = Owns(*map(gt, then, owns))
            self._then[taker] = taker._replace(standing=Standing(then, merit), gained=gained)
        return self._then[taker]

    def _joining(self, work: Running) -> Owns:
        """What of it would be within beside all that runs."""
        flags = self._sums.joining(_best_first(work)[:2], self._amounts_of(work))
        if flags is None:
            works = sorted((*self.works, work), key=_best_first)
            flags = self._within(works)[0][works.index(work)]
        return self._owns(work.levels, work.kind_id, flags)

    @cached_property
    def _sums(self) -> Within:
        works = zip(self.works, self._flags, strict=True)
        listed = ((_best_first(one)[:2], flags, self._amounts_of(one)) for one, flags in works)
        return Within(self._nominal, listed)

    def best(self, record: JobRecord) -> Standing:
        """The same, at each level on the kind where it stands best."""
        if not self._nominal:
            return _standing(NOTHING, self.merit(record))
        kind_ids = record.job.device_kind_ids or self._entitlements.card_kind_ids
        found = [self.owns(record, one) for one in kind_ids]
        return Standing(Owns(*map(any, zip(*found, strict=True))), self.merit(record))

    def strongest(self, takers: Iterable[JobRecord]) -> Standing:
        """None of them stands better, whoever owns what."""
        return Standing(self.most, max(map(self.merit, takers)))

    def owns(self, record: JobRecord, kind_id: str) -> Owns:
        """Whether a job that began on this kind now would be within what is its branches' own."""
        return self.taker(record, kind_id).standing.owns if self._nominal else NOTHING

    def _owns_beside(self, levels: Levels, kind_id: str, cards: int) -> Owns:
        """The same, with all that its branches hold."""
        if not self._nominal:
            return NOTHING
        found = (self._is_within(one, kind_id, cards) for one in levels)
        return self._owns(levels, kind_id, found)

    def _owns(self, levels: Levels, kind_id: str, within: Iterable[bool]) -> Owns:
        cohort, tenant, project = within
        is_top = cohort if self._units(levels.cohort, kind_id) else tenant
        return Owns(top=is_top, tenant=tenant, project=project)

    def _is_within(self, branch: str, kind_id: str, cards: int) -> bool:
        """Whether the branch has quotas of this kind or over all, and so much more is in each."""
        amounts = self._amounts(branch, kind_id, cards)
        return bool(amounts) and all(
            self._held[key] + more <= self._nominal[key] for key, more in amounts
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
            any(self._is_within(one, kind_id, 1) for kind_id in self._entitlements.cards)
            for one in levels
        )
        # What is within a part is within the whole, once it runs.
        most = Owns(top=cohort or tenant or project, tenant=tenant or project, project=project)
        is_apart = any(self._units(levels.cohort, one) for one in self._entitlements.cards)
        for found in product((False, True), repeat=len(levels)):
            owns = Owns(*found)
            is_top = is_apart or owns.top == owns.tenant
            if any(owns) and is_top and all(map(le, owns, most)):
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
        if not self._nominal:
            return
        kind_id = pool.device_kind_id
        if any(self.owns(record, kind_id)):
            self._cells.take(pool.id, record.job.tenant_id, node_ids)
        self._hold(self.levels(record.job), kind_id, record.job.device_count)

    def _hold(self, branches: Iterable[str], kind_id: str, cards: int) -> None:
        for branch in branches:
            for key, amount in self._amounts(branch, kind_id, cards):
                self._held[key] += amount

    def _count(self, state: State, now_ms: int) -> None:
        """What runs, by branch, and what of it is within."""
        self.works = [self.work(one, state, now_ms) for one in state.live.values()]
        self.works.sort(key=_best_first)
        for work in self.works:
            self._hold(work.levels, work.kind_id, work.cards)
        self._flags, self._cells = self._within(self.works)
        for work, flags in zip(self.works, self._flags, strict=True):
            self._owning[work.id] = self._owns(work.levels, work.kind_id, flags)

    def work(self, attempt: Attempt, state: State, now_ms: int) -> Running:
        """An attempt, as it is compared with others."""
        record, placement = state.jobs[attempt.job_id], attempt.placement
        return Running(
            self.merit(record, attempt.served_card_ms(now_ms)),
            attempt.leased_at_ms,
            attempt.id,
            self.levels(record.job),
            placement.device_kind_id,
            placement.card_count,
            placement.pool_id,
            tuple(share.node_id for share in placement.shares),
        )

    def coming(self, taker: Taker, job_id: str, now_ms: int) -> Running:
        """Work that is to run, as it will be compared: of its equals it is the last."""
        merit = taker.standing.merit
        work = Running(merit, now_ms, job_id, taker.levels, taker.kind_id, taker.cards)
        return work._replace(is_borrowing=taker.is_borrowing)

    def ranked(self, running: Iterable[Running]) -> list[tuple[Standing, Running]]:
        """How each would stand if all that ran, over all branches and not only beside one.

        Where no part of a branch has anything of its own, all that is the branch's is its parts'.
        """
        works = sorted(running, key=_best_first)
        if not self._nominal:
            return [(_standing(NOTHING, work.merit), work) for work in works]
        listed = zip(works, self._within(works)[0], strict=True)
        return [(_standing(self._over_all(*one), one[0].merit), one[0]) for one in listed]

    def _over_all(self, work: Running, flags: Flags) -> Owns:
        owns = self._owns(work.levels, work.kind_id, flags)
        cohort, tenant, _ = work.levels
        units = self._entitlements.units(work.kind_id)
        is_split, has_projects = (
            any((branch, unit) in self._entitlements.divided for unit in units)
            for branch in (cohort, tenant)
        )
        of_tenant = owns.tenant if cohort and is_split else owns.top
        of_project = owns.project if has_projects else of_tenant
        return Owns(top=owns.top, tenant=of_tenant, project=of_project)

    def _within(self, running: Sequence[Running]) -> tuple[list[Flags], Cells]:
        """Of what runs, the best first, what is within its quotas, and the cells that it has.

        From the narrowest: what is within the quota of a part comes first in that of the whole.
        What would be in the way of guarantees where it is borrows there, and takes nothing of a
        quota from the others: so they stand alike, whether it is stopped or not.
        """
        cells = Cells(self._guaranteed, self._park)
        is_kept = {index: False for index, work in enumerate(running) if work.is_borrowing}
        owning: list[list[bool]] = [[] for _ in running]
        for depth in (2, 1, 0):
            within: Counter[Key] = Counter()
            for index in sorted(range(len(running)), key=lambda one: [not o for o in owning[one]]):
                work = running[index]
                amounts = self._amounts(work.levels[depth], work.kind_id, work.cards)
                fits = all(within[key] + more <= self._nominal[key] for key, more in amounts)
                fits &= bool(amounts)
                if fits and index not in is_kept:
                    place = work.pool_id, work.levels.tenant, work.node_ids
                    is_kept[index] = cells.take(*place)
                is_within = fits and is_kept[index]
                if is_within:
                    within.update(dict(amounts))
                owning[index].insert(0, is_within)
        return [*map(tuple, owning)], cells

    def _amounts_of(self, work: Running) -> list[list[tuple[Key, int]]]:
        return [self._amounts(branch, work.kind_id, work.cards) for branch in work.levels]

    def _amounts(self, branch: str, kind_id: str, cards: int) -> list[tuple[Key, int]]:
        """What so many cards are of each of its quotas."""
        return [
            ((branch, unit), self._entitlements.amount(unit, kind_id, cards))
            for unit in self._units(branch, kind_id)
        ]


def _borrowing(taker: Taker) -> Taker:
    standing = Standing(NOTHING, taker.standing.merit)
    return taker._replace(standing=standing, is_borrowing=True)


def _best_first(work: Running) -> tuple[int, int, int, str]:
    return -work.merit.rank, -work.merit.spared, work.began_ms, work.id
