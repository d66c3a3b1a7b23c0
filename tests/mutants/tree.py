"""Deliberate bugs in the tree of those who share the park, one a line."""

from tests.mutants.mutant import Mutant

_TREE = "tests/unit/test_tree.py"
_FAIR = "tests/unit/test_fairtree.py"
_QUOTAS = "tests/unit/test_branch_quotas.py"
_FILE = "tests/unit/test_park_file.py -k 'cohort or project'"
_API = "tests/acceptance/test_api_branches.py"

# fmt: off
MUTANTS = [
    Mutant("scheduler/model/tree.py", "if project not in self.projects:", "if project not in self.projects and False:", _TREE),
    Mutant("scheduler/model/tree.py", "project = rest_branch(tenant_id) if self.projects_of(tenant_id) else NOBODY", "project = NOBODY", _TREE),
    Mutant("scheduler/model/tree.py", "return cohort.weight if cohort else REST_WEIGHT", "return REST_WEIGHT", _TREE),
    Mutant("scheduler/model/tree.py", "            return self.projects[branch].weight\n", "            return REST_WEIGHT\n", _TREE),
    Mutant("scheduler/model/tree.py", "found.insert(0, Quota(branch", "found.append(Quota(branch", _TREE),
    Mutant("scheduler/model/tree.py", "project is not None and project.max_cards is not None", "project is not None", _TREE),
    Mutant("scheduler/model/tree.py", "cohort is not None and cohort.max_cards is not None", "cohort is not None", _TREE),
    Mutant("scheduler/model/tree.py", "            self._members[known.cohort_id].remove(tenant.id)\n", "            pass\n", _TREE),
    Mutant("scheduler/model/tree.py", "if not own or project_branch", "if project_branch", _TREE),
    Mutant("scheduler/model/tree.py", "        self._join(tenant)\n\n    def _join", "\n    def _join", _TREE),
    Mutant("scheduler/model/tree.py", "            return self.members(branch)\n        return [branch", "            pass\n        return [branch", _TREE),
    Mutant("scheduler/sharing/fairtree.py", "return scores[path.top], scores[path.tenant], scores[path.project]", "return 0.0, scores[path.tenant], scores[path.project]", _FAIR),
    Mutant("scheduler/sharing/fairtree.py", "return scores[path.top], scores[path.tenant], scores", "return scores[path.top], 0.0, scores", _FAIR),
    Mutant("scheduler/sharing/fairtree.py", "scores[path.tenant], scores[path.project]\n", "scores[path.tenant], 0.0\n", _FAIR),
    Mutant("scheduler/sharing/fairtree.py", "return max(0.0, self.had(tenant_id) - parts)", "return max(0.0, parts)", _FAIR),
    Mutant("scheduler/sharing/fairtree.py", "return sum(self.had(member) for member in self._tree.members(branch))", "return 0.0", _FAIR),
    Mutant("scheduler/sharing/fairtree.py", "return self.had(branch) / self._tree.weight(branch)", "return self.had(branch)", _FAIR),
    Mutant("scheduler/sharing/fairtree.py", "sorted(set(tenant_ids))", "sorted(tenant_ids)", _FAIR),
    Mutant("scheduler/sharing/fairtree.py", "inner = state.tree.weight(path.tenant) / inner_weights[path.top]", "inner = 1.0", _FAIR),
    Mutant("scheduler/sharing/turns.py", "share = self._fair.key(tenant_id, project_id) if tenant_id else NO_SHARE", "share = NO_SHARE", _FAIR),
    Mutant("scheduler/facts/holdings.py", "        if branch in self.shares:\n            return\n", "", _FAIR),
    Mutant("scheduler/facts/holdings.py", "                self.held_cards[branch] += self._cards(placement)\n                share", "                share", _FAIR),
    Mutant("scheduler/facts/holdings.py", "                share.rate += self._share_tflops(placement)\n", "", _FAIR),
    Mutant("scheduler/facts/state.py", "Tree(state.tenants, snapshot.cohorts, snapshot.projects)", "Tree(state.tenants, snapshot.cohorts)", _FAIR),
    Mutant("scheduler/facts/state.py", "cohorts=list(self.tree.cohorts.values()),", "cohorts=[],", _FAIR),
    Mutant("scheduler/facts/queue.py", "return record.job.tenant_id, record.job.project, level", "return record.job.tenant_id, 'p', level", _FAIR),
    Mutant("scheduler/sharing/allowance.py", "            if reason is not None:\n                yield reason\n", "            if reason is not None:\n                yield reason\n            return\n", _QUOTAS),
    Mutant("scheduler/sharing/allowance.py", "running.append(End(ends, path, amount * placement.card_count))", "pass", _QUOTAS),
    Mutant("scheduler/sharing/allowance.py", "payable = [p for p in pools if isinstance(self.hold_micros(record.job, p), int)]", "payable = [*pools]", _QUOTAS),
    Mutant("scheduler/planning/desk.py", "filter(self._rooms.is_heard, pools)", "pools", _QUOTAS),
    Mutant("scheduler/timing/outlook.py", "if quota.key not in self._quotas:", "if True:", _QUOTAS),
    Mutant("scheduler/planning/explain.py", "if only.code in QUOTA_CODES:", "if only.code is ReasonCode.TENANT_QUOTA:", _QUOTAS),
    Mutant("scheduler/placing/placement.py", "    if known is not None:\n        code, detail", "    if False:\n        code, detail", _QUOTAS),
    Mutant("scheduler/asking/ranking.py", "inside = [path for path in waiting if path.top == own.top]", "inside = waiting", "tests/unit/test_ranking.py"),
    Mutant("scheduler/asking/ranking.py", "beside = [path for path in waiting if path[:2] == own[:2]]", "beside = waiting", "tests/unit/test_ranking.py"),
    Mutant("api/park_file.py", "    yield from _unknown_cohorts(entry)\n", "", _FILE),
    Mutant("api/park_file.py", "            cohort_id=self.cohort,\n", "", _FILE),
    Mutant("api/park_file.py", "        cohorts=cohorts,\n", "", _FILE),
    Mutant("api/park_file.py", "        projects=projects,\n", "", _FILE),
    Mutant("api/park_file.py", 'yield from _twice(f"tenant {tenant.id}: project", [one.id for one in tenant.projects])', "pass", _FILE),
    Mutant("api/park_file.py", '    yield from _twice("cohort", [cohort.id for cohort in entry.cohorts])\n', "", _FILE),
    Mutant("api/declaring.py", "    for cohort in park_file.cohorts:\n        yield CohortDeclared(at_ms=now_ms, cohort=cohort)\n", "", "tests/unit/test_declaring.py"),
    Mutant("api/declaring.py", "    for project in park_file.projects:\n        yield ProjectDeclared(at_ms=now_ms, project=project)\n", "", "tests/unit/test_declaring.py"),
    Mutant("api/routes/branches.py", "shown = [one for _, one in sorted(projects) if wanted in {None, one.tenant_id}]", "shown = [one for _, one in sorted(projects)]", _API),
    Mutant("api/routes/branches.py", "if caller.may_see(tenant_id)],", "],", _API),
    Mutant("api/routes/branches.py", "if view.tenants or not caller.is_tenant]", "]", _API),
    Mutant("api/sdk.py", "return self._wire.put(path, project, ProjectView, tenant=tenant)", "return self._wire.put(path, project, ProjectView)", _API),
    Mutant("api/cli/branches.py", '{"name": name, "weight": weight, **quotas}', '{"name": name, "weight": weight}', _API),
    Mutant("api/routes/tenants.py", "if tenant.cohort_id not in {None, *declared.tree.cohorts}:", "if False:", "tests/acceptance/test_api_park.py -k sense"),
    Mutant("api/routes/events.py", "EventFilter(tenant_id=caller.tenant_id, hidden_kinds=_GROUPS)", "EventFilter(tenant_id=caller.tenant_id)", _API),
    Mutant("api/routes/events.py", 'if one.get("tenant_id") in visible]', "]", "tests/acceptance/test_api_data.py -k stream"),
    Mutant("api/declaring.py", "if not is_known or _is_refused(connection, last_id):", "if not is_known:", "tests/unit/test_declaring.py"),
    Mutant("scheduler/storage/array_queries.py", "order_by(JobRow.id.desc())", "order_by(JobRow.id)", "tests/acceptance/test_api_arrays.py -k last_tasks"),
    Mutant("api/cli/branches.py", "return known.max_cards if known else None", "return None", _API),
    Mutant("scheduler/storage/queries.py", '    ViewRow.name.startswith("project:"),\n', "", _API),
    Mutant("scheduler/storage/queries.py", '    ViewRow.name.startswith("cohort:"),\n', "", _API),
]
