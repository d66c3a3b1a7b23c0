"""What runs within quotas, in sums: so it is soon told what of who waits would be, once it runs.

As who waits comes last of its equals, it changes nothing for what comes before it, and of that only
the sums count: so many jobs may be asked about, and it is not gone through what runs for each.
"""

from collections.abc import Iterable, Mapping, Sequence

from scheduler.model.entitlements import Key

Flags = tuple[bool, ...]
"""Within which of the quotas of its cohort, tenant and project something is."""
Amounts = Sequence[Sequence[tuple[Key, int]]]
"""What it takes of each quota of its cohort, of its tenant, of its project."""
Worse = tuple[int, int]
"""How far behind the best class it is, and how much it has had."""
Place = tuple[Flags, Worse]


class Within:
    """What of each quota is taken by what is within it, by who comes first in it."""

    def __init__(
        self, nominal: Mapping[Key, int], running: Iterable[tuple[Worse, Flags, Amounts]]
    ) -> None:
        self._nominal = nominal
        self._taken: dict[Key, dict[Place, int]] = {}
        for worse, flags, amounts in running:
            for depth, some in enumerate(amounts):
                place = _place(flags[depth + 1 :], worse)
                for key, amount in some if flags[depth] else ():
                    taken = self._taken.setdefault(key, {})
                    taken[place] = taken.get(place, 0) + amount

    def joining(self, worse: Worse, amounts: Amounts) -> Flags | None:
        """Within what it would be, the last of its equals.

        None where sums do not tell: what is within a part and not within the next may bring others
        of that before itself.
        """
        flags: Flags = ()
        for some in reversed(amounts):
            mine = _place(flags, worse)
            has_room = (self._before(key, mine) + more <= self._nominal[key] for key, more in some)
            flags = (bool(some) and all(has_room), *flags)
        _, of_tenant, of_project = flags
        return None if of_project and not of_tenant else flags

    def _before(self, key: Key, mine: Place) -> int:
        return sum(taken for place, taken in self._taken.get(key, {}).items() if place <= mine)


def _place(flags: Flags, worse: Worse) -> Place:
    """Who is within more of the parts comes first, then who is better."""
    return tuple(not one for one in flags), worse
