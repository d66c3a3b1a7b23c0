"""What centres' agents say and ask: the words are `cluster.wire`'s, the logic `cluster.link`'s."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy import select

from api import logs
from api.auth import AgentDep
from api.errors import Refused, missing
from api.routes.leading import elsewhere
from api.routes.parameters import CentreId, problems
from api.services import ServicesDep
from cluster.link import CentreLink
from cluster.wire import (
    DiaryTold,
    LogKept,
    LogsKept,
    LogsShipped,
    Orders,
    OrdersWanted,
    Report,
)
from scheduler.storage.tables import AttemptRow

router = APIRouter(prefix="/v1/agents/{centre_id}", tags=["agents"])


def own_centre(centre_id: CentreId, caller: AgentDep) -> str:
    """The centre in the address, which must be that of the key."""
    if caller.centre_id != centre_id:
        raise Refused(403, f"this key is for the agent of {caller.centre_id}, not of {centre_id}")
    return centre_id


OwnCentre = Annotated[str, Depends(own_centre)]


def own_link(centre_id: OwnCentre, services: ServicesDep) -> CentreLink:
    """The centre's link in the process that leads; another names that one."""
    if not services.leads():
        raise elsewhere(services)
    link = services.links.get(centre_id)
    if not isinstance(link, CentreLink):
        raise missing("centre", centre_id)
    return link


OwnLink = Annotated[CentreLink, Depends(own_link)]


@router.post(
    "/report",
    status_code=204,
    responses=problems(307, 404, 409),
    summary="Say all that a centre knows",
)
def report(body: Report, link: OwnLink) -> Response:
    """Each report replaces the one before; the leader acts on it at once.

    409 where a later one was heard already: of another agent for this centre, or of this one.
    """
    if not link.hear(body):
        raise Refused(
            409,
            f"a later report of {link.centre_id} was heard already: see that one agent alone "
            "speaks for this centre, and that its data folder is kept",
        )
    return Response(status_code=204)


@router.post("/orders", responses=problems(307, 404), summary="Ask what should be")
def orders(body: OrdersWanted, link: OwnLink) -> Orders:
    """Answers as soon as something that should be is not so at the centre, or after `wait_ms`."""
    return link.orders(body)


@router.post(
    "/diary", status_code=204, responses=problems(307, 404), summary="Tell a centre's diary"
)
def diary(body: DiaryTold, link: OwnLink) -> Response:
    """What it has kept itself of its attempts; one that nobody waits for is passed over."""
    link.take_diary(body)
    return Response(status_code=204)


@router.post("/logs", responses=problems(), summary="Ship output")
def ship_logs(body: LogsShipped, centre_id: OwnCentre, services: ServicesDep) -> LogsKept:
    """Output that is known already changes nothing; the answer says from where on to send."""
    pieces = [
        logs.Piece(
            attempt_id=chunk.attempt_id,
            member=chunk.member,
            offset=chunk.offset,
            data=chunk.data,
            is_last=chunk.is_last,
        )
        for chunk in body.chunks
    ]
    attempt_ids = {piece.attempt_id for piece in pieces}
    ours = select(AttemptRow.id).where(
        AttemptRow.id.in_(sorted(attempt_ids)), AttemptRow.centre_id == centre_id
    )
    with services.database.begin() as connection:
        known = set(connection.scalars(ours))
        kept = logs.append(connection, [one for one in pieces if one.attempt_id in known])
    return LogsKept(logs=[*map(_kept, kept), *_strange(pieces, known)])


def _kept(log: logs.Kept) -> LogKept:
    return LogKept(
        attempt_id=log.attempt_id, member=log.member, offset=log.byte_count, is_full=log.is_full
    )


def _strange(pieces: list[logs.Piece], known: set[str]) -> list[LogKept]:
    """Of attempts that the broker never gave to this centre nothing is kept."""
    strange = {(one.attempt_id, one.member) for one in pieces if one.attempt_id not in known}
    return [
        LogKept(attempt_id=attempt_id, member=member, offset=0, is_full=True)
        for attempt_id, member in sorted(strange)
    ]
