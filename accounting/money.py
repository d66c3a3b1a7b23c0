"""Money is integer micro-yuan; here is the only division and the only rounding rule."""

MICROS_PER_YUAN = 1_000_000
MICROS_PER_FEN = 10_000
MS_PER_HOUR = 3_600_000


def divide_half_up(dividend: int, divisor: int) -> int:
    """`dividend / divisor` to the nearest integer, halves away from zero; `divisor` > 0."""
    assert divisor > 0, f"divisor {divisor}"
    magnitude = (2 * abs(dividend) + divisor) // (2 * divisor)
    return magnitude if dividend >= 0 else -magnitude


def charge_micros(device_ms: int, price_micros: int) -> int:
    """The charge for `device_ms` at `price_micros` a card-hour, to the micro-yuan."""
    return divide_half_up(device_ms * price_micros, MS_PER_HOUR)


def charge_fen(device_ms: int, price_micros: int) -> int:
    """The charge of one statement line, rounded once, to the fen."""
    return divide_half_up(device_ms * price_micros, MS_PER_HOUR * MICROS_PER_FEN)
