"""Money is integer micro-yuan; here is the only division and the only rounding rule."""

import re
from collections.abc import Iterable, Iterator

MICROS_PER_YUAN = 1_000_000
MICROS_PER_FEN = 10_000
FEN_PER_YUAN = 100
MS_PER_HOUR = 3_600_000
TFLOPS_PER_P = 1_000
MAX_YUAN = 1_000_000_000_000
"""No price and no payment reaches a million million yuan; what does is a typing error."""

_YUAN = re.compile(r"(\d{1,13})(?:\.(\d{1,6}))?", re.ASCII)
_QUANTITY_PLACES = 6


def divide_half_up(dividend: int, divisor: int) -> int:
    """`dividend / divisor` to the nearest integer, halves away from zero; `divisor` > 0."""
    assert divisor > 0, f"divisor {divisor}"
    magnitude = (2 * abs(dividend) + divisor) // (2 * divisor)
    return magnitude if dividend >= 0 else -magnitude


def divided(amounts: Iterable[int], amount: int, total: int) -> list[int]:
    """`amount` divided as `amounts` divide their `total`: nothing is lost by rounding."""
    reached, parts = 0, []
    for one in amounts:
        before = divide_half_up(reached * amount, total)
        reached += one
        parts.append(divide_half_up(reached * amount, total) - before)
    return parts


def charge_micros(device_ms: int, price_micros: int) -> int:
    """The charge for `device_ms` at `price_micros` an hour of one, to the micro-yuan."""
    return divide_half_up(device_ms * price_micros, MS_PER_HOUR)


def charge_fen(device_ms: int, price_micros: int) -> int:
    """The charge of one statement line, rounded once, to the fen."""
    return divide_half_up(device_ms * price_micros, MS_PER_HOUR * MICROS_PER_FEN)


def parse_yuan(text: str) -> int:
    """Micro-yuan of an amount like `3.50`; raises `ValueError` rather than round or guess."""
    matched = _YUAN.fullmatch(text)
    if matched is None:
        raise ValueError(
            f"{text[:40]!r} is no amount; write yuan like 3.50, with at most 6 decimals"
        )
    whole, decimals = int(matched[1]), matched[2] or ""
    if whole >= MAX_YUAN:
        raise ValueError(f"{text} yuan is too much: it must be less than {MAX_YUAN:,}")
    return whole * MICROS_PER_YUAN + int(decimals.ljust(6, "0"))


def parse_fen(text: str) -> int:
    """Fen of an amount like `3.50`; raises `ValueError` for what is no whole number of them."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    fen, rest = divmod(parse_yuan(digits), MICROS_PER_FEN)
    if rest:
        raise ValueError(f"{text} yuan are no whole number of fen")
    return sign * fen


def amount_faults(what: str, fen: int, most_fen: int) -> Iterator[str]:
    """It must be more than nothing, and at most so much."""
    if not 0 < fen <= most_fen:
        most = f"{most_fen // FEN_PER_YUAN:,}"
        yield f"its {what} is {yuan_of_fen(fen)} yuan: it must be more than 0, and {most} at most"


def yuan_of_fen(fen: int) -> str:
    """An amount with its two decimals: `-0.29`."""
    return decimal_text(fen, 2, 2)


def yuan_of_micros(micros: int) -> str:
    """An amount or a price, exact: `3.50`, `0.291667`; never fewer than two decimals."""
    return decimal_text(micros, 6, 2)


def card_hours(device_ms: int) -> str:
    """Device-milliseconds as card-hours, or core-hours, to six decimals if it takes so many."""
    return decimal_text(card_hour_micros(device_ms), 6, 0)


def p_hours(tflops_ms: int) -> str:
    """TFLOPS-milliseconds as P.h, to six decimals where it takes that many."""
    return decimal_text(p_hour_micros(tflops_ms), 6, 0)


def card_hour_micros(device_ms: int) -> int:
    """Device-milliseconds in millionths of a card-hour, or of a core-hour."""
    return divide_half_up(device_ms * 10**_QUANTITY_PLACES, MS_PER_HOUR)


def p_hour_micros(tflops_ms: int) -> int:
    """TFLOPS-milliseconds in millionths of a P.h."""
    return divide_half_up(tflops_ms * 10**_QUANTITY_PLACES, MS_PER_HOUR * TFLOPS_PER_P)


def decimal_text(units: int, places: int, places_min: int) -> str:
    """`units` of 10^-`places` each; zeros at the end go, down to `places_min` decimals."""
    whole, rest = divmod(abs(units), 10**places)
    decimals = f"{rest:0{places}}"
    kept = decimals[:places_min] + decimals[places_min:].rstrip("0")
    return f"{'-' if units < 0 else ''}{whole}{'.' if kept else ''}{kept}"
