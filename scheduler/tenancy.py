"""Who is charged, and how much of the park each may hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """An enterprise of the park.

    `max_cards` is its quota over all centres. `weight` is its share under contention.
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
