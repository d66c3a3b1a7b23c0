"""A duration is told to two units, and is never told shorter than it is."""

import pytest

from api.schemas.durations import about


@pytest.mark.parametrize(
    ("duration_ms", "told"),
    [
        (0, "0s"),
        (1, "1s"),
        (45_000, "45s"),
        (720_000, "12m"),
        (725_001, "12m6s"),
        (4 * 3_600_000 + 35 * 60_000 + 1, "4h36m"),
        (76 * 3_600_000, "3d4h"),
        (48 * 3_600_000, "2d"),
    ],
)
def test_a_duration_is_rounded_up_to_two_units(duration_ms: int, told: str) -> None:
    assert about(duration_ms) == told
