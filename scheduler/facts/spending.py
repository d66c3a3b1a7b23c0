"""What was spent of budgets: counted by month and project, and for each job."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduler.model.budget import LEVELS, Budget

MONTHS_KEPT = 2
"""Slices of a month's end come in the next one; nothing of before that does."""


@dataclass(slots=True, kw_only=True)
class Watched:
    """A budget, and which level was told of it, by month; a job's has no month."""

    budget: Budget
    told: dict[str, int] = field(default_factory=dict)

    def news(self, month: str, spent_micros: int) -> Iterator[int]:
        """Levels that were reached and not told."""
        told = self.told.get(month, 0)
        reached = self.budget.level(spent_micros)
        yield from (level for level in LEVELS if told < level <= reached)

    def note(self, month: str, level: int) -> None:
        self.told[month] = level
        for old in sorted(self.told)[:-MONTHS_KEPT]:
            del self.told[old]

    def is_used_up(self, spent_micros: int) -> bool:
        """Whether nothing more is to start, and what runs is to stop."""
        return self.budget.is_hard_stop and spent_micros >= self.budget.amount_micros


@dataclass(slots=True, kw_only=True)
class Spending:
    """What a tenant has spent in the last months by project, and its budgets for months."""

    micros: dict[str, dict[str, int]] = field(default_factory=dict)
    watched: list[Watched] = field(default_factory=list)

    def add(self, month: str, project: str, amount_micros: int) -> None:
        """So much more was charged; below zero what was given back."""
        by_project = self.micros.setdefault(month, {})
        by_project[project] = by_project.get(project, 0) + amount_micros
        if len(self.micros) > MONTHS_KEPT:
            for old in sorted(self.micros)[:-MONTHS_KEPT]:
                del self.micros[old]

    def of(self, budget: Budget, month: str) -> int:
        """What was spent in a month of what a budget is for."""
        by_project = self.micros.get(month, {})
        if budget.project is None:
            return sum(by_project.values())
        return by_project.get(budget.project, 0)

    def put(self, budget: Budget) -> None:
        """In the place of another for the same; what was told of that is forgotten."""
        kept = [one for one in self.watched if one.budget.key != budget.key]
        self.watched = kept + [Watched(budget=budget)] * (budget.amount_micros > 0)
