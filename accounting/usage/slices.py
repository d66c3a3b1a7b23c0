"""Usage: who held how many devices, where, from when to when. What for, the books do not know."""

from dataclasses import dataclass, replace

from accounting.money import charge_fen, charge_micros
from accounting.units import Unit, unit_of


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSlice:
    """A half-open interval [`from_ms`, `to_ms`) of one holding, unique by (`reference`, `from_ms`).

    `reference` is opaque here (an attempt's id). `qos` picks the price multiplier. `tflops` is what
    one device was stated at, 0 of cores; `price_micros` the micro-yuan for one card-hour, or
    core-hour, in force over all of the slice. `recorded_at_ms` is when we learnt it.
    """

    reference: str
    from_ms: int
    to_ms: int
    tenant_id: str
    project: str
    field: str
    centre_id: str
    device_kind_id: str
    qos: str
    device_count: int
    tflops: int
    price_list_id: str
    price_micros: int
    recorded_at_ms: int

    @property
    def device_ms(self) -> int:
        return self.device_count * (self.to_ms - self.from_ms)

    @property
    def unit(self) -> Unit:
        return unit_of(self.tflops)

    @property
    def tflops_ms(self) -> int:
        return self.device_ms * self.tflops

    def clipped(self, from_ms: int, to_ms: int) -> "UsageSlice":
        """The part inside [`from_ms`, `to_ms`), which it must touch."""
        if from_ms <= self.from_ms and self.to_ms <= to_ms:
            return self
        inside = replace(self, from_ms=max(self.from_ms, from_ms), to_ms=min(self.to_ms, to_ms))
        assert inside.from_ms < inside.to_ms, "the slice lies outside the window"
        return inside


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCredit:
    """All usage of `reference` is given back: the park's own fault ended it (`cause`)."""

    reference: str
    tenant_id: str
    at_ms: int
    cause: str
    recorded_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One slice billed, or given back where `cause` says why."""

    usage: UsageSlice
    cause: str | None = None

    @property
    def sign(self) -> int:
        return 1 if self.cause is None else -1

    @property
    def amount_micros(self) -> int:
        return self.sign * charge_micros(self.usage.device_ms, self.usage.price_micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSum:
    """Usage added up, exactly, over all that one line of a bill has in common.

    `tflops_ms` weighs each device-millisecond by its device's TFLOPS. `covered_device_ms` of it is
    drawn from prepaid packages and costs nothing more. Where usage was given back, `cause` says why
    and the quantities are negative.
    """

    tenant_id: str
    project: str
    field: str
    centre_id: str
    device_kind_id: str
    qos: str
    price_list_id: str
    price_micros: int
    vat_permille: int
    device_ms: int
    tflops_ms: int
    cause: str | None = None
    covered_device_ms: int = 0

    @property
    def unit(self) -> Unit:
        """A line with nothing on it yet is of cards."""
        return unit_of(self.tflops_ms) if self.device_ms else Unit.CARD

    @property
    def charged_device_ms(self) -> int:
        return self.device_ms - self.covered_device_ms

    @property
    def amount_micros(self) -> int:
        """The same, to the micro-yuan: what budgets and balances are counted in."""
        return charge_micros(self.charged_device_ms, self.price_micros)

    @property
    def amount_fen(self) -> int:
        """The line's charge, tax included: the one rounding there is."""
        return charge_fen(self.charged_device_ms, self.price_micros)

    def emptied(self) -> "UsageSum":
        """The line itself, with nothing on it."""
        return replace(self, device_ms=0, tflops_ms=0, covered_device_ms=0)
