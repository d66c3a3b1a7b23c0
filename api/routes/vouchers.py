"""Vouchers: issued by finance, burnt when a month is closed."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Body
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from accounting.bills.claims import ClaimRefused
from accounting.money import MICROS_PER_FEN, parse_yuan, yuan_of_fen
from accounting.prices.vouchers import Balance, Voucher, faults
from accounting.storage.voucher_store import balances, issue
from api.auth import FinanceDep, PayerDep
from api.declared import Declared
from api.errors import Refused
from api.examples.requests import VOUCHER_EXAMPLES
from api.routes.parameters import TenantQuery, problems
from api.schemas.vouchers import VoucherIssue, VoucherList, VoucherView
from api.services import ServicesDep

router = APIRouter(prefix="/v1", tags=["books"])


@router.get("/vouchers", responses=problems(404), summary="List vouchers")
def list_vouchers(
    caller: PayerDep, services: ServicesDep, tenant: TenantQuery = None
) -> VoucherList:
    """All vouchers with what is left of them; a tenant sees its own alone."""
    with services.database.connect() as connection:
        found = balances(connection, caller.narrowed(tenant))
    return VoucherList(items=[_view(balance) for balance in found])


@router.post("/vouchers", status_code=201, responses=problems(409), summary="Issue a voucher")
def issue_voucher(
    wanted: Annotated[VoucherIssue, Body(openapi_examples=VOUCHER_EXAMPLES)],
    _: FinanceDep,
    services: ServicesDep,
) -> VoucherView:
    """Issue a voucher, once for its number and its contract: the same again changes nothing."""
    voucher = _voucher(wanted, services.clock())
    for fault in faults(voucher):
        raise Refused(422, f"voucher {voucher.id}: {fault}")
    try:
        with services.database.begin() as connection:
            known = _same(connection, voucher)
            if known is None:
                _check_words(services.declared.read(connection), wanted)
                issue(connection, voucher)
    except IntegrityError:
        detail = f"voucher {voucher.id}, or one for its contract, was issued at this moment"
        raise Refused(409, detail) from None
    except ClaimRefused as error:
        raise Refused(409, str(error)) from None
    return _view(known or Balance(voucher=voucher, left_fen=voucher.amount_fen))


def _voucher(wanted: VoucherIssue, now_ms: int) -> Voucher:
    return Voucher(
        id=wanted.id,
        tenant_id=wanted.tenant,
        issuer=wanted.issuer,
        contract=wanted.contract,
        amount_fen=parse_yuan(wanted.amount) // MICROS_PER_FEN,
        share_permille=wanted.share_permille,
        from_ms=wanted.from_ms,
        until_ms=wanted.until_ms,
        issued_at_ms=now_ms,
        fields=tuple(wanted.fields),
        device_kind_ids=tuple(wanted.devices),
        centre_ids=tuple(wanted.centres),
    )


def _check_words(declared: Declared, wanted: VoucherIssue) -> None:
    """Whatever it names is there: a misspelt word would pay nothing, in silence."""
    park = declared.park
    known = (
        ("tenant", [wanted.tenant], sorted(declared.tenants)),
        ("fields", wanted.fields, [field_id for field_id, _ in park.fields]),
        ("devices", wanted.devices, sorted(park.device_kind_by_id)),
        ("centres", wanted.centres, sorted(park.centre_by_id)),
    )
    for field, words, names in known:
        for word in words:
            if word not in names:
                raise _wrong(field, f"{word} is unknown", f"use one of {', '.join(names[:50])}")


def _same(connection: Connection, voucher: Voucher) -> Balance | None:
    """The same, if it was issued before; raises `Refused` for another of its number or contract."""
    for known in balances(connection):
        if replace(known.voucher, issued_at_ms=voucher.issued_at_ms) == voucher:
            return known
        if known.voucher.id == voucher.id:
            raise Refused(409, f"voucher {voucher.id} is issued already, and is another")
        if known.voucher.contract == voucher.contract:
            detail = (
                f"contract {voucher.contract} has voucher {known.voucher.id}: no double subsidy"
            )
            raise Refused(409, detail)
    return None


def _wrong(field: str, problem: str, fix: str) -> Refused:
    error = {"field": field, "in": "body", "problem": problem, "fix": fix}
    return Refused(422, f"the voucher cannot be issued: {problem}", errors=[error])


def _view(balance: Balance) -> VoucherView:
    voucher = balance.voucher
    return VoucherView(
        id=voucher.id,
        tenant=voucher.tenant_id,
        issuer=voucher.issuer,
        contract=voucher.contract,
        amount=yuan_of_fen(voucher.amount_fen),
        share_permille=voucher.share_permille,
        from_ms=voucher.from_ms,
        until_ms=voucher.until_ms,
        fields=list(voucher.fields),
        devices=list(voucher.device_kind_ids),
        centres=list(voucher.centre_ids),
        issued_at_ms=voucher.issued_at_ms,
        left=yuan_of_fen(balance.left_fen),
    )
