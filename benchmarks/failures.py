"""Nodes that fail and come back by a seed: the same ones at the same times under every policy."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heapreplace
from random import Random

from cluster.simulated import SimulatedCentre

NEVER_MS = 1 << 60
MS_PER_HOUR = 3_600_000
MS_PER_DAY = 24 * MS_PER_HOUR
PER_NODE_DAY_MAX = 24
"""More often than hourly, and hardly any work would ever come to its end."""
REPAIR_H_MAX = 8_760


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRate:
    """How often a node fails while it is up, and how long it is away; both are means."""

    per_node_day: float = 0.0
    repair_h: float = 4.0


NO_FAILURES = FailureRate()


class Failures:
    """Each node is up and away by turns, for times drawn from exponential distributions."""

    def __init__(self, centres: Iterable[SimulatedCentre], rate: FailureRate, rng: Random) -> None:
        self.count = 0
        self._rate, self._rng = rate, rng
        self._centre_by_node = {
            node.id: centre
            for centre in centres
            for pool in centre.centre.pools
            for node in pool.nodes()
        }
        node_ids = sorted(self._centre_by_node) if rate.per_node_day else []
        self._due = [(self._up_ms(), node_id) for node_id in node_ids]
        heapify(self._due)

    def next_ms(self) -> int:
        """When the next node fails."""
        return self._due[0][0] if self._due else NEVER_MS

    def strike(self, now_ms: int) -> None:
        """What is due fails; its centre has been brought to that moment."""
        while self.next_ms() <= now_ms:
            _, node_id = self._due[0]
            down_ms = self._drawn_ms(self._rate.repair_h * MS_PER_HOUR)
            self._centre_by_node[node_id].lose_node(node_id, down_ms)
            self.count += 1
            heapreplace(self._due, (now_ms + down_ms + self._up_ms(), node_id))

    def _up_ms(self) -> int:
        return self._drawn_ms(MS_PER_DAY / self._rate.per_node_day)

    def _drawn_ms(self, mean_ms: float) -> int:
        return max(1, round(min(self._rng.expovariate(1) * mean_ms, NEVER_MS)))


def add_failures(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--failures-per-node-day",
        type=_per_node_day,
        default=NO_FAILURES.per_node_day,
        metavar="X",
        help="how often a node fails, and what runs on it is lost; 0: never (%(default)s)",
    )
    parser.add_argument(
        "--repair-h",
        type=_repair_h,
        default=NO_FAILURES.repair_h,
        metavar="H",
        help="the mean time until it is back, in hours (%(default)s)",
    )


def failure_rate(arguments: Namespace) -> FailureRate:
    return FailureRate(per_node_day=arguments.failures_per_node_day, repair_h=arguments.repair_h)


def _per_node_day(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= PER_NODE_DAY_MAX:  # which nan is not either
        raise ArgumentTypeError(f"{text} is not a number from 0 to {PER_NODE_DAY_MAX}")
    return value


def _repair_h(text: str) -> float:
    value = _number(text)
    if not 0 < value <= REPAIR_H_MAX:
        raise ArgumentTypeError(f"{text} is not a number of hours above 0, up to {REPAIR_H_MAX}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a number") from None
