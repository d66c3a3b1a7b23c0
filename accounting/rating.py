"""Dated price lists, and the price that was in force at a moment."""

from dataclasses import dataclass

from accounting.money import divide_half_up

PERMILLE = 1_000


class PriceMissing(Exception):
    """No price list covers this device kind at this moment; rating never assumes zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices from `from_ms` until the next list begins; immutable once published.

    `on_demand` maps a device kind to micro-yuan per card-hour, tax included; multipliers are in
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
            base = dict(self.on_demand)[device_kind_id]
            factor = dict(self.qos_permille)[qos] * dict(self.class_permille)[price_class]
        except KeyError as missing:
            raise PriceMissing(f"price list {self.id} has no entry for {missing}") from None
        return divide_half_up(base * factor, PERMILLE * PERMILLE)


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All price lists, oldest first."""

    lists: tuple[PriceList, ...] = ()

    def with_list(self, price_list: PriceList) -> "PriceBook":
        """The book with one more list; raises `ValueError` where it would change the past."""
        if self.lists and price_list.from_ms <= self.lists[-1].from_ms:
            raise ValueError(
                f"price list {price_list.id} would begin at or before list {self.lists[-1].id}"
            )
        if any(known.id == price_list.id for known in self.lists):
            raise ValueError(f"price list {price_list.id} is published already")
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
