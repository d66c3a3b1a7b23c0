"""Guarantees of whole nodes: on which nodes work may be within quotas, so that they can be kept.

A tenant that is guaranteed whole nodes of a pool finds so many that can be cleared, at any moment
(the buddy cells of HiveD, Zhao et al., OSDI 2020; here a cell is a node, or a whole rack in pools
that guarantee these, and which it is is not fixed). What is within quotas cannot be taken back. So
it may be on no more nodes than the guarantees leave **open**; a node on which a tenant is alone is,
as far as that goes, one of those that it is guaranteed, and not open. What is on more nodes is
borrowed there: the best comes first. All this holds for racks in the place of nodes where those are
the cells.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from cluster.inventory import Park
from scheduler.model.tenancy import Tenant

Guaranteed = Mapping[str, Mapping[str, int]]
"""Cells by pool and tenant."""


class Cells:
    """The cells with work that is within quotas, in pools of which somebody is guaranteed some."""

    def __init__(self, tenants: Iterable[Tenant], park: Park) -> None:
        self._park = park
        guaranteed: dict[str, dict[str, int]] = defaultdict(dict)
        for tenant in tenants:
            for pool_id, nodes in tenant.nominal_nodes:
                if pool_id in park.pool_by_id:
                    cell_nodes = park.pool_by_id[pool_id].cell_nodes
                    guaranteed[pool_id][tenant.id] = nodes // cell_nodes
        self._open = {
            pool_id: park.pool_by_id[pool_id].cell_count - sum(by_tenant.values())
            for pool_id, by_tenant in guaranteed.items()
        }
        self._racked = {one for one in guaranteed if park.pool_by_id[one].cell_nodes > 1}
        self._occupied = Occupied(guaranteed)

    def keeps(self, pool_id: str, tenant_id: str, node_ids: Collection[str]) -> bool:
        """Whether the tenant's work may be within quotas on these nodes."""
        if pool_id not in self._open:
            return True
        return self._keeps(pool_id, tenant_id, self._cells(pool_id, node_ids))

    def keeps_whole(self, pool_id: str, tenant_id: str, node_ids: Collection[str]) -> bool:
        """The same of nodes on which nothing else will be, but perhaps in their racks."""
        if self.are_racks(pool_id) or pool_id not in self._open:
            return self.keeps(pool_id, tenant_id, node_ids)
        return self._keeps(pool_id, tenant_id, [f" {number}" for number in range(len(node_ids))])

    def are_racks(self, pool_id: str) -> bool:
        """Whether somebody is guaranteed whole racks there."""
        return pool_id in self._racked

    def _keeps(self, pool_id: str, tenant_id: str, cells: Collection[str]) -> bool:
        more = self._occupied.more(pool_id, tenant_id, cells)
        return more == 0 or self._occupied.used[pool_id] + more <= self._open[pool_id]

    def _cells(self, pool_id: str, node_ids: Collection[str]) -> Collection[str]:
        """Those that these nodes are in: a last rack that is smaller is none."""
        if not self.are_racks(pool_id):
            return node_ids
        racks = {self._park.rack_by_node[node_id] for node_id in node_ids}
        count = self._park.pool_by_id[pool_id].cell_count
        return [f"{pool_id} {rack}" for rack in sorted(racks) if rack <= count]

    def take(self, pool_id: str, tenant_id: str, node_ids: Collection[str]) -> bool:
        """Such work is on these nodes; whether it keeps what is guaranteed there."""
        if pool_id not in self._open:
            return True
        cells = self._cells(pool_id, node_ids)
        is_kept = self._keeps(pool_id, tenant_id, cells)
        if is_kept:
            self._occupied.add(pool_id, tenant_id, cells)
        return is_kept


class Occupied:
    """Cells by who has work there, and how many open ones of each pool that `used`."""

    def __init__(self, guaranteed: Guaranteed) -> None:
        self.used: dict[str, int] = defaultdict(int)
        self._guaranteed = guaranteed
        self._users: dict[str, set[str]] = defaultdict(set)
        self._alone: dict[tuple[str, str], int] = defaultdict(int)

    def add(self, pool_id: str, tenant_id: str, cells: Iterable[str]) -> None:
        for cell in cells:
            self.used[pool_id] += self.more(pool_id, tenant_id, [cell])
            users = self._users[cell]
            if len(users) == 1 and tenant_id not in users:
                self._alone[pool_id, next(iter(users))] -= 1
            if not users:
                self._alone[pool_id, tenant_id] += 1
            users.add(tenant_id)

    def more(self, pool_id: str, tenant_id: str, cells: Iterable[str]) -> int:
        """How many open cells more the tenant would use with these."""
        gained, lost = 0, Counter[str]()
        for cell in cells:
            users = self._users.get(cell, ())
            if not users:
                gained += 1
            elif len(users) == 1 and tenant_id not in users:
                lost[next(iter(users))] += 1
        more = gained - self._own(pool_id, tenant_id, gained) + self._own(pool_id, tenant_id, 0)
        for other_id, count in lost.items():
            more += self._own(pool_id, other_id, 0) - self._own(pool_id, other_id, -count)
        return more

    def _own(self, pool_id: str, tenant_id: str, more: int) -> int:
        """How many of its guaranteed cells it uses, with so many more on which it is alone."""
        guaranteed = self._guaranteed[pool_id].get(tenant_id, 0)
        return min(guaranteed, self._alone[pool_id, tenant_id] + more)
