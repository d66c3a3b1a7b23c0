"""What a centre saw of an attempt beside its usage: what its cards did, and when it was saved."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Of the attempt's cards x [`from_ms`, `to_ms`) so much was watched, and so much computed.

    Both are card-milliseconds; what was not watched is not known. No bill follows from it.
    """

    at_ms: int
    attempt_id: str
    from_ms: int
    to_ms: int
    measured_device_ms: int
    active_device_ms: int
    kind: Literal["measured"] = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The attempt's job last wrote into its checkpoint folder at `saved_at_ms`.

    What it has done since would be lost if it were stopped.
    """

    at_ms: int
    attempt_id: str
    saved_at_ms: int
    kind: Literal["saved"] = "saved"
