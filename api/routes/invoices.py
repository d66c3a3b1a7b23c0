"""Invoices of closed statements: asked for by tenants, noted by finance."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response
from sqlalchemy import Connection

from accounting.bills.invoice_lines import InvoiceLine
from accounting.bills.invoices import (
    BillRefused,
    Invoice,
    InvoiceRequest,
    InvoiceStep,
    StepKind,
)
from accounting.money import decimal_text, parse_fen, yuan_of_fen, yuan_of_micros
from accounting.months.billing import ask_for_invoice, invoice, invoices, note_step
from api.auth import Caller, FinanceDep, PayerDep
from api.documents.printing import Names
from api.documents.settlement import invoice_pdf
from api.errors import Refused, missing
from api.examples.bills import CREDITED_EXAMPLES, INVOICE_EXAMPLES, ISSUED_EXAMPLES
from api.routes.books import PDF, attachment, check_known
from api.routes.parameters import NAME_PATTERN, Month, TenantQuery, one_tenant, problems
from api.schemas.bills import (
    InvoiceAsk,
    InvoiceCredited,
    InvoiceIssued,
    InvoiceLineView,
    InvoiceList,
    InvoiceStepView,
    InvoiceView,
)
from api.services import Services, ServicesDep

router = APIRouter(prefix="/v1/invoices", tags=["books"])

InvoiceId = Annotated[
    str, Path(alias="invoice_id", pattern=NAME_PATTERN, description="the request's own number")
]

PAGE_MAX = 500

DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The document", "content": {PDF: {}}}
}


Cursor = Annotated[
    str | None, Query(pattern=NAME_PATTERN, description="the `next` of the page before")
]
PageSize = Annotated[int, Query(ge=1, le=PAGE_MAX, description="how many at most")]


@router.get("", responses=problems(404), summary="List invoices")
def list_invoices(
    caller: PayerDep,
    services: ServicesDep,
    tenant: TenantQuery = None,
    month: Month = None,
    limit: PageSize = PAGE_MAX,
    cursor: Cursor = None,
) -> InvoiceList:
    """What was asked for, with how each stands; `next` of a page is the `cursor` of the next."""
    tenant_id = caller.narrowed(tenant)
    with services.database.connect() as connection:
        check_known(connection, services, tenant_id)
        found = invoices(connection, tenant_id, month, cursor, limit + 1)
    page = found[:limit]
    following = page[-1].request.id if len(found) > limit else None
    return InvoiceList(items=[invoice_view(one) for one in page], next=following)


@router.get("/{invoice_id}", responses=problems(404), summary="An invoice")
def get_invoice(invoice_id: InvoiceId, caller: PayerDep, services: ServicesDep) -> InvoiceView:
    """What is asked for, line by line, and what became of it."""
    with services.database.connect() as connection:
        return invoice_view(_found(connection, caller, invoice_id))


@router.get(
    "/{invoice_id}/document",
    responses=problems(404) | DOCUMENT,
    response_class=Response,
    summary="An invoice request as a document",
)
def invoice_document(invoice_id: InvoiceId, caller: PayerDep, services: ServicesDep) -> Response:
    """The request as PDF in Chinese, for whoever issues the invoice."""
    with services.database.connect() as connection:
        known = _found(connection, caller, invoice_id)
        declared = services.declared.read(connection)
    body = invoice_view(known).model_dump_json().encode()
    names = Names(tenant=declared.tenants[known.request.tenant_id].name, park=declared.park)
    headers = {"Content-Disposition": attachment(f"invoice-{invoice_id}", "pdf")}
    return Response(invoice_pdf(body, names), headers=headers, media_type=PDF)


@router.post("", status_code=201, responses=problems(404, 409), summary="Ask for an invoice")
def ask_invoice(
    wanted: Annotated[InvoiceAsk, Body(openapi_examples=INVOICE_EXAMPLES)],
    caller: PayerDep,
    services: ServicesDep,
) -> InvoiceView:
    """Of a closed statement, for all that is due and not asked for yet, or for a part of it.

    We issue no invoice: finance has the tax office's system issue it, and notes its number.
    """
    asked = InvoiceRequest(
        id=wanted.id,
        tenant_id=one_tenant(caller, wanted.tenant),
        month=wanted.month,
        sha256="",
        buyer_name=wanted.buyer,
        credit_code=wanted.credit_code,
        lines=(),
        by=caller.signature,
        at_ms=services.clock(),
    )
    amount_fen = None if wanted.amount is None else parse_fen(wanted.amount)
    with services.database.begin() as connection:
        check_known(connection, services, asked.tenant_id)
        try:
            return invoice_view(ask_for_invoice(connection, asked, amount_fen))
        except BillRefused as error:
            raise Refused(409, str(error)) from None


@router.post(
    "/{invoice_id}:issue", responses=problems(404, 409), summary="Note an invoice's number"
)
def issue_invoice(
    invoice_id: InvoiceId,
    wanted: Annotated[InvoiceIssued, Body(openapi_examples=ISSUED_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
) -> InvoiceView:
    """It is issued, under this number."""
    return _noted(caller, services, invoice_id, (StepKind.ISSUED, wanted.number, "", None))


@router.post("/{invoice_id}:credit", responses=problems(404, 409), summary="Note a credit note")
def credit_invoice(
    invoice_id: InvoiceId,
    wanted: Annotated[InvoiceCredited, Body(openapi_examples=CREDITED_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
) -> InvoiceView:
    """A credit note (红字) takes some of it back; for that much may be asked again."""
    step = (StepKind.CREDITED, wanted.number, wanted.reason, wanted.amount)
    return _noted(caller, services, invoice_id, step)


@router.post("/{invoice_id}:withdraw", responses=problems(404, 409), summary="Withdraw a request")
def withdraw_invoice(invoice_id: InvoiceId, caller: PayerDep, services: ServicesDep) -> InvoiceView:
    """It shall not be issued; for its amount may be asked again."""
    return _noted(caller, services, invoice_id, (StepKind.WITHDRAWN, invoice_id, "", None))


def _noted(
    caller: Caller,
    services: Services,
    invoice_id: str,
    said: tuple[StepKind, str, str, str | None],
) -> InvoiceView:
    kind, number, reason, amount = said
    with services.database.begin() as connection:
        known = _found(connection, caller, invoice_id)
        step = InvoiceStep(
            number=number,
            kind=kind,
            invoice_id=invoice_id,
            tenant_id=known.request.tenant_id,
            amount_fen=0 if amount is None else parse_fen(amount),
            reason=reason,
            by=caller.signature,
            at_ms=services.clock(),
        )
        try:
            return invoice_view(note_step(connection, step, is_all=amount is None))
        except BillRefused as error:
            raise Refused(409, str(error)) from None


def _found(connection: Connection, caller: Caller, invoice_id: str) -> Invoice:
    known = invoice(connection, invoice_id)
    if known is None or not caller.may_see(known.request.tenant_id):
        raise missing("invoice request", invoice_id)
    return known


def invoice_view(known: Invoice) -> InvoiceView:
    request = known.request
    return InvoiceView(
        id=request.id,
        tenant=request.tenant_id,
        month=request.month,
        statement_sha256=request.sha256,
        buyer=request.buyer_name,
        credit_code=request.credit_code,
        state=known.state.value,
        number=known.number,
        lines=[_line(line) for line in request.lines],
        net=yuan_of_fen(request.net_fen),
        tax=yuan_of_fen(request.gross_fen - request.net_fen),
        gross=yuan_of_fen(request.gross_fen),
        credited=yuan_of_fen(known.credited_fen),
        paid=yuan_of_fen(known.paid_fen),
        steps=[_step(step) for step in known.steps],
        by=request.by,
        at_ms=request.at_ms,
    )


def _line(line: InvoiceLine) -> InvoiceLineView:
    return InvoiceLineView(
        item=line.item,
        device=line.device_kind_id,
        unit=line.unit,
        quantity=decimal_text(line.quantity_micros, 6, 0),
        price=yuan_of_micros(line.price_micros),
        net=yuan_of_fen(line.net_fen),
        vat_permille=line.vat_permille,
        tax=yuan_of_fen(line.tax_fen),
        gross=yuan_of_fen(line.gross_fen),
    )


def _step(step: InvoiceStep) -> InvoiceStepView:
    return InvoiceStepView(
        kind=step.kind.value,
        number=step.said_number,
        amount=yuan_of_fen(step.amount_fen),
        reason=step.reason,
        by=step.by,
        at_ms=step.at_ms,
    )
