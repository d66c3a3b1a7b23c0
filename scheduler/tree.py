"""The tree of those who share the park: cohorts of tenants, and the tenants' projects.

Each is a **branch**, with a weight among those beside it, and perhaps a quota. A tenant in no
cohort stands beside the cohorts. Who declares no projects is not divided: a job's project is then
a line on bills and nothing more.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scheduler.job import ReasonCode
from scheduler.tenancy import Cohort, Project, Tenant

NOBODY = ""
"""In the place of a branch where there is none."""
REST_WEIGHT = 100
"""Of a tenant's jobs in projects that were never declared, all together, beside those that were."""


class Path(NamedTuple):
    """The branches that a job is in, from the top; each is `NOBODY` where there is none.

    `top` is the cohort, or a tenant that is in none; `tenant` is one inside a cohort.
    """

    top: str
    tenant: str
    project: str


class Quota(NamedTuple):
    """How many cards a branch may hold; `code` says why one waits that it has no room for."""

    branch: str
    max_cards: int
    code: ReasonCode
    where: str


class Tree:
    """Who was declared, by id; a project by its branch."""

    def __init__(
        self,
        tenants: Mapping[str, Tenant],
        cohorts: Iterable[Cohort] = (),
        projects: Iterable[Project] = (),
    ) -> None:
        self.tenants = tenants
        self.cohorts = {cohort.id: cohort for cohort in cohorts}
        self.projects: dict[str, Project] = {}
        self._divided: set[str] = set()
        for project in projects:
            self.declare_project(project)

    def declare_project(self, project: Project) -> None:
        """The tenant is divided from now on."""
        self.projects[project_branch(project.tenant_id, project.id)] = project
        self._divided.add(project.tenant_id)

    def unknown_project(self, tenant_id: str, project_id: str) -> str | None:
        """Of which projects the tenant is made, where that is none of them."""
        if tenant_id not in self._divided or project_branch(tenant_id, project_id) in self.projects:
            return None
        return ", ".join(sorted(self.projects[one].id for one in self.projects_of(tenant_id)))

    def held_by(self, tenant_id: str, project_id: str) -> tuple[str, ...]:
        """The branches of which it is known what they hold: its tenant, and its project."""
        branch = project_branch(tenant_id, project_id)
        return (tenant_id, branch) if branch in self.projects else (tenant_id,)

    def path(self, tenant_id: str, project_id: str) -> Path:
        project = project_branch(tenant_id, project_id)
        if project not in self.projects:
            project = rest_branch(tenant_id) if tenant_id in self._divided else NOBODY
        cohort = self._cohort_of(tenant_id)
        if cohort is None:
            return Path(tenant_id, NOBODY, project)
        return Path(cohort_branch(cohort.id), tenant_id, project)

    def _cohort_of(self, tenant_id: str) -> Cohort | None:
        cohort_id = self.tenants[tenant_id].cohort_id
        return None if cohort_id is None else self.cohorts.get(cohort_id)

    def weight(self, branch: str) -> int:
        """Its share beside others."""
        if branch in self.tenants:
            return self.tenants[branch].weight
        if branch in self.projects:
            return self.projects[branch].weight
        cohort = self.cohorts.get(branch.removeprefix(COHORT))
        return cohort.weight if cohort else REST_WEIGHT

    def members(self, branch: str) -> list[str]:
        """The tenants of a cohort."""
        cohort_id = branch.removeprefix(COHORT)
        return [one.id for one in self.tenants.values() if one.cohort_id == cohort_id]

    def tenants_in(self, branch: str) -> list[str]:
        """Whose work may be in the branch: that of a cohort's members, or of the one it is of."""
        if branch.startswith(COHORT):
            return self.members(branch)
        return [branch.partition("/")[0]]

    def projects_of(self, tenant_id: str) -> list[str]:
        """The branches of its projects."""
        return [name for name, one in self.projects.items() if one.tenant_id == tenant_id]

    def quotas(self, tenant_id: str, project_id: str) -> tuple[Quota, ...]:
        """All that bind a job, the narrowest first; that of its tenant is always among them."""
        tenant = self.tenants[tenant_id]
        found = [Quota(tenant_id, tenant.max_cards, ReasonCode.TENANT_QUOTA, tenant_id)]
        branch = project_branch(tenant_id, project_id)
        project, cohort = self.projects.get(branch), self._cohort_of(tenant_id)
        if project is not None and project.max_cards is not None:
            found.insert(0, Quota(branch, project.max_cards, ReasonCode.PROJECT_QUOTA, branch))
        if cohort is not None and cohort.max_cards is not None:
            branch = cohort_branch(cohort.id)
            found.append(Quota(branch, cohort.max_cards, ReasonCode.COHORT_QUOTA, cohort.id))
        return tuple(found)


COHORT = "cohort:"


def cohort_branch(cohort_id: str) -> str:
    return COHORT + cohort_id


def project_branch(tenant_id: str, project_id: str) -> str:
    """No id has a stroke in it."""
    return f"{tenant_id}/{project_id}"


def rest_branch(tenant_id: str) -> str:
    """Of all jobs in projects that were not declared; no project has an empty name."""
    return project_branch(tenant_id, "")
