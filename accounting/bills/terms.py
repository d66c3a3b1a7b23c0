"""What the broker owes a centre for what it ran: the terms of settlement, and their arithmetic.

Terms are dated and never change: they hold from the beginning of a month until that centre's next
ones begin. Amounts include tax, like prices.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from accounting.money import (
    MAX_YUAN,
    MICROS_PER_YUAN,
    MS_PER_HOUR,
    charge_fen,
    divide_half_up,
    yuan_of_micros,
)
from accounting.prices.rating import PERMILLE


class TermsKind(StrEnum):
    """By what a centre is paid: a price for each card-hour, a share, or a share by volume."""

    COST = "cost"
    SHARE = "share"
    TIERED = "tiered"


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreTerms:
    """What a centre gets from `month` on.

    `prices` are micro-yuan for a card-hour by device kind (COST). `tiers` are pairs of card-hours
    in a month and the permille of revenue for those beyond them: from 0 on, ascending. SHARE has
    the first alone. `vat_permille` is the tax inside what the centre gets.
    """

    centre_id: str
    month: str
    kind: TermsKind
    prices: tuple[tuple[str, int], ...]
    tiers: tuple[tuple[int, int], ...]
    vat_permille: int
    by: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledMonth:
    """A month was settled when it was closed: the sha256 of each party's statement, by party."""

    month: str
    at_ms: int
    statements: tuple[tuple[str, str], ...]


class TermsMissing(Exception):
    """A centre has usage of a device kind for which its terms have no price."""


def faults(terms: CentreTerms) -> Iterator[str]:
    """What no terms may say."""
    if terms.kind is TermsKind.COST:
        if not terms.prices or terms.tiers:
            yield "by cost it has a price for each device kind, and no share"
    elif not terms.tiers or terms.prices:
        yield f"by {terms.kind} it has shares, and no prices"
    if terms.kind is TermsKind.SHARE and len(terms.tiers) != 1:
        yield "it has one share"
    begins = [begin for begin, _ in terms.tiers]
    if begins and (begins[0] != 0 or begins != sorted({*begins})):
        yield "its tiers begin with 0 card-hours, and each later than the one before"
    if any(not 0 <= permille <= PERMILLE for _, permille in terms.tiers):
        yield "a share is at most 1,000 permille"
    for kind_id, micros in terms.prices:
        if not 0 <= micros < MAX_YUAN * MICROS_PER_YUAN:
            price, most = yuan_of_micros(micros), f"{MAX_YUAN:,}"
            yield f"{price} yuan is no price for {kind_id}: 0 at least, and less than {most}"


def terms_at(known: Iterable[CentreTerms], month: str) -> CentreTerms | None:
    """Of a centre's terms those that hold in a month; `None` before its first."""
    begun = [terms for terms in known if terms.month <= month]
    return max(begun, key=lambda terms: terms.month, default=None)


def owed_by_cost(terms: CentreTerms, device_kind_id: str, device_ms: int) -> int:
    """Fen for so much time of a device kind; raises `TermsMissing`."""
    return charge_fen(device_ms, price_micros(terms, device_kind_id))


def price_micros(terms: CentreTerms, device_kind_id: str) -> int:
    prices = dict(terms.prices)
    if device_kind_id not in prices:
        raise TermsMissing(
            f"centre {terms.centre_id} has usage of {device_kind_id}, for which its terms of "
            f"{terms.month} have no price: publish terms that have"
        )
    return prices[device_kind_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of revenue, exactly: `parts` of `whole`."""

    parts: int
    whole: int

    def of(self, revenue_fen: int) -> int:
        return divide_half_up(revenue_fen * self.parts, self.whole)

    @property
    def ppm(self) -> int:
        """For people, in millionths."""
        return divide_half_up(self.parts * 10**6, self.whole)


def share_of(tiers: Sequence[tuple[int, int]], device_ms: int) -> Share:
    """Of the revenue of so much time: what its card-hours, tier by tier, come to on average.

    Whoever runs nothing, or has time given back, is in the first tier.
    """
    if device_ms <= 0:
        return Share(parts=tiers[0][1], whole=PERMILLE)
    parts = sum(part_ms * permille for part_ms, permille in _cut(tiers, device_ms))
    return Share(parts=parts, whole=device_ms * PERMILLE)


def _cut(tiers: Sequence[tuple[int, int]], device_ms: int) -> Iterator[tuple[int, int]]:
    """How much of the time lies in each tier, with its permille."""
    ends = [*(begin * MS_PER_HOUR for begin, _ in tiers[1:]), device_ms]
    for (begin, permille), end_ms in zip(tiers, ends, strict=True):
        yield max(0, min(end_ms, device_ms) - begin * MS_PER_HOUR), permille
