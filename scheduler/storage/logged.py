"""Attempts as the log and the books have them, to be laid beside the diary of their centre."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, Connection, Row, Text, any_, func, literal, or_, select

from accounting.storage.tables import UsageRow
from cluster.diary import Diary
from scheduler.asking.diaries import Logged
from scheduler.model.job import EndCause
from scheduler.storage.tables import AttemptRow, JobRow


def logged(connection: Connection, centre_id: str, diary: Diary) -> dict[str, Logged]:
    """Those that the diary names, and those of the centre that run or ended since it is whole."""
    ids = sorted(one.attempt_id for one in diary.attempts)
    ended_at_ms = AttemptRow.ended_at_ms
    is_of_now = or_(ended_at_ms.is_(None), ended_at_ms > diary.whole_since_ms)
    statement = (
        select(AttemptRow.__table__, JobRow.tenant_id)
        .join(JobRow, JobRow.id == AttemptRow.job_id)
        .where(
            or_(
                AttemptRow.id == any_(literal(ids, ARRAY(Text))),
                (AttemptRow.centre_id == centre_id) & is_of_now,
            )
        )
    )
    rows = connection.execute(statement).all()
    used = _used(connection, [row.id for row in rows])
    return {row.id: _logged(row, used.get(row.id)) for row in rows}


def _used(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """Where their usage ends; what packages cover has a reference that goes on after a slash."""
    whose = func.split_part(UsageRow.reference, "/", 1)
    asked = any_(literal(sorted(ids), ARRAY(Text)))
    is_covered = func.position(literal("/").op("IN")(UsageRow.reference)) > 0
    statement = (
        select(whose, func.max(UsageRow.to_ms))
        .where(or_(UsageRow.reference == asked, is_covered & (whose == asked)))
        .group_by(whose)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def _logged(row: Row[Any], used_to_ms: int | None) -> Logged:
    shares = ((share["node_id"], share["card_count"]) for share in row.placement["shares"])
    return Logged(
        attempt_id=row.id,
        job_id=row.job_id,
        tenant_id=row.tenant_id,
        centre_id=row.centre_id,
        device_kind_id=row.device_kind_id,
        cards=tuple(sorted(shares)),
        started_at_ms=row.started_at_ms,
        ended_at_ms=row.ended_at_ms,
        cause=EndCause(row.cause) if row.cause else None,
        used_to_ms=used_to_ms,
    )
