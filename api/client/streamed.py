"""What streams say, line by line, and where a reader goes on after an interruption."""

import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.jobs import Wire

LINES = "application/x-ndjson"


class LogPart(Wire):
    """Some of a member's output, in base64 (URL-safe), and where it stands."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    attempt: int = Field(description="the number of the attempt that wrote it")
    offset: int = Field(description="its first byte's place in what that attempt's member wrote")
    data: bytes = b""
    is_end: bool = Field(default=False, description="nothing comes after this")

    @property
    def end_offset(self) -> int:
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedEvent:
    """One fact of the broker's log; `seq` is where to go on after an interruption."""

    seq: int
    kind: str
    at_ms: int
    tenant: str | None
    job_id: str | None
    body: dict[str, JsonValue]


class EventReader:
    """Reads server-sent lines; `after` is the last `seq` that the reader need not ask for again."""

    def __init__(self, after: int | None) -> None:
        self.after = after

    @property
    def place(self) -> Mapping[str, int | None]:
        return {"after": self.after}

    def read(self, line: str) -> StreamedEvent | None:
        """The event of a line; an `id` alone stands for what the reader may not see."""
        name, _, value = line.partition(":")
        if name == "id":
            self.after = int(value)
        if name != "data":
            return None
        data = json.loads(value)
        return StreamedEvent(
            seq=data["seq"],
            kind=data["kind"],
            at_ms=data["at_ms"],
            tenant=data["tenant_id"],
            job_id=data["job_id"],
            body=data["body"],
        )


class LogReader:
    """Reads a log's lines as text; goes on with the next attempt unless one was named."""

    def __init__(self, attempt: int | None, *, is_followed: bool) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        goes_on = is_followed and attempt is None
        self._parameter = "from_attempt" if goes_on else "attempt"
        self._attempt = attempt
        self._offset = 0
        self.is_over = False

    @property
    def place(self) -> Mapping[str, int | None]:
        return {self._parameter: self._attempt, "offset": self._offset}

    def read(self, line: str) -> str:
        """The text of a line; an empty line is a sign of life."""
        if not line:
            return ""
        part = LogPart.model_validate_json(line, extra="ignore")
        heading = ""
        if self._attempt is not None and part.attempt != self._attempt:
            heading = self._decoder.decode(b"", final=True)
            heading += f"[attempt {part.attempt} of this job]\n"
        self._attempt, self._offset = part.attempt, part.end_offset
        self.is_over = part.is_end
        return heading + self._decoder.decode(part.data, final=part.is_end)
