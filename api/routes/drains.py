"""Planned maintenance: nodes on which nothing new starts, until they are back."""

from typing import Annotated

from fastapi import APIRouter, Body

from api.asking import ask, heard, request_id
from api.auth import Caller, OperatorDep
from api.errors import Refused, missing
from api.examples.requests import DRAIN_EXAMPLES
from api.routes.capacity import node_views
from api.routes.parameters import problems
from api.schemas.administration import NodeList, NodesDrain, NodeView
from api.services import Services, ServicesDep
from cluster.inventory import Park
from scheduler.facts.events import NodesDrained
from scheduler.facts.log import Request

router = APIRouter(prefix="/v1/nodes", tags=["machines"])

Wanted = Annotated[NodesDrain, Body(openapi_examples=DRAIN_EXAMPLES)]


@router.post(":drain", responses=problems(404), summary="Take nodes out for maintenance")
def drain(wanted: Wanted, caller: OperatorDep, services: ServicesDep) -> NodeList:
    """Nothing new starts on these nodes; what runs there goes on. Again changes nothing.

    What is in planned maintenance leaves the denominator of utilisation.
    """
    return _set(services, caller, wanted, is_drained=True)


@router.post(":resume", responses=problems(404), summary="Take nodes back from maintenance")
def resume(wanted: Wanted, caller: OperatorDep, services: ServicesDep) -> NodeList:
    """Work may start on these nodes again, also where nothing could be started lately."""
    return _set(services, caller, wanted, is_drained=False)


def _set(services: Services, caller: Caller, wanted: NodesDrain, *, is_drained: bool) -> NodeList:
    with services.database.connect() as connection:
        park = services.declared.read(connection).park
        node_ids = _named(park, wanted)
        known = {one.id: one for one in node_views(connection, park, services.clock())}
    changed = tuple(one for one in node_ids if _is_new(known[one], is_drained=is_drained))
    if changed:
        wish = NodesDrained(
            at_ms=services.clock(),
            node_ids=changed,
            is_drained=is_drained,
            said_by=caller.signature,
        )
        heard(ask(services, Request(id=request_id("drain", None), wish=wish)).is_consumed)
    with services.database.connect() as connection:
        views = node_views(connection, park, services.clock())
    return NodeList(items=[one for one in views if one.id in {*node_ids}])


def _is_new(node: NodeView, *, is_drained: bool) -> bool:
    """Whether that would change anything; what is well again is not kept out any longer."""
    is_cleared = node.kept_out_until_ms is not None and not is_drained
    return is_cleared or node.is_drained != is_drained


def _named(park: Park, wanted: NodesDrain) -> tuple[str, ...]:
    if bool(wanted.nodes) == (wanted.centre is not None):
        error = {"field": "nodes", "in": "body", "problem": "either these or a centre", "fix": ""}
        raise Refused(422, "name nodes, or a centre", errors=[error])
    for node_id in wanted.nodes:
        if node_id not in park.node_by_id:
            raise missing("node", node_id)
    if wanted.centre is None:
        return tuple(sorted({*wanted.nodes}))
    if wanted.centre not in park.centre_by_id:
        raise missing("centre", wanted.centre)
    return tuple(sorted(park.node_ids_by_centre[wanted.centre]))
