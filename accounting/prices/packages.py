"""Prepaid packages: cards for a time, or card-hours to be used up, bought once and never changed.

Which usage a package covers, in this order: nodes before card-hours, as what nodes do not cover at
a moment is lost; then what ends soonest, then what began first, then by id. Nodes cover up to so
many cards at each moment, however many attempts those are of; card-hours cover until they are used
up. How much is covered in all does not depend on the order in which usage becomes known.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from accounting.calendar import month_bounds, month_of
from accounting.money import FEN_PER_YUAN, amount_faults, divide_half_up
from accounting.prices.rating import PERMILLE, TaxSplit, split_tax

MAX_PACKAGE_FEN = 10_000_000_000 * FEN_PER_YUAN
MAX_DEVICE_MS = 10**15
MAX_CARDS = 1_000_000


class PackageKind(StrEnum):
    """What is committed: cards at each moment, or device-milliseconds in all."""

    NODES = "nodes"
    CARD_HOURS = "card_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A purchase of one tenant: devices of one kind in [`from_ms`, `until_ms`), tax included.

    `card_count` is what nodes have, all together, and 0 of card-hours, which are `device_ms`.
    """

    id: str
    tenant_id: str
    kind: PackageKind
    device_kind_id: str
    card_count: int
    device_ms: int
    from_ms: int
    until_ms: int
    amount_fen: int
    vat_permille: int
    bought_at_ms: int

    @property
    def month(self) -> str:
        """On whose statement it is bought."""
        return month_of(self.bought_at_ms)

    @property
    def price(self) -> TaxSplit:
        return split_tax(self.amount_fen, self.vat_permille)

    @property
    def committed_device_ms(self) -> int:
        """All that it can cover."""
        if self.kind is PackageKind.CARD_HOURS:
            return self.device_ms
        return self.card_count * (self.until_ms - self.from_ms)

    @property
    def order(self) -> tuple[bool, int, int, str]:
        """Which is used first."""
        return self.kind is PackageKind.CARD_HOURS, self.until_ms, self.from_ms, self.id


class Covered(NamedTuple):
    """So many cards that a package covers over an interval."""

    package_id: str
    card_count: int


class Span(NamedTuple):
    """An interval over which the same packages cover the same cards."""

    from_ms: int
    to_ms: int
    covered: tuple[Covered, ...]

    @property
    def covered_device_ms(self) -> int:
        return (self.to_ms - self.from_ms) * sum(one.card_count for one in self.covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A package in a month: what it could cover, what it did, and what it had covered before.

    What nodes do not cover is lost with its moment; card-hours stay until they end.
    """

    package: Package
    month: str
    used_device_ms: int
    earlier_device_ms: int

    @property
    def committed_device_ms(self) -> int:
        """Of nodes in this month, of card-hours what the month began with."""
        package = self.package
        if package.kind is PackageKind.CARD_HOURS:
            return package.device_ms - self.earlier_device_ms
        begin_ms, end_ms = month_bounds(self.month)
        held_ms = min(package.until_ms, end_ms) - max(package.from_ms, begin_ms)
        return package.card_count * max(0, held_ms)

    @property
    def unused_device_ms(self) -> int:
        return self.committed_device_ms - self.used_device_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a package covered of a month's usage in a centre; below zero what was given back.

    A month that was closed before it was known is corrected by this one.
    """

    package: Package
    month: str
    centre_id: str
    cause: str | None
    device_ms: int

    @property
    def value_fen(self) -> int:
        """Its part of the package's price."""
        whole = self.package.committed_device_ms
        return divide_half_up(self.device_ms * self.package.amount_fen, whole)

    @property
    def order(self) -> tuple[str, str, str, str]:
        return self.month, self.package.id, self.centre_id, self.cause or ""


def in_month(package: Package, month: str) -> bool:
    """Whether it is valid in a part of it."""
    begin_ms, end_ms = month_bounds(month)
    return package.from_ms < end_ms and begin_ms < package.until_ms


Step = tuple[int, int, int]
"""From when to when how many cards are covered."""


@dataclass(slots=True, kw_only=True)
class Stock:
    """What a package has covered until now.

    Of nodes `steps`, in order and apart from one another, as far back as usage may yet be told; of
    card-hours what is left.
    """

    package: Package
    left_device_ms: int
    steps: list[Step]

    @classmethod
    def of(cls, package: Package) -> "Stock":
        return cls(package=package, left_device_ms=package.device_ms, steps=[])

    def edges(self, from_ms: int, to_ms: int) -> Iterator[int]:
        """Where what it can cover changes, strictly inside."""
        ends = [self.package.from_ms, self.package.until_ms]
        ends += [edge for begin_ms, end_ms, _ in self.steps for edge in (begin_ms, end_ms)]
        yield from (edge for edge in ends if from_ms < edge < to_ms)

    def is_valid(self, at_ms: int) -> bool:
        return self.package.from_ms <= at_ms < self.package.until_ms

    def free_cards(self, at_ms: int) -> int:
        """What nodes have left at a moment."""
        used = (cards for begin_ms, end_ms, cards in self.steps if begin_ms <= at_ms < end_ms)
        return self.package.card_count - sum(used)

    def refusal(self, from_ms: int, to_ms: int, cards: int) -> str | None:
        """Why it cannot cover so many cards over an interval without edges."""
        if self.package.kind is PackageKind.NODES:
            free = self.free_cards(from_ms)
        else:
            free = self.left_device_ms // (to_ms - from_ms)
        if 0 < cards <= free and self.is_valid(from_ms):
            return None
        return f"package {self.package.id} has {free} cards there, not {cards}"

    def take(self, from_ms: int, to_ms: int, cards: int, kept_from_ms: int) -> None:
        """Cover cards over an interval without edges; before `kept_from_ms` all is known."""
        if self.package.kind is PackageKind.CARD_HOURS:
            self.left_device_ms -= cards * (to_ms - from_ms)
        else:
            self.steps = [*_with((from_ms, to_ms, cards), self.steps, kept_from_ms)]

    def give_back(self, device_ms: int) -> None:
        """Usage that was covered was given back: card-hours are there again, moments are not."""
        if self.package.kind is PackageKind.CARD_HOURS:
            self.left_device_ms += device_ms


def _with(new: Step, steps: Iterable[Step], kept_from_ms: int) -> Iterator[Step]:
    """The steps with one more, which has no edge of theirs inside it."""
    begin_ms, end_ms, cards = new
    parts = []
    for known in steps:
        if known[0] <= begin_ms and end_ms <= known[1]:
            cards += known[2]
            parts += [(known[0], begin_ms, known[2]), (end_ms, known[1], known[2])]
        else:
            parts.append(known)
    parts.append((begin_ms, end_ms, cards))
    return _joined(sorted(one for one in parts if one[0] < one[1] and one[1] > kept_from_ms))


def _joined(steps: Iterable[Step]) -> Iterator[Step]:
    """Steps of as many cards that follow one another are one."""
    last: Step | None = None
    for one in steps:
        if last is not None and last[1:] == (one[0], one[2]):
            last = (last[0], one[1], one[2])
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def spans(stocks: Iterable[Stock], from_ms: int, to_ms: int, cards: int) -> Iterator[Span]:
    """How so many cards over an interval are covered, first by what is used first."""
    ordered = sorted(stocks, key=lambda stock: stock.package.order)
    edges = sorted({edge for stock in ordered for edge in stock.edges(from_ms, to_ms)})
    left = {stock.package.id: stock.left_device_ms for stock in ordered}
    at_ms = from_ms
    while at_ms < to_ms:
        while edges and edges[0] <= at_ms:
            edges.pop(0)
        span = _span(ordered, at_ms, edges[0] if edges else to_ms, cards, left)
        for one in span.covered:
            left[one.package_id] -= one.card_count * (span.to_ms - at_ms)
        yield span
        at_ms = span.to_ms


def _span(
    ordered: Iterable[Stock], from_ms: int, to_ms: int, cards: int, left: Mapping[str, int]
) -> Span:
    """What covers them there, until that changes: what is left of card-hours may end it."""
    covered = []
    for stock in ordered:
        package = stock.package
        if not cards or not stock.is_valid(from_ms):
            continue
        if package.kind is PackageKind.NODES:
            taken = min(cards, stock.free_cards(from_ms))
        else:
            taken = min(cards, left[package.id])
            to_ms = min(to_ms, from_ms + left[package.id] // taken) if taken else to_ms
        if taken:
            covered.append(Covered(package.id, taken))
            cards -= taken
    return Span(from_ms, to_ms, tuple(covered))


def covered_reference(reference: str, package_id: str) -> str:
    """Under which usage is booked that a package covers."""
    return f"{reference}/{package_id}"


def faults(package: Package) -> Iterator[str]:
    """What no package may say."""
    if package.from_ms >= package.until_ms:
        yield "it ends before it begins"
    yield from amount_faults("price", package.amount_fen, MAX_PACKAGE_FEN)
    if not 0 <= package.vat_permille < PERMILLE:
        yield f"{package.vat_permille} permille is no tax rate: from 0 to {PERMILLE - 1}"
    is_nodes = package.kind is PackageKind.NODES
    if is_nodes and not (0 < package.card_count <= MAX_CARDS and package.device_ms == 0):
        yield "nodes have cards, and no card-hours"
    if not is_nodes and not (0 < package.device_ms <= MAX_DEVICE_MS and package.card_count == 0):
        yield "card-hours are more than none, and have no cards"
