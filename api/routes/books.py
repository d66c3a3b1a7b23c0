"""Money: usage and statements, for those who pay and those who bill."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from sqlalchemy import Connection

from accounting.calendar import month_bounds, month_of
from accounting.exports.export import statement_sheet
from accounting.exports.sheet import spreadsheet_csv
from accounting.money import card_hours, p_hours, yuan_of_fen, yuan_of_micros
from accounting.months.closing import statement as read_statement
from accounting.months.replying import replies
from accounting.storage.store import credit_sums, usage_sums
from accounting.units import Unit, card_ms, core_ms
from accounting.usage.slices import UsageSum
from api.answers.active import activity, activity_lines, divided, summed
from api.answers.disputed import disputed_time
from api.auth import PayerDep, PersonDep
from api.documents.statement import Names, statement_pdf
from api.documents.xlsx import workbook
from api.errors import missing
from api.routes.parameters import FromMs, Month, TenantQuery, ToMs, one_tenant, problems, window
from api.schemas.jobs import UsageLine, UsageView
from api.services import Services, ServicesDep

router = APIRouter(prefix="/v1", tags=["books"])

MONTH_MS = 31 * 86_400_000
CSV = "text/csv; charset=utf-8"
PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_ANSWER = {
    "description": "The answer",
    "content": {"text/csv": {}, "application/json": {}, PDF: {}, XLSX: {}},
}


@router.get("/usage", responses=problems(404), summary="What was used, and what it comes to")
def usage(
    caller: PersonDep,
    services: ServicesDep,
    tenant: TenantQuery = None,
    from_ms: FromMs = None,
    to_ms: ToMs = None,
) -> UsageView:
    """Usage by tenant, project, centre, device kind, class and price; this month by default.

    What was given back are lines of their own, negative and with their cause. Time in which a
    centre is silent is `disputed`: shown apart, and billed once the centre says what ran.
    """
    begin_ms, end_ms = _period(services, from_ms, to_ms)
    tenant_id = caller.narrowed(tenant)
    with services.database.connect() as connection:
        check_known(connection, services, tenant_id)
        used = usage_sums(connection, begin_ms, end_ms, tenant_id)
        given_back = credit_sums(connection, begin_ms, end_ms, tenant_id)
        park, asked = services.declared.read(connection).park, (begin_ms, end_ms)
        disputed = disputed_time(connection, park, asked, services.clock(), tenant_id)
        unknown = list(disputed)
        divisions = divided(connection, used, asked, tenant_id)
    lines = (*used, *given_back)
    of_cards, of_cores = (sum(map(counted, lines)) for counted in (card_ms, core_ms))
    amount_fen = sum(line.amount_fen for line in lines)
    return UsageView(
        from_ms=begin_ms,
        to_ms=end_ms,
        lines=[_line(line) for line in lines],
        device_ms=of_cards,
        card_hours=card_hours(of_cards),
        core_ms=of_cores,
        core_hours=card_hours(of_cores),
        p_hours=p_hours(sum(line.tflops_ms for line in lines)),
        amount=yuan_of_fen(amount_fen),
        amount_fen=amount_fen,
        activity=activity(summed(divisions, Unit.CARD)),
        core_activity=activity(summed(divisions, Unit.CORE)) if of_cores else None,
        activity_lines=activity_lines(divisions),
        disputed=unknown,
    )


def check_known(connection: Connection, services: Services, tenant_id: str | None) -> None:
    """Nothing was used by nobody: without this a misspelt name would look like no usage."""
    if tenant_id is not None and tenant_id not in services.declared.read(connection).tenants:
        raise missing("tenant", tenant_id)


def _period(services: Services, from_ms: int | None, to_ms: int | None) -> tuple[int, int]:
    """This month of the park's calendar, unless the caller says else."""
    now_ms = services.clock()
    if from_ms is None and to_ms is None:
        return month_bounds(month_of(now_ms))
    return window(from_ms, to_ms, now_ms, MONTH_MS)


def _line(line: UsageSum) -> UsageLine:
    return UsageLine(
        tenant=line.tenant_id,
        project=line.project,
        field=line.field,
        centre=line.centre_id,
        device=line.device_kind_id,
        qos=line.qos,
        unit="core" if line.unit is Unit.CORE else "card",
        device_ms=line.device_ms,
        card_hours=card_hours(card_ms(line)),
        core_hours=card_hours(core_ms(line)),
        p_hours=p_hours(line.tflops_ms),
        price=yuan_of_micros(line.price_micros),
        amount=yuan_of_fen(line.amount_fen),
        amount_fen=line.amount_fen,
        cause=line.cause,
    )


@router.get(
    "/statements",
    responses=problems(404) | {200: CSV_ANSWER},
    response_class=Response,
    summary="A tenant's statement of a month",
)
def statement(
    caller: PayerDep,
    services: ServicesDep,
    tenant: TenantQuery = None,
    month: Month = None,
    file_format: Annotated[
        Literal["json", "csv", "xlsx", "pdf"] | None, Query(alias="format")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """The statement as it was closed, or a draft of what is known now.

    JSON, or CSV by `format=csv` or the header `Accept: text/csv`, or a workbook, or a PDF in
    Chinese to be signed.
    """
    tenant_id = one_tenant(caller, tenant)
    asked_month = month or month_of(services.clock())
    with services.database.connect() as connection:
        check_known(connection, services, tenant_id)
        stored = read_statement(connection, tenant_id, asked_month)
        said = replies(connection, tenant_id, asked_month)
        declared = services.declared.read(connection)
    is_csv = file_format == "csv" or (file_format is None and "text/csv" in accept)
    headers = {"X-Content-SHA256": stored.sha256, "Cache-Control": "no-store"}
    name = f"statement-{tenant_id}-{asked_month}"
    if file_format == "pdf":
        names = Names(tenant=declared.tenants[tenant_id].name, park=declared.park)
        headers["Content-Disposition"] = attachment(name, "pdf")
        return Response(statement_pdf(stored.body, names, said), headers=headers, media_type=PDF)
    if file_format == "xlsx":
        headers["Content-Disposition"] = attachment(name, "xlsx")
        book = workbook({"对账单": statement_sheet(stored.body)})
        return Response(book, headers=headers, media_type=XLSX)
    if not is_csv:
        return Response(stored.body, headers=headers, media_type="application/json")
    headers["Content-Disposition"] = attachment(name, "csv")
    table = spreadsheet_csv(statement_sheet(stored.body))
    return Response(b"".join(table), headers=headers, media_type=CSV)


def attachment(name: str, suffix: str) -> str:
    return f'attachment; filename="{name}.{suffix}"'
