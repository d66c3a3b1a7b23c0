"""What was granted in a dispute, and of which the park has given back as well: both stand.

A decision grants nothing of what was given back before it. What ends by the park's own fault later
is given back by itself, and nobody decides that: so finance is told of it when a month is closed.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, select

from accounting.bills.concessions import Concession, given_back_beside
from accounting.bills.statement import Correction, correction_json
from accounting.months.closing import scope_of, statement
from accounting.storage.bill_tables import ConcessionRow
from accounting.storage.concession_store import (
    concessions,
    given_back_between,
    months_given_back,
)

Span = tuple[int, int]


class Twice(NamedTuple):
    """So much was given back of the usage for which something was granted before."""

    granted: Concession
    given_back_fen: int


def granted_and_given_back(connection: Connection, month: str) -> Iterator[Twice]:
    """Those of which a closed month's statements say that it was given back; by tenant.

    It costs what this month gave back: of whom nothing was, no statement is read again.
    """
    scope = scope_of(connection, month)
    if scope.after_seq is None or scope.through_seq is None:
        return
    span = (scope.after_seq, scope.through_seq)
    months = months_given_back(connection, span)
    key = (ConcessionRow.tenant_id, ConcessionRow.month, ConcessionRow.number)
    rows = select(*key, ConcessionRow.seq).where(ConcessionRow.tenant_id.in_(months))
    known = connection.execute(rows.where(ConcessionRow.seq <= span[1]).order_by(*key)).all()
    for (tenant_id, disputed), some in groupby(known, key=lambda row: (row[0], row[1])):
        if min(months[tenant_id]) <= disputed:  # a statement is of its own month and earlier ones
            seq_by_number = {number: seq for _, _, number, seq in some}
            granted = [
                (one, (max(seq_by_number[one.number], span[0]), span[1]))
                for one in concessions(connection, tenant_id, disputed)
                if one.number in seq_by_number
            ]
            yield from _of_statement(connection, granted, months[tenant_id])


def _of_statement(
    connection: Connection, granted: list[tuple[Concession, Span]], months: set[str]
) -> Iterator[Twice]:
    """Of all that was granted about one; the span is that in which it may be given back as well."""
    tenant_id, disputed = granted[0][0].tenant_id, granted[0][0].month
    body = json.loads(statement(connection, tenant_id, disputed).body)
    known = scope_of(connection, disputed).through_seq
    assert known is not None, "the month is closed"
    stated = sorted(months & {disputed, *(row["month"] for row in body["corrections"])})
    since_by_span = {
        span: [
            correction_json(Correction(month=used, usage=usage))
            for used in stated
            for usage in given_back_between(connection, tenant_id, used, known, span)
        ]
        for span in {span for _, span in granted}
    }
    for one, span in granted:
        fen = given_back_beside(one, body, since_by_span[span])
        if fen > 0:
            yield Twice(one, fen)
