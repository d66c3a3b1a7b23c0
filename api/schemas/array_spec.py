"""Which tasks an array has, as a user writes it: `0-99%4`, `1,5,9-20:2`, as in Slurm."""

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from api.schemas.values import Ms, whole

MAX_TASKS = 10_000
"""Tasks of one array."""

MAX_INDEX = 999_999
MAX_INDICES_LENGTH = 4_096
INDICES = (
    r"^[0-9]{1,6}(-[0-9]{1,6}(:[1-9][0-9]{0,5})?)?(,[0-9]{1,6}(-[0-9]{1,6}(:[1-9][0-9]{0,5})?)?)*$"
)
SHORT = INDICES.removesuffix("$") + "(%[1-9][0-9]{0,4})?$"
HOW = "write numbers and ranges such as 0-99, 1,5,9 or 0-20:2, and %4 behind for four at once"

_LIST, _SHORT = re.compile(INDICES), re.compile(SHORT)


def indices_of(text: str) -> list[int]:
    """The indices that a list names, each once, in order; raises `ValueError` where it is none."""
    if not _LIST.fullmatch(text):
        raise ValueError(f"{text[:40]!r} names no indices: {HOW}")
    ranges = [_range(part) for part in text.split(",")]
    count = sum(len(one) for one in ranges)
    if count > MAX_TASKS:
        raise ValueError(f"{count} tasks are more than the {MAX_TASKS} that an array may have")
    return sorted({index for one in ranges for index in one})


def _range(part: str) -> range:
    first, _, rest = part.partition("-")
    last, _, step = rest.partition(":")
    found = range(int(first), int(last or first) + 1, int(step or 1))
    if not found:
        raise ValueError(f"{part} runs backwards: write {last}-{first}")
    return found


def _spelled_out(value: object) -> object:
    """The short form as what it stands for; a bare number is one index."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return value
    if not _SHORT.fullmatch(value):
        raise ValueError(f"{value[:40]!r} is no array: {HOW}")
    indices, _, at_most = value.partition("%")
    return {"indices": indices, "at_most": int(at_most) if at_most else None}


def _known(text: str) -> str:
    indices_of(text)
    return text


class ArraySpec(BaseModel):
    """One job as many tasks, which differ by the index that each finds in its environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    indices: Annotated[
        str,
        StringConstraints(pattern=INDICES, max_length=MAX_INDICES_LENGTH),
        AfterValidator(_known),
    ] = Field(description="numbers and ranges: 0-99, 1,5,9 or 0-20:2", examples=["0-99"])
    at_most: Annotated[int, Field(ge=1, le=MAX_TASKS), BeforeValidator(whole)] | None = Field(
        default=None, description="so many in the queue or running at once; null: any number"
    )

    def tasks(self) -> list[int]:
        return indices_of(self.indices)


Short = Annotated[
    str, StringConstraints(pattern=SHORT, max_length=MAX_INDICES_LENGTH), Field(examples=["0-99%4"])
]
OneIndex = Annotated[int, Field(ge=0, le=MAX_INDEX)]
Array = Annotated[
    ArraySpec,
    BeforeValidator(_spelled_out, json_schema_input_type=ArraySpec | Short | OneIndex),
]


class ArrayTaskView(BaseModel):
    """Which task of which array a job is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="the array's: GET /v1/arrays/{id} sums up its tasks")
    index: int
    count: int = Field(description="tasks of the array")
    lowest: int = Field(description="the least index")
    highest: int = Field(description="the greatest index")
    at_most: int | None = Field(description="so many in the queue or running at once")


class ArrayView(BaseModel):
    """An array: how many of its tasks stand how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    tenant: str
    name: str
    count: int = Field(description="its tasks")
    lowest: int = Field(description="the least index")
    highest: int = Field(description="the greatest index")
    at_most: int | None = Field(description="so many in the queue or running at once")
    states: dict[str, int] = Field(description="how many are in each state; those with none not")
    is_over: bool = Field(description="whether all have ended")
    failed: list[int] = Field(description="indices that did not succeed, the least 100")
    submitted_at_ms: Ms
    started_at_ms: Ms | None = Field(description="when the first started")
    ended_at_ms: Ms | None = Field(description="when the last ended; null while one is left")
