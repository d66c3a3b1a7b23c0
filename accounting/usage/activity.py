"""Activity: of the time for which devices were held, how much was watched, and how much computed.

It is beside the usage and in no bill. What was not watched is not known: it is never idle.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from accounting.money import MS_PER_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySlice:
    """Over [`from_ms`, `to_ms`) of one holding, unique by (`reference`, `from_ms`).

    Of `device_count` x that time `measured_device_ms` was watched, and of that `active_device_ms`
    computed. The rest as in `accounting.usage.slices.UsageSlice`.
    """

    reference: str
    from_ms: int
    to_ms: int
    tenant_id: str
    project: str
    field: str
    centre_id: str
    pool_id: str
    device_kind_id: str
    device_count: int
    tflops: int
    measured_device_ms: int
    active_device_ms: int
    recorded_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Time that devices were held, in three parts that add up to it: exactly, whatever was told.

    `active` and `inactive` are None where none of it was watched: then all of it is `unmeasured`.
    """

    allocated: int
    active: int | None
    inactive: int | None
    unmeasured: int


def divide(allocated: int, measured: int, active: int) -> Division:
    """What was watched beyond what was allocated (on a node that left meanwhile) does not count."""
    measured = min(measured, allocated)
    if measured <= 0:
        return Division(allocated=allocated, active=None, inactive=None, unmeasured=allocated)
    active = min(active, measured)
    inactive, unmeasured = measured - active, allocated - measured
    return Division(allocated=allocated, active=active, inactive=inactive, unmeasured=unmeasured)


def by_hour(whole: ActivitySlice) -> Iterator[ActivitySlice]:
    """The same, cut at each hour: what was watched by time, what was active by what was watched.

    Each piece is the difference of two sums from the beginning that are rounded down, so that the
    pieces are the whole, and none has more than it has time.
    """
    first_ms = (whole.from_ms // MS_PER_HOUR + 1) * MS_PER_HOUR
    begin_ms, watched_ms, active_ms = whole.from_ms, 0, 0
    for end_ms in (*range(first_ms, whole.to_ms, MS_PER_HOUR), whole.to_ms):
        passed_ms, lasted_ms = end_ms - whole.from_ms, whole.to_ms - whole.from_ms
        watched_then_ms = whole.measured_device_ms * passed_ms // lasted_ms
        active_then_ms = whole.active_device_ms * watched_then_ms // whole.measured_device_ms
        if watched_then_ms > watched_ms:
            yield replace(
                whole,
                from_ms=begin_ms,
                to_ms=end_ms,
                measured_device_ms=watched_then_ms - watched_ms,
                active_device_ms=active_then_ms - active_ms,
            )
        begin_ms, watched_ms, active_ms = end_ms, watched_then_ms, active_then_ms
