"""Working directories that jobs bring with them, as tar.gz, named by their sha256.

They are kept in the database: whichever broker took one in, every broker can hand it out.
"""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, CallerDep, Role, WorkerDep
from api.database import ARCHIVES_LOCK
from api.errors import Refused, missing
from api.routes.parameters import problems
from api.schemas.administration import ArchiveView
from api.services import Services, ServicesDep
from api.submission import OPERATORS
from api.tables import ArchiveChunkRow, ArchiveRow

router = APIRouter(prefix="/v1", tags=["archives"])

CHUNK_BYTES = 1 << 20
MEMORY_BYTES = 4 << 20
OWNER_BYTES_MAX = 50 << 30
GZIP = "application/gzip"
GZIP_MAGIC = b"\x1f\x8b"
Digest = Annotated[
    str, Path(pattern=r"^[0-9a-f]{64}$", description="of the whole file, in lower case")
]


@router.put(
    "/archives/{sha256}",
    status_code=201,
    responses=problems(411) | {200: {"description": "It was here", "model": ArchiveView}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {GZIP: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    summary="Upload a working directory",
)
async def upload(
    sha256: Digest, request: Request, response: Response, caller: WorkerDep, services: ServicesDep
) -> ArchiveView:
    """At most 64 MiB of tar.gz; refused where its sha256 is not the one in the address."""
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
        digest, size = hashlib.sha256(), 0
        async for part in request.stream():
            await run_in_threadpool(file.write, part)
            digest.update(part)
            size += len(part)
        if digest.hexdigest() != sha256:
            raise Refused(422, f"the body's sha256 is {digest.hexdigest()}, not the one named")
        file.seek(0)
        is_new = await run_in_threadpool(_store, services, caller, sha256, size, file)
    response.status_code = 201 if is_new else 200
    return ArchiveView(sha256=sha256, byte_count=size)


def _store(services: Services, caller: Caller, sha256: str, size: int, file: IO[bytes]) -> bool:
    """Keep the bytes once and note who brought them; whether that was new."""
    if file.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
        raise Refused(422, "the body is no gzip: send the working directory as tar.gz")
    file.seek(0)
    owner = caller.tenant_id or OPERATORS
    with services.database.begin() as connection:
        # What is here now stays until we are done.
        connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({ARCHIVES_LOCK})"))
        is_new = not _is_renewed(connection, owner, sha256, services.clock())
        if is_new:
            _check_room(connection, owner, size, services.settings.archives_kept_days)
            row = upsert(ArchiveRow).values(
                tenant_id=owner, sha256=sha256, byte_count=size, created_at_ms=services.clock()
            )
            connection.execute(row.on_conflict_do_nothing())
        first = select(ArchiveChunkRow.number).where(ArchiveChunkRow.sha256 == sha256).limit(1)
        if connection.scalar(first) is None:
            _write_chunks(connection, sha256, file)
    return is_new


def _is_renewed(connection: Connection, owner: str, sha256: str, now_ms: int) -> bool:
    """Whether the owner has it already: it is kept as long as if it came now."""
    mine = (ArchiveRow.tenant_id == owner, ArchiveRow.sha256 == sha256)
    statement = update(ArchiveRow).where(*mine).values(created_at_ms=now_ms)
    return connection.execute(statement).rowcount > 0


def _check_room(connection: Connection, owner: str, size: int, kept_days: int) -> None:
    held = select(func.coalesce(func.sum(ArchiveRow.byte_count), 0))
    total = int(connection.scalar(held.where(ArchiveRow.tenant_id == owner)) or 0)
    if total + size > OWNER_BYTES_MAX:
        raise Refused(
            413,
            f"{total >> 20} MiB of working directories are kept, and {OWNER_BYTES_MAX >> 20} MiB "
            f"may be; one that no unfinished job needs goes {kept_days} days after its last use",
        )


def _write_chunks(connection: Connection, sha256: str, file: IO[bytes]) -> None:
    """Two who upload the same at once: the second waits here, and finds it done."""
    number = 0
    while body := file.read(CHUNK_BYTES):
        row = {"sha256": sha256, "number": number, "body": body}
        connection.execute(upsert(ArchiveChunkRow).on_conflict_do_nothing(), row)
        number += 1


@router.get(
    "/archives/{sha256}",
    responses=problems(404) | {200: {"description": "tar.gz", "content": {GZIP: {}}}},
    response_class=StreamingResponse,
    summary="Fetch a working directory",
)
def download(sha256: Digest, caller: CallerDep, services: ServicesDep) -> StreamingResponse:
    """For agents, and for whoever uploaded it."""
    if caller.role is Role.FINANCE:
        raise Refused(403, "finance has no working directories")
    statement = select(ArchiveRow.byte_count).where(ArchiveRow.sha256 == sha256)
    if caller.role is not Role.AGENT:
        statement = statement.where(ArchiveRow.tenant_id == (caller.tenant_id or OPERATORS))
    with services.database.connect() as connection:
        size = connection.scalar(statement.limit(1))
    if size is None:
        raise missing("archive", sha256)
    headers = {"Content-Length": str(size)}
    return StreamingResponse(_chunks(services, sha256), media_type=GZIP, headers=headers)


async def _chunks(services: Services, sha256: str) -> AsyncIterator[bytes]:
    """Each with a connection of its own: none is held while a slow reader takes its time."""
    number = 0
    while (body := await run_in_threadpool(_chunk, services, sha256, number)) is not None:
        yield body
        number += 1


def _chunk(services: Services, sha256: str, number: int) -> bytes | None:
    one = (ArchiveChunkRow.sha256 == sha256, ArchiveChunkRow.number == number)
    with services.database.connect() as connection:
        return connection.scalar(select(ArchiveChunkRow.body).where(*one))
