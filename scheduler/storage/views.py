"""What others read of the park as it stands: views and loads, written in a cycle's transaction."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from accounting.storage import store as books
from accounting.storage.fact_store import keep
from cluster.data_rules import with_dataset
from cluster.inventory import Park
from scheduler.facts import events as ev
from scheduler.facts.log import Cycle
from scheduler.model.tree import project_branch
from scheduler.storage.bulk import Row
from scheduler.storage.codec import decode_value, encode_value
from scheduler.storage.tables import UtilisationRow, ViewRow

PARK_VIEW = "park"
_VIEW = select(ViewRow.body).where(ViewRow.name == bindparam("name"))


def write_views(connection: Connection, cycle: Cycle) -> None:
    """Whole answers kept ready, and how the pools stand."""
    for event in cycle.events:
        if isinstance(event, ev.PriceListPublished):
            books.publish_price_list(connection, event.price_list)
        if isinstance(event, ev.PackageBought):
            keep(connection, event.package)
    for name, body in _views(connection, cycle.events):
        row = upsert(ViewRow).values(name=name, at_ms=cycle.now_ms, body=body)
        fresh = {"at_ms": cycle.now_ms, "body": body}
        connection.execute(row.on_conflict_do_update(index_elements=[ViewRow.name], set_=fresh))
    loads = [{**encode_value(load), "at_ms": cycle.now_ms} for load in cycle.loads]
    if loads:
        row = upsert(UtilisationRow)
        fresh = {name: row.excluded[name] for name in loads[0] if name not in {"pool_id", "at_ms"}}
        keys = [UtilisationRow.pool_id, UtilisationRow.at_ms]
        connection.execute(row.on_conflict_do_update(index_elements=keys, set_=fresh), loads)


def _views(connection: Connection, events: Iterable[ev.Event]) -> Iterator[tuple[str, Row]]:
    """What is declared, and what limits spending, as the newest event has it."""
    for event in events:
        match event:
            case ev.ParkDeclared() | ev.DatasetDeclared():
                yield PARK_VIEW, encode_value(_park(connection, event))
            case ev.NodesDrained():
                yield from _drained(event)
            case ev.BudgetSet():
                budget = event.budget
                name = f"budget:{budget.tenant_id}/{budget.project or ''}/{budget.job_id or ''}"
                yield name, encode_value(budget)
            case ev.HardStopSet():
                yield f"hard_stop:{event.tenant_id}", {"is_on": event.is_on}
            case _:
                yield from _declared(event)


def _drained(event: ev.NodesDrained) -> Iterator[tuple[str, Row]]:
    """Which nodes are drained, and until when others are kept out; a park says its hours itself."""
    for node_id in event.node_ids if event.by != "hours" else ():
        is_by_operator = event.by == "operator"
        if is_by_operator:
            yield f"drained:{node_id}", {"is_drained": event.is_drained, "by": event.said_by}
        if not (is_by_operator and event.is_drained):  # who says that it is well clears it
            yield f"kept_out:{node_id}", {"until_ms": event.until_ms}


def _park(connection: Connection, event: ev.ParkDeclared | ev.DatasetDeclared) -> Park:
    """The park from this event on; what the cycle declared before it is in the table already."""
    if isinstance(event, ev.ParkDeclared):
        return event.park
    body = connection.execute(_VIEW, {"name": PARK_VIEW}).scalar_one()
    return with_dataset(decode_value(Park, body), event.dataset)


def _declared(event: ev.Event) -> Iterator[tuple[str, Row]]:
    """`tenant:ID`, `cohort:ID`, `project:TENANT/ID`, ... as the newest event has them."""
    match event:
        case ev.TenantDeclared():
            yield f"tenant:{event.tenant.id}", encode_value(event.tenant)
        case ev.CohortDeclared():
            yield f"cohort:{event.cohort.id}", encode_value(event.cohort)
        case ev.ProjectDeclared():
            branch = project_branch(event.project.tenant_id, event.project.id)
            yield f"project:{branch}", encode_value(event.project)
        case ev.PriceListPublished():
            yield f"price_list:{event.price_list.id}", encode_value(event.price_list)
        case ev.CentreLinkChanged():
            yield f"centre:{event.centre_id}", {"is_heard": event.is_heard}
        case ev.NodesChanged():
            yield f"nodes:{event.centre_id}", {"online_node_ids": list(event.online_node_ids)}
        case _:
            pass
