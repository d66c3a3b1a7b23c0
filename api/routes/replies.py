"""What tenants say about closed statements, and what finance answers."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Body

from accounting.bills.concessions import Concession
from accounting.bills.replies import Reply, ReplyKind, ReplyRefused
from accounting.money import parse_fen, yuan_of_fen
from accounting.months.replying import replies, reply
from accounting.storage.concession_store import concessions
from api.auth import Caller, FinanceDep, PayerDep, TenantDep
from api.errors import Refused
from api.examples.bills import CONFIRMATION_EXAMPLES, DISPUTE_EXAMPLES, RESOLUTION_EXAMPLES
from api.granting import decide_once
from api.routes.books import check_known
from api.routes.parameters import MonthPath, TenantQuery, one_tenant, problems
from api.schemas.bills import Confirmation, Dispute, ReplyList, ReplyView, Resolution
from api.services import Services, ServicesDep

router = APIRouter(prefix="/v1/statements/{month}", tags=["books"])


@router.get("/replies", responses=problems(404), summary="What was said about a statement")
def list_replies(
    month: MonthPath, caller: PayerDep, services: ServicesDep, tenant: TenantQuery = None
) -> ReplyList:
    """Confirmed, disputed, decided: who said so, when and why; the last word counts."""
    tenant_id = one_tenant(caller, tenant)
    with services.database.connect() as connection:
        check_known(connection, services, tenant_id)
        said = replies(connection, tenant_id, month)
        granted = {one.number: one for one in concessions(connection, tenant_id, month)}
    standing = said[-1].kind.value if said else "open"
    return ReplyList(standing=standing, items=[_view(one, granted.get(one.number)) for one in said])


@router.post(":confirm", responses=problems(409), summary="Confirm a statement")
def confirm(
    month: MonthPath,
    caller: TenantDep,
    services: ServicesDep,
    wanted: Annotated[Confirmation | None, Body(openapi_examples=CONFIRMATION_EXAMPLES)] = None,
) -> ReplyView:
    """The tenant agrees with its closed statement; the same again changes nothing."""
    given = wanted or Confirmation()
    said = _said(caller, services, month, ReplyKind.CONFIRMED)
    return _kept(services, replace(said, reason=given.reason or "", sha256=given.sha256 or ""))


@router.post(":dispute", responses=problems(409), summary="Dispute a statement")
def dispute(
    month: MonthPath,
    wanted: Annotated[Dispute, Body(openapi_examples=DISPUTE_EXAMPLES)],
    caller: TenantDep,
    services: ServicesDep,
) -> ReplyView:
    """The tenant does not agree, and says why; the statement stays as it was closed."""
    said = _said(caller, services, month, ReplyKind.DISPUTED)
    lines = tuple(sorted({*wanted.lines}))
    return _kept(
        services, replace(said, reason=wanted.reason, lines=lines, sha256=wanted.sha256 or "")
    )


@router.post(":resolve", responses=problems(404, 409), summary="Resolve a dispute")
def resolve(
    month: MonthPath,
    wanted: Annotated[Resolution, Body(openapi_examples=RESOLUTION_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
) -> ReplyView:
    """Finance says what came of a dispute; the tenant may confirm then, or dispute anew.

    With an `amount` the tenant gets so much back: its balance has it at once, and the next
    statement that is closed says so below zero. Never more than what is disputed comes to.
    """
    with services.database.connect() as connection:
        check_known(connection, services, wanted.tenant)
    said = _said(caller, services, month, ReplyKind(wanted.decision))
    said = replace(said, tenant_id=wanted.tenant, reason=wanted.reason)
    amount_fen = None if wanted.amount is None else parse_fen(wanted.amount)
    try:
        with services.database.begin() as connection:
            kept, granted = decide_once(connection, said, amount_fen)
    except ReplyRefused as error:
        raise Refused(409, str(error)) from None
    return _view(kept, granted)


def _said(caller: Caller, services: Services, month: str, kind: ReplyKind) -> Reply:
    """Nothing but who says what sort of word, and when."""
    return Reply(
        tenant_id=caller.tenant_id or "",
        month=month,
        number=0,
        kind=kind,
        sha256="",
        reason="",
        lines=(),
        by=caller.signature,
        at_ms=services.clock(),
    )


def _kept(services: Services, said: Reply) -> ReplyView:
    try:
        with services.database.begin() as connection:
            return _view(reply(connection, said))
    except ReplyRefused as error:
        raise Refused(409, str(error)) from None


def _view(said: Reply, granted: Concession | None = None) -> ReplyView:
    return ReplyView(
        tenant=said.tenant_id,
        month=said.month,
        number=said.number,
        kind=said.kind.value,
        reason=said.reason,
        lines=list(said.lines),
        sha256=said.sha256,
        by=said.by,
        at_ms=said.at_ms,
        granted=None if granted is None else yuan_of_fen(granted.amount_fen),
    )
