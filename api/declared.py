"""What the leader last declared: the park, its tenants and its prices, kept until they change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from accounting.prices.rating import PriceBook, PriceList
from api.errors import Refused
from cluster.inventory import Park
from scheduler.model.budget import Budget
from scheduler.model.tenancy import Cohort, Project, Tenant
from scheduler.model.tree import Tree
from scheduler.storage.codec import decode_value
from scheduler.storage.queries import declared_stamp, declared_views


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The park, its tenants by id, what groups and parts they have, and all price lists.

    `hard_stops` are the tenants whose work stops for want of money; `budgets` those that were set.
    """

    park: Park
    tenants: Mapping[str, Tenant]
    tree: Tree
    prices: PriceBook
    hard_stops: frozenset[str] = frozenset()
    budgets: tuple[Budget, ...] = ()


class DeclaredCache:
    """Reads what is declared once for each change; safe to use from many threads."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[int, int], Declared] | None = None

    def read(self, connection: Connection) -> Declared:
        """What is declared now; raises `Refused` (503) before the first leader's first step."""
        stamp = declared_stamp(connection)
        kept = self._kept
        if kept is not None and kept[0] == stamp:
            return kept[1]
        declared = _decoded(declared_views(connection))
        self._kept = stamp, declared
        return declared


def _decoded(views: list[tuple[str, dict[str, Any]]]) -> Declared:
    parks, tenants, cohorts, projects, lists = [], [], [], [], []
    hard_stops, budgets = [], []
    for name, body in views:
        kind, _, key = name.partition(":")
        match kind:
            case "park":
                parks.append(decode_value(Park, body))
            case "tenant":
                tenants.append(decode_value(Tenant, body))
            case "cohort":
                cohorts.append(decode_value(Cohort, body))
            case "project":
                projects.append(decode_value(Project, body))
            case "budget":
                budgets.append(decode_value(Budget, body))
            case "hard_stop":
                hard_stops += [key] if body["is_on"] else []
            case _:
                lists.append(decode_value(PriceList, body))
    if not parks:
        raise Refused(
            503, "no park is declared yet: the broker is starting", headers={"Retry-After": "1"}
        )
    tenant_by_id = {tenant.id: tenant for tenant in tenants}
    return Declared(
        park=parks[0],
        tenants=tenant_by_id,
        tree=Tree(tenant_by_id, cohorts, projects),
        prices=PriceBook(tuple(sorted(lists, key=lambda prices: prices.from_ms))),
        hard_stops=frozenset(hard_stops),
        budgets=tuple(one for one in budgets if one.amount_micros),
    )
