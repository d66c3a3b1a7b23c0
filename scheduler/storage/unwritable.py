"""What PostgreSQL refuses for what it is given, and not for how it fares itself."""

from psycopg import DataError
from psycopg import Error as PgError
from sqlalchemy.exc import DBAPIError

from scheduler.facts.log import Unwritable

_CLASSES = {
    "21",  # a row twice where it may be once
    "22",  # a number that is too large, text that is none
    "23",  # a constraint: unique, foreign key, CHECK
    "44",  # a view's own condition
    "54",  # too much: of columns, of depth, of bytes in an index
    "P0",  # what a trigger raises
}
"""The first two letters of a SQLSTATE, which are its class.

Not among them: lost connections, no memory or disk, locks and deadlocks, a server that goes down,
missing tables and rights. These are not about the data, and it may be written later.
"""

_NO_TEXT = "22021"
"""What the server calls text that is none, where the driver has seen it first."""


def unwritable(error: Exception) -> Unwritable | None:
    """The refusal in an error of the database; `None` where it is about something else."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, PgError):
        return None
    code = cause.sqlstate or (_NO_TEXT if isinstance(cause, DataError) else "")
    return Unwritable(code, _said(cause)) if code[:2] in _CLASSES else None


def _said(cause: PgError) -> str:
    """What the server said in its first line, and where; its details hold the row itself."""
    diag = cause.diag
    where = ".".join(filter(None, (diag.table_name, diag.column_name or diag.constraint_name)))
    said = diag.message_primary or "this is no text for a database"
    return f"{where}: {said}" if where else said
