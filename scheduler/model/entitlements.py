"""Nominal quotas, and how much is borrowed and lent, of every branch of the tree and of the park.

By branch and **unit**: a device kind, counted in cards, or `P`, counted in TFLOPS over all kinds.
As in the cohorts of Kueue a branch takes from what is its own, then from what those beside it lend;
here the park stands above all, with what is in nobody's quota.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from cluster.inventory import Park
from scheduler.model.job import ReasonCode
from scheduler.model.tenancy import Entitlement, P
from scheduler.model.tree import Quota, Tree, cohort_branch, project_branch

Key = tuple[str, str]
"""A branch and a unit."""
PARK = "park:"
"""The branch above all others; no tenant has such an id."""
COUNTED_TIMES = 3
"""No branch is ever counted with more than so many times the cards of the park."""


class Levels(NamedTuple):
    """The branches that a job is in, from the top; each is "" where there is none."""

    cohort: str
    tenant: str
    project: str


def parting(one: Levels, other: Levels) -> int | None:
    """At which level the branches of two jobs part, of its three; None where they do not."""
    if (one.cohort or one.tenant) != (other.cohort or other.tenant):
        return 0
    if one.tenant != other.tenant:
        return 1
    return 2 if one.project != other.project else None


class Entitlements:
    """What is declared, by branch and unit; empty where nothing is.

    `nominal` is a branch's own, `most` what it may hold with what it borrows, and `kept` what is
    left of its own once it has lent all that it lends.
    """

    def __init__(self, tree: Tree, park: Park) -> None:
        self._tree = tree
        self._park = park
        self.nominal: dict[Key, int] = {}
        self.most: dict[Key, int] = {}
        self.kept: dict[Key, int] = {}
        for branch, own in branches(tree):
            self._note(branch, own)
        self.is_bounding = bool(self.most or self.kept)
        """Whether anybody may not borrow, or does not lend, all there is."""
        self._paths: dict[tuple[str, str], tuple[str, ...]] = {}
        self._caps: dict[tuple[str, str, str], tuple[Quota, ...]] = {}
        self._quotas: dict[tuple[str, str], tuple[Quota, ...]] = {}

    def _note(self, branch: str, own: Entitlement) -> None:
        nominal = self.nominal_of(own)
        for unit, amount in nominal.items():
            self.nominal[branch, unit] = amount
        for unit, more in own.borrowing.items():
            self.most[branch, unit] = nominal.get(unit, 0) + more
        for unit, lent in own.lending.items():
            if nominal.get(unit, 0) > lent:
                self.kept[branch, unit] = nominal[unit] - lent

    def nominal_of(self, own: Entitlement) -> dict[str, int]:
        """By unit; the cards of its whole nodes as well."""
        found = own.nominal
        for pool_id, nodes in own.nodes:
            pool = self._park.pool_by_id.get(pool_id)
            if pool is not None:
                cards = nodes * pool.cards_per_node
                found[pool.device_kind_id] = found.get(pool.device_kind_id, 0) + cards
        return found

    def amount(self, unit: str, kind_id: str, cards: int) -> int:
        """What so many cards of a kind come to in this unit, which is theirs."""
        return cards * self._park.device_kind_by_id[kind_id].tflops_fp16 if unit == P else cards

    def units(self, kind_id: str) -> tuple[str, ...]:
        """In which quotas what is on this kind counts: cores have no TFLOPS, which P counts."""
        return (kind_id,) if kind_id in self._park.core_kind_ids else (kind_id, P)

    def is_of_cards(self, unit: str) -> bool:
        """Whether quotas of cards of all kinds count it."""
        return unit != P and unit not in self._park.core_kind_ids

    def levels(self, tenant_id: str, project_id: str) -> Levels:
        cohort_id = self._tree.tenants[tenant_id].cohort_id
        project = project_branch(tenant_id, project_id)
        return Levels(
            cohort_branch(cohort_id) if cohort_id and cohort_id in self._tree.cohorts else "",
            tenant_id,
            project if project in self._tree.projects else "",
        )

    def levels_of(self, branch: str) -> Levels:
        """Of the branch itself: it has no parts."""
        if branch.startswith(cohort_branch("")):
            return Levels(branch, "", "")
        tenant_id, _, project_id = branch.partition("/")
        return self.levels(tenant_id, project_id)

    def above(self, branch: str) -> str:
        """The branch of which it is a part; "" for the park."""
        cohort, tenant, project = self.levels_of(branch)
        return (tenant if project else cohort) if tenant else ""

    def path(self, tenant_id: str, project_id: str) -> tuple[str, ...]:
        """The branches of a job, the narrowest first, and the park."""
        key = tenant_id, project_id
        if key not in self._paths:  # asked for all that runs
            levels = self.levels(tenant_id, project_id)
            self._paths[key] = (*(one for one in reversed(levels) if one), PARK)
        return self._paths[key]

    def quotas(self, tenant_id: str, project_id: str) -> tuple[Quota, ...]:
        """Of cards of all kinds: not who may hold more than all that could ever count at once.

        That is what runs or starts now, what is to start once others are gone, and the job itself.
        """
        key = tenant_id, project_id
        if key not in self._quotas:
            counted = COUNTED_TIMES * self._park.card_count
            quotas = self._tree.quotas(tenant_id, project_id)
            self._quotas[key] = tuple(one for one in quotas if one.most < counted)
        return self._quotas[key]

    def caps(self, tenant_id: str, project_id: str, kind_id: str) -> tuple[Quota, ...]:
        """What a job on this kind is bound by, the narrowest first."""
        if not self.is_bounding:
            return ()
        key = tenant_id, project_id, kind_id
        if key not in self._caps:
            self._caps[key] = tuple(self._caps_of(self.path(tenant_id, project_id), kind_id))
        return self._caps[key]

    def _caps_of(self, path: tuple[str, ...], kind_id: str) -> Iterator[Quota]:
        for branch in path[:-1]:
            for unit in self.units(kind_id):
                most = self.most.get((branch, unit))
                if most is not None:
                    yield Quota(branch, most, self._code(branch), _where(branch), unit)
        for unit in self.units(kind_id):
            if any(kept_unit == unit for _, kept_unit in self.kept):
                yield Quota(PARK, self.capacity(unit), ReasonCode.LENT_OUT, self._park.id, unit)

    def capacity(self, unit: str) -> int:
        """All of the park, whether it is in quotas or not."""
        if unit == P:
            return sum(self.amount(P, kind_id, cards) for kind_id, cards in self.cards.items())
        return self.cards[unit]

    @cached_property
    def divided(self) -> set[Key]:
        """Branches of which a part has anything of its own, by its unit; what counts in P in P."""
        return {
            (self.above(branch), one)
            for branch, unit in self.nominal
            for one in {unit, *(self.units(unit) if unit != P else ())}
        }

    @cached_property
    def card_kind_ids(self) -> list[str]:
        """Of the park's pools with cards."""
        return [one for one in self.cards if one in self._park.card_kind_ids]

    @cached_property
    def cards(self) -> Counter[str]:
        """Of the park, by kind."""
        cards: Counter[str] = Counter()
        for pool in self._park.pools:
            cards[pool.device_kind_id] += pool.card_count
        return cards

    def _code(self, branch: str) -> ReasonCode:
        if branch in self._tree.projects:
            return ReasonCode.PROJECT_QUOTA
        return ReasonCode.TENANT_QUOTA if branch in self._tree.tenants else ReasonCode.COHORT_QUOTA


class Declared:
    """The entitlements of a tree and a park, made anew once either is another."""

    def __init__(self) -> None:
        self._of: tuple[Tree, int, Park] | None = None
        self._entitlements: Entitlements | None = None

    def in_force(self, tree: Tree, park: Park) -> Entitlements:
        of = self._of
        if (
            self._entitlements is None
            or of is None
            or not (of[0] is tree and of[1] == tree.version and of[2] is park)
        ):
            self._of, self._entitlements = (tree, tree.version, park), Entitlements(tree, park)
        return self._entitlements


def branches(tree: Tree) -> Iterator[tuple[str, Entitlement]]:
    """All of which anything is said, the narrowest first."""
    cohorts = {cohort_branch(cohort_id): one for cohort_id, one in tree.cohorts.items()}
    for level in (tree.projects, tree.tenants, cohorts):
        said: list[tuple[str, Entitlement]] = [*level.items()]
        yield from sorted(one for one in said if not one[1].is_empty)


def _where(branch: str) -> str:
    return branch.removeprefix(cohort_branch(""))
