"""Many rows in one statement: new ones by COPY, changes as a JSON document that is unfolded there.

An `executemany` is a statement for each row, at both ends. Arrays, one a column, are dumped element
by element by the driver, which takes it ten times as long as one document.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Connection as PgConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import (
    ARRAY,
    JSON,
    Connection,
    TableValuedAlias,
    Text,
    Update,
    any_,
    bindparam,
    column,
    func,
    select,
    update,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.sql.expression import CollectionAggregate

Row = dict[str, Any]
Cell = str | int | None
"""What a column is copied from; JSON comes as text."""


def records(*columns: InstrumentedAttribute[Any]) -> TableValuedAlias:
    """The parameter `rows`, a list, as a table with these columns; what one leaves out is NULL."""
    rows = func.json_to_recordset(bindparam("rows", type_=JSON))
    typed = (column(one.key, one.type) for one in columns)
    return rows.table_valued(*typed).render_derived(name="new", with_types=True)


def updated(row: type[DeclarativeBase], new: TableValuedAlias, **values: object) -> Update:
    """Overwrite the row of each id in `new` by what `new` has of it, and by `values`.

    An id must not be there twice: only one of the two would count, and nobody knows which.
    """
    told = {name: new.c[name] for name in new.c.keys() if name != "id"}  # noqa: SIM118 - not a dict
    table = row.__table__
    # The join alone would do. But for all that the database knows a document has a hundred rows,
    # for which it would rather read through a table of ten thousand than look up eight.
    found = update(row).where(table.c.id == new.c.id, table.c.id == asked_ids())
    return found.values({**told, **values})


def asked_ids() -> CollectionAggregate[bool]:
    """Any of the ids that are given as the parameter `ids`, a list; found by the index."""
    given = func.json_array_elements_text(bindparam("ids", type_=JSON), type_=Text)
    listed = select(given.column_valued("asked_id")).scalar_subquery()
    return any_(func.array(listed, type_=ARRAY(Text)))


def execute_all(connection: Connection, statement: Update, rows: Iterable[Row]) -> None:
    """An `updated`, once for all rows; nothing where there are none."""
    listed = list(rows)
    if listed:
        connection.execute(statement, {"rows": listed, "ids": [row["id"] for row in listed]})


def copy_all(
    connection: Connection,
    columns: Sequence[InstrumentedAttribute[Any]],
    rows: Iterable[tuple[Cell, ...]],
) -> None:
    """Add rows to the columns' table; raises the driver's own error where one cannot be."""
    names = SQL(", ").join(Identifier(column.key) for column in columns)
    table = Identifier(columns[0].class_.__tablename__)
    driver = connection.connection.driver_connection
    assert isinstance(driver, PgConnection)
    copying = SQL("COPY {} ({}) FROM STDIN").format(table, names)
    with driver.cursor() as cursor, cursor.copy(copying) as copy:
        for row in rows:
            copy.write_row(row)
