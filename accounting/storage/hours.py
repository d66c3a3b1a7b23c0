"""Usage by the hour: what a month's question reads, in place of all of its slices.

PostgreSQL adds each slice to the hours that it touches, in the transaction that writes it. So an
hour is exactly the sum of its slices, and costs the same to read however many they are.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Subquery, case, func, select, text, tuple_, union_all

from accounting.calendar import month_bounds, month_edges, month_of
from accounting.money import MS_PER_HOUR
from accounting.storage.tables import UsageHourRow, UsageRow
from accounting.units import Unit, unit_of

NAMES = (
    "tenant_id",
    "project",
    "field",
    "centre_id",
    "device_kind_id",
    "qos",
    "price_list_id",
    "price_micros",
)
"""What the slices of one line have in common."""

Rows = Select[*tuple[Any, ...]]


class HourKey(StrEnum):
    """By what hours are added up."""

    TENANT = "tenant_id"
    FIELD = "field"
    CENTRE = "centre_id"


class Used(NamedTuple):
    """Device time of an hour: of cards, apart from them of cores, and by TFLOPS."""

    key: str
    hour_ms: int
    device_ms: int
    tflops_ms: int
    core_ms: int = 0


class Unfit(NamedTuple):
    """An hour that is not the sum of its slices."""

    row: str
    kept_device_ms: int
    device_ms: int

    @property
    def what(self) -> str:
        kept_ms, made_ms = self.kept_device_ms, self.device_ms
        return f"it says {kept_ms} device-milliseconds, and its slices come to {made_ms}"


def of_month(month: str, tenant_id: str, through_seq: int | None) -> Subquery:
    """A tenant's month as its hours, less what was written after `through_seq` (None: all)."""
    bounds = month_bounds(month)
    parts = [_hours(*bounds, tenant_id)]
    if through_seq is not None:
        mine = (UsageRow.month == month, UsageRow.tenant_id == tenant_id)
        parts.append(_slices(*bounds, -1).where(*mine, UsageRow.seq > through_seq))
    return union_all(*parts).subquery("parts")


def of_window(from_ms: int, to_ms: int, tenant_id: str | None) -> Subquery:
    """[`from_ms`, `to_ms`) as its whole hours, and what of slices lies before and after them."""
    begin_ms = -(-from_ms // MS_PER_HOUR) * MS_PER_HOUR
    end_ms = to_ms // MS_PER_HOUR * MS_PER_HOUR
    if begin_ms >= end_ms:
        return union_all(_cut(from_ms, to_ms, tenant_id)).subquery("parts")
    edges = [(from_ms, begin_ms), (end_ms, to_ms)]
    cuts = (_cut(*edge, tenant_id) for edge in edges if edge[0] < edge[1])
    return union_all(_hours(begin_ms, end_ms, tenant_id), *cuts).subquery("parts")


def used_by(
    connection: Connection, key: HourKey, from_ms: int, to_ms: int, tenant_id: str | None
) -> Iterator[Used]:
    """What was metered in each hour of [`from_ms`, `to_ms`), by `key`; of one tenant, or of all."""
    column, hour_ms = getattr(UsageHourRow, key), UsageHourRow.hour_ms
    device_ms, tflops = UsageHourRow.device_ms, UsageHourRow.tflops
    sums = (
        func.sum(case((tflops > 0, device_ms), else_=0)),
        func.sum(device_ms * tflops),
        func.sum(case((tflops == 0, device_ms), else_=0)),
    )
    used = select(column, hour_ms, *sums).where(hour_ms >= from_ms, hour_ms < to_ms)
    if tenant_id is not None:
        used = used.where(UsageHourRow.tenant_id == tenant_id)
    for row in connection.execute(used.group_by(column, hour_ms).order_by(column, hour_ms)):
        yield Used(row[0], row[1], *map(int, row[2:]))


# What a package covers is named ATTEMPT/PACKAGE; whole names are found by the index.
_METERED = text("""
    SELECT split_part(reference, '/', 1), max(to_ms) FROM usage WHERE reference IN (
        SELECT unnest(CAST(:ids AS text[]))
        UNION ALL SELECT concat(attempt_id, '/', packages.id)
        FROM unnest(CAST(:ids AS text[])) AS attempt_id, packages
    ) GROUP BY 1
""")


def metered_until(connection: Connection, attempt_ids: Collection[str]) -> Mapping[str, int]:
    """How far each of these attempts is metered; those of which nothing is are not there."""
    rows = connection.execute(_METERED, {"ids": [*attempt_ids]})
    return {row[0]: row[1] for row in rows}


def tenants_of(connection: Connection, month: str) -> Iterator[str]:
    """Who has used anything in a month, as far as it is known now."""
    from_ms, to_ms = month_bounds(month)
    inside = (UsageHourRow.hour_ms >= from_ms, UsageHourRow.hour_ms < to_ms)
    yield from connection.scalars(select(UsageHourRow.tenant_id).where(*inside).distinct())


def _hours(from_ms: int, to_ms: int, tenant_id: str | None) -> Rows:
    keys = (getattr(UsageHourRow, name) for name in NAMES)
    device_ms = UsageHourRow.device_ms
    hours = select(*keys, device_ms, (device_ms * UsageHourRow.tflops).label("tflops_ms"))
    hours = hours.where(UsageHourRow.hour_ms >= from_ms, UsageHourRow.hour_ms < to_ms)
    return hours if tenant_id is None else hours.where(UsageHourRow.tenant_id == tenant_id)


def _cut(from_ms: int, to_ms: int, tenant_id: str | None) -> Rows:
    """The slices of a window that is no whole hour, cut at its edges."""
    months = (month_of(from_ms), *map(month_of, month_edges(from_ms, to_ms)))
    touching = (UsageRow.from_ms < to_ms, UsageRow.to_ms > from_ms)
    slices = _slices(from_ms, to_ms, 1).where(UsageRow.month.in_(months), *touching)
    return slices if tenant_id is None else slices.where(UsageRow.tenant_id == tenant_id)


def _slices(from_ms: int, to_ms: int, sign: int) -> Rows:
    keys = (getattr(UsageRow, name) for name in NAMES)
    begin = func.greatest(UsageRow.from_ms, from_ms)
    device_ms = sign * UsageRow.device_count * (func.least(UsageRow.to_ms, to_ms) - begin)
    tflops_ms = (device_ms * UsageRow.tflops).label("tflops_ms")
    return select(*keys, device_ms.label("device_ms"), tflops_ms)


_UNFIT = text("""
    SELECT concat_ws(' ', tenant_id, hour_ms, project, field, centre_id, device_kind_id, qos,
            tflops, price_list_id, price_micros) AS row,
        COALESCE(kept.device_ms, 0), COALESCE(made.device_ms, 0)
    FROM usage_hours AS kept FULL JOIN (
        SELECT tenant_id, hour_ms, project, field, centre_id, device_kind_id, qos, tflops,
            price_list_id, price_micros,
            sum(device_count * (least(to_ms, hour_ms + 3600000) - greatest(from_ms, hour_ms)))
            AS device_ms
        FROM usage,
            LATERAL generate_series(from_ms - from_ms % 3600000, to_ms - 1, 3600000) AS hour_ms
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    ) AS made USING (tenant_id, hour_ms, project, field, centre_id, device_kind_id, qos, tflops,
        price_list_id, price_micros)
    WHERE COALESCE(kept.device_ms, 0) <> COALESCE(made.device_ms, 0)
    ORDER BY 1
""")


def metered_units(connection: Connection) -> frozenset[tuple[str, Unit]]:
    """In what each device kind was metered last: of its newest hour, and so mostly one."""
    kind_id, hour_ms = UsageHourRow.device_kind_id, UsageHourRow.hour_ms
    newest = select(kind_id, func.max(hour_ms)).group_by(kind_id)
    is_core = (UsageHourRow.tflops == 0).label("is_core")
    metered = select(kind_id, is_core).where(tuple_(kind_id, hour_ms).in_(newest)).distinct()
    rows = connection.execute(metered)
    return frozenset((row.device_kind_id, unit_of(0 if row.is_core else 1)) for row in rows)


def unfit(connection: Connection) -> Iterator[Unfit]:
    """Every hour that is not the sum of its slices: there is none in whole books."""
    for row in connection.execute(_UNFIT):
        yield Unfit(*row)
