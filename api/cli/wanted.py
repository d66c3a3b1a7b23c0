"""What a command sends, made of its options; what cannot be sent is named before it is."""

from typing import TypeVar

from pydantic import ValidationError

from api.cli.terminal import fail
from api.schemas.complaints import problem
from api.schemas.jobs import Wire

Sent = TypeVar("Sent", bound=Wire)
OPTIONS = {
    "on_demand": "--price",
    "share_permille": "--share",
    "credit_code": "--code",
    "devices": "--device",
    "centres": "--centre",
    "fields": "--field",
    "from_ms": "--from",
    "until_ms": "--until",
    "paid_at_ms": "--paid",
}
"""By which option a field is given that has another name."""


def made(model: type[Sent], **values: object) -> Sent:
    """The body of a request; options that were not given are left out."""
    try:
        return model(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        fail(complaint(error), 2)


def complaint(error: ValidationError) -> str:
    """What is wrong first in what would have been sent, by its option."""
    first = error.errors()[0]
    place = "".join(f"{OPTIONS.get(str(part), part)}: " for part in first["loc"][:1])
    return place + problem(first)
