"""The wire of what is a branch's own, and of how much it borrows and lends."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from api.schemas.jobs import Wire
from api.schemas.values import Identifier, whole

CARDS_MAX = 10_000_000
TFLOPS_MAX = 10**12

_Own = Annotated[int, Field(ge=1, le=CARDS_MAX), BeforeValidator(whole)]
_Most = Annotated[int, Field(ge=0, le=CARDS_MAX), BeforeValidator(whole)]
Own = Annotated[dict[Identifier, _Own], Field(max_length=256)]
Most = Annotated[dict[Identifier, _Most], Field(max_length=256)]
Nodes = Annotated[dict[Identifier, _Own], Field(max_length=256)]
OwnTflops = Annotated[int, Field(ge=1, le=TFLOPS_MAX), BeforeValidator(whole)]
MostTflops = Annotated[int, Field(ge=0, le=TFLOPS_MAX), BeforeValidator(whole)]


class Entitled(Wire):
    """What of the park is its own; a kind that is not named has no limit."""

    nominal_cards: Own = Field(
        default={},
        description="its own cards by device kind: it gets them back from who has borrowed them",
    )
    nominal_tflops: OwnTflops | None = Field(
        default=None, description="its own over all kinds, in TFLOPS: 1 P is 1000"
    )
    borrowing_cards: Most = Field(
        default={}, description="the most it may hold beyond its own, by device kind"
    )
    borrowing_tflops: MostTflops | None = Field(
        default=None, description="the most beyond its own over all kinds, in TFLOPS"
    )
    lending_cards: Most = Field(
        default={},
        description="the most of its own that others may use, by kind; the rest stays idle for it",
    )
    lending_tflops: MostTflops | None = Field(
        default=None, description="the most of its own over all kinds that others may use"
    )


class EntitledView(Wire):
    """What of the park is its own; in TFLOPS over all kinds, null where nothing is said."""

    nominal_cards: dict[str, int]
    nominal_tflops: int | None
    borrowing_cards: dict[str, int]
    borrowing_tflops: int | None
    lending_cards: dict[str, int]
    lending_tflops: int | None
