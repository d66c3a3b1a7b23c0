"""Usage: who held how many devices, where, from when to when. What for, the books do not know."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSlice:
    """A half-open interval [`from_ms`, `to_ms`) of one holding, unique by (`reference`, `from_ms`).

    `reference` is opaque here (an attempt's id). `qos` picks the price multiplier. `tflops` is what
    one device was stated at, `price_micros` the micro-yuan for one card-hour in force over all of
    the slice. `recorded_at_ms` is when we learnt it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCredit:
    """All usage of `reference` is given back: the park's own fault ended it (`cause`)."""

    reference: str
    at_ms: int
    cause: str
    recorded_at_ms: int
