"""What a job would meet that was submitted now."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Body

from api.auth import Caller, WorkerDep
from api.errors import Refused
from api.examples import JOB_EXAMPLES
from api.explaining import named_jobs, without_strangers
from api.quote_schemas import Quote
from api.quoting import quote_of
from api.routes.leading import elsewhere
from api.routes.parameters import problems
from api.schemas import JobCreate
from api.services import Services, ServicesDep
from api.submission import check_possible, jobs_of
from scheduler import queries
from scheduler.whatif import Prospect

router = APIRouter(prefix="/v1", tags=["jobs"])


@router.post("/quotes", responses=problems(307), summary="What if this job was submitted now?")
def quote(
    spec: Annotated[JobCreate, Body(openapi_examples=JOB_EXAMPLES)],
    caller: WorkerDep,
    services: ServicesDep,
) -> Quote:
    """When it would start in each pool, and what it would cost; nothing is submitted or kept.

    422 with the reasons where it could never run. Only the broker that leads knows: another names
    it.
    """
    with services.database.connect() as connection:
        declared = services.declared.read(connection)
    (job,) = jobs_of([spec], caller, services, declared)
    check_possible([job], declared, services.clock())
    try:
        prospects = services.what_if(job)
    except TimeoutError:
        raise Refused(503, "too many ask this just now", headers={"Retry-After": "1"}) from None
    if prospects is None:
        raise elsewhere(services, "/v1/quotes")
    return quote_of(job, _without_strangers(prospects, caller, services))


def _without_strangers(
    prospects: Sequence[Prospect], caller: Caller, services: Services
) -> list[Prospect]:
    """The same, in which a tenant finds no job of another."""
    if caller.tenant_id is None:
        return list(prospects)
    named = named_jobs(reason for one in prospects for reason in one.reasons)
    with services.database.connect() as connection:
        known = queries.ids_of(connection, named, caller.tenant_id) if named else set()
    return [
        replace(one, reasons=tuple(without_strangers(reason, known) for reason in one.reasons))
        for one in prospects
    ]
