"""Prepaid packages: who has bought which, what they cover, and selling one."""

from typing import Annotated

from fastapi import APIRouter, Body

from accounting.calendar import month_of
from accounting.money import MICROS_PER_FEN, MS_PER_HOUR, card_hours, parse_yuan, yuan_of_fen
from accounting.prices.packages import Commitment, Package, PackageKind, faults
from accounting.storage.package_store import commitments, packages
from api.asking import ask, heard, request_id
from api.auth import FinanceDep, PayerDep
from api.declared import Declared
from api.errors import Refused, missing
from api.examples.requests import PACKAGE_EXAMPLES
from api.routes.parameters import TenantQuery, problems
from api.schemas.packages import PackageList, PackageSell, PackageView
from api.services import ServicesDep
from scheduler.facts.events import PackageBought
from scheduler.facts.log import Request

router = APIRouter(prefix="/v1", tags=["books"])


@router.get("/packages", responses=problems(404), summary="List packages")
def list_packages(
    caller: PayerDep, services: ServicesDep, tenant: TenantQuery = None
) -> PackageList:
    """All packages, with what they cover this month; a tenant sees its own alone."""
    wanted, month = caller.narrowed(tenant), month_of(services.clock())
    with services.database.connect() as connection:
        if wanted is not None and wanted not in services.declared.read(connection).tenants:
            raise missing("tenant", wanted)
        found = packages(connection, wanted)
        used = {
            one.package.id: one
            for tenant_id in sorted({package.tenant_id for package in found})
            for one in commitments(connection, tenant_id, month)
        }
    return PackageList(items=[_view(one, used.get(one.id)) for one in found])


@router.post("/packages", status_code=201, responses=problems(409), summary="Sell a package")
def sell_package(
    wanted: Annotated[PackageSell, Body(openapi_examples=PACKAGE_EXAMPLES)],
    _: FinanceDep,
    services: ServicesDep,
) -> PackageView:
    """A tenant buys a package, out of its balance; once for each number."""
    now_ms = services.clock()
    package = Package(
        id=wanted.id,
        tenant_id=wanted.tenant,
        kind=PackageKind(wanted.kind),
        device_kind_id=wanted.device,
        card_count=wanted.cards,
        device_ms=wanted.card_hours * MS_PER_HOUR,
        from_ms=wanted.from_ms,
        until_ms=wanted.until_ms,
        amount_fen=parse_yuan(wanted.amount) // MICROS_PER_FEN,
        vat_permille=wanted.vat_permille,
        bought_at_ms=now_ms,
    )
    _check(services.read_declared(), package, now_ms)
    wish = PackageBought(at_ms=now_ms, package=package)
    heard(ask(services, Request(id=request_id("package", None), wish=wish)).is_consumed)
    return _view(package, None)


def _check(declared: Declared, package: Package, now_ms: int) -> None:
    """What it names is there, and it covers nothing that was used before it was bought."""
    for fault in faults(package):
        raise Refused(422, f"package {package.id}: {fault}")
    if package.device_kind_id in declared.park.core_kind_ids:
        raise Refused(
            422,
            f"package {package.id}: {package.device_kind_id} is a kind of cores, and packages are "
            "of cards: core-hours are paid as they are used",
        )
    kinds = sorted(declared.park.device_kind_by_id)
    if package.tenant_id not in declared.tenants:
        raise _wrong("tenant", f"there is no tenant {package.tenant_id}", "declare it first")
    if package.device_kind_id not in kinds:
        fix = f"use one of {', '.join(kinds)}"
        raise _wrong("device", f"there is no device kind {package.device_kind_id}", fix)
    if package.until_ms <= now_ms:
        raise _wrong("until_ms", "it would be over already", "choose a later end")


def _wrong(field: str, problem: str, fix: str) -> Refused:
    error = {"field": field, "in": "body", "problem": problem, "fix": fix}
    return Refused(422, problem, errors=[error])


def _view(package: Package, used: Commitment | None) -> PackageView:
    return PackageView(
        id=package.id,
        tenant=package.tenant_id,
        kind=package.kind.value,
        device=package.device_kind_id,
        cards=package.card_count,
        card_hours=package.device_ms // MS_PER_HOUR,
        from_ms=package.from_ms,
        until_ms=package.until_ms,
        amount=yuan_of_fen(package.amount_fen),
        vat_permille=package.vat_permille,
        bought_at_ms=package.bought_at_ms,
        committed=card_hours(used.committed_device_ms if used else 0),
        used=card_hours(used.used_device_ms if used else 0),
        unused=card_hours(used.unused_device_ms if used else 0),
    )
