"""Whether what is stopped makes the room that it is stopped for: for the second look at a plan.

Counted node by node: what is free, what is being stopped already, and what the plan stops and gives
to those for whom it does. Who comes first on what, if several wait for it, is the planner's matter.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator

from cluster.inventory import Park
from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.model.job import Placement


class Emptied:
    """What comes free of each node beside what is `left` of it."""

    def __init__(self, state: State, park: Park, left: Callable[[str], int]) -> None:
        self._park = park
        self._left = left
        self._cards: Counter[str] = Counter()
        self._shared: set[str] = set()
        self.stop([one for one in state.live.values() if one.stop_cause is not None])
        for claim in state.claims.values():
            self._share(claim.node_ids)

    def wrong(
        self,
        stops: Collection[Attempt],
        there: Placement,
        is_limited: Callable[[Attempt], bool],
    ) -> Iterator[str]:
        """They must suffice for that, and none of them may be stopped for nothing.

        Who uses what a limit would forbid the job else is not.
        """
        given, need = _cards(stops), {one.node_id: one.card_count for one in there.shares}
        for node_id, cards in need.items():
            free = self._left(node_id) + self._cards[node_id] + given[node_id]
            if free < cards:
                yield f"node {node_id} has {free} cards free then, not {cards}"
        for attempt in stops:
            without = given - _cards([attempt])
            has_room = all(self._sure(one) + without[one] >= cards for one, cards in need.items())
            if has_room and not is_limited(attempt):
                yield f"that job has room without stopping {attempt.id}"

    def _sure(self, node_id: str) -> int:
        """What is free there; none of it where others may have claimed what comes free."""
        node = self._park.node_by_id.get(node_id)
        is_shared = node is None or node.pool_id in self._shared
        return 0 if is_shared else self._left(node_id)

    def stop(self, stops: Collection[Attempt]) -> None:
        """These are gone as well."""
        self._cards.update(_cards(stops))
        self._share(_cards(stops))

    def _share(self, node_ids: Collection[str]) -> None:
        known = (self._park.node_by_id.get(node_id) for node_id in node_ids)
        self._shared.update(node.pool_id for node in known if node is not None)


def _cards(attempts: Collection[Attempt]) -> Counter[str]:
    """What they hold of each node."""
    found: Counter[str] = Counter()
    for attempt in attempts:
        for share in attempt.placement.shares:
            found[share.node_id] += share.card_count
    return found
