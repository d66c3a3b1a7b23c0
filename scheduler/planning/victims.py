"""Which running work clears nodes so that a job fits there, of what may be stopped, and where then.

On each node those that cost least and suffice; of the parts of a pool the one where all together
cost least; and nobody without whom there would be room as well.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from scheduler.facts.record import Attempt
from scheduler.forecast.ends import Ends
from scheduler.model.entitlements import Levels
from scheduler.model.job import Job, NodeShare
from scheduler.placing.placement import Fit, FreeCards
from scheduler.placing.seating import Seating
from scheduler.sharing.standing import Owns, Standing
from scheduler.timing.ahead import give_back
from scheduler.timing.backfill import PoolRoom

SOON_MS = 300_000
"""What is stopped is gone so soon, or it is not stopped for others."""
KNOWN_MAX = 32
"""Of so many sorts of gangs it is kept whom to stop by node; then all is found out anew."""


class Victim(NamedTuple):
    """Running work that might be stopped, and what that would lose: cards x time, done in vain.

    It is outside where it is of none of the branches whose own is used up for who asks.
    """

    attempt: Attempt
    job: Job
    levels: Levels
    standing: Standing
    lost_card_ms: int
    is_preemptible: bool
    is_outside: bool = False

    @property
    def cost(self) -> tuple[bool, Owns, int, int, int, int, str]:
        """What is borrowed and lower classes first, then what loses least, has had most, is new."""
        (owns, merit), started_ms = self.standing, self.attempt.started_at_ms or 0
        loses = self.lost_card_ms, merit.spared, -started_ms, self.id
        return self.is_outside, owns, merit.rank, *loses

    @property
    def id(self) -> str:
        return self.attempt.id

    @property
    def grace_ms(self) -> int:
        """What it has to save itself: what was borrowed is given back soon, whatever it asked."""
        return min(self.job.grace_ms, SOON_MS)


Choices = Mapping[str, tuple[Victim, ...]]
"""By node, whom to stop there."""
Allowed = Callable[[Sequence[Victim]], bool]
"""Whether no limit forbids a job once these are gone as well."""


class Clearing(NamedTuple):
    """Whom to stop, and on which cards it is then to be, where that is not free to choose."""

    victims: tuple[Victim, ...] = ()
    shares: tuple[NodeShare, ...] | None = None


def clear(
    node_id: str, able: Iterable[Victim], missing: int, may: Allowed | None = None
) -> tuple[Victim, ...]:
    """The first of them that give so many cards of the node, without those that others make idle.

    Where limits forbid the job (`may`), those without whom they would as well. Empty where all
    together do not do.
    """
    chosen: list[tuple[Victim, int]] = []
    for victim in able:
        if missing <= 0 and allows(may, [one for one, _ in chosen]):
            break
        shares = victim.attempt.placement.shares
        cards = next(share.card_count for share in shares if share.node_id == node_id)
        chosen.append((victim, cards))
        missing -= cards
    needed = [victim for victim, _ in chosen]
    if missing > 0 or not allows(may, needed):
        return ()
    for victim, cards in reversed(chosen):
        others = [one for one in needed if one is not victim]
        if cards <= -missing and allows(may, others):
            missing, needed = missing + cards, others
    return tuple(needed)


def allows(may: Allowed | None, gone: Iterable[Victim]) -> bool:
    """Whether no limit forbids the job once these are gone; `may` is None where none does now."""
    return may is None or may([*gone])


def cheapest_in(
    free: FreeCards,
    choices: Choices,
    wanted: Fit,
    may: Allowed | None = None,
) -> dict[str, Victim]:
    """Of the choices by node those for which it fits there at the least cost; else none.

    As many as cards and limits need; those of a gang come in this order.
    """
    here = [choice for node_id, choice in choices.items() if node_id in free.by_node]
    fewest = wanted.node_count
    if fewest > 1:
        fewest -= free.whole_node_count()
    else:
        here.sort(key=total_cost)
    for count in range(max(0, fewest), min(len(here), wanted.node_count) + 1):
        found = {victim.id: victim for choice in here[:count] for victim in choice}
        if allows(may, found.values()):
            return found
    return {}


def cheapest_for_bundles(
    free: FreeCards, able_by_node: Mapping[str, Sequence[Victim]], wanted: Fit
) -> dict[str, Victim]:
    """The largest bundles first: on nodes that have room, then on those that are cleared cheapest.

    None where one finds no node; whichever it is that a larger one takes (see `seating`).
    """
    chosen: dict[str, Victim] = {}
    used: set[str] = set()
    for count, cards in sorted(wanted.bundles, key=lambda run: run.card_count, reverse=True):
        room = [n for n, there in free.by_node.items() if there >= cards and n not in used]
        used.update(nodes := sorted(room, key=free.by_node.__getitem__)[:count])
        choices = (
            (clear(node_id, able, cards - free.by_node[node_id]), node_id)
            for node_id, able in able_by_node.items()
            if node_id in free.by_node and node_id not in used
        )
        by_cost = sorted((one for one in choices if one[0]), key=lambda one: total_cost(one[0]))
        if len(nodes) + len(by_cost) < count:
            return {}
        for choice, node_id in by_cost[: count - len(nodes)]:
            used.add(node_id)
            chosen |= {victim.id: victim for victim in choice}
    return chosen


def without_idle(
    chosen: tuple[Victim, ...],
    domains: Sequence[FreeCards],
    wanted: Fit,
    kept: Collection[str],
    may: Allowed | None = None,
) -> tuple[Victim, ...]:
    """Those without whom there would be too few whole nodes: one gang may clear several.

    What it gives of nodes that are promised to others clears none. Or without whom a limit would
    forbid it.
    """
    for victim in sorted(chosen, key=lambda one: one.cost, reverse=True):
        others = tuple(one for one in chosen if one.id != victim.id)
        freed: Counter[str] = Counter()
        for one in others:
            for share in one.attempt.placement.shares:
                if share.node_id not in kept:
                    freed[share.node_id] += share.card_count
        if any(_holds(part, freed, wanted) for part in domains) and allows(may, others):
            chosen = others
    return chosen


def beside_cleared(
    free: FreeCards, stopped: Sequence[Victim], wanted: Fit, kept: Collection[str]
) -> FreeCards:
    """As many nodes as the gang needs, first those that are cleared: on each it is to be.

    None where these are too many.
    """
    then = free.copy()
    for victim in stopped:
        shares = victim.attempt.placement.shares
        give_back(then, tuple(share for share in shares if share.node_id not in kept))
    whole = [node_id for node_id, cards in then.by_node.items() if cards >= wanted.card_count]
    whole.sort(key=lambda one: (free.by_node[one] >= wanted.card_count, one))
    chosen = whole[: wanted.node_count]
    nodes = [{share.node_id for share in one.attempt.placement.shares} for one in stopped]
    return free.on(chosen if all(there & {*chosen} for there in nodes) else ())


def _holds(free: FreeCards, freed: Mapping[str, int], wanted: Fit) -> bool:
    """Whether there are enough whole nodes, or room for all bundles, with so many cards more."""
    if wanted.bundles:
        buckets: list[list[str]] = [[] for _ in range(free.cards_per_node + 1)]
        for node_id, cards in free.by_node.items():
            buckets[cards + freed[node_id]].append(node_id)
        seating = Seating(wanted.bundles)
        return seating.seatable(buckets) == seating.card_count
    nodes = free.by_node.items()
    whole = sum(cards + freed[node_id] >= wanted.card_count for node_id, cards in nodes)
    return whole >= wanted.node_count


def seats_in(
    room: PoolRoom, part: FreeCards, wanted: Fit, stopped: Iterable[Victim], ends: Ends
) -> tuple[NodeShare, ...] | None:
    """Where it would be then in this part: bundles may be beside what others run there."""
    free, kept = part.copy(), room.kept_node_ids(ends)
    for victim in stopped:
        shares = victim.attempt.placement.shares
        give_back(free, tuple(share for share in shares if share.node_id not in kept))
    return free.find(wanted)


def seats_cleared(
    room: PoolRoom, wanted: Fit, stopped: Collection[Victim], ends: Ends
) -> tuple[NodeShare, ...]:
    """Where it would be then in the pool: on cards of each of them, though others be free already.

    These are where a limit was in the way and not cards.
    """
    view = room.view_soon(ends)
    nodes = [{share.node_id for share in one.attempt.placement.shares} for one in stopped]
    found = seats_in(room, view, wanted, stopped, ends) or ()
    if not all(there & {share.node_id for share in found} for there in nodes):
        found = seats_in(room, view.on(sorted(set().union(*nodes))), wanted, stopped, ends) or ()
    assert found, "nobody is stopped where that makes no room"
    return found


def total_cost(choice: tuple[Victim, ...]) -> tuple[int, tuple[Owns, int], int, int, str]:
    """Cards of others, the highest class, what is lost, how many stand still; the id decides."""
    return (
        sum(victim.attempt.placement.card_count for victim in choice if victim.is_outside),
        max((victim.standing.owns, victim.standing.merit.rank) for victim in choice),
        sum(victim.lost_card_ms for victim in choice),
        sum(victim.attempt.placement.card_count for victim in choice),
        choice[0].id,
    )


def lost(attempt: Attempt, job: Job, now_ms: int) -> int:
    """What it has done since its last checkpoint, in card-milliseconds.

    Nothing where it is told to save itself first.
    """
    if job.checkpoint is not None and job.checkpoint.signal is not None:
        return 0
    return attempt.placement.card_count * max(0, now_ms - attempt.kept_ms)
