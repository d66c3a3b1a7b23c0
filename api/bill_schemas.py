"""What is said and written about closed months, on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from api.schemas import Wire
from api.values import Identifier, Ms, Sha256, Text, one_line, whole

Note = Annotated[
    Text,
    StringConstraints(min_length=1, max_length=1_000, strip_whitespace=True),
    AfterValidator(one_line),
]
LineNumber = Annotated[int, Field(ge=1, le=100_000), BeforeValidator(whole)]
Standing = Literal["open", "confirmed", "disputed", "resolved"]


class Confirmation(Wire):
    """A tenant agrees with a closed statement."""

    sha256: Sha256 | None = Field(
        default=None, description="of the statement that is meant; refused where it is another"
    )
    reason: Note | None = Field(default=None, description="a remark")


class Dispute(Wire):
    """A tenant does not agree with a closed statement, and says why."""

    reason: Note = Field(description="what is wrong, for finance to look into")
    lines: Annotated[list[LineNumber], Field(max_length=1_000)] = Field(
        default=[],
        description="which lines, from 1 on through lines, credits and corrections; empty: all",
    )
    sha256: Sha256 | None = Field(
        default=None, description="of the statement that is meant; refused where it is another"
    )


class Resolution(Wire):
    """What finance answers to a dispute; what was wrong becomes a correction of a later month."""

    tenant: Identifier
    reason: Note = Field(description="what came of it")


class ReplyView(Wire):
    """A word about a closed statement."""

    tenant: str
    month: str
    number: int = Field(ge=1, description="its place among all words about this statement")
    kind: Literal["confirmed", "disputed", "resolved"]
    reason: str
    lines: list[int] = Field(description="what is disputed; empty: all of it")
    sha256: str = Field(description="the checksum of the statement that it is about")
    by: str = Field(description="whose key said it: its label and its id")
    at_ms: Ms


class ReplyList(Wire):
    """All that was said about a statement, in its order; the last word is how it stands."""

    standing: Standing
    items: list[ReplyView]
