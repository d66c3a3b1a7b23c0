"""The output of members, as agents ship it: kept piece by piece, each byte once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.tables import LogChunkRow, LogRow

CHANNEL = "brain_logs"
ATTEMPT_BYTES_MAX = 64 * 1024 * 1024
READ_BYTES_MAX = 1024 * 1024
CUT_NOTICE = b"\n[industry-brain: this attempt has said all that is kept; the rest is left out]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Output of one member from `offset` on; empty to ask how much is kept."""

    attempt_id: str
    member: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How far a member's output is kept; `is_full` when no more of it will be."""

    attempt_id: str
    member: int
    byte_count: int
    is_full: bool


def append(connection: Connection, pieces: Sequence[Piece]) -> list[Kept]:
    """Keep what is new of these pieces, in the caller's transaction.

    A piece that is known already changes nothing; one that leaves a gap is not kept, and the
    answer says from where on to send.
    """
    keys = sorted({(piece.attempt_id, piece.member) for piece in pieces})
    if not keys:
        return []
    logs = _locked(connection, keys)
    left = _bytes_left(connection, {attempt_id for attempt_id, _ in keys})
    chunks = [chunk for piece in pieces for chunk in _new_chunks(piece, logs, left)]
    if chunks:
        connection.execute(insert(LogChunkRow), chunks)
        _write_ends(connection, logs.values())
        for attempt_id in sorted({str(chunk["attempt_id"]) for chunk in chunks}):
            connection.execute(select(func.pg_notify(CHANNEL, attempt_id)))
    return list(logs.values())


def read_log(
    connection: Connection,
    attempt_id: str,
    member: int,
    offset: int,
    limit: int = READ_BYTES_MAX,
) -> bytes:
    """At most `limit` bytes of what a member said from `offset` on; empty at its end."""
    statement = (
        select(LogChunkRow.offset, LogChunkRow.data)
        .where(
            LogChunkRow.attempt_id == attempt_id,
            LogChunkRow.member == member,
            LogChunkRow.offset + func.length(LogChunkRow.data) > offset,
        )
        .order_by(LogChunkRow.offset)
    )
    found = b""
    with connection.execute(statement.execution_options(yield_per=16)) as rows:
        for row in rows:
            found += row.data[max(0, offset - row.offset) :]
            if len(found) >= limit:
                break
    return found[:limit]


def kept(connection: Connection, attempt_id: str) -> list[Kept]:
    """The members of an attempt of which there is output, and how much."""
    statement = select(LogRow.__table__).where(LogRow.attempt_id == attempt_id)
    rows = connection.execute(statement.order_by(LogRow.member))
    return [_kept(row) for row in rows]


def _locked(connection: Connection, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Kept]:
    """These logs, begun where they are new, and held against others until the commit."""
    keys = list(keys)
    rows = [
        {"attempt_id": attempt_id, "member": member, "byte_count": 0, "is_full": False}
        for attempt_id, member in keys
    ]
    connection.execute(upsert(LogRow).on_conflict_do_nothing(), rows)
    statement = (
        select(LogRow.__table__)
        .where(tuple_(LogRow.attempt_id, LogRow.member).in_(keys))
        .order_by(LogRow.attempt_id, LogRow.member)
        .with_for_update()
    )
    return {(row.attempt_id, row.member): _kept(row) for row in connection.execute(statement)}


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        attempt_id=row.attempt_id,
        member=row.member,
        byte_count=row.byte_count,
        is_full=row.is_full,
    )


def _bytes_left(connection: Connection, attempt_ids: set[str]) -> dict[str, int]:
    """How much more each attempt may say."""
    statement = (
        select(LogRow.attempt_id, func.sum(LogRow.byte_count).label("total"))
        .where(LogRow.attempt_id.in_(sorted(attempt_ids)))
        .group_by(LogRow.attempt_id)
    )
    rows = connection.execute(statement)
    return {row.attempt_id: ATTEMPT_BYTES_MAX - int(row.total) for row in rows}


def _new_chunks(
    piece: Piece, logs: dict[tuple[str, int], Kept], left: dict[str, int]
) -> Iterator[dict[str, object]]:
    """The rows that this piece adds, if any; `logs` and `left` are brought up to date."""
    key = (piece.attempt_id, piece.member)
    log = logs[key]
    known = log.byte_count - piece.offset
    if log.is_full or not 0 <= known < len(piece.data):
        return
    data = piece.data[known:]
    is_full = len(data) > left[piece.attempt_id]
    if is_full:
        data = data[: max(0, left[piece.attempt_id])] + CUT_NOTICE
    yield {
        "attempt_id": piece.attempt_id,
        "member": piece.member,
        "offset": log.byte_count,
        "data": data,
    }
    left[piece.attempt_id] -= len(data)
    logs[key] = replace(log, byte_count=log.byte_count + len(data), is_full=is_full)


def _write_ends(connection: Connection, logs: Iterable[Kept]) -> None:
    statement = (
        update(LogRow)
        .where(
            LogRow.attempt_id == bindparam("of_attempt"), LogRow.member == bindparam("of_member")
        )
        .values(byte_count=bindparam("bytes_kept"), is_full=bindparam("full"))
    )
    rows = [
        {
            "of_attempt": log.attempt_id,
            "of_member": log.member,
            "bytes_kept": log.byte_count,
            "full": log.is_full,
        }
        for log in logs
    ]
    connection.execute(statement, rows)
