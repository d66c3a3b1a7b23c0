"""Packages in PostgreSQL: bought once, and what they have covered, added up from usage."""

from collections.abc import Mapping

from sqlalchemy import Connection, select, text

from accounting.calendar import month_bounds, month_of
from accounting.prices.packages import Commitment, Coverage, Package, in_month
from accounting.storage.bill_tables import PackageRow
from accounting.storage.fact_store import facts
from accounting.storage.store import within

_COVERED = text("""
    SELECT split_part(usage.reference, '/', 2) AS package_id, usage.month < :month AS is_earlier,
        sum(usage.device_count * (usage.to_ms - usage.from_ms)) AS device_ms
    FROM usage LEFT JOIN usage_credits AS back
        ON back.reference = usage.reference AND back.seq <= :through
    WHERE usage.tenant_id = :tenant_id AND usage.month <= :month AND usage.seq <= :through
        AND position('/' in usage.reference) > 0 AND back.reference IS NULL
    GROUP BY 1, 2
""")
_COVERAGE = text("""
    SELECT split_part(reference, '/', 2) AS package_id, month, centre_id, cause,
        sum(device_ms) AS device_ms
    FROM (
        SELECT reference, month, centre_id, CAST(NULL AS text) AS cause,
            device_count * (to_ms - from_ms) AS device_ms, seq
        FROM usage
        WHERE tenant_id = :tenant_id AND month <= :month AND position('/' in reference) > 0
        UNION ALL
        SELECT usage.reference, usage.month, usage.centre_id, back.cause,
            -device_count * (to_ms - from_ms), greatest(usage.seq, back.seq)
        FROM usage JOIN usage_credits AS back ON back.reference = usage.reference
        WHERE usage.tenant_id = :tenant_id AND usage.month <= :month
            AND position('/' in usage.reference) > 0
    ) AS facts
    WHERE seq <= :through AND (month = :month OR seq > :after)
    GROUP BY 1, 2, 3, 4 HAVING sum(device_ms) <> 0
""")
_ALL_SEQS = 1 << 62


def packages(connection: Connection, tenant_id: str | None = None) -> tuple[Package, ...]:
    """All packages, or a tenant's, in the order in which they were bought."""
    mine = () if tenant_id is None else (PackageRow.tenant_id == tenant_id,)
    return facts(connection, Package, *mine)


def bought(
    connection: Connection,
    tenant_id: str,
    month: str,
    after_seq: int | None,
    through_seq: int | None,
) -> tuple[Package, ...]:
    """What a month's statement has as purchases: its own, and those that came late for theirs."""
    begin_ms, end_ms = month_bounds(month)
    mine = PackageRow.tenant_id == tenant_id
    known = (mine, *within(PackageRow.seq, None, through_seq))
    own = (PackageRow.bought_at_ms >= begin_ms, PackageRow.bought_at_ms < end_ms)
    found = [*facts(connection, Package, *known, *own)]
    if after_seq is not None:
        late = (*within(PackageRow.seq, after_seq, None), PackageRow.bought_at_ms < begin_ms)
        found += facts(connection, Package, *known, *late)
    return tuple(sorted(found, key=lambda one: (one.bought_at_ms, one.id)))


def months(connection: Connection, tenant_id: str | None = None) -> set[str]:
    """In which months anybody, or this tenant, bought packages."""
    times = select(PackageRow.bought_at_ms)
    if tenant_id is not None:
        times = times.where(PackageRow.tenant_id == tenant_id)
    return {month_of(at_ms) for at_ms in connection.scalars(times)}


def buyers(connection: Connection) -> list[str]:
    """Who ever bought a package."""
    return sorted(connection.scalars(select(PackageRow.tenant_id).distinct()))


def commitments(
    connection: Connection, tenant_id: str, month: str, through_seq: int | None = None
) -> tuple[Commitment, ...]:
    """What packages that are valid in a month cover of it, by the facts up to `through_seq`."""
    known = (PackageRow.tenant_id == tenant_id, *within(PackageRow.seq, None, through_seq))
    held = [one for one in facts(connection, Package, *known) if in_month(one, month)]
    if not held:
        return ()
    covered = _covered(connection, tenant_id, month, through_seq)
    return tuple(
        Commitment(
            package=one,
            month=month,
            used_device_ms=covered.get((one.id, False), 0),
            earlier_device_ms=covered.get((one.id, True), 0),
        )
        for one in sorted(held, key=lambda one: one.order)
    )


def coverage(
    connection: Connection,
    tenant_id: str,
    month: str,
    after_seq: int | None,
    through_seq: int | None,
) -> tuple[Coverage, ...]:
    """What packages covered of a month, and what came late for the earlier ones it corrects."""
    by_id = {one.id: one for one in packages(connection, tenant_id)}
    if not by_id:
        return ()
    asked = {
        "tenant_id": tenant_id,
        "month": month,
        "after": _ALL_SEQS if after_seq is None else after_seq,
        "through": _ALL_SEQS if through_seq is None else through_seq,
    }
    found = [
        Coverage(
            package=by_id[row.package_id],
            month=row.month,
            centre_id=row.centre_id,
            cause=row.cause,
            device_ms=int(row.device_ms),
        )
        for row in connection.execute(_COVERAGE, asked)
    ]
    return tuple(sorted(found, key=lambda one: one.order))


def _covered(
    connection: Connection, tenant_id: str, month: str, through_seq: int | None
) -> Mapping[tuple[str, bool], int]:
    """By package, and by whether it was before the month."""
    through = _ALL_SEQS if through_seq is None else through_seq
    asked = {"tenant_id": tenant_id, "month": month, "through": through}
    rows = connection.execute(_COVERED, asked)
    return {(row.package_id, row.is_earlier): int(row.device_ms) for row in rows}
