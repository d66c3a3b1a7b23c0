"""Whether the books are what was written, and what the log comes to; worked out as it is read."""

from collections.abc import Callable, Generator
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection, text

from accounting.link import Link
from accounting.proof.roots import newest_root
from accounting.proof.verifying import Misfit, Walked, verify
from api.auth import FinanceDep
from api.client.streamed import LINES
from api.comparing import compared, reconciled_view
from api.database import VERIFY_LOCK
from api.errors import Refused
from api.routes.leading import elsewhere
from api.routes.parameters import problems
from api.schemas.books import (
    CentresReconciled,
    DifferenceView,
    MisfitView,
    ReconciliationLine,
    Verdict,
    VerificationLine,
    VerifiedChain,
)
from api.schemas.jobs import Wire
from api.services import Services, ServicesDep
from scheduler.storage.reconciling import Played, reconcile

router = APIRouter(prefix="/v1", tags=["books"])

READER = "60s"
"""Who does not read on for so long loses the answer: it holds a connection and its moment."""

ANSWER: dict[int | str, dict[str, Any]] = {200: {"description": "Lines", "content": {LINES: {}}}}


@router.get(
    "/verification",
    responses=problems(429) | ANSWER,
    response_class=Response,
    summary="Verify the books",
)
def verification(_: FinanceDep, services: ServicesDep) -> StreamingResponse:
    """A line for each chain of facts that is whole and for whatever is not; the last is a verdict.

    Everything is computed again: hashes, roots, statements, balances. One at a time.
    """
    return _streamed(services, _verified)


@router.get(
    "/reconciliation",
    responses=problems(429) | ANSWER,
    response_class=Response,
    summary="Compare the books with the event log",
)
def reconciliation(_: FinanceDep, services: ServicesDep) -> StreamingResponse:
    """The log is played again from its first event: a line for whatever the books have otherwise.

    The last line says how many differences there are. One at a time.
    """
    return _streamed(services, _reconciled)


@router.get(
    "/reconciliation/centres",
    responses=problems(307, 429),
    summary="Compare log and books with what the centres have kept",
)
def centres_reconciled(_: FinanceDep, services: ServicesDep) -> CentresReconciled:
    """Each centre's agent is asked for its diary: what runs there, and what has ended.

    Whatever log and books have otherwise is told, once it was seen twice; centres that did not
    answer within eight seconds are named. The broker that leads answers; another names it.
    """
    path = "/v1/reconciliation/centres"
    with services.reconciliations.admitted("centres"):
        if not services.leads():
            raise elsewhere(services, path)
        looks = compared(services)
        if not services.leads():  # lost meanwhile, so that no agent was heard here
            raise elsewhere(services, path)
    return reconciled_view(looks, services.links)


def _streamed(
    services: Services, look: Callable[[Connection], Generator[Wire]]
) -> StreamingResponse:
    connection = services.database.connect().execution_options(isolation_level="REPEATABLE READ")
    lines = _lines(connection, look)
    next(lines)
    return StreamingResponse(lines, media_type=LINES)


def _lines(
    connection: Connection, look: Callable[[Connection], Generator[Wire]]
) -> Generator[bytes]:
    """Begins with an empty line once the books are its own; the connection is held to the end."""
    with connection:
        connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{READER}'"))
        if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({VERIFY_LOCK})")):
            raise Refused(429, "the books are being verified", headers={"Retry-After": "10"})
        yield b""
        for line in look(connection):
            yield line.model_dump_json(exclude_none=True).encode() + b"\n"


def _reconciled(connection: Connection) -> Generator[Wire]:
    counts: dict[tuple[str, str], int] = {}
    for found in reconcile(connection):
        if isinstance(found, Played):
            yield ReconciliationLine(events=found.events)
            continue
        sort = (found.part, found.what) if found.count > 1 else (found.part, found.row)
        counts[sort] = found.count
        shown = DifferenceView(part=found.part, row=found.row, what=found.what, count=found.count)
        yield ReconciliationLine(difference=shown)
    yield ReconciliationLine(differences=sum(counts.values()))


def _verified(connection: Connection) -> Generator[Wire]:
    chains = facts = misfits = 0
    for found in verify(connection):
        if isinstance(found, Walked):
            chains, facts = chains + 1, facts + found.head.number
            yield VerificationLine(chain=_chain(found.chain, found.head))
        else:
            misfits += 1
            yield VerificationLine(misfit=_misfit(found))
    drawn = newest_root(connection)
    verdict = Verdict(
        is_intact=not misfits,
        chains=chains,
        facts=facts,
        misfits=misfits,
        root=drawn and drawn.root.hex(),
        root_day=drawn and drawn.day,
    )
    yield VerificationLine(verdict=verdict)


def _chain(chain: str, head: Link) -> VerifiedChain:
    return VerifiedChain(tenant=chain or None, facts=head.number, head=head.hash.hex())


def _misfit(found: Misfit) -> MisfitView:
    return MisfitView(part=found.part, row=found.row, what=found.what)
