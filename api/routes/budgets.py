"""What limits a tenant's spending: its hard stop."""

from typing import Annotated

from fastapi import APIRouter, Body

from api.asking import ask, heard, request_id
from api.auth import WorkerDep
from api.budget_schemas import HardStopPut, HardStopView
from api.errors import missing
from api.request_examples import HARD_STOP_EXAMPLES
from api.routes.parameters import TenantId, problems
from api.services import ServicesDep
from scheduler.facts.events import HardStopSet
from scheduler.facts.log import Request

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
    with services.database.connect() as connection:
        known = services.declared.read(connection).tenants
    if tenant_id not in known or not caller.may_see(tenant_id):
        raise missing("tenant", tenant_id)
    wish = HardStopSet(at_ms=services.clock(), tenant_id=tenant_id, is_on=wanted.is_on)
    heard(ask(services, Request(id=request_id("hard-stop", None), wish=wish)).is_consumed)
    return HardStopView(tenant=tenant_id, is_on=wanted.is_on)
