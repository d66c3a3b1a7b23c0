"""Events as JSON and back: the bodies of the log, the inbox and the event stream."""

from typing import Annotated, Any, TypeVar

from pydantic import Field, JsonValue, TypeAdapter

from accounting.prices.rating import PriceList
from cluster.inventory import Park
from scheduler.facts.events import Event, Wish
from scheduler.facts.log import PoolLoad
from scheduler.facts.record import Snapshot
from scheduler.model.budget import Budget
from scheduler.model.job import Job, Placement, Reason
from scheduler.model.tenancy import Cohort, Project, Tenant

Value = Park | Tenant | Cohort | Project | Budget | PriceList | Placement | Reason | PoolLoad
V = TypeVar("V", Park, Tenant, Cohort, Project, Budget, PriceList, Placement, Reason, PoolLoad)

_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
_WISHES: TypeAdapter[Wish] = TypeAdapter(Annotated[Wish, Field(discriminator="kind")])
_JOBS = TypeAdapter(Job)
_SNAPSHOTS = TypeAdapter(Snapshot)
_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind)
    for kind in (Park, Tenant, Cohort, Project, Budget, PriceList, Placement, Reason, PoolLoad)
}


def encode(event: Event) -> dict[str, JsonValue]:
    """An event or a wish as JSON, with its `kind`."""
    encoded: dict[str, JsonValue] = _EVENTS.dump_python(event, mode="json")
    return encoded


def encode_text(event: Event) -> str:
    """The same as text: for who only writes it down, that is half of the work."""
    return _EVENTS.dump_json(event).decode()


def decode(body: dict[str, JsonValue]) -> Event:
    """The event that `encode` wrote; raises `pydantic.ValidationError` for anything else."""
    return _EVENTS.validate_python(body)


def decode_wish(body: dict[str, JsonValue]) -> Wish:
    """The wish that `encode` wrote; a fact that only the leader may state is refused."""
    return _WISHES.validate_python(body)


def encode_job(job: Job) -> dict[str, JsonValue]:
    """A job as JSON, as the jobs table keeps it."""
    encoded: dict[str, JsonValue] = _JOBS.dump_python(job, mode="json")
    return encoded


def encode_job_text(job: Job) -> str:
    """The same as text, for who only writes it down."""
    return _JOBS.dump_json(job).decode()


def decode_job(body: dict[str, JsonValue]) -> Job:
    """The job that `encode_job` wrote."""
    return _JOBS.validate_python(body)


def encode_value(value: Value) -> dict[str, JsonValue]:
    """A part of an event as JSON, for a table that others read."""
    encoded: dict[str, JsonValue] = _ADAPTERS[type(value)].dump_python(value, mode="json")
    return encoded


def decode_value(kind: type[V], body: dict[str, JsonValue]) -> V:
    """The value of that kind that `encode_value` wrote."""
    value: V = _ADAPTERS[kind].validate_python(body)
    return value


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """A checkpoint's body."""
    return _SNAPSHOTS.dump_json(snapshot)


def decode_snapshot(body: bytes) -> Snapshot:
    """The state that `encode_snapshot` wrote; a private copy."""
    return _SNAPSHOTS.validate_json(body)
