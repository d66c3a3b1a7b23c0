"""Price lists: dated, published once, never changed."""

from collections.abc import Container
from typing import Annotated

from fastapi import APIRouter, Body, Response

from accounting.money import parse_yuan, yuan_of_micros
from accounting.prices.rating import PriceBook, PriceList, PriceMissing
from api.asking import IdempotencyKey, ask, once, request_id
from api.auth import FinanceDep, PersonDep
from api.examples.requests import PRICE_EXAMPLES
from api.routes.parameters import problems
from api.schemas.administration import Accepted, PriceListCreate, PriceLists, PriceListView
from api.services import ServicesDep
from scheduler.facts.events import PriceListPublished
from scheduler.facts.log import Request

router = APIRouter(prefix="/v1", tags=["prices"])


@router.get("/prices", responses=problems(), summary="List price lists")
def list_prices(_: PersonDep, services: ServicesDep) -> PriceLists:
    """All price lists, oldest first; one of them is in force."""
    declared = services.read_declared()
    in_force = _in_force(declared.prices, services.clock())
    kinds = declared.park.device_kind_by_id
    return PriceLists(items=[_view(prices, in_force, kinds) for prices in declared.prices.lists])


def _in_force(book: PriceBook, now_ms: int) -> str:
    try:
        return book.list_at(now_ms).id
    except PriceMissing:
        return ""


@router.post(
    "/prices",
    status_code=201,
    response_model=PriceListView,
    responses=problems(409) | {202: {"description": "Not heard of yet", "model": Accepted}},
    summary="Publish a price list",
)
def publish(
    wanted: Annotated[PriceListCreate, Body(openapi_examples=PRICE_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> Response:
    """Prices from a moment on; it may not begin in the past, and covers every kind and class.

    It may have prices of kinds to come: `not_in_park` names those that are not there.
    """
    prices = PriceList(
        id=wanted.id,
        from_ms=wanted.from_ms,
        on_demand=tuple((kind, parse_yuan(price)) for kind, price in wanted.on_demand.items()),
        qos_permille=tuple(wanted.qos_permille.items()),
        class_permille=tuple(wanted.class_permille.items()),
        vat_permille=wanted.vat_permille,
    )
    create = once(caller, key, "prices", wanted)
    wish = PriceListPublished(at_ms=services.clock(), price_list=prices)
    answer = ask(services, Request(id=request_id("prices", create), wish=wish), create)
    if not answer.is_consumed:
        waiting = Accepted(detail="it is published once a broker leads again")
        return Response(waiting.model_dump_json(), 202, media_type="application/json")
    published = _view(prices, "", services.read_declared().park.device_kind_by_id)
    return Response(published.model_dump_json(), 201, media_type="application/json")


def _view(prices: PriceList, in_force: str, kinds: Container[str]) -> PriceListView:
    """`kinds` are those of the park."""
    return PriceListView(
        id=prices.id,
        from_ms=prices.from_ms,
        is_in_force=prices.id == in_force,
        on_demand={kind: yuan_of_micros(micros) for kind, micros in prices.on_demand},
        not_in_park=[kind for kind, _ in prices.on_demand if kind not in kinds],
        qos_permille=dict(prices.qos_permille),
        class_permille=dict(prices.class_permille),
        vat_permille=prices.vat_permille,
    )
