"""Who is charged, in which groups and parts, and how much of the park each may hold."""

from dataclasses import dataclass

from typing_extensions import override

P = "*"
"""The unit of TFLOPS over all device kinds, beside those of cards, which are the kinds' ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """What of the park is a branch's own, in cards by device kind and in TFLOPS over all of them.

    `nominal` it gets back from who has borrowed it. Beyond that it holds at most `borrowing`, and
    of that it lends at most `lending`: the rest is kept for it. What is not named has no limit.
    """

    nominal_cards: tuple[tuple[str, int], ...] = ()
    nominal_tflops: int | None = None
    borrowing_cards: tuple[tuple[str, int], ...] = ()
    borrowing_tflops: int | None = None
    lending_cards: tuple[tuple[str, int], ...] = ()
    lending_tflops: int | None = None

    @property
    def is_empty(self) -> bool:
        cards = self.nominal_cards or self.borrowing_cards or self.lending_cards or self.nodes
        tflops = self.nominal_tflops, self.borrowing_tflops, self.lending_tflops
        return not cards and tflops == (None, None, None)

    @property
    def is_bounding(self) -> bool:
        """Whether it says how much is borrowed, or lent."""
        cards = self.borrowing_cards or self.lending_cards
        return bool(cards) or (self.borrowing_tflops, self.lending_tflops) != (None, None)

    @property
    def nodes(self) -> tuple[tuple[str, int], ...]:
        """Whole nodes of its own, by pool; tenants alone have such."""
        return ()

    @property
    def nominal(self) -> dict[str, int]:
        """By unit: a device kind, or `P`."""
        return _by_unit(self.nominal_cards, self.nominal_tflops)

    @property
    def borrowing(self) -> dict[str, int]:
        return _by_unit(self.borrowing_cards, self.borrowing_tflops)

    @property
    def lending(self) -> dict[str, int]:
        return _by_unit(self.lending_cards, self.lending_tflops)


def _by_unit(cards: tuple[tuple[str, int], ...], tflops: int | None) -> dict[str, int]:
    return dict(cards) if tflops is None else {**dict(cards), P: tflops}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant(Entitlement):
    """An enterprise of the park.

    `max_cards` is its quota over all centres, what it borrows included. `weight` is its share under
    contention, beside the others of its cohort, where it is in one.
    `nominal_nodes` are of its own as well: so many whole nodes of a pool it can always clear.
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
    cohort_id: str | None = None
    nominal_nodes: tuple[tuple[str, int], ...] = ()

    @property
    @override
    def nodes(self) -> tuple[tuple[str, int], ...]:
        return self.nominal_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Entitlement):
    """A part of a tenant, with a weight beside its other parts, and perhaps a quota of cards."""

    tenant_id: str
    id: str
    name: str
    weight: int = 100
    max_cards: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort(Entitlement):
    """Tenants that have one share of the park together, and perhaps one quota of cards."""

    id: str
    name: str
    weight: int = 100
    max_cards: int | None = None
