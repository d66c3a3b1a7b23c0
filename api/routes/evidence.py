"""Evidence of a job, or of a line of a statement, as a file that is checked without a server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection

from accounting.proof.evidence import Evidence, NoEvidence, of_job, of_line
from api.auth import PayerDep
from api.errors import Refused, missing
from api.evidence import evidence_file
from api.routes.books import attachment, check_known
from api.routes.parameters import JobId, MonthPath, TenantQuery, one_tenant, problems
from api.services import Services, ServicesDep
from scheduler.storage import queries

router = APIRouter(prefix="/v1/evidence", tags=["books"])

ZIP = "application/zip"
CHUNK_BYTES = 1 << 20
LINES_MAX = 100_000
FILE: dict[int | str, dict[str, Any]] = {200: {"description": "The file", "content": {ZIP: {}}}}


@router.get(
    "/jobs/{job_id}",
    responses=problems(404) | FILE,
    response_class=Response,
    summary="Evidence of a job",
)
def evidence_of_job(job_id: JobId, caller: PayerDep, services: ServicesDep) -> StreamingResponse:
    """What was metered, given back and moved for it, in its tenant's chain; events, prices, roots.

    A zip file that `brain verify FILE.zip` checks without a server.
    """

    def find(connection: Connection) -> Evidence:
        job = queries.job(connection, job_id)
        if job is None or not caller.may_see(job.tenant_id):
            raise missing("job", job_id)
        attempt_ids = [row.id for row in queries.attempts(connection, [job_id])]
        return of_job(connection, job.tenant_id, job_id, attempt_ids)

    return _answer(services, find, f"evidence-{job_id}")


@router.get(
    "/statements/{month}/lines/{line}",
    responses=problems(404) | FILE,
    response_class=Response,
    summary="Evidence of a line of a statement",
)
def evidence_of_line(
    month: MonthPath,
    line: Annotated[
        int, InPath(ge=1, le=LINES_MAX, description="from 1 on: lines, credits, corrections")
    ],
    caller: PayerDep,
    services: ServicesDep,
    tenant: TenantQuery = None,
) -> StreamingResponse:
    """The slices that the line adds up, in the tenant's chain; statement, prices, vouchers, roots.

    A zip file that `brain verify FILE.zip` checks without a server.
    """
    tenant_id = one_tenant(caller, tenant)

    def find(connection: Connection) -> Evidence:
        check_known(connection, services, tenant_id)
        return of_line(connection, tenant_id, month, line)

    return _answer(services, find, f"evidence-{tenant_id}-{month}-{line}")


def _answer(
    services: Services, find: Callable[[Connection], Evidence], name: str
) -> StreamingResponse:
    """The file is whole before its first byte is sent: what goes wrong has a status."""
    folder = TemporaryDirectory(prefix="brain-evidence-")
    try:
        with services.database.connect().execution_options(
            isolation_level="REPEATABLE READ"
        ) as connection:
            made = evidence_file(connection, find(connection), Path(folder.name))
    except NoEvidence as error:
        folder.cleanup()
        raise Refused(404, str(error)) from None
    except BaseException:
        folder.cleanup()
        raise
    headers = {"Content-Disposition": attachment(name, "zip"), "Cache-Control": "no-store"}
    return StreamingResponse(_parts(made, folder), media_type=ZIP, headers=headers)


def _parts(path: Path, folder: TemporaryDirectory[str]) -> Iterator[bytes]:
    with folder, path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
