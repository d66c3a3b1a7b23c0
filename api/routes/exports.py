"""The books as files: usage, charges, and all bills as FOCUS rows, streamed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from accounting.calendar import month_bounds, month_of
from accounting.exports.export import charges_sheet, usage_sheet
from accounting.exports.focus import focus_sheet
from accounting.exports.focus_lines import Names, ascii_name
from accounting.exports.sheet import Sheet, json_lines, plain_csv, spreadsheet_csv
from accounting.months.billed import bills_of
from accounting.storage.store import charges, slices
from api.auth import PayerDep
from api.client.streamed import LINES
from api.declared import Declared
from api.routes.books import CSV, attachment, check_known
from api.routes.parameters import Month, TenantQuery, problems
from api.services import Services, ServicesDep

router = APIRouter(prefix="/v1", tags=["books"])

PARQUET = "application/vnd.apache.parquet"


class Exported(StrEnum):
    """What can be exported."""

    USAGE = "usage"
    CHARGES = "charges"
    FOCUS = "focus"


class FileFormat(StrEnum):
    """How it is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


MEDIA_TYPES = {FileFormat.CSV: CSV, FileFormat.JSONL: LINES, FileFormat.PARQUET: PARQUET}
FILE = {
    "description": "The file",
    "content": {"text/csv": {}, LINES: {}, PARQUET: {}},
}


@router.get(
    "/exports/{what}",
    responses=problems(404, 429) | {200: FILE},
    response_class=StreamingResponse,
    summary="Usage, charges or FOCUS rows as a file",
)
def export(
    what: Exported,
    caller: PayerDep,
    services: ServicesDep,
    tenant: TenantQuery = None,
    month: Month = None,
    file_format: Annotated[FileFormat, Query(alias="format")] = FileFormat.CSV,
) -> StreamingResponse:
    """A month (this one by default), streamed: CSV, JSON lines, or Parquet.

    `usage` and `charges` have every slice that is known, and a total at the end. `focus` has what
    is on the month's statements, in the rows of FOCUS 1.2 (FinOps Open Cost and Usage
    Specification), which add up to what each statement says is due. Each caller has one Parquet
    file at a time on its way.
    """
    asked_month = month or month_of(services.clock())
    tenant_id = caller.narrowed(tenant)
    with services.database.connect() as connection:
        check_known(connection, services, tenant_id)
        names = _names(services.declared.read(connection))
    sheet = _sheet(services, what, asked_month, tenant_id, names)
    headers = {
        "Content-Disposition": attachment(f"{what.value}-{asked_month}", file_format.value),
        "Cache-Control": "no-store",
    }
    body = _writers(what)[file_format](sheet)
    is_parquet = file_format is FileFormat.PARQUET
    admitted = services.parquets.admitted(caller.scope) if is_parquet else nullcontext()
    return Export(body, admitted, media_type=MEDIA_TYPES[file_format], headers=headers)


class Export(StreamingResponse):
    """A file on its way, admitted until its last byte is sent or its reader is gone."""

    def __init__(
        self, content: Iterator[bytes], admitted: AbstractContextManager[None], **options: Any
    ) -> None:
        super().__init__(content, **options)
        self._admitted = admitted

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._admitted:
            await super().__call__(scope, receive, send)


def _sheet(
    services: Services, what: Exported, month: str, tenant_id: str | None, names: Names
) -> Sheet:
    """The books of one moment, however long the reader takes; no connection waits for it."""
    connect = services.database.connect
    match what:
        case Exported.USAGE:
            return usage_sheet(slices(connect, *month_bounds(month), tenant_id))
        case Exported.CHARGES:
            return charges_sheet(charges(connect, *month_bounds(month), tenant_id))
        case Exported.FOCUS:
            return focus_sheet(bills_of(connect, month, tenant_id), names)


def _writers(what: Exported) -> Mapping[FileFormat, Callable[[Sheet], Iterator[bytes]]]:
    """FOCUS says what its columns are called, and that no text is changed."""
    csv = plain_csv if what is Exported.FOCUS else spreadsheet_csv
    return {FileFormat.CSV: csv, FileFormat.JSONL: json_lines, FileFormat.PARQUET: _parquet}


def _parquet(sheet: Sheet) -> Iterator[bytes]:
    from api.documents.parquet import parquet  # noqa: PLC0415 - DuckDB takes long to load

    return parquet(sheet)


def _names(declared: Declared) -> Names:
    park = declared.park
    projects = declared.tree.projects.values()
    return Names(
        provider=ascii_name(park.name, park.id),
        centres={centre.id: centre.name for centre in park.centres},
        tenants={tenant.id: tenant.name for tenant in declared.tenants.values()},
        projects={(project.tenant_id, project.id): project.name for project in projects},
    )
