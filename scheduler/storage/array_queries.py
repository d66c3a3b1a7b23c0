"""What the faces read of arrays, and of what others follow: a statement or two each."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Connection, Row, Text, any_, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from scheduler.model.job import FINAL_STATES, JobState
from scheduler.storage.tables import JobRow

OUT_STATES = sorted(frozenset(JobState) - FINAL_STATES - {JobState.HELD})
"""Of a task that has one of the places of its array."""

WRONG_STATES = (JobState.FAILED, JobState.CANCELLED)


class Predecessor(NamedTuple):
    """A job or an array that others follow: whose it is, and how it stands.

    An array has failed with its first task that did not succeed, and is over with its last.
    """

    tenant_id: str
    state: str
    is_over: bool

    @property
    def has_failed(self) -> bool:
        return self.state in FINAL_STATES and self.state != JobState.SUCCEEDED


def predecessors(connection: Connection, ids: Collection[str]) -> dict[str, Predecessor]:
    """These jobs and arrays by id; those that are not there are left out."""
    if not ids:
        return {}
    rows = connection.execute(
        select(JobRow.id, JobRow.tenant_id, JobRow.state).where(_is_one_of(JobRow.id, ids))
    )
    found = {one: Predecessor(owner, state, state in FINAL_STATES) for one, owner, state in rows}
    others = ids - found.keys()
    return {**found, **_arrays_followed(connection, others)} if others else found


def _is_one_of(column: InstrumentedAttribute[Any], ids: Collection[str]) -> ColumnElement[bool]:
    """One parameter, however many they are."""
    return column == any_(literal(sorted(ids), ARRAY(Text)))


def _arrays_followed(connection: Connection, ids: Collection[str]) -> dict[str, Predecessor]:
    found: dict[str, Predecessor] = {}
    statement = (
        select(JobRow.array_id, JobRow.tenant_id, JobRow.state, func.count())
        .where(_is_one_of(JobRow.array_id, ids))
        .group_by(JobRow.array_id, JobRow.tenant_id, JobRow.state)
        .order_by(JobRow.state.in_(WRONG_STATES).desc(), JobRow.state)
    )
    for array_id, tenant_id, state, _ in connection.execute(statement):
        assert array_id is not None, "a job of no array was asked for"
        is_over = state in FINAL_STATES
        # Those that did not succeed come first, and decide how it stands.
        first = found.setdefault(array_id, Predecessor(tenant_id, state, is_over))
        found[array_id] = first._replace(is_over=first.is_over and is_over)
    return found


class ArrayState(NamedTuple):
    """The tasks of an array in one state: how many, when the first started and the last ended."""

    state: str
    task_count: int
    started_at_ms: int | None
    ended_at_ms: int | None


def array_states(connection: Connection, array_id: str) -> list[ArrayState]:
    """Those of an array, of each state that there is."""
    statement = (
        select(
            JobRow.state,
            func.count(),
            func.min(JobRow.started_at_ms),
            func.max(JobRow.ended_at_ms),
        )
        .where(JobRow.array_id == array_id)
        .group_by(JobRow.state)
    )
    return [ArrayState(*row) for row in connection.execute(statement)]


def first_task(connection: Connection, array_id: str) -> Row[Any] | None:
    """The row of an array's first task."""
    statement = select(JobRow.__table__).where(JobRow.array_id == array_id).order_by(JobRow.id)
    return connection.execute(statement.limit(1)).one_or_none()


def failed_indices(connection: Connection, array_id: str, limit: int) -> list[int]:
    """Those of its tasks that ended and did not succeed, the least."""
    statement = select(JobRow.array_index).where(
        JobRow.array_id == array_id, JobRow.state.in_(WRONG_STATES)
    )
    found = connection.scalars(statement.order_by(JobRow.array_index).limit(limit))
    return [index for index in found if index is not None]


def unfinished_tasks(connection: Connection, array_id: str) -> list[str]:
    """The ids of an array's tasks that are not over, the last first.

    Who cancels them in this order has those that are held gone before a place comes free for them.
    """
    statement = select(JobRow.id).where(
        JobRow.array_id == array_id, JobRow.state.not_in(FINAL_STATES)
    )
    return list(connection.scalars(statement.order_by(JobRow.id.desc())))


def out_counts(connection: Connection, array_ids: Collection[str]) -> dict[str, int]:
    """How many tasks of these arrays are in the queue or have devices."""
    statement = (
        select(JobRow.array_id, func.count())
        .where(_is_one_of(JobRow.array_id, array_ids), JobRow.state.in_(OUT_STATES))
        .group_by(JobRow.array_id)
    )
    return {str(row[0]): row[1] for row in connection.execute(statement)} if array_ids else {}
