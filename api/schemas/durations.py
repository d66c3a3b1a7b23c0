"""Durations as people write them: `4h`, `90m`, `1h30m`."""

import re

_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_duration_ms(value: object) -> int:
    """`4h`, `90m`, `1h30m`, `45s`, `2d`, or a bare number of seconds, as milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("a duration is written like 4h, 90m, 1h30m or 45s")
    text = str(value).strip()
    if re.fullmatch(r"\d{1,12}", text):
        return int(text) * 1_000
    parts = re.findall(r"(\d{1,9})(ms|s|m|h|d)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text[:40]!r} is no duration: write it like 4h, 90m, 1h30m or 45s")
    return sum(int(number) * _UNIT_MS[unit] for number, unit in parts)


def duration_text(duration_ms: int) -> str:
    """The shortest text that `parse_duration_ms` reads as this: `4h`, `90m`, `1500ms`."""
    for unit in ("d", "h", "m", "s"):
        if duration_ms and duration_ms % _UNIT_MS[unit] == 0:
            return f"{duration_ms // _UNIT_MS[unit]}{unit}"
    return f"{duration_ms}ms"


def about(duration_ms: int) -> str:
    """The same to two units, rounded up: `45s`, `12m`, `4h36m`, `3d4h`."""
    for unit, part in (("d", "h"), ("h", "m"), ("m", "s")):
        if duration_ms >= _UNIT_MS[unit]:
            parts = -(-duration_ms // _UNIT_MS[part])
            whole, rest = divmod(parts, _UNIT_MS[unit] // _UNIT_MS[part])
            return f"{whole}{unit}{rest}{part}" if rest else f"{whole}{unit}"
    return f"{-(-duration_ms // _UNIT_MS['s'])}s"
