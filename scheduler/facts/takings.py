"""How much each branch takes, by unit: what it holds, and what parts of it keep while it is idle.

Who lends only some of its nominal quota keeps the rest, which counts as taken in every branch above
it, up to the park: so what others may still take there is not its own. Work that ends never makes
any of them take more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from typing_extensions import override

from scheduler.facts.state import State
from scheduler.model.entitlements import PARK, Entitlements, Key, branches
from scheduler.model.tenancy import P
from scheduler.model.tree import COHORT, Tree

Path = Sequence[str]
"""A job's branches, the narrowest first, and the park."""


class Taken(dict[Key, int]):
    """By branch and unit; cards of all kinds together are looked up when first they are asked for.

    A plan asks for few of the branches.
    """

    def __init__(
        self, held_cards: Callable[[str], int] = lambda _: 0, taken: Mapping[Key, int] | None = None
    ) -> None:
        super().__init__(taken or {})
        self._held_cards = held_cards

    def __missing__(self, key: Key) -> int:
        branch, unit = key
        return 0 if unit else self._held_cards(branch)

    @override
    def copy(self) -> "Taken":
        return Taken(self._held_cards, self)


class Takings:
    """What is taken now; cards of all kinds together, under the unit "", are never kept."""

    def __init__(self, taken: "Taken", entitlements: Entitlements) -> None:
        self.taken = taken
        self._entitlements = entitlements
        self._kept = entitlements.kept
        self._kept_units = {unit for _, unit in entitlements.kept}

    @classmethod
    def idle(cls, tree: Tree, entitlements: Entitlements) -> "Takings":
        """As if nothing ran; the narrowest first, so that each knows what its parts keep."""
        return cls._lending(tree, entitlements, Taken())

    @classmethod
    def _lending(cls, tree: Tree, entitlements: Entitlements, taken: "Taken") -> "Takings":
        found = cls(taken, entitlements)
        for branch, _ in branches(tree) if entitlements.kept else ():
            for (own, unit), kept in entitlements.kept.items():
                idle = kept - found.taken[branch, unit]
                if own == branch and idle > 0:
                    for above in _above(branch, entitlements):
                        found.taken[above, unit] += idle
        return found

    @classmethod
    def of(cls, state: State, entitlements: Entitlements) -> "Takings":
        """By what runs."""
        found = cls._lending(state.tree, entitlements, Taken(partial(_held_cards, state)))
        if entitlements.is_bounding:
            for attempt in state.live.values():
                job, placement = state.jobs[attempt.job_id].job, attempt.placement
                path = entitlements.path(job.tenant_id, job.project)
                found.hold(path, placement.device_kind_id, placement.card_count)
        return found

    def copy(self) -> "Takings":
        """To see what would be, without a change."""
        return Takings(self.taken.copy(), self._entitlements)

    def rise(self, path: Path, key: Key, amount: int) -> int:
        """How much more the branch takes where a job on this path has so much more."""
        branch, unit = key
        if unit not in self._kept_units:
            return amount
        return next(more for one, more in self._rises(path, unit, amount) if one == branch)

    def hold(self, path: Path, kind_id: str, cards: int) -> None:
        """A job on this path has so many cards more of this kind."""
        for unit in (kind_id, P):
            self.take(path, unit, self._entitlements.amount(unit, kind_id, cards))

    def take(self, path: Path, unit: str, amount: int) -> None:
        """A job on this path has so much more; less where it is below zero."""
        for branch, more in [*self._rises(path, unit, amount)]:
            self.taken[branch, unit] += more

    def _rises(self, path: Path, unit: str, amount: int) -> Iterator[tuple[str, int]]:
        """What a branch keeps anyway is no more for those above it."""
        for branch in path:
            yield branch, amount
            taken, kept = self.taken[branch, unit], self._kept.get((branch, unit), 0)
            amount = max(taken + amount, kept) - max(taken, kept)


def _held_cards(state: State, branch: str) -> int:
    """What runs of it; nothing of the park's."""
    if branch.startswith(COHORT):
        return sum(state.held_cards[tenant_id] for tenant_id in state.tree.members(branch))
    return state.held_cards.get(branch, 0)


def _above(branch: str, entitlements: Entitlements) -> Path:
    """The branches that it is in, and the park."""
    levels = entitlements.levels_of(branch)
    path = (*(one for one in reversed(levels) if one), PARK)
    return path[path.index(branch) + 1 :]
