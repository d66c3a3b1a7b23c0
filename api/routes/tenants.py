"""Tenants: who they are, their quota and weight, and what they have paid in."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Body
from sqlalchemy import Connection

from accounting.ledger import PAID_IN_ACCOUNT, TransferKind, available_account, held_account
from accounting.money import MAX_YUAN, MICROS_PER_YUAN, parse_yuan, yuan_of_micros
from accounting.storage.store import balances
from accounting.storage.transfers import is_booked
from api.asking import IdempotencyKey, ask, heard, once, request_id
from api.auth import Caller, FinanceDep, OperatorDep, PersonDep, Role
from api.declared import Declared
from api.entitling import entitled, entitlement
from api.errors import Refused, missing
from api.examples.requests import TENANT_EXAMPLES, TOP_UP_EXAMPLES
from api.promised import check_promises, wrong
from api.routes.parameters import TenantId, problems
from api.schemas.administration import TenantList, TenantPut, TenantView, TopUp
from api.services import Services, ServicesDep
from scheduler.facts.events import Credited, HardStopSet, TenantDeclared
from scheduler.facts.log import Request
from scheduler.model.tenancy import Tenant
from scheduler.model.tree import Tree

router = APIRouter(prefix="/v1", tags=["tenants"])

MAX_PAID_IN_MICROS = 5 * MAX_YUAN * MICROS_PER_YUAN
"""By a tenant in all its time.

An account has room for a balance of any size (`MAX_BALANCE_MICROS`) beside it, which is what those
can add who are asked for at the same moment.
"""


@router.get("/tenants", responses=problems(), summary="List tenants")
def list_tenants(caller: PersonDep, services: ServicesDep) -> TenantList:
    """All tenants; a tenant sees itself alone. Money is for finance and for the tenant itself."""
    with services.database.connect() as connection:
        declared = services.declared.read(connection)
        accounts = _accounts(connection, caller)
    visible = [tenant for tenant in declared.tenants.values() if caller.may_see(tenant.id)]
    return TenantList(items=[_view(tenant, declared, accounts) for tenant in visible])


@router.get("/tenants/{tenant_id}", responses=problems(404), summary="One tenant")
def get_tenant(tenant_id: TenantId, caller: PersonDep, services: ServicesDep) -> TenantView:
    """A tenant; another's does not exist."""
    return _read(services, tenant_id, caller)


def _read(services: Services, tenant_id: str, caller: Caller) -> TenantView:
    with services.database.connect() as connection:
        declared = services.declared.read(connection)
        tenant = declared.tenants.get(tenant_id)
        if tenant is None or not caller.may_see(tenant_id):
            raise missing("tenant", tenant_id)
        return _view(tenant, declared, _accounts(connection, caller))


@router.put("/tenants/{tenant_id}", responses=problems(409), summary="Declare a tenant")
def put_tenant(
    tenant_id: TenantId,
    wanted: Annotated[TenantPut, Body(openapi_examples=TENANT_EXAMPLES)],
    caller: OperatorDep,
    services: ServicesDep,
) -> TenantView:
    """Make a tenant, or change its quota, weight, class or credit limit from now on."""
    tenant = Tenant(
        id=tenant_id,
        name=wanted.name,
        type=wanted.type,
        field=wanted.field,
        price_class=wanted.price_class,
        max_cards=wanted.max_cards,
        weight=wanted.weight,
        credit_limit_micros=parse_yuan(wanted.credit_limit),
        cohort_id=wanted.cohort,
        nominal_nodes=tuple(sorted(wanted.nominal_nodes.items())),
        **entitlement(wanted),
    )
    _check(services, tenant)
    wish = TenantDeclared(at_ms=services.clock(), tenant=tenant)
    heard(ask(services, Request(id=request_id("tenant", None), wish=wish)).is_consumed)
    if wanted.hard_stop is not None:
        stop = HardStopSet(at_ms=services.clock(), tenant_id=tenant_id, is_on=wanted.hard_stop)
        heard(ask(services, Request(id=request_id("hard-stop", None), wish=stop)).is_consumed)
    return _read(services, tenant_id, caller)


def _check(services: Services, tenant: Tenant) -> None:
    """Its words are the park's and its prices', and nominal quotas are not more than there is."""
    declared = services.read_declared()
    _check_words(declared, tenant, services.clock())
    tree = declared.tree
    tenants = {**declared.tenants, tenant.id: tenant}
    check_promises(declared, Tree(tenants, tree.cohorts.values(), tree.projects.values()))


def _check_words(declared: Declared, tenant: Tenant, now_ms: int) -> None:
    """A field that the park has, and a class that every price list to come knows."""
    fields = [field_id for field_id, _ in declared.park.fields]
    if tenant.field not in fields:
        raise _unknown("field", tenant.field, fields)
    if tenant.cohort_id not in {None, *declared.tree.cohorts}:
        raise _unknown("cohort", str(tenant.cohort_id), sorted(declared.tree.cohorts))
    lists = declared.prices.lists
    current = [p for p in lists if p.from_ms <= now_ms][-1:]
    for prices in [*current, *(p for p in lists if p.from_ms > now_ms)]:
        classes = [name for name, _ in prices.class_permille]
        if tenant.price_class not in classes:
            raise _unknown("price_class", tenant.price_class, classes)


def _unknown(field: str, word: str, known: list[str]) -> Refused:
    fix = f"use one of {', '.join(known)}" if known else "declare it first"
    return wrong(field, f"there is no {field} {word}", f"{word} is unknown", fix)


@router.post("/tenants/{tenant_id}:top-up", responses=problems(404, 409), summary="Book a payment")
def top_up(
    tenant_id: TenantId,
    payment: Annotated[TopUp, Body(openapi_examples=TOP_UP_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
    key: IdempotencyKey = None,
) -> TenantView:
    """A tenant has paid in: once for each reference, whoever books it."""
    _read(services, tenant_id, caller)
    amount_micros = parse_yuan(payment.amount)
    _check_paid_in(services, tenant_id, amount_micros, payment.reference)
    wish = Credited(
        at_ms=services.clock(),
        tenant_id=tenant_id,
        amount_micros=amount_micros,
        reference=payment.reference,
    )
    create = once(caller, key, f"top-up {tenant_id}", payment)
    request = Request(id=request_id("top-up", create), wish=wish)
    heard(ask(services, request, create).is_consumed)
    return _read(services, tenant_id, caller)


def _check_paid_in(services: Services, tenant_id: str, amount_micros: int, reference: str) -> None:
    """An account that is only ever paid from grows for ever, and a column does not.

    What is booked already is in it, and is told as that.
    """
    with services.database.connect() as connection:
        if is_booked(connection, TransferKind.TOP_UP, reference):
            return
        paid_micros = -balances(connection, tenant_id).get(PAID_IN_ACCOUNT, 0)
    if amount_micros > MAX_PAID_IN_MICROS - paid_micros:
        most = f"{MAX_PAID_IN_MICROS // MICROS_PER_YUAN:,}"
        paid = yuan_of_micros(paid_micros)
        detail = f"{tenant_id} pays in at most {most} yuan in all, and has paid in {paid}"
        raise Refused(409, f"{detail}: declare another tenant for what comes next")


def _accounts(connection: Connection, caller: Caller) -> Mapping[str, int] | None:
    """What accounts hold, for those who may know it."""
    if caller.role is Role.OPERATOR:
        return None
    return balances(connection, caller.tenant_id)


def _view(tenant: Tenant, declared: Declared, accounts: Mapping[str, int] | None) -> TenantView:
    money = accounts if accounts is not None else {}
    is_told = accounts is not None
    return TenantView(
        id=tenant.id,
        name=tenant.name,
        type=tenant.type,
        field=tenant.field,
        price_class=tenant.price_class,
        max_cards=tenant.max_cards,
        weight=tenant.weight,
        cohort=tenant.cohort_id,
        credit_limit=yuan_of_micros(tenant.credit_limit_micros),
        balance=yuan_of_micros(money.get(available_account(tenant.id), 0)) if is_told else None,
        held=yuan_of_micros(money.get(held_account(tenant.id), 0)) if is_told else None,
        hard_stop=tenant.id in declared.hard_stops,
        nominal_nodes=dict(tenant.nominal_nodes),
        **entitled(tenant),
    )
