"""Values for tests: a test spells out only what its rule needs."""

from dataclasses import replace
from datetime import datetime
from typing import Unpack

from typing_extensions import TypedDict

from accounting.rating import PriceList
from accounting.usage import UsageSlice, UsageSum

HOUR_MS = 3_600_000

USAGE = UsageSlice(
    reference="j1.1",
    from_ms=0,
    to_ms=HOUR_MS,
    tenant_id="steel",
    project="default",
    field="manufacturing",
    centre_id="qdaicc",
    device_kind_id="ascend-910b3",
    qos="normal",
    device_count=1,
    tflops=313,
    price_list_id="2026",
    price_micros=3_500_000,
    recorded_at_ms=0,
)
PRICES = PriceList(
    id="2026",
    from_ms=0,
    on_demand=(("ascend-910b3", 3_500_000),),
    qos_permille=(("normal", 1_000),),
    class_permille=(("standard", 1_000),),
)


class UsageChanges(TypedDict, total=False):
    """What a usage slice may differ in from `USAGE`."""

    reference: str
    tenant_id: str
    project: str
    centre_id: str
    device_kind_id: str
    qos: str
    device_count: int
    tflops: int
    price_list_id: str
    price_micros: int
    recorded_at_ms: int


def ms(iso: str) -> int:
    """A moment written with its offset, as `2026-10-31T20:00:00+08:00`."""
    moment = datetime.fromisoformat(iso)
    assert moment.tzinfo is not None, "a moment needs an offset"
    return int(moment.timestamp()) * 1_000


def used(begin: str, end: str, **changes: Unpack[UsageChanges]) -> UsageSlice:
    """A slice between two moments of Shanghai, as `2026-10-31T20:00`."""
    return replace(USAGE, from_ms=shanghai(begin), to_ms=shanghai(end), **changes)


def shanghai(local: str) -> int:
    return ms(f"{local}+08:00")


def summed(*slices: UsageSlice, vat_permille: int = 60, cause: str | None = None) -> UsageSum:
    """Slices of one line added up; negative where `cause` says why they are given back."""
    one, sign = slices[0], 1 if cause is None else -1
    return UsageSum(
        tenant_id=one.tenant_id,
        project=one.project,
        centre_id=one.centre_id,
        device_kind_id=one.device_kind_id,
        qos=one.qos,
        price_list_id=one.price_list_id,
        price_micros=one.price_micros,
        vat_permille=vat_permille,
        device_ms=sign * sum(part.device_ms for part in slices),
        tflops_ms=sign * sum(part.tflops_ms for part in slices),
        cause=cause,
    )
