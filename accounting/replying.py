"""Replies to closed statements: said once each, read in their order."""

import json
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from accounting.closing import StoredStatement, statement
from accounting.fact_store import alone, facts, keep, row_of
from accounting.replies import Reply, ReplyRefused, check
from accounting.statement import StatementState


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
    alone(connection, Reply)
    stored = statement(connection, said.tenant_id, said.month)
    if stored.state is not StatementState.CLOSED or not line_count(stored):
        raise ReplyRefused(
            f"tenant {said.tenant_id} has no closed statement of {said.month}: "
            "a draft may still change"
        )
    if said.sha256 not in {"", stored.sha256}:
        raise ReplyRefused(f"it is about {said.sha256[:16]}, and the statement is {stored.sha256}")
    earlier = replies(connection, said.tenant_id, said.month)
    numbered = replace(said, number=len(earlier) + 1, sha256=stored.sha256)
    if earlier and earlier[-1].says_the_same(numbered):
        return earlier[-1]
    check(numbered, earlier, line_count(stored))
    keep(connection, numbered)
    return numbered


def line_count(stored: StoredStatement) -> int:
    """So many lines may be named: purchases (a statement of an early form has none) come last."""
    body = json.loads(stored.body)
    parts = ("lines", "credits", "corrections", "purchases")
    return sum(len(body.get(part, ())) for part in parts)
