"""The tree of those who share the park: cohorts of tenants, and the tenants' projects.

Each is a **branch**, with a weight among those beside it, and perhaps a quota. A tenant in no
cohort stands beside the cohorts. Who declares no projects is not divided: a job's project is then
a line on bills and nothing more.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from scheduler.model.job import Reason, ReasonCode
from scheduler.model.tenancy import Cohort, P, Project, Tenant

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
    """How much a branch may hold; `code` says why one waits that it has no room for.

    That is cards of all kinds, unless a `unit` says of which, or `P` (see `entitlements`).
    """

    branch: str
    most: int
    code: ReasonCode
    where: str
    unit: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.branch, self.unit

    def reason(self, need: int, free: int) -> Reason:
        """Why one waits that needs so much of it, and as well what is taken above the limit."""
        unit = f"cards of {self.unit}" if self.unit else "cards"
        unit = "tflops" if self.unit == P else unit
        need += max(0, -free)
        return Reason(code=self.code, where=self.where, need=need, free=max(0, free), unit=unit)


class Tree:
    """Who was declared, by id; a project by its branch."""

    def __init__(
        self,
        tenants: dict[str, Tenant],
        cohorts: Iterable[Cohort] = (),
        projects: Iterable[Project] = (),
    ) -> None:
        """`tenants` is shared with who holds the tree, and is changed by `declare_tenant` alone."""
        self.version = 0
        """Another one whenever somebody was declared."""
        self.tenants = tenants
        self.cohorts = {cohort.id: cohort for cohort in cohorts}
        self.projects: dict[str, Project] = {}
        self._is_bounding = -1, False
        """Of which version that is."""
        self._members: dict[str, list[str]] = {}
        self._projects_of: dict[str, list[str]] = {}
        for tenant in tenants.values():
            self._join(tenant)
        for project in projects:
            self.declare_project(project)

    def declare_tenant(self, tenant: Tenant) -> None:
        """It is in this cohort, or in none, from now on."""
        known = self.tenants.get(tenant.id)
        if known is not None and known.cohort_id is not None:
            self._members[known.cohort_id].remove(tenant.id)
        self.version += 1
        self.tenants[tenant.id] = tenant
        self._join(tenant)

    def _join(self, tenant: Tenant) -> None:
        """In order of ids, so that what is added up comes out the same, whoever came first."""
        if tenant.cohort_id is not None:
            insort(self._members.setdefault(tenant.cohort_id, []), tenant.id)

    def declare_cohort(self, cohort: Cohort) -> None:
        self.version += 1
        self.cohorts[cohort.id] = cohort

    def declare_project(self, project: Project) -> None:
        """The tenant is divided from now on."""
        branch = project_branch(project.tenant_id, project.id)
        if branch not in self.projects:
            insort(self._projects_of.setdefault(project.tenant_id, []), branch)
        self.version += 1
        self.projects[branch] = project

    @property
    def is_bounding(self) -> bool:
        """Whether anybody limits what is borrowed or lent; looked up once for each version."""
        version, found = self._is_bounding
        if version != self.version:
            said = chain(self.projects.values(), self.tenants.values(), self.cohorts.values())
            found = any(one.is_bounding for one in said)
            self._is_bounding = self.version, found
        return found

    def unknown_project(self, tenant_id: str, project_id: str) -> str | None:
        """Of which projects the tenant is made, where that is none of them."""
        own = self.projects_of(tenant_id)
        if not own or project_branch(tenant_id, project_id) in self.projects:
            return None
        return ", ".join(self.projects[one].id for one in own)

    def held_by(self, tenant_id: str, project_id: str) -> tuple[str, ...]:
        """The branches of which it is known what they hold: its tenant, and its project."""
        branch = project_branch(tenant_id, project_id)
        return (tenant_id, branch) if branch in self.projects else (tenant_id,)

    def path(self, tenant_id: str, project_id: str) -> Path:
        project = project_branch(tenant_id, project_id)
        if project not in self.projects:
            project = rest_branch(tenant_id) if self.projects_of(tenant_id) else NOBODY
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

    def members(self, branch: str) -> Sequence[str]:
        """The tenants of a cohort, in order."""
        return self._members.get(branch.removeprefix(COHORT), ())

    def tenants_in(self, branch: str) -> Sequence[str]:
        """Whose work may be in the branch: that of a cohort's members, or of the one it is of."""
        if branch.startswith(COHORT):
            return self.members(branch)
        return [branch.partition("/")[0]]

    def projects_of(self, tenant_id: str) -> Sequence[str]:
        """The branches of its projects, in order; none where it is not divided."""
        return self._projects_of.get(tenant_id, ())

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
