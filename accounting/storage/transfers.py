"""Which transfers of a kind the ledger has made."""

from collections.abc import Iterator
from dataclasses import fields

from sqlalchemy import Connection, select

from accounting.ledger import Transfer, TransferKind
from accounting.storage.tables import TransferRow

_NAMES = tuple(field.name for field in fields(Transfer))


def transfers(connection: Connection, kind: TransferKind) -> Iterator[Transfer]:
    """Those of a kind, in the order in which they were made."""
    rows = select(TransferRow.__table__).where(TransferRow.kind == kind)
    for row in connection.execute(rows.order_by(TransferRow.seq)).mappings():
        yield Transfer(**{name: row[name] for name in _NAMES} | {"kind": kind})


def is_booked(connection: Connection, kind: TransferKind, reference: str) -> bool:
    is_it = (TransferRow.kind == kind, TransferRow.reference == reference)
    return connection.scalar(select(TransferRow.seq).where(*is_it)) is not None
