"""Whether the books are what was written, worked out again while it is read."""

from collections.abc import Generator

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection, text

from accounting.chain import Link
from accounting.roots import newest_root
from accounting.verifying import Misfit, Walked, verify
from api.auth import FinanceDep
from api.book_schemas import MisfitView, Verdict, VerificationLine, VerifiedChain
from api.database import VERIFY_LOCK
from api.errors import Refused
from api.routes.parameters import problems
from api.services import ServicesDep
from api.streamed import LINES

router = APIRouter(prefix="/v1", tags=["books"])

READER = "60s"
"""Who does not read on for so long loses the answer: it holds a connection and its moment."""


@router.get(
    "/verification",
    responses=problems(429) | {200: {"description": "Lines", "content": {LINES: {}}}},
    response_class=Response,
    summary="Verify the books",
)
def verification(_: FinanceDep, services: ServicesDep) -> StreamingResponse:
    """A line for each chain of facts that is whole and for whatever is not; the last is a verdict.

    Everything is computed again: hashes, roots, statements, balances. One at a time.
    """
    connection = services.database.connect().execution_options(isolation_level="REPEATABLE READ")
    lines = _lines(connection)
    next(lines)
    return StreamingResponse(lines, media_type=LINES)


def _lines(connection: Connection) -> Generator[bytes]:
    """Begins with an empty line once the books are its own; the connection is held to the end."""
    chains = facts = misfits = 0
    with connection:
        connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{READER}'"))
        if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({VERIFY_LOCK})")):
            raise Refused(429, "the books are being verified", headers={"Retry-After": "10"})
        yield b""
        for found in verify(connection):
            if isinstance(found, Walked):
                chains, facts = chains + 1, facts + found.head.number
                line = VerificationLine(chain=_chain(found.chain, found.head))
            else:
                misfits += 1
                line = VerificationLine(misfit=_misfit(found))
            yield _encoded(line)
        drawn = newest_root(connection)
        verdict = Verdict(
            is_intact=not misfits,
            chains=chains,
            facts=facts,
            misfits=misfits,
            root=drawn and drawn.root.hex(),
            root_day=drawn and drawn.day,
        )
        yield _encoded(VerificationLine(verdict=verdict))


def _chain(chain: str, head: Link) -> VerifiedChain:
    return VerifiedChain(tenant=chain or None, facts=head.number, head=head.hash.hex())


def _misfit(found: Misfit) -> MisfitView:
    return MisfitView(part=found.part, row=found.row, what=found.what)


def _encoded(line: VerificationLine) -> bytes:
    return line.model_dump_json(exclude_none=True).encode() + b"\n"
