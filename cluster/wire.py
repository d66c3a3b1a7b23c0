"""What a centre's agent and the broker say to one another, as JSON.

Fields that a side does not know are passed over, because agents and brokers are not renewed at
the same moment.
"""

import re
from dataclasses import asdict
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from cluster.diary import Diary, Noted
from cluster.driver import Activity, AttemptEnd, AttemptPhase, AttemptReport, LaunchOrder

ATTEMPTS_MAX = 100_000
NODES_MAX = 100_000
CHUNKS_MAX = 1_000
CHUNK_BYTES_MAX = 256 * 1024
DETAIL_LENGTH_MAX = 10_000
MS_MAX = 1 << 53

UNIFORM, ROLES, DIARY = 1, 2, 3
"""What an agent understands of orders: gangs of members that are alike; those of roles as well; and
that its diary is asked for.

An agent passes over fields that it does not know, and would run each member as if all were alike:
so it says what it knows, and is not sent more.
"""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_REPLACEMENT = "\ufffd"


def printable(text: object) -> object:
    """Text that every database and terminal takes, cut to its limit; what is no text stays so.

    It quotes what programs and file systems at a centre say. A report that was refused for it
    would be repeated for ever, and the centre be lost with all that it runs.
    """
    if not isinstance(text, str):
        return text
    return _UNPRINTABLE.sub(_REPLACEMENT, text[:DETAIL_LENGTH_MAX])


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,128}$")]
"""An id, or none."""

Ms = Annotated[int, Field(ge=0, le=MS_MAX)]
Text = Annotated[str, BeforeValidator(printable)]
Rank = Annotated[int, Field(ge=0, lt=ATTEMPTS_MAX)]


class Message(BaseModel):
    """Anything that is said."""

    # What a message that makes no sense says stays out of logs: an order has a user's secrets.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class AttemptHeard(Message):
    """What a centre says of one attempt; see `cluster.driver.AttemptReport`.

    `measured_device_ms` and `active_device_ms` are there where it is measured what cards do.
    """

    attempt_id: Id
    phase: AttemptPhase
    started_at_ms: Ms | None = None
    ended_at_ms: Ms | None = None
    exit_code: Annotated[int, Field(ge=-256, le=255)] | None = None
    end: AttemptEnd | None = None
    detail: Text = ""
    node_id: Id | None = None
    measured_device_ms: Ms | None = None
    active_device_ms: Ms | None = None
    saved_at_ms: Ms | None = None

    @classmethod
    def of(cls, report: AttemptReport) -> "AttemptHeard":
        return cls(
            attempt_id=report.attempt_id,
            phase=report.phase,
            started_at_ms=report.started_at_ms,
            ended_at_ms=report.ended_at_ms,
            exit_code=report.exit_code,
            end=report.end,
            detail=report.detail,
            node_id=report.node_id,
            measured_device_ms=report.activity and report.activity.measured_ms,
            active_device_ms=report.activity and report.activity.active_ms,
            saved_at_ms=report.saved_at_ms,
        )

    def report(self) -> AttemptReport:
        return AttemptReport(
            attempt_id=self.attempt_id,
            phase=self.phase,
            started_at_ms=self.started_at_ms,
            ended_at_ms=self.ended_at_ms,
            exit_code=self.exit_code,
            end=self.end,
            detail=self.detail,
            node_id=self.node_id,
            activity=self._activity(),
            saved_at_ms=self.saved_at_ms,
        )

    def _activity(self) -> Activity | None:
        """Nobody is active for longer than it is watched; who says so is heard as far as that."""
        if self.measured_device_ms is None or self.active_device_ms is None:
            return None
        active_ms = min(self.active_device_ms, self.measured_device_ms)
        return Activity(measured_ms=self.measured_device_ms, active_ms=active_ms)


class Report(Message):
    """All that a centre knows.

    `number` counts the reports of an agent that started at `agent_started_at_ms`; `understands` is
    what it knows of orders.
    """

    agent_started_at_ms: Ms
    number: Ms
    online_node_ids: Annotated[list[Id], Field(max_length=NODES_MAX)]
    attempts: Annotated[list[AttemptHeard], Field(max_length=ATTEMPTS_MAX)]
    understands: Annotated[int, Field(ge=UNIFORM, le=MS_MAX)] = UNIFORM


class OrdersWanted(Message):
    """What an agent already knows, for an answer with the rest; it waits at most `wait_ms`."""

    known: Annotated[list[Id], Field(max_length=ATTEMPTS_MAX)]
    stopping: Annotated[list[Id], Field(max_length=ATTEMPTS_MAX)]
    wait_ms: Annotated[int, Field(ge=0, le=20_000)] = 20_000


class StopWanted(Message):
    """An attempt that is to end."""

    attempt_id: str
    grace_ms: int


class Orders(Message):
    """What an agent lacks of what should be; `diary`, if not 0, is to be named with its diary."""

    launch: list[LaunchOrder] = []
    stop: list[StopWanted] = []
    forget: list[str] = []
    diary: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.launch or self.stop or self.forget or self.diary)


class AttemptNoted(Message):
    """What a centre's diary says of one attempt; see `cluster.diary.Noted`."""

    attempt_id: Id
    phase: AttemptPhase
    job_id: Name = ""
    tenant_id: Name = ""
    device_kind_id: Name = ""
    cards: Annotated[list[tuple[Id, Rank]], Field(max_length=NODES_MAX)] = []
    started_at_ms: Ms | None = None
    ended_at_ms: Ms | None = None
    end: AttemptEnd | None = None

    @classmethod
    def of(cls, noted: Noted) -> "AttemptNoted":
        return cls.model_validate(asdict(noted))


class DiaryTold(Message):
    """A centre's diary, as it was asked for; report `number` of this agent says no less than it.

    `at_ms` is the centre's clock when it was read.
    """

    asked: Ms
    agent_started_at_ms: Ms
    number: Ms
    at_ms: Ms
    whole_since_ms: Ms
    attempts: Annotated[list[AttemptNoted], Field(max_length=ATTEMPTS_MAX)]

    def diary(self) -> Diary:
        noted = (one.model_dump() | {"cards": tuple(one.cards)} for one in self.attempts)
        return Diary(
            whole_since_ms=self.whole_since_ms, attempts=tuple(Noted(**one) for one in noted)
        )


class Chunk(Message):
    """Output of a member; `data` is base64, empty to ask how much is known already.

    `is_last`: the member is over, and its output ends with this chunk. Of a member that never
    ran, or whose node was lost, no such chunk may ever come.
    """

    attempt_id: Id
    member: Rank
    offset: Ms
    data: Annotated[bytes, Field(max_length=CHUNK_BYTES_MAX)]
    is_last: bool = False

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class LogsShipped(Message):
    """Output on its way to who reads it."""

    chunks: Annotated[list[Chunk], Field(max_length=CHUNKS_MAX)]


class LogKept(Message):
    """How far a member's output is kept; `is_full` when no more will be."""

    attempt_id: str
    member: int
    offset: int
    is_full: bool = False


class LogsKept(Message):
    """The answer to `LogsShipped`, for each member that it named."""

    logs: list[LogKept]


_ORDER = TypeAdapter(LaunchOrder)


def order_to_json(order: LaunchOrder) -> str:
    return _ORDER.dump_json(order).decode()


def order_in(text: str) -> LaunchOrder | None:
    """The order that was written so; None where there is none, or a power cut has spoilt it."""
    try:
        return _ORDER.validate_json(text)
    except ValidationError:
        return None
