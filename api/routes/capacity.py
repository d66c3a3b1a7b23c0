"""Machines: what the park states, has, and may lease; how they stand, and how busy they were."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection, Row

from accounting.usage.waterfall import Step, Weight, peaks, waterfall
from api.answers.load import course
from api.answers.steps import step_ms_for, steps_between
from api.auth import PersonDep, Role
from api.errors import missing
from api.routes.parameters import NAME_PATTERN, FromMs, ToMs, problems, window
from api.routes.waterfall import read_steps
from api.schemas.administration import CentreList, NodeList, NodeView
from api.schemas.capacity import (
    CapacityView,
    CentreCapacity,
    PoolCapacity,
    UtilisationPoint,
    UtilisationView,
)
from api.services import Services, ServicesDep
from cluster.inventory import Centre, Park, Pool
from scheduler.storage import queries

router = APIRouter(prefix="/v1", tags=["machines"])

PARK = "park"
"""All centres together, where averages and peaks are by centre."""

DAY_MS = 86_400_000
WINDOW_MS_MAX = 100 * DAY_MS
CHANGES_MAX = 20_000
"""So many points are told; of more, the last one of each step. Rates are of all of them."""


@router.get("/capacity", responses=problems(), summary="The park now")
def capacity(_: PersonDep, services: ServicesDep) -> CapacityView:
    """Stated, registered, online, schedulable and allocated capacity.

    In cards for each pool, in TFLOPS for each centre and the park.
    """
    with services.database.connect() as connection:
        park = services.declared.read(connection).park
        centres = _centres(connection, park, services)
        counts = queries.unfinished_counts(connection)
    return CapacityView(
        at_ms=services.clock(),
        park=park.id,
        name=park.name,
        note=park.note,
        is_logical=park.is_logical,
        stated_tflops=park.stated_tflops,
        registered_tflops=sum(centre.registered_tflops for centre in centres),
        online_tflops=sum(centre.online_tflops for centre in centres),
        schedulable_tflops=sum(centre.schedulable_tflops for centre in centres),
        allocated_tflops=sum(centre.allocated_tflops for centre in centres),
        queued_jobs=sum(counts.get(state, 0) for state in queries.WAITING_STATES),
        running_jobs=sum(counts.get(state, 0) for state in queries.HOLDING_STATES),
        centres=centres,
    )


@router.get("/centres", responses=problems(), summary="The centres")
def centres(_: PersonDep, services: ServicesDep) -> CentreList:
    """Each centre with its capacities, and whether it is heard of."""
    with services.database.connect() as connection:
        park = services.declared.read(connection).park
        return CentreList(items=_centres(connection, park, services))


@router.get("/nodes", responses=problems(404), summary="The nodes")
def nodes(
    caller: PersonDep,
    services: ServicesDep,
    centre: Annotated[
        str | None, Query(pattern=NAME_PATTERN, description="its nodes alone")
    ] = None,
    pool: Annotated[str | None, Query(pattern=NAME_PATTERN, description="its nodes alone")] = None,
) -> NodeList:
    """Each node, and whether it could take work now."""
    with services.database.connect() as connection:
        park = services.declared.read(connection).park
        if centre is not None and centre not in park.centre_by_id:
            raise missing("centre", centre)
        if pool is not None and pool not in park.pool_by_id:
            raise missing("pool", pool)
        views = node_views(connection, park, services.clock())
    if caller.role is not Role.OPERATOR:
        views = [one.model_copy(update={"drained_by": None}) for one in views]
    return NodeList(
        items=[one for one in views if centre in {None, one.centre} and pool in {None, one.pool}]
    )


def node_views(connection: Connection, park: Park, now_ms: int) -> list[NodeView]:
    """Every node of the park, as it stands."""
    names = [f"nodes:{each.id}" for each in park.centres]
    views = queries.views(connection, names)
    online = {node_id for view in views.values() for node_id in view.body["online_node_ids"]}
    drains = queries.views_under(connection, "drained:")
    drained = {name: view.body for name, view in drains.items() if view.body["is_drained"]}
    kept_out = queries.views_under(connection, "kept_out:")
    until_ms = {name: view.body["until_ms"] for name, view in kept_out.items()}
    closed = {one.id for one in park.pools_with_hours if not one.is_offered(now_ms)}
    return [
        NodeView(
            id=node.id,
            centre=node.centre_id,
            pool=node.pool_id,
            device=park.pool_by_id[node.pool_id].device_kind_id,
            cards=node.card_count,
            is_online=node.id in online,
            is_drained=f"drained:{node.id}" in drained,
            drained_by=drained.get(f"drained:{node.id}", {}).get("by"),
            is_offered=node.pool_id not in closed,
            kept_out_until_ms=until_ms.get(f"kept_out:{node.id}"),
        )
        for node in park.node_by_id.values()
    ]


@router.get("/utilisation", responses=problems(), summary="How busy the centres were")
def utilisation(
    _: PersonDep, services: ServicesDep, from_ms: FromMs = None, to_ms: ToMs = None
) -> UtilisationView:
    """Load over time, and its average and peak; the last 24 hours unless the window says else.

    A rate is what was allocated of what is stated: failures and silence do not flatter it.

    A window is 100 days long at most. Where much changed in it, `step_ms` says how close changes
    are still told apart.
    """
    begin_ms, end_ms = window(from_ms, to_ms, services.clock(), DAY_MS, WINDOW_MS_MAX)
    end_ms = min(end_ms, max(services.clock(), begin_ms + 1))
    with services.database.connect() as connection:
        park = services.declared.read(connection).park
        step_ms, by_pool = read_steps(connection, park, (begin_ms, end_ms))
        drawn = by_pool
        if sum(map(len, by_pool.values())) > CHANGES_MAX:
            pool_ids = list(park.pool_by_id)
            step_ms = step_ms_for(connection, pool_ids, begin_ms, end_ms, CHANGES_MAX)
            drawn = steps_between(connection, pool_ids, (begin_ms, end_ms), step_ms)
    steps = _by_centre(park, by_pool)
    everything = [step for some in steps.values() for step in some]
    by_name = {PARK: everything, **steps}
    totals = {name: waterfall(some, begin_ms, end_ms, Weight.P) for name, some in by_name.items()}
    highest = {
        name: found
        for name, some in by_name.items()
        for found in peaks(some, (begin_ms, end_ms), Weight.P)
        if found
    }
    return UtilisationView(
        from_ms=begin_ms,
        to_ms=end_ms,
        points=[
            UtilisationPoint(
                at_ms=point.at_ms,
                centre=centre_id,
                allocated_tflops=point.allocated,
                online_tflops=point.online,
                stated_tflops=point.stated,
            )
            for centre_id, some in _by_centre(park, drawn).items()
            for point in course(some, begin_ms, end_ms)
        ],
        average_bp={name: total.utilisation_bp for name, total in totals.items()},
        peak_bp={name: found.utilisation_bp for name, found in highest.items()},
        peak_at_ms={name: found.at_ms for name, found in highest.items()},
        step_ms=step_ms,
    )


def _by_centre(park: Park, steps: Mapping[str, Sequence[Step]]) -> dict[str, list[Step]]:
    return {
        centre.id: [step for pool in centre.pools for step in steps[pool.id]]
        for centre in park.centres
    }


def _centres(connection: Connection, park: Park, services: Services) -> list[CentreCapacity]:
    rows = queries.loads_now(connection, list(park.pool_by_id))
    loads = {row.pool_id: row for row in rows}
    views = queries.views(connection, [f"centre:{centre.id}" for centre in park.centres])
    drained = _drained(connection, park)
    return [
        _centre(park, centre, (loads, drained), views.get(f"centre:{centre.id}"), services)
        for centre in park.centres
    ]


def _drained(connection: Connection, park: Park) -> Counter[str]:
    """How many nodes of each pool are in planned maintenance."""
    views = queries.views_under(connection, "drained:")
    nodes = (
        park.node_by_id.get(name.removeprefix("drained:"))
        for name, view in views.items()
        if view.body["is_drained"]
    )
    return Counter(node.pool_id for node in nodes if node is not None)


def _centre(
    park: Park,
    centre: Centre,
    told: tuple[Mapping[str, Row[Any]], Mapping[str, int]],
    view: Row[Any] | None,
    services: Services,
) -> CentreCapacity:
    loads, drained = told
    pools = [_pool(park, one, loads.get(one.id), drained.get(one.id, 0)) for one in centre.pools]
    return CentreCapacity(
        id=centre.id,
        name=centre.name,
        is_heard=bool(view and view.body["is_heard"]),
        heard_at_ms=_heard_at_ms(centre.id, view, services),
        stated_tflops=centre.stated_tflops,
        registered_tflops=_tflops((pool.tflops, pool.registered_cards) for pool in pools),
        online_tflops=_tflops((pool.tflops, pool.online_cards) for pool in pools),
        schedulable_tflops=_tflops((pool.tflops, pool.schedulable_cards) for pool in pools),
        allocated_tflops=_tflops((pool.tflops, pool.allocated_cards) for pool in pools),
        pools=pools,
    )


def _heard_at_ms(centre_id: str, view: Row[Any] | None, services: Services) -> int | None:
    """The leader knows the last report; others know when the link last changed."""
    link = services.links.get(centre_id)
    report = link.observe() if link else None
    if report is not None:
        return report.heard_at_ms
    return view.at_ms if view else None


def _tflops(parts: Iterable[tuple[int, int]]) -> int:
    return sum(tflops * cards for tflops, cards in parts)


def _pool(park: Park, pool: Pool, load: Row[Any] | None, drained_nodes: int) -> PoolCapacity:
    """A pool that the leader has not spoken of yet is registered, and nothing more."""
    return PoolCapacity(
        id=pool.id,
        device=pool.device_kind_id,
        unit="core" if pool.device_kind_id in park.core_kind_ids else "card",
        tflops=park.tflops_per_card(pool),
        nodes=pool.node_count,
        registered_cards=pool.card_count,
        online_cards=load.online_cards if load else 0,
        schedulable_cards=load.schedulable_cards if load else 0,
        allocated_cards=load.allocated_cards if load else 0,
        drained_nodes=drained_nodes,
        hours=list(pool.hours.texts) if pool.hours else [],
    )
