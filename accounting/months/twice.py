"""What was granted in a dispute, and of which the park has given back as well: both stand.

A decision grants nothing of what was given back before it. What ends by the park's own fault later
is given back by itself, and nobody decides that: so finance is told of it when a month is closed.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select

from accounting.bills.concessions import Concession, given_back_beside
from accounting.bills.statement import Correction, correction_json
from accounting.months.closing import scope_of, statement
from accounting.storage.bill_tables import ConcessionRow
from accounting.storage.concession_store import concessions, given_back_between


class Twice(NamedTuple):
    """So much was given back of the usage for which something was granted before."""

    granted: Concession
    given_back_fen: int


def granted_and_given_back(connection: Connection, month: str) -> Iterator[Twice]:
    """Those of which a closed month's statements say that it was given back; by tenant."""
    scope = scope_of(connection, month)
    if scope.after_seq is None or scope.through_seq is None:
        return
    key = (ConcessionRow.tenant_id, ConcessionRow.month, ConcessionRow.number)
    rows = select(*key, ConcessionRow.seq).where(ConcessionRow.seq <= scope.through_seq)
    for tenant_id, disputed, number, seq in connection.execute(rows.order_by(*key)).all():
        (one,) = (g for g in concessions(connection, tenant_id, disputed) if g.number == number)
        span = (max(seq, scope.after_seq), scope.through_seq)
        fen = _given_back_fen(connection, one, span)
        if fen > 0:
            yield Twice(one, fen)


def _given_back_fen(connection: Connection, one: Concession, span: tuple[int, int]) -> int:
    body = json.loads(statement(connection, one.tenant_id, one.month).body)
    known = scope_of(connection, one.month).through_seq
    assert known is not None, "the month is closed"
    months = sorted({one.month, *(row["month"] for row in body["corrections"])})
    since = [
        correction_json(Correction(month=used, usage=usage))
        for used in months
        for usage in given_back_between(connection, one.tenant_id, used, known, span)
    ]
    return given_back_beside(one, body, since)
