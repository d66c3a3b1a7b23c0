"""Fair share over the tree: at each fork the branch goes first that has had least for its weight.

Branches that stand beside one another are compared, and only where they are level those inside
them: the ranking of Slurm's Fair Tree, with our own measure of what each has had (see `fairshare`).
"""

from collections.abc import Mapping

from scheduler.facts.state import State
from scheduler.model.fairshare import COMMITTED_MS, had
from scheduler.model.tree import NOBODY, Path, Tree, rest_branch

FairKey = tuple[float, float, float]


class FairTree:
    """What each branch has had against its weight; what a plan grants counts at once.

    Had is in TFLOPS-milliseconds. Branches are looked at when first they are asked for.
    """

    def __init__(self, state: State, now_ms: int) -> None:
        self._tree = state.tree
        self._shares = state.shares
        self._now_ms = now_ms
        self._paths: dict[tuple[str, str], Path] = {}
        self._scores: dict[str, float] = {NOBODY: 0.0}

    def key(self, tenant_id: str, project_id: str) -> FairKey:
        """The smallest is served first."""
        path = self._path(tenant_id, project_id)
        scores = self._scores
        return scores[path.top], scores[path.tenant], scores[path.project]

    def charge(self, tenant_id: str, project_id: str, tflops: int) -> None:
        """The job's branches were just given `tflops`."""
        for branch in self._path(tenant_id, project_id):
            if branch != NOBODY:
                self._scores[branch] += tflops * COMMITTED_MS / self._tree.weight(branch)

    def score(self, branch: str) -> float:
        """What it had before the plan, for its weight."""
        return self.had(branch) / self._tree.weight(branch)

    def had(self, branch: str) -> float:
        """What it had before the plan."""
        if branch in self._shares:
            return had(self._shares[branch], self._now_ms)
        tenant_id, _, _ = branch.partition("/")
        if branch == rest_branch(tenant_id):
            parts = sum(self.had(part) for part in self._tree.projects_of(tenant_id))
            return max(0.0, self.had(tenant_id) - parts)
        return sum(self.had(member) for member in self._tree.members(branch))

    def _path(self, tenant_id: str, project_id: str) -> Path:
        path = self._paths.get((tenant_id, project_id))
        if path is None:
            path = self._paths[tenant_id, project_id] = self._tree.path(tenant_id, project_id)
            for branch in path:
                if branch not in self._scores:
                    self._scores[branch] = self.score(branch)
        return path


def entitled(state: State, wanted: Mapping[str, int], cards: int) -> dict[str, float]:
    """The cards of each of these tenants: by weight at each fork, and none more than it wants.

    What a branch does not want is for those beside it, by their weights.
    """
    by_top: dict[str, dict[str, int]] = {}
    for tenant_id in sorted(wanted):
        top = state.tree.path(tenant_id, "").top
        by_top.setdefault(top, {})[tenant_id] = wanted[tenant_id]
    tops = {top: sum(parts.values()) for top, parts in by_top.items()}
    found: dict[str, float] = {}
    for top, share in _filled(state.tree, tops, cards).items():
        found |= _filled(state.tree, by_top[top], share)
    return found


def _filled(tree: Tree, wanted: Mapping[str, int], cards: float) -> dict[str, float]:
    """Weighted max-min fairness by progressive filling (Bertsekas and Gallager 1992, 6.5.2)."""
    found: dict[str, float] = {}
    left = dict(wanted)
    while left:
        level = cards / sum(map(tree.weight, left))
        sated = [one for one, most in left.items() if most <= level * tree.weight(one)]
        if not sated:
            return found | {one: level * tree.weight(one) for one in left}
        for one in sated:
            found[one] = left.pop(one)
            cards -= found[one]
    return found
