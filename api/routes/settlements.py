"""What the broker owes each centre, and the statement of the whole platform."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response

from accounting.bills.platform_month import PLATFORM
from accounting.bills.terms import CentreTerms, TermsKind, TermsMissing
from accounting.calendar import month_of
from accounting.exports.settlement_export import centre_sheet, platform_sheets
from accounting.exports.sheet import Sheet
from accounting.money import parse_yuan, yuan_of_micros
from accounting.months.settling import (
    StoredSettlement,
    TermsRefused,
    centre_party,
    publish_terms,
    settlement,
    terms,
)
from api.auth import FinanceDep
from api.declared import Declared
from api.documents.printing import Names
from api.documents.settlement import centre_pdf, platform_pdf
from api.documents.xlsx import workbook
from api.errors import Refused, missing
from api.examples.bills import TERMS_EXAMPLES
from api.routes.books import PDF, XLSX, attachment
from api.routes.parameters import NAME_PATTERN, Month, problems
from api.schemas.settlements import TermsList, TermsPublish, TermsView, TierView
from api.services import ServicesDep

router = APIRouter(prefix="/v1", tags=["books"])

Party = Annotated[
    str | None,
    Query(alias="centre", pattern=NAME_PATTERN, description="whose; the platform's if not given"),
]
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The statement", "content": {"application/json": {}, PDF: {}, XLSX: {}}}
}


@router.get(
    "/settlements",
    responses=problems(404, 409) | ANSWER,
    response_class=Response,
    summary="The statement of a centre, or of the platform",
)
def settlement_of(
    _: FinanceDep,
    services: ServicesDep,
    centre: Party = None,
    month: Month = None,
    file_format: Annotated[Literal["json", "xlsx", "pdf"], Query(alias="format")] = "json",
) -> Response:
    """As it was closed, or a draft of what is known now.

    Of a centre: what it ran, and what the broker owes it by its terms. Of the platform: the income
    of all tenants, the cost of all centres, what vouchers pay, tax and margin, beside the ledger.
    """
    asked_month = month or month_of(services.clock())
    with services.database.connect() as connection:
        declared = services.declared.read(connection)
        if centre is not None and centre not in declared.park.centre_by_id:
            raise missing("centre", centre)
        party = PLATFORM if centre is None else centre_party(centre)
        try:
            stored = settlement(connection, party, asked_month)
        except TermsMissing as error:
            raise Refused(409, str(error)) from None
    headers = {"X-Content-SHA256": stored.sha256, "Cache-Control": "no-store"}
    if file_format != "json":
        name = f"settlement-{centre or PLATFORM}-{asked_month}"
        headers["Content-Disposition"] = attachment(name, file_format)
    match file_format:
        case "json":
            return Response(stored.body, headers=headers, media_type="application/json")
        case "xlsx":
            book = workbook(_sheets(stored, centre))
            return Response(book, headers=headers, media_type=XLSX)
        case "pdf":
            made = _document(stored, centre, declared)
            return Response(made, headers=headers, media_type=PDF)


def _sheets(stored: StoredSettlement, centre: str | None) -> Mapping[str, Sheet]:
    if centre is None:
        return platform_sheets(stored.body)
    return {"结算单": centre_sheet(stored.body)}


def _document(stored: StoredSettlement, centre: str | None, declared: Declared) -> bytes:
    tenants = {tenant.id: tenant.name for tenant in declared.tenants.values()}
    names = Names(park=declared.park, tenants=tenants)
    return (platform_pdf if centre is None else centre_pdf)(stored.body, names)


@router.get("/terms", responses=problems(), summary="What centres get")
def list_terms(_: FinanceDep, services: ServicesDep) -> TermsList:
    """The terms of all centres, by month; they never change."""
    with services.database.connect() as connection:
        found = terms(connection)
    return TermsList(items=[_view(one) for one in found])


@router.post("/terms", status_code=201, responses=problems(409), summary="Publish a centre's terms")
def publish_centre_terms(
    wanted: Annotated[TermsPublish, Body(openapi_examples=TERMS_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
) -> TermsView:
    """From the beginning of a month that is not closed; the same again changes nothing."""
    published = CentreTerms(
        centre_id=wanted.centre,
        month=wanted.month,
        kind=TermsKind(wanted.kind),
        prices=tuple(sorted((kind, parse_yuan(text)) for kind, text in wanted.prices.items())),
        tiers=tuple((tier.from_card_hours, tier.share_permille) for tier in wanted.tiers),
        vat_permille=wanted.vat_permille,
        by=caller.signature,
        at_ms=services.clock(),
    )
    with services.database.begin() as connection:
        _check_words(services.declared.read(connection), wanted)
        try:
            return _view(publish_terms(connection, published))
        except TermsRefused as error:
            raise Refused(409, str(error)) from None


def _check_words(declared: Declared, wanted: TermsPublish) -> None:
    """The centre is there, and by cost each of its kinds has a price, and none else."""
    centre = declared.park.centre_by_id.get(wanted.centre)
    if centre is None:
        known = ", ".join(sorted(declared.park.centre_by_id))
        raise _wrong("centre", f"{wanted.centre} is unknown", f"use one of {known}")
    if TermsKind(wanted.kind) is not TermsKind.COST:
        return
    kinds = {pool.device_kind_id for pool in centre.pools}
    for kind_id in sorted(kinds - wanted.prices.keys()):
        raise _wrong("prices", f"{kind_id} of this centre has no price", "add it")
    for kind_id in sorted(wanted.prices.keys() - kinds):
        raise _wrong("prices", f"{kind_id} is not in this centre", "remove it")


def _wrong(field: str, problem: str, fix: str) -> Refused:
    error = {"field": field, "in": "body", "problem": problem, "fix": fix}
    return Refused(422, f"the terms cannot be published: {problem}", errors=[error])


def _view(one: CentreTerms) -> TermsView:
    return TermsView(
        centre=one.centre_id,
        month=one.month,
        kind=one.kind.value,
        prices={kind_id: yuan_of_micros(micros) for kind_id, micros in one.prices},
        tiers=[
            TierView(from_card_hours=begin, share_permille=permille)
            for begin, permille in one.tiers
        ],
        vat_permille=one.vat_permille,
        by=one.by,
        at_ms=one.at_ms,
    )
