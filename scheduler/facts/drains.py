"""Nodes in planned maintenance, or outside their hours: nothing new starts there."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Protocol

from cluster.inventory import Park
from scheduler.facts.events import NodesDrained
from scheduler.facts.holdings import Holdings


class Drained(Protocol):
    """Of the state what a drain changes."""

    park: Park | None
    holdings: Holdings


class Drains:
    """`node_ids` are drained, whether they are online or not; `closed_ids` are not offered now."""

    def __init__(self, node_ids: Iterable[str] = (), closed_ids: Iterable[str] = ()) -> None:
        self.node_ids = set(node_ids)
        self.closed_ids = set(closed_ids)

    def apply(self, state: Drained, event: NodesDrained) -> str | None:
        """Take in one event; the reason, and no change, where it does not fit."""
        known = state.park.node_by_id if state.park else {}
        for node_id in event.node_ids:
            if node_id not in known:
                return f"there is no node {node_id}"
        away = self.closed_ids if event.is_by_hours else self.node_ids
        changed = {one for one in event.node_ids if (one in away) != event.is_drained}
        if not changed:
            return "these nodes are in that state already"
        away ^= changed
        state.holdings.forget_nodes(sorted({known[one].pool_id for one in changed}))
        return None

    def open(self, online: AbstractSet[str]) -> AbstractSet[str]:
        """Those of the online nodes on which something may start."""
        online = self.serving(online)
        return online - self.closed_ids if self.closed_ids else online

    def serving(self, online: AbstractSet[str]) -> AbstractSet[str]:
        """Those on which something may start at their hours."""
        return online - self.node_ids if self.node_ids else online
