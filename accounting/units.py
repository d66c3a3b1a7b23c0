"""Cards and cores: device time of the one and of the other is never added up.

A core has no stated TFLOPS, and a card always has: that tells them apart in every row of the books.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from accounting.money import card_hours


class Unit(StrEnum):
    """Of what device time is."""

    CARD = "card"
    CORE = "core"


class Timed(Protocol):
    """Device time, of cards or of cores."""

    @property
    def device_ms(self) -> int: ...
    @property
    def unit(self) -> Unit: ...


def unit_of(tflops: int) -> Unit:
    """By what one device was stated at."""
    return Unit.CARD if tflops else Unit.CORE


def card_ms(one: Timed) -> int:
    return one.device_ms if one.unit is Unit.CARD else 0


def core_ms(one: Timed) -> int:
    return one.device_ms if one.unit is Unit.CORE else 0


def said_of(one: Timed) -> dict[str, object]:
    """What a line of a statement says of its time; of cards what it always did."""
    said: dict[str, object] = {"device_ms": one.device_ms, "card_hours": card_hours(card_ms(one))}
    if one.unit is Unit.CORE:
        said |= {"unit": one.unit.value, **_cores(core_ms(one))}
    return said


def said_of_all(some: Iterable[Timed]) -> dict[str, object]:
    """The same of all together; nothing of cores where none of it is of them."""
    known = list(some)
    of_cards = sum(map(card_ms, known))
    said: dict[str, object] = {"device_ms": of_cards, "card_hours": card_hours(of_cards)}
    if any(one.unit is Unit.CORE for one in known):
        said |= _cores(sum(map(core_ms, known)))
    return said


def _cores(time_ms: int) -> dict[str, object]:
    return {"core_ms": time_ms, "core_hours": card_hours(time_ms)}
