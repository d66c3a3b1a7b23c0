"""Nodes in maintenance, outside their hours, or under suspicion: nothing new starts there."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from cluster.inventory import Park
from scheduler.facts.events import Ended, NodesDrained, Started
from scheduler.facts.holdings import Holdings
from scheduler.facts.record import Attempt, Snapshot
from scheduler.facts.suspects import Suspect, Suspects, tried_of
from scheduler.model.job import EndCause, Job


class Drained(Protocol):
    """Of the state what a drain changes."""

    park: Park | None
    holdings: Holdings


class Drains:
    """`node_ids` are drained, whether they are online or not; `closed_ids` are not offered now."""

    def __init__(
        self,
        node_ids: Iterable[str] = (),
        closed_ids: Iterable[str] = (),
        suspects: Mapping[str, Suspect] | None = None,
    ) -> None:
        self.node_ids = set(node_ids)
        self.closed_ids = set(closed_ids)
        self.suspects = Suspects(suspects)

    @classmethod
    def restored(cls, snapshot: Snapshot) -> "Drains":
        return cls(snapshot.drained_node_ids, snapshot.closed_node_ids, snapshot.suspects)

    def apply(self, state: Drained, event: NodesDrained) -> str | None:
        """Take in one event; the reason, and no change, where it does not fit."""
        known = state.park.node_by_id if state.park else {}
        for node_id in event.node_ids:
            if node_id not in known:
                return f"there is no node {node_id}"
        changed = self._changed(event)
        if not changed:
            return "these nodes are in that state already"
        state.holdings.forget_nodes(sorted({known[one].pool_id for one in changed}))
        return None

    def _changed(self, event: NodesDrained) -> set[str]:
        """Those for which the event says something new, which is noted."""
        out_ids = self.suspects.out_ids
        away = {"operator": self.node_ids, "hours": self.closed_ids, "launches": out_ids}[event.by]
        changed = {one for one in event.node_ids if (one in away) != event.is_drained}
        if event.by == "launches":
            for node_id in changed:
                self.suspects.keep_out(node_id, event.until_ms)
            return changed
        away ^= changed
        if event.by == "operator" and not event.is_drained:
            changed |= out_ids & {*event.node_ids}
            self.suspects.clear(changed)
        return changed

    def note(self, job: Job, attempt: Attempt, event: Started | Ended) -> None:
        """Whether anything could be started on its nodes, if that is known."""
        if isinstance(event, Started):
            node_ids = [share.node_id for share in attempt.placement.shares]
            self.suspects.note_start(node_ids, event.at_ms)
            return
        is_of_node = event.cause in {EndCause.NODE, EndCause.BROKER}
        if is_of_node and event.node_id is not None and attempt.started_at_ms is None:
            self.suspects.note_failure(event.node_id, tried_of(job))

    def open(self, online: AbstractSet[str]) -> AbstractSet[str]:
        """Those of the online nodes on which something may start."""
        online = self.serving(online)
        return online - self.closed_ids if self.closed_ids else online

    def serving(self, online: AbstractSet[str]) -> AbstractSet[str]:
        """Those on which something may start at their hours."""
        away = self.node_ids | self.suspects.out_ids
        return online - away if away else online
