"""Deliberate bugs in the tree of those who share the park, one a line."""

from tests.mutants.mutant import Mutant

_TREE = "tests/unit/test_tree.py"
_FAIR = "tests/unit/test_fairtree.py"
_QUOTAS = "tests/unit/test_branch_quotas.py"
_FILE = "tests/unit/test_park_file.py -k 'cohort or project'"
_API = "tests/acceptance/test_api_branches.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/tree.py", "if project not in self.projects:", "if project not in self.projects and False:", _TREE),
    Mutant("scheduler/tree.py", "project = rest_branch(tenant_id) if self.projects_of(tenant_id) else NOBODY", "project = NOBODY", _TREE),
    Mutant("scheduler/tree.py", "return cohort.weight if cohort else REST_WEIGHT", "return REST_WEIGHT", _TREE),
    Mutant("scheduler/tree.py", "            return self.projects[branch].weight\n", "            return REST_WEIGHT\n", _TREE),
    Mutant("scheduler/tree.py", "found.insert(0, Quota(branch", "found.append(Quota(branch", _TREE),
    Mutant("scheduler/tree.py", "project is not None and project.max_cards is not None", "project is not None", _TREE),
    Mutant("scheduler/tree.py", "cohort is not None and cohort.max_cards is not None", "cohort is not None", _TREE),
    Mutant("scheduler/tree.py", "            self._members[known.cohort_id].remove(tenant.id)\n", "            pass\n", _TREE),
    Mutant("scheduler/tree.py", "if not own or project_branch", "if project_branch", _TREE),
    Mutant("scheduler/tree.py", "        self._join(tenant)\n\n    def _join", "\n    def _join", _TREE),
    Mutant("scheduler/tree.py", "            return self.members(branch)\n        return [branch", "            pass\n        return [branch", _TREE),
    Mutant("scheduler/fairtree.py", "return scores[path.top], scores[path.tenant], scores[path.project]", "return 0.0, scores[path.tenant], scores[path.project]", _FAIR),
    Mutant("scheduler/fairtree.py", "return scores[path.top], scores[path.tenant], scores", "return scores[path.top], 0.0, scores", _FAIR),
    Mutant("scheduler/fairtree.py", "scores[path.tenant], scores[path.project]\n", "scores[path.tenant], 0.0\n", _FAIR),
    Mutant("scheduler/fairtree.py", "return max(0.0, self.had(tenant_id) - parts)", "return max(0.0, parts)", _FAIR),
    Mutant("scheduler/fairtree.py", "return sum(self.had(member) for member in self._tree.members(branch))", "return 0.0", _FAIR),
    Mutant("scheduler/fairtree.py", "return self.had(branch) / self._tree.weight(branch)", "return self.had(branch)", _FAIR),
    Mutant("scheduler/fairtree.py", "sorted(set(tenant_ids))", "sorted(tenant_ids)", _FAIR),
    Mutant("scheduler/fairtree.py", "inner = state.tree.weight(path.tenant) / inner_weights[path.top]", "inner = 1.0", _FAIR),
    Mutant("scheduler/turns.py", "share = self._fair.key(tenant_id, project_id) if tenant_id else NO_SHARE", "share = NO_SHARE", _FAIR),
    Mutant("scheduler/holdings.py", "        if branch in self.shares:\n            return\n", "", _FAIR),
    Mutant("scheduler/holdings.py", "                self.held_cards[branch] += placement.card_count\n                share", "                share", _FAIR),
    Mutant("scheduler/holdings.py", "                share.rate += self._tflops(placement)\n", "", _FAIR),
    Mutant("scheduler/state.py", "Tree(state.tenants, snapshot.cohorts, snapshot.projects)", "Tree(state.tenants, snapshot.cohorts)", _FAIR),
    Mutant("scheduler/state.py", "cohorts=list(self.tree.cohorts.values()),", "cohorts=[],", _FAIR),
    Mutant("scheduler/queue.py", "return record.job.tenant_id, record.job.project, level", "return record.job.tenant_id, 'p', level", _FAIR),
    Mutant("scheduler/allowance.py", "self._cards[branch] = sum(state.held_cards[tenant_id] for tenant_id in members)", "self._cards[branch] = 0", _QUOTAS),
    Mutant("scheduler/allowance.py", "            if reason is not None:\n                yield reason\n", "            if reason is not None:\n                yield reason\n            return\n", _QUOTAS),
    Mutant("scheduler/allowance.py", "self._running[branch].append(end)", "pass", _QUOTAS),
    Mutant("scheduler/allowance.py", "if free < need <= quota.max_cards and quota.branch not in self._kept:", "if free < need and quota.branch not in self._kept:", _QUOTAS),
    Mutant("scheduler/allowance.py", "        if not any(isinstance(self.hold_micros(record.job, pool), int) for pool in pools):\n            return\n", "", _QUOTAS),
    Mutant("scheduler/desk.py", "filter(self._rooms.is_heard, pools)", "pools", _QUOTAS),
    Mutant("scheduler/outlook.py", "if quota.branch not in self._quotas:", "if True:", _QUOTAS),
    Mutant("scheduler/explain.py", "if only.code in QUOTA_CODES:", "if only.code is ReasonCode.TENANT_QUOTA:", _QUOTAS),
    Mutant("scheduler/placement.py", "    if known is not None:\n        code, detail", "    if False:\n        code, detail", _QUOTAS),
    Mutant("scheduler/ranking.py", "inside = [path for path in waiting if path.top == own.top]", "inside = waiting", "tests/unit/test_ranking.py"),
    Mutant("scheduler/ranking.py", "beside = [path for path in waiting if path[:2] == own[:2]]", "beside = waiting", "tests/unit/test_ranking.py"),
    Mutant("api/park_file.py", "    yield from _unknown_cohorts(entry)\n", "", _FILE),
    Mutant("api/park_file.py", "            cohort_id=self.cohort,\n", "", _FILE),
    Mutant("api/park_file.py", "        cohorts=tuple(cohort.cohort() for cohort in entry.cohorts),\n", "", _FILE),
    Mutant("api/park_file.py", "        projects=tuple(one for tenant in entry.tenants for one in tenant.declared_projects()),\n", "", _FILE),
    Mutant("api/park_file.py", 'yield from _twice(f"tenant {tenant.id}: project", [one.id for one in tenant.projects])', "pass", _FILE),
    Mutant("api/park_file.py", '    yield from _twice("cohort", [cohort.id for cohort in entry.cohorts])\n', "", _FILE),
    Mutant("api/declaring.py", "    for cohort in park_file.cohorts:\n        yield CohortDeclared(at_ms=now_ms, cohort=cohort)\n", "", "tests/unit/test_declaring.py"),
    Mutant("api/declaring.py", "    for project in park_file.projects:\n        yield ProjectDeclared(at_ms=now_ms, project=project)\n", "", "tests/unit/test_declaring.py"),
    Mutant("api/routes/branches.py", "shown = [one for _, one in sorted(projects) if wanted in {None, one.tenant_id}]", "shown = [one for _, one in sorted(projects)]", _API),
    Mutant("api/routes/branches.py", "if caller.may_see(tenant_id)],", "],", _API),
    Mutant("api/routes/branches.py", "if view.tenants or not caller.is_tenant]", "]", _API),
    Mutant("api/sdk.py", "return self._wire.put(path, project, ProjectView, tenant=tenant)", "return self._wire.put(path, project, ProjectView)", _API),
    Mutant("api/cli/branches.py", "BranchPut(name=name, weight=weight, max_cards=max_cards)", "BranchPut(name=name, weight=weight)", _API),
    Mutant("api/routes/tenants.py", "if tenant.cohort_id not in {None, *declared.tree.cohorts}:", "if False:", "tests/acceptance/test_api_park.py -k sense"),
    Mutant("scheduler/queries.py", '    ViewRow.name.startswith("project:"),\n', "", _API),
    Mutant("scheduler/queries.py", '    ViewRow.name.startswith("cohort:"),\n', "", _API),
]
