"""Nodes in planned maintenance: nothing new starts there, and what runs there goes on."""

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
    """`node_ids` are drained, whether they are online or not."""

    def __init__(self, node_ids: Iterable[str] = ()) -> None:
        self.node_ids = set(node_ids)

    def apply(self, state: Drained, event: NodesDrained) -> str | None:
        """Take in one event; the reason, and no change, where it does not fit."""
        known = state.park.node_by_id if state.park else {}
        for node_id in event.node_ids:
            if node_id not in known:
                return f"there is no node {node_id}"
        changed = {one for one in event.node_ids if (one in self.node_ids) != event.is_drained}
        if not changed:
            return "these nodes are in that state already"
        self.node_ids ^= changed
        state.holdings.forget_nodes(sorted({known[one].pool_id for one in changed}))
        return None

    def open(self, online: AbstractSet[str]) -> AbstractSet[str]:
        """Those of the online nodes on which something may start."""
        return online - self.node_ids if self.node_ids else online
