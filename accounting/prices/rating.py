"""Dated price lists, the price that was in force at a moment, and the tax inside an amount."""

from collections.abc import Iterator
from dataclasses import dataclass

from accounting.money import MAX_YUAN, MICROS_PER_YUAN, divide_half_up, yuan_of_micros

PERMILLE = 1_000
MAX_PERMILLE = 100 * PERMILLE
_MAX = f"{MAX_YUAN:,}"


class PriceMissing(Exception):
    """No price list covers this device kind at this moment; rating never assumes zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices from `from_ms` until the next list begins; immutable once published.

    `on_demand` maps a device kind to micro-yuan per hour of one, tax included; multipliers are in
    permille, by QoS and by tenant class. `vat_permille` is the tax inside the price.
    """

    id: str
    from_ms: int
    on_demand: tuple[tuple[str, int], ...]
    qos_permille: tuple[tuple[str, int], ...]
    class_permille: tuple[tuple[str, int], ...]
    vat_permille: int = 60

    def price_micros(self, device_kind_id: str, qos: str, price_class: str) -> int:
        """Micro-yuan for one card-hour; raises `PriceMissing` for what the list does not name."""
        try:
            return self._price_micros(device_kind_id, qos, dict(self.class_permille)[price_class])
        except KeyError as missing:
            raise PriceMissing(f"price list {self.id} has no entry for {missing}") from None

    def list_micros(self, device_kind_id: str, qos: str) -> int:
        """The same for whoever has no price class of its own: what is published for everybody."""
        try:
            return self._price_micros(device_kind_id, qos, PERMILLE)
        except KeyError as missing:
            raise PriceMissing(f"price list {self.id} has no entry for {missing}") from None

    def _price_micros(self, device_kind_id: str, qos: str, class_permille: int) -> int:
        base = dict(self.on_demand)[device_kind_id]
        factor = dict(self.qos_permille)[qos] * class_permille
        return divide_half_up(base * factor, PERMILLE * PERMILLE)


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All price lists, oldest first."""

    lists: tuple[PriceList, ...] = ()

    def with_list(self, price_list: PriceList) -> "PriceBook":
        """The book with one more list; raises `ValueError` where it would change the past."""
        for fault in _faults(price_list):
            raise ValueError(f"price list {price_list.id}: {fault}")
        if any(known.id == price_list.id for known in self.lists):
            raise ValueError(f"price list {price_list.id} is published already")
        if self.lists and price_list.from_ms <= self.lists[-1].from_ms:
            raise ValueError(
                f"price list {price_list.id} would begin at or before list {self.lists[-1].id}"
            )
        return PriceBook((*self.lists, price_list))

    def list_at(self, at_ms: int) -> PriceList:
        """The list in force; raises `PriceMissing` before the first one begins."""
        for price_list in reversed(self.lists):
            if price_list.from_ms <= at_ms:
                return price_list
        raise PriceMissing(f"no price list is in force at {at_ms}")

    def edges(self, from_ms: int, to_ms: int) -> tuple[int, ...]:
        """The moments inside (`from_ms`, `to_ms`) at which prices change."""
        return tuple(p.from_ms for p in self.lists if from_ms < p.from_ms < to_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSplit:
    """A gross amount and what it consists of, in fen; net and tax always add up to it."""

    gross_fen: int
    net_fen: int

    @property
    def tax_fen(self) -> int:
        return self.gross_fen - self.net_fen


def split_tax(gross_fen: int, vat_permille: int) -> TaxSplit:
    """The net is rounded to the fen, the tax is the rest."""
    net_fen = divide_half_up(gross_fen * PERMILLE, PERMILLE + vat_permille)
    return TaxSplit(gross_fen=gross_fen, net_fen=net_fen)


def _faults(price_list: PriceList) -> Iterator[str]:
    """What no price list may say."""
    for name in ("on_demand", "qos_permille", "class_permille"):
        keys = [key for key, _ in getattr(price_list, name)]
        yield from (f"{name} names {key} twice" for key in sorted({*keys}) if keys.count(key) > 1)
    highest = _highest(price_list.qos_permille) * _highest(price_list.class_permille)
    for kind_id, price in price_list.on_demand:
        if not 0 <= price < MAX_YUAN * MICROS_PER_YUAN:
            yield f"{_yuan(price)} is no price for {kind_id}: 0 at least, and less than {_MAX}"
        elif price * highest >= MAX_YUAN * MICROS_PER_YUAN * PERMILLE * PERMILLE:
            most = _yuan(divide_half_up(price * highest, PERMILLE * PERMILLE))
            yield f"{kind_id} is {most} by its highest multipliers: it must be less than {_MAX}"
    for key, permille in (*price_list.qos_permille, *price_list.class_permille):
        if not 0 <= permille <= MAX_PERMILLE:
            yield f"{permille} permille is no multiplier for {key}: from 0 to {MAX_PERMILLE:,}"
    if not 0 <= price_list.vat_permille < PERMILLE:
        yield f"{price_list.vat_permille} permille is no tax rate: from 0 to {PERMILLE - 1}"


def _yuan(micros: int) -> str:
    return f"{yuan_of_micros(micros)} yuan"


def _highest(multipliers: tuple[tuple[str, int], ...]) -> int:
    return max((permille for _, permille in multipliers), default=0)
