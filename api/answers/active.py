"""What allocated cards did: active, inactive, or nobody knows, as the interface tells it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from accounting.storage.activity_hours import active_in, of_attempts
from accounting.units import Unit
from accounting.usage.activity import Division, divide
from accounting.usage.slices import UsageSum
from api.schemas.jobs import Activity, ActivityLine, AttemptView

Key = tuple[str, ...]
KEYS = ("tenant_id", "project", "field", "centre_id", "device_kind_id")
"""By what it is told, and by whether it is of cards or of cores."""


def divided(
    connection: Connection,
    used: Iterable[UsageSum],
    window: tuple[int, int],
    tenant_id: str | None,
) -> Mapping[Key, Division]:
    """What was metered in a window, by `KEYS` and unit, in order."""
    allocated: defaultdict[Key, int] = defaultdict(int)
    for line in used:
        of_line: Key = (*(getattr(line, name) for name in KEYS), line.unit)
        allocated[of_line] += line.device_ms
    watched = {one.key: one for one in active_in(connection, KEYS, *window, tenant_id)}
    divisions: dict[Key, Division] = {}
    for key in sorted(allocated):
        one = watched.get(key[:-1])
        measured, active = (one.measured_device_ms, one.active_device_ms) if one else (0, 0)
        divisions[key] = divide(allocated[key], measured, active)
    return divisions


def summed(divisions: Mapping[Key, Division], unit: Unit) -> Division:
    """Of all cards, or of all cores."""
    some = [one for key, one in divisions.items() if key[-1] == unit]
    return Division(
        allocated=sum(one.allocated for one in some),
        active=_known_sum(one.active for one in some),
        inactive=_known_sum(one.inactive for one in some),
        unmeasured=sum(one.unmeasured for one in some),
    )


def _known_sum(parts: Iterable[int | None]) -> int | None:
    """Of those that are known; None where none is."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def activity(division: Division) -> Activity:
    return Activity(
        allocated_device_ms=division.allocated,
        active_device_ms=division.active,
        inactive_device_ms=division.inactive,
        unmeasured_device_ms=division.unmeasured,
    )


def activity_lines(divisions: Mapping[Key, Division]) -> list[ActivityLine]:
    return [
        ActivityLine(
            tenant=tenant_id,
            project=project,
            field=field,
            centre=centre_id,
            device=device_kind_id,
            unit="core" if unit == Unit.CORE else "card",
            **dict(activity(division)),
        )
        for (
            tenant_id,
            project,
            field,
            centre_id,
            device_kind_id,
            unit,
        ), division in divisions.items()
    ]


def attempts_with_activity(
    connection: Connection, attempts: Sequence[AttemptView]
) -> list[AttemptView]:
    """The same attempts, each with what it has used."""
    known = of_attempts(connection, [one.id for one in attempts])
    return [one.model_copy(update={"activity": activity(known[one.id])}) for one in attempts]
