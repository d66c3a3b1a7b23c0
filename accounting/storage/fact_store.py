"""Facts about bills in PostgreSQL: each kind in its table, linked into its chain, read as it was.

Whoever opened the connection commits.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_type_hints

from sqlalchemy import Connection, insert, select, text

from accounting.bills.claims import Claim, ClaimRule, Contract
from accounting.bills.concessions import Concession
from accounting.bills.invoices import InvoiceRequest, InvoiceStep, Receipt
from accounting.bills.replies import Reply
from accounting.bills.terms import CentreTerms, SettledMonth
from accounting.chain import Fact, names_of
from accounting.prices.packages import Package
from accounting.storage.activity_tables import ActivityRow
from accounting.storage.bill_tables import (
    CentreTermsRow,
    ClaimRow,
    ClaimRuleRow,
    ConcessionRow,
    ContractRow,
    InvoiceRequestRow,
    InvoiceStepRow,
    Linked,
    PackageRow,
    ReceiptRow,
    ReplyRow,
    SettledMonthRow,
)
from accounting.storage.chaining import chained, columns_of
from accounting.storage.store import Condition
from accounting.usage.activity import ActivitySlice

T = TypeVar("T")

OF_TENANTS: Mapping[type[Any], type[Any]] = {
    Reply: ReplyRow,
    InvoiceRequest: InvoiceRequestRow,
    InvoiceStep: InvoiceStepRow,
    Receipt: ReceiptRow,
    Contract: ContractRow,
    Claim: ClaimRow,
    Package: PackageRow,
    ActivitySlice: ActivityRow,
    Concession: ConcessionRow,
}
"""The table of each kind whose facts are in the chains of tenants."""

OF_THE_PARK: Mapping[type[Any], type[Any]] = {
    CentreTerms: CentreTermsRow,
    SettledMonth: SettledMonthRow,
    ClaimRule: ClaimRuleRow,
}
"""The same of what belongs to no tenant."""

_ROWS = {**OF_TENANTS, **OF_THE_PARK}


def alone(connection: Connection, *kinds: type[Any]) -> None:
    """Let nobody else write facts of these kinds until the transaction ends."""
    tables = ", ".join(sorted(_ROWS[kind].__tablename__ for kind in kinds))
    connection.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))


def keep(connection: Connection, *facts: Fact) -> None:
    """Write facts in their order; raises `IntegrityError` where one is there already."""
    for fact, link in zip(facts, chained(connection, facts), strict=True):
        row = {name: getattr(fact, name) for name in names_of(type(fact))}
        connection.execute(insert(_ROWS[type(fact)]), row | columns_of(link))


def facts(
    connection: Connection, kind: type[T], *conditions: Condition, limit: int | None = None
) -> tuple[T, ...]:
    """The facts of a kind for which all conditions hold, in the order in which they were written.

    Conditions are on the columns of the kind's table, `row_of(kind)`. At most `limit` of them.
    """
    table, hints = row_of(kind), _hints(kind)
    rows = select(*(getattr(table, name) for name in hints)).where(*conditions)
    rows = rows.order_by(table.seq).limit(limit)
    return tuple(
        kind(**{name: _decoded(hint, row[name]) for name, hint in hints.items()})
        for row in connection.execute(rows).mappings()
    )


def row_of(kind: type[Any]) -> Any:
    """The table of a kind of facts."""
    table = _ROWS[kind]
    assert issubclass(table, Linked), f"{table} is no table of facts"
    return table


def key_of(kind: type[Any]) -> tuple[str, ...]:
    """The names of what tells two facts of a kind apart."""
    return tuple(column.name for column in row_of(kind).__table__.primary_key)


def _hints(kind: type[Any]) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in names_of(kind)}


def _decoded(hint: Any, value: Any) -> Any:
    """A column's value as the fact has it: words of a closed list, and tuples where JSON is."""
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    if isinstance(value, list):
        inner = get_args(hint)[0]
        return tuple(_item(inner, item) for item in value)
    return value


def _item(hint: Any, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return hint(*value) if hasattr(hint, "_fields") else tuple(value)
