"""The industry brain's monthly report: the park as a whole, and none of its tenants by name."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from fastapi import APIRouter
from sqlalchemy import Connection

from accounting.calendar import month_bounds
from accounting.money import card_hours, p_hours, yuan_of_fen
from accounting.storage.store import credit_sums, usage_sums
from accounting.units import card_ms, core_ms
from accounting.usage.slices import UsageSum
from api.auth import OverseerDep
from api.routes.parameters import MonthPath, problems
from api.routes.waterfall import PARK, items_of, read_steps, read_watched
from api.schemas.capacity import WaterfallItem
from api.schemas.reports import BrainReport, ReportedUsage, ReportedWaits
from api.services import ServicesDep
from cluster.inventory import Park
from scheduler.model.job import FAULT_CAUSES
from scheduler.model.tenancy import Tenant
from scheduler.storage import month_queries as month_of_jobs

router = APIRouter(prefix="/v1/brain", tags=["machines"])

REASONS = 10
UNKNOWN = "unknown"


@router.get("/reports/{month}", responses=problems(), summary="A month of the park")
def brain_report(month: MonthPath, _: OverseerDep, services: ServicesDep) -> BrainReport:
    """Capacity and where it went, use and revenue by field, class and centre, waits, failures.

    For the industry brain of the park: added up, and no tenant is named. A month that is not over
    is reported as far as it has come.
    """
    from_ms, to_ms = month_bounds(month)
    until_ms = min(to_ms, max(services.clock(), from_ms + 1))
    with services.database.connect() as connection:
        declared = services.declared.read(connection)
        lines = (
            *usage_sums(connection, from_ms, to_ms),
            *credit_sums(connection, from_ms, to_ms),
        )
        ends = month_of_jobs.ends(connection, from_ms, to_ms)
        utilisation, centres = _levels(connection, declared.park, from_ms, until_ms)
        return BrainReport(
            month=month,
            from_ms=from_ms,
            to_ms=to_ms,
            until_ms=until_ms,
            park=declared.park.id,
            name=declared.park.name,
            stated_tflops=declared.park.stated_tflops,
            utilisation=utilisation,
            centres=centres,
            total=_used(PARK, lines),
            by_field=list(_by(lines, lambda line: line.field)),
            by_class=list(_by(lines, _class_of(declared.tenants))),
            by_centre=list(_by(lines, lambda line: line.centre_id)),
            submitted_jobs=month_of_jobs.submitted(connection, from_ms, to_ms),
            waits=[
                ReportedWaits(**one._asdict())
                for one in month_of_jobs.waits(connection, from_ms, to_ms)
            ],
            waiting_reasons_now=dict(month_of_jobs.reasons_now(connection, REASONS)),
            ends=dict(ends),
            failures=sum(ends.get(cause, 0) for cause in FAULT_CAUSES),
        )


def _levels(
    connection: Connection, park: Park, from_ms: int, until_ms: int
) -> tuple[WaterfallItem, list[WaterfallItem]]:
    edges = [from_ms, until_ms]
    _, steps = read_steps(connection, park, edges)
    watched = read_watched(connection, edges)
    (whole,) = items_of(park, steps, "park", edges, watched)
    return whole, list(items_of(park, steps, "centre", edges, watched))


def _class_of(tenants: Mapping[str, Tenant]) -> Callable[[UsageSum], str]:
    def named(line: UsageSum) -> str:
        tenant = tenants.get(line.tenant_id)
        return tenant.price_class if tenant else UNKNOWN

    return named


def _by(lines: Iterable[UsageSum], key_of: Callable[[UsageSum], str]) -> Iterator[ReportedUsage]:
    parts: defaultdict[str, list[UsageSum]] = defaultdict(list)
    for line in lines:
        parts[key_of(line)].append(line)
    for key in sorted(parts):
        yield _used(key, parts[key])


def _used(key: str, lines: Iterable[UsageSum]) -> ReportedUsage:
    some = list(lines)
    revenue_fen = sum(line.amount_fen for line in some)
    return ReportedUsage(
        key=key,
        tenants=len({line.tenant_id for line in some}),
        p_hours=p_hours(sum(line.tflops_ms for line in some)),
        card_hours=card_hours(sum(map(card_ms, some))),
        core_hours=card_hours(sum(map(core_ms, some))),
        revenue=yuan_of_fen(revenue_fen),
        revenue_fen=revenue_fen,
    )
