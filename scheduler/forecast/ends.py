"""When work ends: as is likely by its forecast, and at the latest by its limit."""

from typing import NamedTuple


class Ends(NamedTuple):
    """When work is over, as is likely and at the latest; the first is not after the second."""

    likely_ms: int
    latest_ms: int

    def by(self, *, is_firm: bool) -> int:
        """What to count with where something is promised: for good, or as is likely."""
        return self.latest_ms if is_firm else self.likely_ms


OVERSTAY_BITS = 3
"""What overstays is counted on for 2 to the power of so many times as long."""


def left_ms(forecast_ms: int, had_ms: int) -> int:
    """How much longer work is likely to run that has had so much already.

    What overstays its forecast is not punished but counted on for eight times as long, and so on.
    Half of what has run for so long runs on for as long again (as the mean residual life of a
    Pareto distribution grows with age; Harchol-Balter and Downey, "Exploiting process lifetime
    distributions for dynamic load balancing", 1997); but a gang waits for the last of several.
    """
    forecast_ms = max(1, forecast_ms)
    overstays = -(-(had_ms // forecast_ms).bit_length() // OVERSTAY_BITS)
    return (forecast_ms << OVERSTAY_BITS * overstays) - had_ms
