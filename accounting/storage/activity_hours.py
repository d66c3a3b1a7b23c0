"""What devices did, added up: from hours where a window has them whole, else from facts cut."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Numeric,
    Select,
    cast,
    func,
    select,
    text,
    union_all,
)

from accounting.money import MS_PER_HOUR
from accounting.storage.activity_tables import ActivityHourRow, ActivityRow
from accounting.usage.activity import Division, divide

Rows = Select[*tuple[Any, ...]]
KEYS = ("tenant_id", "project", "field", "centre_id", "pool_id", "device_kind_id", "tflops")
HOUR = "hour_ms"
"""The hour of UTC, as a key beside these."""


class Active(NamedTuple):
    """How much was watched of all that has this key, and how much of that was active.

    By devices, and weighed by the TFLOPS of each.
    """

    key: tuple[Any, ...]
    measured_device_ms: int
    active_device_ms: int
    measured_tflops_ms: int
    active_tflops_ms: int


class UnfitHour(NamedTuple):
    """An hour that is not the sum of its facts."""

    row: str
    kept_measured_ms: int
    kept_active_ms: int
    measured_ms: int
    active_ms: int

    @property
    def what(self) -> str:
        return (
            f"it says {self.kept_measured_ms} device-milliseconds measured and "
            f"{self.kept_active_ms} active, and its facts come to {self.measured_ms} and "
            f"{self.active_ms}"
        )


def active_in(
    connection: Connection,
    names: Sequence[str],
    from_ms: int,
    to_ms: int,
    tenant_id: str | None = None,
) -> Iterator[Active]:
    """The activity inside [`from_ms`, `to_ms`) by some of `KEYS` and `HOUR`; of one or all."""
    begin_ms = -(-from_ms // MS_PER_HOUR) * MS_PER_HOUR
    end_ms = to_ms // MS_PER_HOUR * MS_PER_HOUR
    if begin_ms >= end_ms:
        parts = [_cut(from_ms, to_ms)]
    else:
        edges = [edge for edge in ((from_ms, begin_ms), (end_ms, to_ms)) if edge[0] < edge[1]]
        parts = [_hours(begin_ms, end_ms), *(_cut(*edge) for edge in edges)]
    part = union_all(*parts).subquery("part")
    keys = [part.c[name] for name in names]
    sums = [
        func.sum(quantity * weight)
        for weight in (1, part.c.tflops)
        for quantity in (part.c.measured_device_ms, part.c.active_device_ms)
    ]
    asked = select(*keys, *sums).group_by(*keys).having(sums[0] > 0).order_by(*keys)
    if tenant_id is not None:
        asked = asked.where(part.c.tenant_id == tenant_id)
    for row in connection.execute(asked):
        yield Active(tuple(row[: len(names)]), *(int(number) for number in row[len(names) :]))


# What a package covers is named ATTEMPT/PACKAGE.
_OF_ATTEMPTS = text("""
    SELECT attempt_id, COALESCE(
        (SELECT sum(device_count * (to_ms - from_ms)) FROM usage WHERE reference IN (
            SELECT attempt_id
            UNION ALL SELECT concat(attempt_id, '/', packages.id) FROM packages)), 0),
        COALESCE(watched.measured, 0), COALESCE(watched.active, 0)
    FROM unnest(CAST(:ids AS text[])) AS attempt_id, LATERAL (
        SELECT sum(measured_device_ms) AS measured, sum(active_device_ms) AS active
        FROM activity WHERE reference = attempt_id
    ) AS watched
""")


def of_attempts(connection: Connection, attempt_ids: Sequence[str]) -> Mapping[str, Division]:
    """What each of these has used as far as it is metered, in device-milliseconds."""
    rows = connection.execute(_OF_ATTEMPTS, {"ids": [*attempt_ids]})
    return {row[0]: divide(*map(int, row[1:])) for row in rows}


def _hours(from_ms: int, to_ms: int) -> Rows:
    columns = (*KEYS, HOUR, "measured_device_ms", "active_device_ms")
    hours = select(*(getattr(ActivityHourRow, name) for name in columns))
    return hours.where(ActivityHourRow.hour_ms >= from_ms, ActivityHourRow.hour_ms < to_ms)


def _cut(from_ms: int, to_ms: int) -> Rows:
    """Facts cut at the edges of a part of an hour, as `accounting.usage.activity` cuts them."""
    before, until = _watched(from_ms), _watched(to_ms)
    return select(
        *(getattr(ActivityRow, name) for name in KEYS),
        (ActivityRow.from_ms - ActivityRow.from_ms % MS_PER_HOUR).label(HOUR),
        (until - before).label("measured_device_ms"),
        (_active(until) - _active(before)).label("active_device_ms"),
    ).where(
        # A fact lies inside one hour, so that few begin before the window and reach into it.
        ActivityRow.from_ms > from_ms - MS_PER_HOUR,
        ActivityRow.from_ms < to_ms,
        ActivityRow.to_ms > from_ms,
    )


def _watched(at_ms: int) -> ColumnElement[int]:
    """How much of a fact was watched until then, rounded down."""
    row = ActivityRow
    passed_ms = func.greatest(0, func.least(at_ms, row.to_ms) - row.from_ms)
    measured = cast(row.measured_device_ms, Numeric) * passed_ms
    return cast(func.div(measured, row.to_ms - row.from_ms), BigInteger)


def _active(watched_ms: ColumnElement[int]) -> ColumnElement[int]:
    active = cast(ActivityRow.active_device_ms, Numeric) * watched_ms
    return cast(func.div(active, func.greatest(1, ActivityRow.measured_device_ms)), BigInteger)


_UNFIT = text("""
    SELECT concat_ws(' ', hour_ms, tenant_id, project, field, centre_id, pool_id, device_kind_id,
            tflops) AS row,
        COALESCE(kept.measured_device_ms, 0), COALESCE(kept.active_device_ms, 0),
        COALESCE(made.measured_device_ms, 0), COALESCE(made.active_device_ms, 0)
    FROM activity_hours AS kept FULL JOIN (
        SELECT from_ms - from_ms % 3600000 AS hour_ms, tenant_id, project, field, centre_id,
            pool_id, device_kind_id, tflops,
            sum(measured_device_ms) AS measured_device_ms, sum(active_device_ms) AS active_device_ms
        FROM activity GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ) AS made USING (hour_ms, tenant_id, project, field, centre_id, pool_id, device_kind_id, tflops)
    WHERE (kept.measured_device_ms, kept.active_device_ms)
        IS DISTINCT FROM (made.measured_device_ms, made.active_device_ms)
    ORDER BY 1
""")


def unfit_hours(connection: Connection) -> Iterator[UnfitHour]:
    """Every hour that is not the sum of its facts: there is none in whole books."""
    for row in connection.execute(_UNFIT):
        yield UnfitHour(*row)
