"""What a month's report asks of the scheduler's tables; each question reads all of the month."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from scheduler.storage.tables import AttemptRow, JobRow


class Waits(NamedTuple):
    """How long jobs waited that started in a window; `field` None is all together."""

    field: str | None
    jobs: int
    mean_ms: int
    p50_ms: int
    p95_ms: int


_WAITS = text("""
    SELECT spec->>'field' AS field, count(*) AS jobs, round(avg(wait_ms))::bigint AS mean_ms,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY wait_ms) AS p50_ms,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY wait_ms) AS p95_ms
    FROM (
        SELECT spec, started_at_ms - COALESCE(released_at_ms, submitted_at_ms) AS wait_ms
        FROM jobs WHERE started_at_ms >= :from_ms AND started_at_ms < :to_ms
    ) AS started
    GROUP BY GROUPING SETS ((), (spec->>'field'))
    HAVING count(*) > 0
    ORDER BY field NULLS FIRST
""")
_REASONS = text("""
    SELECT reason->>'code' AS code, count(DISTINCT jobs.id) AS jobs
    FROM jobs, LATERAL jsonb_array_elements(reasons) AS reason
    WHERE state IN ('queued', 'held')
    GROUP BY code ORDER BY jobs DESC, code LIMIT :count
""")


def waits(connection: Connection, from_ms: int, to_ms: int) -> Iterator[Waits]:
    """Of jobs that started first inside [`from_ms`, `to_ms`): all together, then by field."""
    for row in connection.execute(_WAITS, {"from_ms": from_ms, "to_ms": to_ms}):
        yield Waits(*row)


def reasons_now(connection: Connection, count: int) -> Mapping[str, int]:
    """Why jobs wait now: the codes that most of them have, with how many have them."""
    return {row.code: row.jobs for row in connection.execute(_REASONS, {"count": count})}


def ends(connection: Connection, from_ms: int, to_ms: int) -> Mapping[str, int]:
    """How many attempts ended inside [`from_ms`, `to_ms`), by cause."""
    counts = select(AttemptRow.cause, func.count()).where(
        AttemptRow.ended_at_ms >= from_ms, AttemptRow.ended_at_ms < to_ms
    )
    rows = connection.execute(counts.group_by(AttemptRow.cause).order_by(AttemptRow.cause))
    return {row[0] or "": row[1] for row in rows}


def submitted(connection: Connection, from_ms: int, to_ms: int) -> int:
    """How many jobs were submitted inside [`from_ms`, `to_ms`)."""
    inside = (JobRow.submitted_at_ms >= from_ms, JobRow.submitted_at_ms < to_ms)
    return connection.scalar(select(func.count()).select_from(JobRow).where(*inside)) or 0
