"""The months of the books: which are closed, and closing one."""

import json
from collections.abc import Mapping

from fastapi import APIRouter

from accounting.bills.replies import Reply
from accounting.money import yuan_of_fen
from accounting.months.closing import CannotClose, ClosedBook, StoredStatement, closed
from accounting.months.known import months
from accounting.months.replying import standings
from accounting.months.twice import Twice, granted_and_given_back
from api.auth import Caller, FinanceDep, PayerDep
from api.closing import close_once
from api.errors import Refused
from api.routes.parameters import MonthPath, problems
from api.schemas.books import ClosedStatement, GrantedTwice, MonthList, MonthView
from api.services import ServicesDep

router = APIRouter(prefix="/v1", tags=["books"])


@router.get("/months", summary="Which months are closed", responses=problems())
def list_months(caller: PayerDep, services: ServicesDep) -> MonthList:
    """All months with usage, the newest first; closed ones with their statements' checksums."""
    with services.database.connect() as connection:
        known = months(connection, caller.tenant_id)
        found = [
            _view(caller, month, closed(connection, month), standings(connection, month))
            for month in known
        ]
    return MonthList(months=found)


@router.post("/months/{month}:close", summary="Close a month", responses=problems(409))
def close(month: MonthPath, caller: FinanceDep, services: ServicesDep) -> MonthView:
    """Make the statements of all tenants for ever; what comes late corrects the next month.

    A month that is closed already stays as it is, and is answered again.
    """
    with services.database.begin() as connection:
        try:
            book = close_once(connection, month, services.clock())
        except CannotClose as error:
            raise Refused(409, str(error)) from None
        view = _view(caller, month, book, standings(connection, month))
        twice = [*map(_twice, granted_and_given_back(connection, month))]
    return view.model_copy(update={"granted_twice": twice})


def _view(
    caller: Caller, month: str, book: ClosedBook | None, said: Mapping[str, Reply]
) -> MonthView:
    if book is None:
        return MonthView(month=month, state="open", statements=[])
    mine = [one for one in book.statements if caller.may_see(one.tenant_id)]
    return MonthView(
        month=month,
        state="closed",
        closed_at_ms=book.closed_at_ms,
        statements=[_statement(one, said.get(one.tenant_id)) for one in mine],
    )


def _twice(one: Twice) -> GrantedTwice:
    granted = one.granted
    return GrantedTwice(
        tenant=granted.tenant_id,
        month=granted.month,
        decision=granted.number,
        granted=yuan_of_fen(granted.amount_fen),
        given_back=yuan_of_fen(one.given_back_fen),
    )


def _statement(stored: StoredStatement, said: Reply | None) -> ClosedStatement:
    totals = json.loads(stored.body)["totals"]
    return ClosedStatement(
        tenant=stored.tenant_id,
        gross=totals["gross"],
        gross_fen=totals["gross_fen"],
        sha256=stored.sha256,
        standing=said.kind.value if said else "open",
    )
