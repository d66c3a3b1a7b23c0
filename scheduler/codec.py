"""Events as JSON and back: the bodies of the log, the inbox and the event stream."""

from typing import Annotated

from pydantic import Field, JsonValue, TypeAdapter

from scheduler.events import Event, Wish

_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
_WISHES: TypeAdapter[Wish] = TypeAdapter(Annotated[Wish, Field(discriminator="kind")])


def encode(event: Event) -> dict[str, JsonValue]:
    """An event or a wish as JSON, with its `kind`."""
    encoded: dict[str, JsonValue] = _EVENTS.dump_python(event, mode="json")
    return encoded


def decode(body: dict[str, JsonValue]) -> Event:
    """The event that `encode` wrote; raises `pydantic.ValidationError` for anything else."""
    return _EVENTS.validate_python(body)


def decode_wish(body: dict[str, JsonValue]) -> Wish:
    """The wish that `encode` wrote; a fact that only the leader may state is refused."""
    return _WISHES.validate_python(body)
