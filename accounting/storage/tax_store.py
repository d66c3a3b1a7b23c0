"""Tax in PostgreSQL: whether the ledger has moved what closed statements state, and no more."""

import json
from collections.abc import Iterator

from sqlalchemy import Connection, select

from accounting.bills.statement import sha256_of
from accounting.bills.taxes import taxes_of
from accounting.ledger import Transfer, TransferKind, move_tax
from accounting.storage.tables import StatementRow
from accounting.storage.transfers import transfers

_Key = tuple[str, str]
"""A month, and whose statement of it is: in this order the leader moves their tax."""


def unfit(connection: Connection) -> Iterator[tuple[str, str]]:
    """Each that is moved otherwise than it is stated, or left out: its reference, what is wrong.

    The tax of what an earlier release closed stays in income until its month is closed again, and
    that of the newest statements is on its way. Between two that are moved none is left out.
    """
    stated = {one.reference: (key, one) for key, one in _stated(connection)}
    moved = {one.reference: one for one in transfers(connection, TransferKind.TAX)}
    for reference, transfer in moved.items():
        if reference not in stated:
            yield reference, "the ledger has moved it, and no closed statement states it"
        elif transfer != stated[reference][1]:
            yield reference, "the ledger has moved it otherwise than the closed statement states"
    keys = [key for reference, (key, _) in stated.items() if reference in moved]
    for reference, (key, _) in stated.items():
        if reference not in moved and keys and min(keys) <= key <= max(keys):
            what = "a closed statement states it, and the ledger has left it out"
            yield reference, f"{what}: close {key[0]} again"


def _stated(connection: Connection) -> Iterator[tuple[_Key, Transfer]]:
    """What the closed statements come to; one that was altered states nothing."""
    columns = StatementRow.__table__.c
    order = (columns.month, columns.tenant_id)
    for row in connection.execute(select(StatementRow.__table__).order_by(*order)):
        if sha256_of(row.body) != row.sha256:
            continue
        for account, micros in taxes_of(json.loads(row.body)):
            of_part = (row.tenant_id, row.month, account, micros, row.closed_at_ms)
            yield (row.month, row.tenant_id), move_tax(*of_part)
