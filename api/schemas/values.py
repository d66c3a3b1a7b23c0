"""Single values on the wire: names, paths, durations, amounts and counts, with their limits."""

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from api.schemas.durations import duration_text, parse_duration_ms

MAX_LIMIT_MS = 366 * 24 * 3_600_000
MIN_LIMIT_MS = 1_000
MAX_GRACE_MS = 3_600_000
MAX_COMMAND_LENGTH = 65_536
MAX_ENV_VALUE_LENGTH = 32_768
MAX_DEVICE_COUNT = 100_000
MAX_BYTES = 1 << 60
MAX_MS = 4_102_444_800_000  # the beginning of the year 2100

DeviceUnit = Literal["card", "core"]
"""What devices of a kind are; the one and the other are never added up."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BYTES = re.compile(r"[0-9]{1,19}|[0-9]{1,6}(\.[0-9]{1,3})? ?[KMGTP]i?B")
_BYTES_TEXT = "^([1-9][0-9]{0,17}|[1-9][0-9]{0,2} ?[KMGT]i?B)$"
"""For callers: the usual spellings, all of which are inside the limits."""
_UNPRINTED = re.compile(r"[\t\n\u2028-\u202e\u2066-\u2069]")
"""Ends a line, or turns the order of what stands around it."""


def _duration_schema(longest_ms: int, pattern: str, example: str) -> WithJsonSchema:
    """For callers: the usual spellings, all of which are inside the limits."""
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": longest_ms // 1_000},
                {"type": "string", "pattern": pattern},
            ],
            "description": "seconds, or text with units: d, h, m, s, ms",
            "examples": [example],
        },
        mode="validation",
    )


def _between(least_ms: int, most_ms: int) -> AfterValidator:
    """Told as durations are written, and not in milliseconds."""

    def checked(value: int) -> int:
        if not least_ms <= value <= most_ms:
            least = duration_text(least_ms) if least_ms else "0s"
            most = duration_text(most_ms)
            raise ValueError(f"a duration from {least} to {most} is needed here")
        return value

    return AfterValidator(checked)


def without_control_characters(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


def one_line(text: str) -> str:
    if _UNPRINTED.search(text):
        raise ValueError("it must be one line, without signs that turn the direction of writing")
    return text


def without_nul(text: str) -> str:
    """What a database, and the environment of a process, can hold."""
    if "\x00" in text:
        raise ValueError("NUL is not allowed")
    return text


def _relative_path(text: str) -> str:
    without_control_characters(text)
    if text.startswith(("/", "~")) or ".." in text.split("/") or "\\" in text:
        raise ValueError("give a path inside the working directory, without '..'")
    return text


def _visible_path(text: str) -> str:
    without_control_characters(text)
    if ".." in text.split("/"):
        raise ValueError("give a path without '..'")
    return text


Text = Annotated[str, AfterValidator(without_control_characters)]
NodeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""A node's id begins with its pool's."""
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Name = Annotated[
    Text,
    StringConstraints(min_length=1, max_length=128, strip_whitespace=True),
    AfterValidator(one_line),
]
RelativePath = Annotated[
    str, StringConstraints(min_length=1, max_length=1_024), AfterValidator(_relative_path)
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
VisiblePath = Annotated[
    str, StringConstraints(min_length=1, max_length=1_024), AfterValidator(_visible_path)
]
Limit = Annotated[
    int,
    _between(MIN_LIMIT_MS, MAX_LIMIT_MS),
    BeforeValidator(parse_duration_ms),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    _duration_schema(
        MAX_LIMIT_MS, "^([1-9][0-9]{0,2}[smh]|[1-9][0-9]?d|[1-9][0-9]?h[1-9][0-9]?m)$", "4h"
    ),
]
Grace = Annotated[
    int,
    _between(0, MAX_GRACE_MS),
    BeforeValidator(parse_duration_ms),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    _duration_schema(MAX_GRACE_MS, "^([1-9][0-9]{0,2}s|[1-5]?[0-9]m)$", "60s"),
]
Command = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_COMMAND_LENGTH),
    AfterValidator(without_nul),
]
EnvValue = Annotated[
    str, StringConstraints(max_length=MAX_ENV_VALUE_LENGTH), AfterValidator(without_nul)
]


def _amount(digits: int, decimals: int) -> tuple[AfterValidator, WithJsonSchema]:
    pattern = rf"^[0-9]{{1,{digits}}}(\.[0-9]{{1,{decimals}}})?$"
    too_large = rf"0*[1-9][0-9]{{{digits},}}(\.[0-9]*)?"

    def checked(text: str) -> str:
        if re.fullmatch(too_large, text, re.ASCII):
            raise ValueError(f"{text[:40]} yuan is too much: it must be less than {10**digits:,}")
        if re.fullmatch(pattern, text, re.ASCII) is None or text.endswith("\n"):
            raise ValueError(
                f"an amount is in yuan, such as 3.50: digits, at most {decimals} decimals, "
                "no sign and no comma"
            )
        return text

    return AfterValidator(checked), WithJsonSchema({"type": "string", "pattern": pattern})


Yuan = Annotated[str, *_amount(12, 6)]
Fen = Annotated[str, *_amount(10, 2)]
Sum = Annotated[str, *_amount(12, 2)]
"""As `Fen`, for what may be larger than a bill."""
Ms = Annotated[int, Field(description="milliseconds since 1970-01-01T00:00:00Z")]


def _byte_text(value: object) -> str:
    if not _BYTES.fullmatch(str(value)):
        raise ValueError("needs a size, such as 1.5TiB, 300 GB or a whole number of bytes")
    return str(value)


ByteCount = Annotated[
    ByteSize,
    Field(ge=1, le=MAX_BYTES),
    BeforeValidator(_byte_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_BYTES},
                {"type": "string", "pattern": _BYTES_TEXT, "examples": ["1.5TiB"]},
            ]
        }
    ),
]


def listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def whole(value: object) -> object:
    """Refuse `true` and `"8"`; accept 8 and 8.0, as JSON knows one kind of number."""
    if isinstance(value, bool | str):
        raise ValueError("a whole number is needed")
    return value


def number(value: object) -> object:
    """Refuse `true` and `"0.6"`; accept 0.6 and 1."""
    if isinstance(value, bool | str):
        raise ValueError("a number is needed, such as 0.6")
    return value


Count = Annotated[int, BeforeValidator(whole)]
"""Bounds stand before the validator, as in `Permille`, or no description tells them."""

GangCount = Annotated[int, Field(ge=1, le=MAX_DEVICE_COUNT), BeforeValidator(whole)]
Permille = Annotated[int, Field(ge=0, le=100_000), BeforeValidator(whole)]
Datasets = Annotated[list[Identifier], BeforeValidator(listed), Field(max_length=64)]
QuoteId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,64}$")]
Predecessors = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,64}$")]],
    BeforeValidator(listed),
    Field(max_length=64),
]

Decision = Literal["resolved", "accepted", "rejected"]
"""What finance says of a dispute."""

Standing = Literal["open", "confirmed", "disputed", Decision]
"""How a closed statement stands."""
