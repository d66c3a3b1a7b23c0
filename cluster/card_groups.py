"""The placement groups by which Ray sets a centre's cards aside for its attempts."""

import time
from collections.abc import Set as AbstractSet

from cluster import ray_nodes

LOOK_S = 5.0


class CardGroups:
    """Looks now and then whether there are too many groups, or too few."""

    def __init__(self) -> None:
        self._looked_at_s = 0.0

    def unplaced(self, needed: AbstractSet[str]) -> list[str]:
        """The attempts for which Ray has not found cards; groups that are not needed go away.

        Most of the time it does not look, and finds none.
        """
        now_s = time.monotonic()
        if now_s - self._looked_at_s < LOOK_S:
            return []
        self._looked_at_s = now_s
        is_placed = ray_nodes.held_cards()
        for attempt_id in is_placed.keys() - needed:
            ray_nodes.release_cards(attempt_id)
        return sorted(one for one in is_placed.keys() & needed if not is_placed[one])
