"""Subsidies that are claimed: contracts, rules, claims, and the packs for funding offices."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Response
from sqlalchemy import Connection

from accounting.bills.claims import Claim, ClaimMode, ClaimRefused, ClaimRule, Contract
from accounting.money import parse_fen, yuan_of_fen
from accounting.months.claiming import (
    assessed,
    basis_of,
    claim,
    claims,
    contract,
    contracts,
    make_claim,
    publish_rule,
    register_contract,
    rule,
    rules,
)
from api.auth import FinanceDep, PayerDep
from api.declared import Declared
from api.documents.claim_pack import claim_pack
from api.documents.printing import Names
from api.errors import Refused, missing
from api.examples.bills import CLAIM_EXAMPLES, CONTRACT_EXAMPLES, RULE_EXAMPLES
from api.routes.books import attachment, check_known
from api.routes.parameters import TenantQuery, problems
from api.schemas.claims import (
    AssessmentView,
    ClaimAsk,
    ClaimList,
    ClaimView,
    ContractList,
    ContractRegister,
    ContractView,
    RuleList,
    RulePublish,
    RuleView,
)
from api.services import ServicesDep

router = APIRouter(prefix="/v1", tags=["books"])

ClaimId = Annotated[
    str,
    Path(alias="claim_id", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,136}$", description="its number"),
]
ZIP = "application/zip"
PACK: dict[int | str, dict[str, Any]] = {200: {"description": "The pack", "content": {ZIP: {}}}}


@router.get("/contracts", responses=problems(404), summary="List contracts")
def list_contracts(
    caller: PayerDep, services: ServicesDep, tenant: TenantQuery = None
) -> ContractList:
    """All contracts that are registered for subsidies."""
    tenant_id = caller.narrowed(tenant)
    with services.database.connect() as connection:
        check_known(connection, services, tenant_id)
        found = contracts(connection, tenant_id)
    return ContractList(items=[_contract_view(one) for one in found])


@router.post(
    "/contracts", status_code=201, responses=problems(404, 409), summary="Register a contract"
)
def register(
    wanted: Annotated[ContractRegister, Body(openapi_examples=CONTRACT_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
) -> ContractView:
    """Once for its number: the same again changes nothing."""
    registered = Contract(
        number=wanted.number,
        tenant_id=wanted.tenant,
        amount_fen=parse_fen(wanted.amount),
        district=wanted.district,
        is_related=wanted.is_related,
        from_ms=wanted.from_ms,
        until_ms=wanted.until_ms,
        by=caller.signature,
        at_ms=services.clock(),
    )
    with services.database.begin() as connection, _refused():
        check_known(connection, services, wanted.tenant)
        return _contract_view(register_contract(connection, registered))


@router.get("/claim-rules", responses=problems(), summary="List rules of subsidies")
def list_rules(_: PayerDep, services: ServicesDep) -> RuleList:
    """What funds pay: of which budget, how much, from what on, to whom."""
    with services.database.connect() as connection:
        found = rules(connection)
    return RuleList(items=[_rule_view(one) for one in found])


@router.post("/claim-rules", status_code=201, responses=problems(409), summary="Publish a rule")
def publish_claim_rule(
    wanted: Annotated[RulePublish, Body(openapi_examples=RULE_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
) -> RuleView:
    """Once for its number: the same again changes nothing."""
    published = ClaimRule(
        id=wanted.id,
        mode=ClaimMode(wanted.mode),
        issuer=wanted.issuer,
        pool=wanted.pool,
        year=wanted.year,
        budget_fen=parse_fen(wanted.budget),
        share_permille=wanted.share_permille,
        min_fen=parse_fen(wanted.minimum),
        cap_fen=parse_fen(wanted.cap),
        bars_related=wanted.bars_related,
        from_ms=wanted.from_ms,
        until_ms=wanted.until_ms,
        fields=tuple(wanted.fields),
        device_kind_ids=tuple(wanted.devices),
        centre_ids=tuple(wanted.centres),
        by=caller.signature,
        at_ms=services.clock(),
    )
    with services.database.begin() as connection, _refused():
        _check_words(services.declared.read(connection), wanted)
        return _rule_view(publish_rule(connection, published))


@router.get("/claims", responses=problems(404), summary="List claims")
def list_claims(caller: PayerDep, services: ServicesDep, tenant: TenantQuery = None) -> ClaimList:
    """What was claimed of which fund, for which contract."""
    tenant_id = caller.narrowed(tenant)
    with services.database.connect() as connection:
        check_known(connection, services, tenant_id)
        found = claims(connection, tenant_id)
    return ClaimList(items=[_claim_view(one) for one in found])


@router.post("/claims:assess", responses=problems(404, 409), summary="What may be claimed")
def assess_claim(
    wanted: Annotated[ClaimAsk, Body(openapi_examples=CLAIM_EXAMPLES)],
    _: FinanceDep,
    services: ServicesDep,
) -> AssessmentView:
    """How a claim would come out now; nothing is written."""
    with services.database.connect() as connection, _refused():
        by, of = _named(connection, wanted)
        made = assessed(connection, by, of, services.clock())
    return AssessmentView(
        rule=by.id,
        contract=of.number,
        tenant=of.tenant_id,
        base=yuan_of_fen(made.base_fen),
        share=yuan_of_fen(made.share_fen),
        cap_left=yuan_of_fen(made.cap_left_fen),
        pool_left=yuan_of_fen(made.pool_left_fen),
        amount=yuan_of_fen(made.amount_fen),
        payments=[receipt.reference for receipt, _ in made.counted],
    )


@router.post("/claims", status_code=201, responses=problems(404, 409), summary="Claim a subsidy")
def claim_subsidy(
    wanted: Annotated[ClaimAsk, Body(openapi_examples=CLAIM_EXAMPLES)],
    caller: FinanceDep,
    services: ServicesDep,
) -> ClaimView:
    """So much as may be claimed now, once: again, it is what was claimed."""
    with services.database.begin() as connection, _refused():
        by, of = _named(connection, wanted)
        said = Claim(
            id="",
            rule_id=by.id,
            tenant_id=of.tenant_id,
            contract=of.number,
            base_fen=0,
            amount_fen=0,
            city_fen=0,
            district_fen=0,
            payments=(),
            by=caller.signature,
            at_ms=services.clock(),
        )
        return _claim_view(make_claim(connection, by, of, said))


@router.get(
    "/claims/{claim_id}/pack",
    responses=problems(404) | PACK,
    response_class=Response,
    summary="The pack of a claim",
)
def pack(claim_id: ClaimId, caller: PayerDep, services: ServicesDep) -> Response:
    """Contract, consumption, invoices, payments, the computation, and checksums, as an archive."""
    with services.database.connect() as connection:
        made = claim(connection, claim_id)
        if made is None or not caller.may_see(made.tenant_id):
            raise missing("claim", claim_id)
        found = basis_of(connection, made)
        declared = services.declared.read(connection)
    names = Names(tenant=declared.tenants[made.tenant_id].name, park=declared.park)
    headers = {"Content-Disposition": attachment(f"claim-{claim_id}", "zip")}
    return Response(claim_pack(found, names), headers=headers, media_type=ZIP)


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except ClaimRefused as error:
        raise Refused(409, str(error)) from None


def _named(connection: Connection, wanted: ClaimAsk) -> tuple[ClaimRule, Contract]:
    by, of = rule(connection, wanted.rule), contract(connection, wanted.contract)
    if by is None:
        raise missing("rule", wanted.rule)
    if of is None:
        raise missing("contract", wanted.contract)
    return by, of


def _check_words(declared: Declared, wanted: RulePublish) -> None:
    """Whatever it names is there: a misspelt word would count nothing, in silence."""
    park = declared.park
    known = (
        ("fields", wanted.fields, [field_id for field_id, _ in park.fields]),
        ("devices", wanted.devices, sorted(park.device_kind_by_id)),
        ("centres", wanted.centres, sorted(park.centre_by_id)),
    )
    for field, words, names in known:
        for word in words:
            if word not in names:
                problem, fix = f"{word} is unknown", f"use one of {', '.join(names[:50])}"
                error = {"field": field, "in": "body", "problem": problem, "fix": fix}
                raise Refused(422, f"the rule cannot be published: {problem}", errors=[error])


def _contract_view(one: Contract) -> ContractView:
    return ContractView(
        number=one.number,
        tenant=one.tenant_id,
        amount=yuan_of_fen(one.amount_fen),
        district=one.district,
        is_related=one.is_related,
        from_ms=one.from_ms,
        until_ms=one.until_ms,
        by=one.by,
        at_ms=one.at_ms,
    )


def _rule_view(one: ClaimRule) -> RuleView:
    return RuleView(
        id=one.id,
        mode=one.mode.value,
        issuer=one.issuer,
        pool=one.pool,
        year=one.year,
        budget=yuan_of_fen(one.budget_fen),
        share_permille=one.share_permille,
        minimum=yuan_of_fen(one.min_fen),
        cap=yuan_of_fen(one.cap_fen),
        bars_related=one.bars_related,
        from_ms=one.from_ms,
        until_ms=one.until_ms,
        fields=list(one.fields),
        devices=list(one.device_kind_ids),
        centres=list(one.centre_ids),
        by=one.by,
        at_ms=one.at_ms,
    )


def _claim_view(one: Claim) -> ClaimView:
    return ClaimView(
        id=one.id,
        rule=one.rule_id,
        tenant=one.tenant_id,
        contract=one.contract,
        base=yuan_of_fen(one.base_fen),
        amount=yuan_of_fen(one.amount_fen),
        city=yuan_of_fen(one.city_fen),
        district=yuan_of_fen(one.district_fen),
        payments=list(one.payments),
        by=one.by,
        at_ms=one.at_ms,
    )
