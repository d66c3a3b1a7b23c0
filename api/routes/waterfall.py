"""Where the park's capacity went: a waterfall by centre, pool, kind; what was used by whom."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from accounting.money import MS_PER_HOUR
from accounting.storage.activity_hours import HOUR, active_in
from accounting.storage.hours import HourKey, used_by
from accounting.units import Unit, unit_of
from accounting.usage.activity import divide
from accounting.usage.waterfall import (
    Step,
    Watched,
    Weight,
    peaks,
    ratio_bp,
    watched_waterfalls,
    waterfalls,
)
from api.answers.steps import step_ms_for, steps_between
from api.auth import PersonDep
from api.errors import Refused
from api.routes.parameters import FromMs, ToMs, problems, window
from api.schemas.capacity import Divided, Levels, UsedItem, WaterfallItem, WaterfallView
from api.services import ServicesDep
from cluster.inventory import Park

router = APIRouter(prefix="/v1", tags=["machines"])

PARK = "park"
DAY_MS = 86_400_000
SHANGHAI_MS = 8 * MS_PER_HOUR
WINDOW_MS_MAX = 100 * DAY_MS
CHANGES_MAX = 100_000
PARTS_MAX = 1_000
"""A window has no more hours or days than this in one answer."""

By = Annotated[
    Literal["park", "centre", "pool", "device", "tenant", "field"],
    Query(description="how it is divided"),
]
Each = Annotated[Literal["whole", "hour", "day"], Query(description="in which parts of time")]
_KEYS = {"tenant": HourKey.TENANT, "field": HourKey.FIELD}


@router.get("/utilisation/waterfall", responses=problems(), summary="Where the capacity went")
def read_waterfall(
    caller: PersonDep,
    services: ServicesDep,
    by: By = "centre",
    each: Each = "whole",
    from_ms: FromMs = None,
    to_ms: ToMs = None,
) -> WaterfallView:
    """Stated, healthy, schedulable, allocated, active; the last 24 hours by default.

    By tenant and field the window is made of whole hours, and `used` is what was metered; a tenant
    sees its own. Days are those of Asia/Shanghai.
    """
    begin_ms, end_ms = window(from_ms, to_ms, services.clock(), DAY_MS, WINDOW_MS_MAX)
    if by in _KEYS:
        begin_ms -= begin_ms % MS_PER_HOUR
        end_ms += -end_ms % MS_PER_HOUR
    edges = parts_of(begin_ms, end_ms, each)
    with services.database.connect() as connection:
        park = services.declared.read(connection).park
        step_ms, steps = read_steps(connection, park, edges)
        watched = read_watched(connection, edges)
        used = list(_used(connection, steps, by, edges, caller.narrowed(None)))
    return WaterfallView(
        from_ms=begin_ms,
        to_ms=end_ms,
        by=by,
        each=each,
        items=list(items_of(park, steps, by, edges, watched)),
        used=used,
        step_ms=step_ms,
    )


def read_steps(
    connection: Connection, park: Park, edges: Sequence[int]
) -> tuple[int, Mapping[str, Sequence[Step]]]:
    """How each pool stood over all parts, and how close changes are told apart."""
    pool_ids, asked = list(park.pool_by_id), (edges[0], edges[-1])
    step_ms = step_ms_for(connection, pool_ids, *asked, CHANGES_MAX)
    return step_ms, steps_between(connection, pool_ids, asked, step_ms)


def read_watched(connection: Connection, edges: Sequence[int]) -> Mapping[Weight, Watched]:
    """What is known of what the cards of each pool did in each hour of the window."""
    by_hour = list(active_in(connection, ("pool_id", HOUR), edges[0], edges[-1]))
    by_p = {one.key: (one.measured_tflops_ms, one.active_tflops_ms) for one in by_hour}
    by_devices = {one.key: (one.measured_device_ms, one.active_device_ms) for one in by_hour}
    # A pool has cards or cores, and of the others nothing is allocated in it.
    return {Weight.P: by_p, Weight.CARDS: by_devices, Weight.CORES: by_devices}


def items_of(
    park: Park,
    steps: Mapping[str, Sequence[Step]],
    by: str,
    edges: Sequence[int],
    watched: Mapping[Weight, Watched],
) -> Iterator[WaterfallItem]:
    """Each group of pools, in each part of the window."""
    for key, pool_ids in _grouped(park, by).items():
        some = {pool_id: steps[pool_id] for pool_id in pool_ids}
        yield from _items(key, some, edges, watched)


def parts_of(from_ms: int, to_ms: int, each: str) -> list[int]:
    """The edges of a window and of each hour or day of Asia/Shanghai inside it."""
    if each == "whole":
        return [from_ms, to_ms]
    length_ms, offset_ms = (DAY_MS, SHANGHAI_MS) if each == "day" else (MS_PER_HOUR, 0)
    first_ms = ((from_ms + offset_ms) // length_ms + 1) * length_ms - offset_ms
    edges = [from_ms, *range(first_ms, to_ms, length_ms), to_ms]
    if len(edges) > PARTS_MAX + 1:
        error = {
            "field": "each",
            "in": "query",
            "problem": f"the window has {len(edges) - 1} of them, and {PARTS_MAX} are told at most",
            "fix": "ask for days, or for a shorter window",
        }
        raise Refused(422, "the window has too many parts", errors=[error])
    return edges


def _items(
    key: str,
    steps: Mapping[str, Sequence[Step]],
    edges: Sequence[int],
    watched: Mapping[Weight, Watched],
) -> Iterator[WaterfallItem]:
    has_cores = any(unit_of(step.tflops) is Unit.CORE for some in steps.values() for step in some)
    weighed = (_levels(steps, edges, weight, watched[weight]) for weight in Weight)
    for (from_ms, to_ms), p, cards, cores in zip(pairwise(edges), *weighed, strict=True):
        yield WaterfallItem(
            key=key,
            from_ms=from_ms,
            to_ms=to_ms,
            p=p,
            cards=cards,
            cores=cores if has_cores else None,
        )


def _grouped(park: Park, by: str) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for pool in park.pools:
        keys = {
            "park": PARK,
            "centre": pool.centre_id,
            "pool": pool.id,
            "device": pool.device_kind_id,
        }
        if by in keys:
            groups[keys[by]].append(pool.id)
    return dict(groups)


def _levels(
    steps: Mapping[str, Sequence[Step]], edges: Sequence[int], weight: Weight, watched: Watched
) -> Iterator[Levels]:
    found = peaks([step for some in steps.values() for step in some], edges, weight)
    totals = watched_waterfalls(steps, edges, weight, watched)
    for total, highest in zip(totals, found, strict=True):
        did = total.division
        yield Levels(
            stated=total.stated,
            healthy=total.healthy,
            down=total.down,
            maintenance=total.maintenance,
            schedulable=total.schedulable,
            allocated=total.allocated,
            reserved=total.reserved,
            idle=total.idle,
            active=did.active,
            inactive=did.inactive,
            unmeasured=did.unmeasured,
            utilisation_bp=total.utilisation_bp,
            peak_bp=highest and highest.utilisation_bp,
            peak_at_ms=highest and highest.at_ms,
        )


def _used(
    connection: Connection,
    steps: Mapping[str, Sequence[Step]],
    by: str,
    edges: Sequence[int],
    tenant_id: str | None,
) -> Iterator[UsedItem]:
    """By tenant or field; what nobody else's may be told, of the caller alone."""
    if by not in _KEYS:
        return
    everything = [step for some in steps.values() for step in some]
    park = waterfalls(everything, edges, Weight.P)
    sums: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * 9)
    for hour in used_by(connection, _KEYS[by], edges[0], edges[-1], tenant_id):
        known = sums[hour.key, bisect_right(edges, hour.hour_ms) - 1]
        known[0] += hour.tflops_ms
        known[1] += hour.device_ms
        known[2] += hour.core_ms
    names = (_KEYS[by].value, HOUR, "tflops")
    for one in active_in(connection, names, edges[0], edges[-1], tenant_id):
        known = sums[one.key[0], bisect_right(edges, one.key[1]) - 1]
        place = 5 if unit_of(one.key[2]) is Unit.CARD else 7
        for offset, quantity in enumerate((one.measured_device_ms, one.active_device_ms)):
            known[place + offset] += quantity
        known[3] += one.measured_tflops_ms
        known[4] += one.active_tflops_ms
    for (key, at), (tflops_ms, device_ms, core_ms, *did) in sorted(sums.items()):
        yield UsedItem(
            key=key,
            from_ms=edges[at],
            to_ms=edges[at + 1],
            tflops_ms=tflops_ms,
            device_ms=device_ms,
            core_ms=core_ms,
            share_bp=ratio_bp(tflops_ms, park[at].schedulable),
            p=_divided(tflops_ms, *did[:2]),
            cards=_divided(device_ms, *did[2:4]),
            cores=_divided(core_ms, *did[4:]) if core_ms else None,
        )


def _divided(allocated: int, measured: int, active: int) -> Divided:
    did = divide(allocated, measured, active)
    return Divided(active=did.active, inactive=did.inactive, unmeasured=did.unmeasured)
