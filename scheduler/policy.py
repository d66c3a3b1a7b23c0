"""Policies as values: the order of the queue, and whether later jobs may pass a blocked one."""

from dataclasses import dataclass
from enum import StrEnum


class Order(StrEnum):
    """Who is considered first."""

    FAIR = "fair"
    AGE = "age"
    SHORTEST = "shortest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the queue is ordered, and whether later jobs may pass a blocked one."""

    name: str
    order: Order
    is_backfilling: bool


DEFAULT = Policy(name="default", order=Order.FAIR, is_backfilling=True)
FIFO = Policy(name="fifo", order=Order.AGE, is_backfilling=False)
EASY = Policy(name="easy", order=Order.AGE, is_backfilling=True)
SJF_ORACLE = Policy(name="sjf-oracle", order=Order.SHORTEST, is_backfilling=False)
POLICY_BY_NAME = {policy.name: policy for policy in (DEFAULT, FIFO, EASY, SJF_ORACLE)}
