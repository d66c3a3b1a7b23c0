"""The months of the books: which are closed, and closing one."""

import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy import Connection

from accounting.closing import CannotClose, ClosedBook, StoredStatement, close_month, closed, months
from accounting.money import MICROS_PER_FEN
from accounting.voucher_store import entries
from accounting.vouchers import EntryKind
from api.auth import Caller, FinanceDep, PayerDep
from api.book_schemas import ClosedStatement, MonthList, MonthView
from api.errors import Refused
from api.routes.parameters import MONTH_PATTERN, problems
from api.services import ServicesDep
from scheduler.facts.events import Credited
from scheduler.facts.log import Request
from scheduler.storage.store import put_requests

router = APIRouter(prefix="/v1", tags=["books"])

MonthPath = Annotated[
    str, Path(pattern=MONTH_PATTERN, description="of Asia/Shanghai", examples=["2026-10"])
]


@router.get("/months", summary="Which months are closed", responses=problems())
def list_months(caller: PayerDep, services: ServicesDep) -> MonthList:
    """All months with usage, the newest first; closed ones with their statements' checksums."""
    with services.database.connect() as connection:
        known = months(connection, caller.tenant_id)
        found = [_view(caller, month, closed(connection, month)) for month in known]
    return MonthList(months=found)


@router.post("/months/{month}:close", summary="Close a month", responses=problems(409))
def close(month: MonthPath, caller: FinanceDep, services: ServicesDep) -> MonthView:
    """Make the statements of all tenants for ever; what comes late corrects the next month.

    A month that is closed already stays as it is, and is answered again.
    """
    with services.database.begin() as connection:
        book = closed(connection, month) or _close(connection, month, services.clock())
    return _view(caller, month, book)


def _close(connection: Connection, month: str, now_ms: int) -> ClosedBook:
    """The leader is asked, in this transaction, to give tenants back what vouchers pay."""
    try:
        close_month(connection, month, now_ms)
    except CannotClose as error:
        raise Refused(409, str(error)) from None
    put_requests(connection, _voucher_payments(connection, month, now_ms), now_ms)
    book = closed(connection, month)
    assert book is not None, f"{month} was closed a moment ago"
    return book


def _voucher_payments(connection: Connection, month: str, now_ms: int) -> Iterator[Request]:
    for entry in entries(connection, month):
        reference = f"voucher:{entry.voucher_id}@{month}:{entry.kind}"
        sign = 1 if entry.kind is EntryKind.BURNT else -1
        wish = Credited(
            at_ms=now_ms,
            tenant_id=entry.tenant_id,
            amount_micros=sign * entry.amount_fen * MICROS_PER_FEN,
            reference=reference,
            voucher_id=entry.voucher_id,
            voucher_month=month,
        )
        yield Request(id=reference, wish=wish)


def _view(caller: Caller, month: str, book: ClosedBook | None) -> MonthView:
    if book is None:
        return MonthView(month=month, state="open", statements=[])
    mine = [one for one in book.statements if caller.may_see(one.tenant_id)]
    return MonthView(
        month=month,
        state="closed",
        closed_at_ms=book.closed_at_ms,
        statements=[_statement(one) for one in mine],
    )


def _statement(stored: StoredStatement) -> ClosedStatement:
    totals = json.loads(stored.body)["totals"]
    return ClosedStatement(
        tenant=stored.tenant_id,
        gross=totals["gross"],
        gross_fen=totals["gross_fen"],
        sha256=stored.sha256,
    )
