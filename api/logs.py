"""The output of members, as agents ship it: kept piece by piece, each byte once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.tables import LogChunkRow, LogRow

ATTEMPT_BYTES_MAX = 64 * 1024 * 1024
READ_BYTES_MAX = 1024 * 1024
CUT_NOTICE = b"\n[industry-brain: this attempt has said all that is kept; the rest is left out]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Output of one member from `offset` on; empty to ask how much is kept.

    `is_last` when the member is over and says no more than this.
    """

    attempt_id: str
    member: int
    offset: int
    data: bytes
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How far a member's output is kept; `is_full` when no more of it will be.

    `is_over` when there is no more of it.
    """

    attempt_id: str
    member: int
    byte_count: int
    is_full: bool
    is_over: bool


def append(connection: Connection, pieces: Sequence[Piece]) -> list[Kept]:
    """Keep what is new of these pieces, in the caller's transaction.

    A piece that is known already changes nothing; one that leaves a gap is not kept, and the
    answer says from where on to send.
    """
    keys = sorted({(piece.attempt_id, piece.member) for piece in pieces})
    if not keys:
        return []
    before = _locked(connection, keys)
    logs = dict(before)
    left = _bytes_left(connection, {attempt_id for attempt_id, _ in keys})
    chunks = [chunk for piece in pieces for chunk in _new_chunks(piece, logs, left)]
    if chunks:
        connection.execute(insert(LogChunkRow), chunks)
    for piece in pieces:
        _note_end(piece, logs)
    _write_ends(connection, [log for key, log in logs.items() if log != before[key]])
    return list(logs.values())


def read_log(
    connection: Connection,
    attempt_id: str,
    member: int,
    offset: int,
    limit: int = READ_BYTES_MAX,
) -> bytes:
    """At most `limit` bytes of what a member said from `offset` on; empty at its end."""
    one = (LogChunkRow.attempt_id == attempt_id, LogChunkRow.member == member)
    # Pieces follow one another without a gap, so the first is found by the index alone.
    first = select(func.max(LogChunkRow.offset)).where(*one, LogChunkRow.offset <= offset)
    statement = (
        select(LogChunkRow.offset, LogChunkRow.data)
        .where(
            *one,
            LogChunkRow.offset >= first.scalar_subquery(),
            LogChunkRow.offset < offset + limit,
        )
        .order_by(LogChunkRow.offset)
    )
    rows = connection.execute(statement)
    return b"".join(row.data[max(0, offset - row.offset) :] for row in rows)[:limit]


def log_of(connection: Connection, attempt_id: str, member: int) -> Kept | None:
    """How far a member's output is kept; `None` where it said nothing yet."""
    statement = select(LogRow.__table__).where(
        LogRow.attempt_id == attempt_id, LogRow.member == member
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else _kept(row)


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
        is_over=row.is_over,
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


def _note_end(piece: Piece, logs: dict[tuple[str, int], Kept]) -> None:
    """The last piece ends a log that has all before it, or that takes in no more."""
    key = (piece.attempt_id, piece.member)
    is_all_here = logs[key].is_full or logs[key].byte_count >= piece.offset + len(piece.data)
    if piece.is_last and is_all_here:
        logs[key] = replace(logs[key], is_over=True)


def _write_ends(connection: Connection, logs: Sequence[Kept]) -> None:
    if not logs:
        return
    statement = (
        update(LogRow)
        .where(
            LogRow.attempt_id == bindparam("of_attempt"), LogRow.member == bindparam("of_member")
        )
        .values(
            byte_count=bindparam("bytes_kept"),
            is_full=bindparam("full"),
            is_over=bindparam("over"),
        )
    )
    rows = [
        {
            "of_attempt": log.attempt_id,
            "of_member": log.member,
            "bytes_kept": log.byte_count,
            "full": log.is_full,
            "over": log.is_over,
        }
        for log in logs
    ]
    connection.execute(statement, rows)
