"""Whether this broker lives, whether it can serve, and its numbers for Prometheus."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Final, Literal

from fastapi import APIRouter, Response
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.auth import OperatorDep
from api.errors import Refused
from api.routes.parameters import problems
from api.schemas.administration import Health
from api.scrape import CONTENT_TYPE, exposition
from api.services import Services, ServicesDep
from scheduler.storage.queries import leader

# What one of them answers has no model, and is called in the description what the route is.
router = APIRouter(tags=["monitoring"], generate_unique_id_function=attrgetter("name"))

FAILS = "each step fails: nothing starts, until what its log names is mended"
_STATUSES: Final[Mapping[str, Literal["ok", "failing"]]] = {"ok": "ok", FAILS: "failing"}


@router.get("/healthz", summary="Whether the process lives")
def healthz() -> dict[str, str]:
    """Says nothing of the database: a restart would not bring that back."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    response_model=Health,
    responses={503: {"description": "Not ready", "model": Health}},
    summary="Whether it can serve",
)
def readyz(services: ServicesDep) -> Response:
    """Ready: the database answers, a park is declared, and some broker leads.

    Where this one leads and each of its steps fails it is `failing`: it answers and takes requests.
    """
    try:
        with services.database.connect() as connection:
            state = _leader_state(connection, services)
            services.declared.read(connection)
        health = Health(status=_STATUSES.get(state, "unready"), database="ok", leader=state)
    except (SQLAlchemyError, Refused) as error:
        says = str(error) if isinstance(error, Refused) else "cannot be reached"
        health = Health(status="unready", database=says, leader="unknown")
    status = 503 if health.status == "unready" else 200
    return Response(health.model_dump_json(), status, media_type="application/json")


def _leader_state(connection: Connection, services: Services) -> str:
    leads = leader(connection)
    if leads is None:
        return "nobody has led yet"
    if leads.expires_at_ms <= services.clock():
        return "nobody leads at the moment"
    return FAILS if services.leads() and services.is_failing() else "ok"


@router.get(
    "/metrics",
    responses=problems() | {200: {"description": "Metrics", "content": {"text/plain": {}}}},
    response_class=Response,
    summary="Numbers for Prometheus",
)
def metrics(_: OperatorDep, services: ServicesDep) -> Response:
    """In Prometheus's text format; with a key, since it tells what each tenant uses."""
    return Response(exposition(services), media_type=CONTENT_TYPE)
