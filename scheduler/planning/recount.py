"""Limits on what branches borrow and lend, counted anew: for the second look at a plan.

A branch **claims** what runs in it, or what it does not lend of its own, whichever is more; of a
branch with parts, what runs in it are their claims. It never claims more than its own and what it
may borrow, and all together never more than the park has.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from cluster.inventory import Park
from scheduler.facts.record import Attempt, JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.tenancy import Entitlement, P
from scheduler.model.tree import COHORT, Tree, cohort_branch, project_branch

Held = Mapping[tuple[str, str, str], int]
"""Cards by tenant, project and device kind."""


class Recount:
    """What runs, and what the plan was allowed until now."""

    def __init__(self, tree: Tree, park: Park, held: Held) -> None:
        self._tree = tree
        self._park = park
        self._held: dict[tuple[str, str, str], int] = defaultdict(int, held)

    @classmethod
    def of(cls, state: State, park: Park) -> "Recount":
        found = cls(state.tree, park, {})
        found.change(1, state.live.values(), state.jobs)
        return found

    def without(self, gone: Iterable[Attempt], jobs: Mapping[str, JobRecord]) -> "Recount":
        """The same once these have ended."""
        then = Recount(self._tree, self._park, self._held)
        then.change(-1, gone, jobs)
        return then

    def change(self, sign: int, attempts: Iterable[Attempt], jobs: Mapping[str, JobRecord]) -> None:
        """These are there as well, or no longer."""
        for attempt in attempts if self._tree.is_bounding else ():
            job, placement = jobs[attempt.job_id].job, attempt.placement
            self.add(job, placement.device_kind_id, sign * placement.card_count)

    def add(self, job: Job, kind_id: str, cards: int) -> None:
        self._held[job.tenant_id, job.project, kind_id] += cards

    def wrong(self, job: Job, kind_id: str, cards: int) -> Iterator[str]:
        """Which limits so many cards more would be above, that are not above it without them."""
        if not self._tree.is_bounding:
            return
        key = job.tenant_id, job.project, kind_id
        after = self._held | {key: self._held[key] + cards}
        for unit in (kind_id, P):
            for branch in self._branches(job):
                most, claimed = self._most(branch, unit), self._inside(branch, unit, after)
                if claimed > most and claimed > self._inside(branch, unit, self._held):
                    what = "TFLOPS" if unit == P else f"cards of {unit}"
                    yield f"{branch or 'the park'} would claim {claimed} {what}, and may {most}"

    def _branches(self, job: Job) -> list[str]:
        project = project_branch(job.tenant_id, job.project)
        cohort = cohort_branch(self._tree.tenants[job.tenant_id].cohort_id or "")
        return [project, job.tenant_id, cohort, ""]

    def _most(self, branch: str, unit: str) -> float:
        if not branch:
            return sum(
                pool.card_count if unit != P else pool.card_count * self._park.tflops_per_card(pool)
                for pool in self._park.pools
                if unit in (P, pool.device_kind_id)
            )
        own = _said(self._tree, branch)
        return self._nominal(own, unit) + own.borrowing.get(unit, float("inf"))

    def _claim(self, branch: str, unit: str, held: Held) -> int:
        own = _said(self._tree, branch)
        kept = self._nominal(own, unit) - own.lending[unit] if unit in own.lending else 0
        return max(kept, self._inside(branch, unit, held))

    def _nominal(self, own: Entitlement, unit: str) -> int:
        by_id = self._park.pool_by_id
        whole = ((by_id[pool_id], nodes) for pool_id, nodes in own.nodes if pool_id in by_id)
        cards = sum(n * pool.cards_per_node for pool, n in whole if pool.device_kind_id == unit)
        return own.nominal.get(unit, 0) + cards

    def _inside(self, branch: str, unit: str, held: Held) -> int:
        """What runs in it itself, and what its parts claim."""
        tree = self._tree
        if not branch:
            alone = [t for t, one in tree.tenants.items() if one.cohort_id not in tree.cohorts]
            parts = [*map(cohort_branch, tree.cohorts), *alone]
        elif branch.startswith(COHORT):
            parts = [*tree.members(branch)]
        else:
            parts = [*tree.projects_of(branch)]
        direct = sum(
            cards if unit != P else cards * self._park.device_kind_by_id[kind_id].tflops_fp16
            for (tenant_id, project_id, kind_id), cards in held.items()
            if unit in (P, kind_id) and self._is_direct(branch, tenant_id, project_id)
        )
        return direct + sum(self._claim(part, unit, held) for part in parts)

    def _is_direct(self, branch: str, tenant_id: str, project_id: str) -> bool:
        project = project_branch(tenant_id, project_id)
        return branch == (project if project in self._tree.projects else tenant_id)


def _said(tree: Tree, branch: str) -> Entitlement:
    """What is declared of it; nothing of who is not known."""
    cohort = tree.cohorts.get(branch.removeprefix(COHORT)) if branch.startswith(COHORT) else None
    return tree.projects.get(branch) or tree.tenants.get(branch) or cohort or Entitlement()
