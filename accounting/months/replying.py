"""Replies to closed statements: said once each, read in their order, and what is granted then."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from accounting.bills.concessions import Concession, concession
from accounting.bills.replies import Reply, ReplyRefused, check, numbered_lines
from accounting.bills.statement import Correction, StatementState, correction_json
from accounting.months.closing import StoredStatement, scope_of, statement
from accounting.storage.concession_store import concessions, given_back_since
from accounting.storage.fact_store import alone, facts, keep, row_of


def replies(connection: Connection, tenant_id: str, month: str) -> tuple[Reply, ...]:
    """All that was said about a statement, in its order."""
    table = row_of(Reply)
    return facts(connection, Reply, table.tenant_id == tenant_id, table.month == month)


def standings(connection: Connection, month: str) -> Mapping[str, Reply]:
    """The last word about each tenant's statement of a month."""
    return {one.tenant_id: one for one in facts(connection, Reply, row_of(Reply).month == month)}


def reply(connection: Connection, said: Reply) -> Reply:
    """Keep a word about a closed statement; the same again changes nothing.

    Its `number` follows from what was said before, and its `sha256`, where it names none, from the
    statement. Raises `ReplyRefused`.
    """
    fitting, earlier, _ = _checked(connection, said)
    if fitting not in earlier:
        keep(connection, fitting)
    return fitting


def decide(
    connection: Connection, said: Reply, amount_fen: int | None
) -> tuple[Reply, Concession | None]:
    """Keep what finance decides of a dispute, and what it grants; the same again changes nothing.

    Whoever commits has the leader move the money. Raises `ReplyRefused`.
    """
    fitting, earlier, stored = _checked(connection, said)
    granted = concessions(connection, said.tenant_id, said.month)
    if fitting in earlier:
        known = next((one for one in granted if one.number == fitting.number), None)
        if (known.amount_fen if known else None) != amount_fen:
            raise ReplyRefused(f"the dispute is {fitting.kind} already, with another amount")
        return fitting, known
    if amount_fen is None:
        keep(connection, fitting)
        return fitting, None
    body, lines = json.loads(stored.body), earlier[-1].lines
    back = _given_back_since(connection, said.tenant_id, body)
    made = concession(fitting, lines, amount_fen, body, granted, back)
    keep(connection, fitting, made)
    return fitting, made


def _given_back_since(
    connection: Connection, tenant_id: str, body: Mapping[str, Any]
) -> list[dict[str, object]]:
    """Of the usage that a closed statement (its JSON) has: corrections on later statements."""
    through_seq = scope_of(connection, body["month"]).through_seq
    assert through_seq is not None, "the month is closed"
    months = {body["month"], *(row["month"] for row in body["corrections"])}
    return [
        correction_json(Correction(month=month, usage=usage))
        for month in sorted(months)
        for usage in given_back_since(connection, tenant_id, month, through_seq)
    ]


def _checked(connection: Connection, said: Reply) -> tuple[Reply, Sequence[Reply], StoredStatement]:
    """The word with its number, or the last one if that says the same, and what it follows."""
    alone(connection, Reply)
    stored = statement(connection, said.tenant_id, said.month)
    if stored.state is not StatementState.CLOSED or not _says_something(stored):
        raise ReplyRefused(
            f"tenant {said.tenant_id} has no closed statement of {said.month}: "
            "a draft may still change"
        )
    if said.sha256 not in {"", stored.sha256}:
        raise ReplyRefused(f"it is about {said.sha256[:16]}, and the statement is {stored.sha256}")
    earlier = replies(connection, said.tenant_id, said.month)
    numbered = replace(said, number=len(earlier) + 1, sha256=stored.sha256)
    if earlier and earlier[-1].says_the_same(numbered):
        return earlier[-1], earlier, stored
    check(numbered, earlier, line_count(stored))
    return numbered, earlier, stored


def line_count(stored: StoredStatement) -> int:
    """So many lines may be named."""
    return len(numbered_lines(json.loads(stored.body)))


def _says_something(stored: StoredStatement) -> bool:
    return bool(line_count(stored)) or "concessions" in json.loads(stored.body)
