"""Guarantees of whole nodes: on which nodes work may be within quotas, so that they can be kept.

A tenant that is guaranteed whole nodes of a pool finds so many that can be cleared, at any moment
(the buddy cells of HiveD, Zhao et al., OSDI 2020; here a cell is a node, and which it is is not
fixed). What is within quotas cannot be taken back. So it may be on no more nodes than the
guarantees leave **open**; a node on which a tenant is alone is, as far as that goes, one of those
that it is guaranteed, and not open. What is on more nodes is borrowed there: the best comes first.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from cluster.inventory import Park
from scheduler.model.tenancy import Tenant

Guaranteed = Mapping[str, Mapping[str, int]]
"""Nodes by pool and tenant."""


class Cells:
    """The nodes with work that is within quotas, in pools of which somebody is guaranteed some.

    `all` are those of all that would be within as far as cards go, `kept` of what is within: so no
    work comes to be within for what is before it and is not.
    """

    def __init__(self, tenants: Iterable[Tenant], park: Park) -> None:
        guaranteed: dict[str, dict[str, int]] = defaultdict(dict)
        for tenant in tenants:
            for pool_id, nodes in tenant.nominal_nodes:
                if pool_id in park.pool_by_id:
                    guaranteed[pool_id][tenant.id] = nodes
        self._open = {
            pool_id: park.pool_by_id[pool_id].node_count - sum(by_tenant.values())
            for pool_id, by_tenant in guaranteed.items()
        }
        self._all, self._kept = Occupied(guaranteed), Occupied(guaranteed)

    def keeps(self, pool_id: str, tenant_id: str, node_ids: Collection[str]) -> bool:
        """Whether the tenant's work may be within quotas on these nodes."""
        if pool_id not in self._open:
            return True
        used = self._all.used[pool_id] + self._all.more(pool_id, tenant_id, node_ids)
        return used <= self._open[pool_id] or self._kept.more(pool_id, tenant_id, node_ids) == 0

    def keeps_whole(self, pool_id: str, tenant_id: str, node_count: int) -> bool:
        """The same of so many nodes on which nothing else will be."""
        return self.keeps(pool_id, tenant_id, [f" {number}" for number in range(node_count)])

    def take(self, pool_id: str, tenant_id: str, node_ids: Collection[str]) -> bool:
        """Such work is on these nodes; whether it keeps what is guaranteed there."""
        if pool_id not in self._open:
            return True
        is_kept = self.keeps(pool_id, tenant_id, node_ids)
        self._all.add(pool_id, tenant_id, node_ids)
        if is_kept:
            self._kept.add(pool_id, tenant_id, node_ids)
        return is_kept


class Occupied:
    """Nodes by who has work there, and how many open ones of each pool that `used`."""

    def __init__(self, guaranteed: Guaranteed) -> None:
        self.used: dict[str, int] = defaultdict(int)
        self._guaranteed = guaranteed
        self._users: dict[str, set[str]] = defaultdict(set)
        self._alone: dict[tuple[str, str], int] = defaultdict(int)

    def add(self, pool_id: str, tenant_id: str, node_ids: Iterable[str]) -> None:
        for node_id in node_ids:
            self.used[pool_id] += self.more(pool_id, tenant_id, [node_id])
            users = self._users[node_id]
            if len(users) == 1 and tenant_id not in users:
                self._alone[pool_id, next(iter(users))] -= 1
            if not users:
                self._alone[pool_id, tenant_id] += 1
            users.add(tenant_id)

    def more(self, pool_id: str, tenant_id: str, node_ids: Iterable[str]) -> int:
        """How many open nodes more the tenant would use with these."""
        gained, lost = 0, Counter[str]()
        for node_id in node_ids:
            users = self._users.get(node_id, ())
            if not users:
                gained += 1
            elif len(users) == 1 and tenant_id not in users:
                lost[next(iter(users))] += 1
        more = gained - self._own(pool_id, tenant_id, gained) + self._own(pool_id, tenant_id, 0)
        for other_id, count in lost.items():
            more += self._own(pool_id, other_id, 0) - self._own(pool_id, other_id, -count)
        return more

    def _own(self, pool_id: str, tenant_id: str, more: int) -> int:
        """How many of its guaranteed nodes it uses, with so many more on which it is alone."""
        guaranteed = self._guaranteed[pool_id].get(tenant_id, 0)
        return min(guaranteed, self._alone[pool_id, tenant_id] + more)
