"""What limits a tenant's spending: its hard stop, and its budgets."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Body
from sqlalchemy import Connection

from accounting.calendar import month_bounds, month_of
from accounting.money import parse_yuan, yuan_of_micros
from accounting.storage.store import credit_sums, reference_sums, usage_sums
from accounting.usage.slices import UsageSum
from api.asking import ask, heard, request_id
from api.auth import PayerDep, WorkerDep
from api.errors import Refused, missing
from api.examples.requests import BUDGET_EXAMPLES, HARD_STOP_EXAMPLES
from api.promised import wrong
from api.routes.parameters import TenantId, TenantQuery, problems
from api.schemas.budgets import BudgetList, BudgetPut, BudgetView, HardStopPut, HardStopView
from api.services import Services, ServicesDep
from scheduler.facts.events import BudgetSet, HardStopSet
from scheduler.facts.log import Request
from scheduler.model.budget import Budget
from scheduler.storage.queries import attempt_ids

router = APIRouter(prefix="/v1", tags=["tenants"])


@router.put(
    "/tenants/{tenant_id}/hard-stop", responses=problems(404, 409), summary="Set a hard stop"
)
def put_hard_stop(
    tenant_id: TenantId,
    wanted: Annotated[HardStopPut, Body(openapi_examples=HARD_STOP_EXAMPLES)],
    caller: WorkerDep,
    services: ServicesDep,
) -> HardStopView:
    """Whether running work is stopped, with its grace, where the balance does not cover more.

    Without it, as at first, work goes on and the balance below zero.
    """
    if tenant_id not in services.read_declared().tenants or not caller.may_see(tenant_id):
        raise missing("tenant", tenant_id)
    wish = HardStopSet(at_ms=services.clock(), tenant_id=tenant_id, is_on=wanted.is_on)
    heard(ask(services, Request(id=request_id("hard-stop", None), wish=wish)).is_consumed)
    return HardStopView(tenant=tenant_id, is_on=wanted.is_on)


@router.get("/budgets", responses=problems(404), summary="List budgets")
def list_budgets(caller: PayerDep, services: ServicesDep, tenant: TenantQuery = None) -> BudgetList:
    """All budgets, with what was spent of them: this month, or on a job."""
    wanted = caller.narrowed(tenant)
    with services.database.connect() as connection:
        declared = services.declared.read(connection)
        if wanted is not None and wanted not in declared.tenants:
            raise missing("tenant", wanted)
        shown = [one for one in declared.budgets if wanted in {None, one.tenant_id}]
        views = _views(connection, month_of(services.clock()), shown, wanted)
    return BudgetList(items=views)


@router.put("/budgets", responses=problems(404, 409), summary="Set a budget")
def put_budget(
    wanted: Annotated[BudgetPut, Body(openapi_examples=BUDGET_EXAMPLES)],
    caller: PayerDep,
    services: ServicesDep,
    tenant: TenantQuery = None,
) -> BudgetView:
    """Set what a tenant means to spend a month, in all or on a project, or on a job in all.

    It is told at 80 and 100 %, by events `budget_reached`. Set again it is another budget, which is
    told anew.
    """
    owner_id = caller.narrowed(tenant)
    if owner_id is None:
        raise Refused(422, "finance names the tenant: add ?tenant=ID (--tenant ID)")
    amount_micros = parse_yuan(wanted.amount)
    if amount_micros and wanted.project is not None:
        _check_project(services, owner_id, wanted.project)
    budget = Budget(
        tenant_id=owner_id,
        project=wanted.project,
        job_id=wanted.job_id,
        amount_micros=amount_micros,
        is_hard_stop=wanted.hard_stop,
    )
    wish = BudgetSet(at_ms=services.clock(), budget=budget)
    heard(ask(services, Request(id=request_id("budget", None), wish=wish)).is_consumed)
    with services.database.connect() as connection:
        (view,) = _views(connection, month_of(services.clock()), [budget], owner_id)
    return view


def _check_project(services: Services, tenant_id: str, project: str) -> None:
    """Of a tenant that is divided, no job could ever name another."""
    known = services.read_declared().tree.unknown_project(tenant_id, project)
    if known is not None:
        detail = f"there is no project {project} of tenant {tenant_id}"
        raise wrong("project", detail, f"{project} is unknown", f"use one of {known}")


def _views(
    connection: Connection, month: str, budgets: Sequence[Budget], tenant_id: str | None
) -> list[BudgetView]:
    """All of them by what the books say, in as many questions as for one."""
    of_jobs = _of_jobs(connection, {one.job_id for one in budgets if one.job_id is not None})
    window = (*month_bounds(month), tenant_id)
    of_month: defaultdict[str, list[UsageSum]] = defaultdict(list)
    if any(one.job_id is None for one in budgets):
        for line in (*usage_sums(connection, *window), *credit_sums(connection, *window)):
            of_month[line.tenant_id].append(line)
    return [
        _view(one, month, of_month[one.tenant_id] if one.job_id is None else of_jobs[one.job_id])
        for one in budgets
    ]


def _of_jobs(connection: Connection, job_ids: Collection[str]) -> Mapping[str, list[UsageSum]]:
    """What was used by each of these jobs, and given back."""
    lines: defaultdict[str, list[UsageSum]] = defaultdict(list)
    if job_ids:
        job_by_attempt = {attempt: job for job, attempt in attempt_ids(connection, job_ids)}
        for attempt_id, sums in reference_sums(connection, [*job_by_attempt]).items():
            lines[job_by_attempt[attempt_id]] += sums
    return lines


def _view(budget: Budget, month: str, lines: Sequence[UsageSum]) -> BudgetView:
    """`lines` are those of its tenant in the month, or of its job."""
    mine = (line for line in lines if budget.project in {None, line.project})
    spent_micros, amount_micros = sum(line.amount_micros for line in mine), budget.amount_micros
    return BudgetView(
        tenant=budget.tenant_id,
        project=budget.project,
        job_id=budget.job_id,
        amount=yuan_of_micros(amount_micros),
        hard_stop=budget.is_hard_stop,
        month=month if budget.job_id is None else None,
        spent=yuan_of_micros(spent_micros),
        percent=100 * max(0, spent_micros) // amount_micros if amount_micros else 0,
    )
