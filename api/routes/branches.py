"""Projects and cohorts: the parts of a tenant, and the groups of tenants that share as one."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from api.asking import ask, heard, request_id
from api.auth import Caller, OperatorDep, PersonDep, WorkerDep
from api.declared import Declared
from api.entitling import entitled, entitlement
from api.errors import Refused, missing
from api.examples.requests import COHORT_EXAMPLES, PROJECT_EXAMPLES
from api.promised import check_promises
from api.routes.parameters import NAME_PATTERN, TenantQuery, problems
from api.schemas.administration import BranchPut, CohortList, CohortView, ProjectList, ProjectView
from api.services import ServicesDep
from scheduler.facts.events import CohortDeclared, ProjectDeclared
from scheduler.facts.log import Request
from scheduler.model.tenancy import Cohort, Project
from scheduler.model.tree import Tree, cohort_branch, project_branch

router = APIRouter(prefix="/v1", tags=["tenants"])

PROJECTS_MAX = 1_000
COHORTS_MAX = 1_000

ProjectId = Annotated[str, Path(pattern=NAME_PATTERN, description="the project's id")]
CohortId = Annotated[str, Path(pattern=NAME_PATTERN, description="the cohort's id")]


@router.get("/projects", responses=problems(404), summary="List projects")
def list_projects(
    caller: PersonDep, services: ServicesDep, tenant_id: TenantQuery = None
) -> ProjectList:
    """Projects that were declared; a tenant sees its own alone."""
    wanted = caller.narrowed(tenant_id)
    declared = services.read_declared()
    if wanted is not None and wanted not in declared.tenants:
        raise missing("tenant", wanted)
    projects = declared.tree.projects.items()
    shown = [one for _, one in sorted(projects) if wanted in {None, one.tenant_id}]
    return ProjectList(items=[_project_view(one) for one in shown])


@router.put("/projects/{project_id}", responses=problems(404, 409), summary="Declare a project")
def put_project(
    project_id: ProjectId,
    wanted: Annotated[BranchPut, Body(openapi_examples=PROJECT_EXAMPLES)],
    caller: WorkerDep,
    services: ServicesDep,
    tenant_id: TenantQuery = None,
) -> ProjectView:
    """Make a project, or change its weight or quota from now on.

    The first one divides its tenant: each new job must then name one of its projects.
    """
    owner_id = caller.narrowed(tenant_id)
    if owner_id is None:
        raise Refused(422, "an operator names the tenant: add ?tenant=ID (--tenant ID)")
    declared = services.read_declared()
    if owner_id not in declared.tenants:
        raise missing("tenant", owner_id)
    tree, branch = declared.tree, project_branch(owner_id, project_id)
    if branch not in tree.projects and len(tree.projects_of(owner_id)) >= PROJECTS_MAX:
        raise Refused(409, f"tenant {owner_id} has {PROJECTS_MAX} projects, as many as it may")
    project = Project(
        tenant_id=owner_id,
        id=project_id,
        name=wanted.name,
        weight=wanted.weight,
        max_cards=wanted.max_cards,
        **entitlement(wanted),
    )
    others = {**tree.projects, branch: project}
    check_promises(declared, Tree(dict(declared.tenants), tree.cohorts.values(), others.values()))
    wish = ProjectDeclared(at_ms=services.clock(), project=project)
    heard(ask(services, Request(id=request_id("project", None), wish=wish)).is_consumed)
    return _project_view(services.read_declared().tree.projects[branch])


def _project_view(project: Project) -> ProjectView:
    return ProjectView(
        tenant=project.tenant_id,
        id=project.id,
        name=project.name,
        weight=project.weight,
        max_cards=project.max_cards,
        **entitled(project),
    )


@router.get("/cohorts", responses=problems(), summary="List cohorts")
def list_cohorts(caller: PersonDep, services: ServicesDep) -> CohortList:
    """All cohorts and who is in them; a tenant sees its own, and in it itself alone."""
    declared = services.read_declared()
    views = [
        _cohort_view(one, declared, caller) for _, one in sorted(declared.tree.cohorts.items())
    ]
    return CohortList(items=[view for view in views if view.tenants or not caller.is_tenant])


@router.put("/cohorts/{cohort_id}", responses=problems(409), summary="Declare a cohort")
def put_cohort(
    cohort_id: CohortId,
    wanted: Annotated[BranchPut, Body(openapi_examples=COHORT_EXAMPLES)],
    caller: OperatorDep,
    services: ServicesDep,
) -> CohortView:
    """Make a cohort, or change its weight or quota from now on; tenants say that they are in it."""
    declared = services.read_declared()
    cohorts = declared.tree.cohorts
    if cohort_id not in cohorts and len(cohorts) >= COHORTS_MAX:
        raise Refused(409, f"there are {COHORTS_MAX} cohorts, as many as there may be")
    cohort = Cohort(
        id=cohort_id,
        name=wanted.name,
        weight=wanted.weight,
        max_cards=wanted.max_cards,
        **entitlement(wanted),
    )
    others = {**cohorts, cohort_id: cohort}
    projects = declared.tree.projects.values()
    check_promises(declared, Tree(dict(declared.tenants), others.values(), projects))
    wish = CohortDeclared(at_ms=services.clock(), cohort=cohort)
    heard(ask(services, Request(id=request_id("cohort", None), wish=wish)).is_consumed)
    declared = services.read_declared()
    return _cohort_view(declared.tree.cohorts[cohort_id], declared, caller)


def _cohort_view(cohort: Cohort, declared: Declared, caller: Caller) -> CohortView:
    members = declared.tree.members(cohort_branch(cohort.id))
    return CohortView(
        id=cohort.id,
        name=cohort.name,
        weight=cohort.weight,
        max_cards=cohort.max_cards,
        tenants=[tenant_id for tenant_id in sorted(members) if caller.may_see(tenant_id)],
        **entitled(cohort),
    )
