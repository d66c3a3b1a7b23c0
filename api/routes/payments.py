"""Payments of closed statements, written down by finance, and what is outstanding."""

from typing import Annotated

from fastapi import APIRouter, Body
from sqlalchemy import Connection

from accounting.bills.invoices import Account, BillRefused, Receipt
from accounting.money import parse_fen, yuan_of_fen
from accounting.months.billing import accounts, invoice, receipts, receive
from api.auth import FinanceDep, PayerDep
from api.errors import Refused, missing
from api.examples.bills import PAYMENT_EXAMPLES
from api.routes.books import check_known
from api.routes.parameters import TenantQuery, problems
from api.schemas.bills import AccountView, PaymentList, PaymentRecord, PaymentView
from api.services import ServicesDep

router = APIRouter(prefix="/v1", tags=["books"])


@router.get("/payments", responses=problems(404), summary="What was paid, and what is outstanding")
def list_payments(
    caller: PayerDep, services: ServicesDep, tenant: TenantQuery = None
) -> PaymentList:
    """Payments, and of each closed statement what is due, asked for by invoices, and paid."""
    tenant_id = caller.narrowed(tenant)
    with services.database.connect() as connection:
        check_known(connection, services, tenant_id)
        paid, standing = receipts(connection, tenant_id), accounts(connection, tenant_id)
    outstanding_fen = sum(one.outstanding_fen for one in standing)
    return PaymentList(
        items=[_view(one) for one in paid],
        accounts=[_account(one) for one in standing],
        outstanding=yuan_of_fen(outstanding_fen),
        outstanding_fen=outstanding_fen,
    )


@router.post("/payments", status_code=201, responses=problems(404, 409), summary="Record a payment")
def record_payment(
    wanted: Annotated[PaymentRecord, Body(openapi_examples=PAYMENT_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
) -> PaymentView:
    """So much of a closed statement, or of an invoice of it, is paid; never more than is open.

    It says which bill was paid, and moves no balance. The same again changes nothing.
    """
    now_ms = services.clock()
    if wanted.paid_at_ms > now_ms:
        raise Refused(422, f"payment {wanted.reference} would come later than now")
    with services.database.begin() as connection:
        check_known(connection, services, wanted.tenant)
        paid = Receipt(
            reference=wanted.reference,
            tenant_id=wanted.tenant,
            month=_month(connection, wanted),
            invoice_id=wanted.invoice or "",
            amount_fen=parse_fen(wanted.amount),
            paid_at_ms=wanted.paid_at_ms,
            by=caller.signature,
            at_ms=now_ms,
        )
        try:
            return _view(receive(connection, paid))
        except BillRefused as error:
            raise Refused(409, str(error)) from None


def _month(connection: Connection, wanted: PaymentRecord) -> str:
    """Which statement it pays: that of the invoice, or the one that is named."""
    if wanted.invoice is not None:
        named = invoice(connection, wanted.invoice)
        if named is None or named.request.tenant_id != wanted.tenant:
            raise missing("invoice request", wanted.invoice)
        if wanted.month not in {None, named.request.month}:
            detail = f"invoice request {wanted.invoice} is of {named.request.month}"
            raise Refused(422, detail)
        return named.request.month
    if wanted.month is None:
        error = {"field": "month", "in": "body", "problem": "Field required", "fix": "add it"}
        raise Refused(422, "a payment is of a month, or of an invoice", errors=[error])
    return wanted.month


def _view(paid: Receipt) -> PaymentView:
    return PaymentView(
        reference=paid.reference,
        tenant=paid.tenant_id,
        month=paid.month,
        invoice=paid.invoice_id or None,
        amount=yuan_of_fen(paid.amount_fen),
        paid_at_ms=paid.paid_at_ms,
        by=paid.by,
        at_ms=paid.at_ms,
    )


def _account(one: Account) -> AccountView:
    return AccountView(
        tenant=one.tenant_id,
        month=one.month,
        due=yuan_of_fen(one.due_fen),
        requested=yuan_of_fen(one.requested_fen),
        issued=yuan_of_fen(one.issued_fen),
        credited=yuan_of_fen(one.credited_fen),
        paid=yuan_of_fen(one.paid_fen),
        outstanding=yuan_of_fen(one.outstanding_fen),
        outstanding_fen=one.outstanding_fen,
    )
