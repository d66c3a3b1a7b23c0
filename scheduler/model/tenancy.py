"""Who is charged, in which groups and parts, and how much of the park each may hold."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cluster.inventory import Park


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """An enterprise of the park.

    `max_cards` is its quota over all centres, what it borrows included. `nominal_cards` are its
    own: how many of which device kinds it gets back from who has borrowed them. `weight` is its
    share under contention, beside the others of its cohort, where it is in one.
    `price_class` picks its price multiplier. `credit_limit_micros` is how far below zero its
    balance may go: micro-yuan.
    """

    id: str
    name: str
    type: str
    field: str
    price_class: str
    max_cards: int
    weight: int = 100
    credit_limit_micros: int = 0
    nominal_cards: tuple[tuple[str, int], ...] = ()
    cohort_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A part of a tenant, with a weight beside its other parts, and perhaps a quota of cards."""

    tenant_id: str
    id: str
    name: str
    weight: int = 100
    max_cards: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Tenants that have one share of the park together, and perhaps one quota of cards."""

    id: str
    name: str
    weight: int = 100
    max_cards: int | None = None


def nominal_problems(tenants: Iterable[Tenant], park: Park) -> Iterator[str]:
    """What of the nominal quotas could not be kept: a kind, a tenant, or all together.

    Nodes that are down are no reason: those come back.
    """
    cards: Counter[str] = Counter()
    for pool in park.pools:
        cards[pool.device_kind_id] += pool.card_count
    promised: Counter[str] = Counter()
    for tenant in tenants:
        own = dict(tenant.nominal_cards)
        promised.update(own)
        for kind_id in sorted(own.keys() - cards.keys()):
            known = ", ".join(sorted(cards))
            yield f"tenant {tenant.id}: nominal_cards names {kind_id}; the park has {known}"
        if sum(own.values()) > tenant.max_cards:
            yield (
                f"tenant {tenant.id}: nominal_cards are {sum(own.values())} in all, "
                f"more than its max_cards {tenant.max_cards}"
            )
    for kind_id in sorted(cards.keys() & promised.keys()):
        if promised[kind_id] > cards[kind_id]:
            yield (
                f"nominal_cards of {kind_id} are {promised[kind_id]} over all tenants, "
                f"and the park has {cards[kind_id]}"
            )
