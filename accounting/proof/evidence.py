"""Evidence of a job, or of a line of a statement: the facts that prove it, of its tenant alone.

A piece of the tenant's own chain, from the first fact that matters to the first daily root that
covers the last one; the prices, and the roots from that one on to the newest.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, false, func, or_, select

from accounting.bills.statement import StatementState, sha256_of
from accounting.chain import (
    PARK,
    leaves_digest,
    names_of,
    price_list_leaf,
    statement_leaf,
)
from accounting.link import GENESIS, Link
from accounting.months.closing import scope_of, statement
from accounting.proof.leaves import leaves_of, roots_drawn
from accounting.proof.verifying import Stored, stored_facts
from accounting.storage.chaining import heads
from accounting.storage.tables import (
    PriceListRow,
    TransferRow,
    UsageCreditRow,
    UsageRow,
    VoucherEntryRow,
)
from accounting.usage.slices import UsageSlice

FACTS_MAX = 1_000_000
"""No evidence has more facts than this; a line of so many is proven by `brain verify`."""

_SECTIONS = ("lines", "credits", "corrections")
_KEYS = {
    "project": "project",
    "field": "field",
    "centre": "centre_id",
    "device": "device_kind_id",
    "qos": "qos",
    "price_list": "price_list_id",
}
Json = dict[str, Any]


class NoEvidence(Exception):
    """There is nothing to be proven, or it cannot be; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is claimed, and where in the chain of `tenant_id` its facts are.

    `body` is the statement that the claim is about; None for a job. Of the chain it needs the links
    `first` to `last`.
    """

    tenant_id: str
    claim: Json
    first: int
    last: int
    references: tuple[str, ...]
    body: bytes | None = None


def of_job(
    connection: Connection, tenant_id: str, job_id: str, attempt_ids: Collection[str]
) -> Evidence:
    """All that was metered, given back and moved for a job; raises `NoEvidence` for nothing."""
    mine = TransferRow.tenant_id == tenant_id
    of_attempts = [UsageRow.reference.startswith(f"{one}/", autoescape=True) for one in attempt_ids]
    covered = select(UsageRow.reference).where(
        UsageRow.tenant_id == tenant_id, or_(false(), *of_attempts)
    )
    drawn = connection.scalars(covered.distinct()) if attempt_ids else ()
    references = sorted({*attempt_ids, *drawn})
    named = (TransferRow.reference.startswith(one, autoescape=True) for one in sorted(attempt_ids))
    spans = [
        _span(connection, UsageRow, UsageRow.reference.in_(references)),
        _span(connection, UsageCreditRow, UsageCreditRow.reference.in_(references)),
        _span(connection, TransferRow, mine, or_(*named)) if attempt_ids else None,
    ]
    known = [span for span in spans if span]
    if not known:
        raise NoEvidence(f"job {job_id} has used nothing yet")
    return Evidence(
        tenant_id=tenant_id,
        claim={"job": job_id},
        first=min(first for first, _ in known),
        last=max(last for _, last in known),
        references=tuple(references),
    )


def of_line(connection: Connection, tenant_id: str, month: str, number: int) -> Evidence:
    """One line of a statement, counted from 1 on through lines, credits and corrections."""
    stored = statement(connection, tenant_id, month)
    said = json.loads(stored.body)
    section, line = _line(said, number)
    scope = scope_of(connection, month)
    is_late = section == "corrections"
    after = _number_at(connection, tenant_id, scope.after_seq) if is_late else 0
    through = (said.get("chain") or {}).get("facts", 0)
    if stored.state is StatementState.DRAFT:
        through = heads(connection, [tenant_id]).get(tenant_id, GENESIS).number
    alike = [getattr(UsageRow, column) == line[key] for key, column in _KEYS.items()]
    mine = (UsageRow.tenant_id == tenant_id, UsageRow.month == line.get("month", month), *alike)
    used = _span(connection, UsageRow, *mine, UsageRow.link <= through)
    if used is None:
        raise NoEvidence(f"no slice is behind line {number}")
    entries = VoucherEntryRow.tenant_id == tenant_id, VoucherEntryRow.month == month
    paid = _span(connection, VoucherEntryRow, *entries)
    back = select(UsageRow.reference).where(*mine, UsageRow.link <= through).distinct()
    claim = {"month": month, "line": number, "section": section, "state": stored.state.value}
    return Evidence(
        tenant_id=tenant_id,
        claim=claim | {"after": after, "through": through},
        first=used[0],
        last=max(through, paid[1] if paid else 0),
        references=tuple(sorted(connection.scalars(back))),
        body=stored.body,
    )


def _line(said: Json, number: int) -> tuple[str, Json]:
    places = [(section, line) for section in _SECTIONS for line in said[section]]
    if not 1 <= number <= len(places):
        raise NoEvidence(f"the statement ends with line {len(places)}: it has no line {number}")
    section, line = places[number - 1]
    if missing := [key for key in (*_KEYS, "device_ms", "price", "amount_fen") if key not in line]:
        raise NoEvidence(f"line {number} is not about device time: it has no {missing[0]}")
    return section, line


def _span(connection: Connection, table: Any, *conditions: Any) -> tuple[int, int] | None:
    ends = select(func.min(table.link), func.max(table.link)).where(*conditions)
    first, last = connection.execute(ends).one()
    return None if first is None else (first, last)


def _number_at(connection: Connection, tenant_id: str, seq: int | None) -> int:
    """How long a tenant's chain was when fact `seq` had been written, as far as usage tells."""
    numbers = [0]
    for table in (UsageRow, UsageCreditRow):
        mine = (table.tenant_id == tenant_id, table.seq <= (seq or 0))
        span = _span(connection, table, *mine)
        numbers.append(span[1] if span else 0)
    return max(numbers)


def roots_over(
    connection: Connection, tenant_id: str, number: int, papers: Collection[str] = ()
) -> list[Json]:
    """The first root that covers a link or one of these papers, and all after it.

    Each that covers any of them for the first time comes with its leaves. Roots of the first form
    are left out: to check them one must be told all chains' names.
    """
    told: list[Json] = []
    before, missing = GENESIS.hash, set(papers)
    for row, ends, new in roots_drawn(connection):
        leaves = leaves_of(ends, new) if row.form > 1 else []
        mine = dict(ends).get(tenant_id, GENESIS)
        is_first = leaves and mine.number >= number and not any("facts" in one for one in told)
        head = {"facts": mine.number, "head": mine.hash.hex()} if is_first else {}
        found = missing.intersection(leaves)
        root = {"day": row.day, "before": before.hex(), "root": row.root.hex(), **head}
        if found or head:
            told.append(root | {"leaves": leaves})
        elif told:
            told.append(root | {"digest": leaves_digest(leaves)})
        before, missing = row.root, missing - found
    return told


def papers_of(connection: Connection, evidence: Evidence, list_ids: Collection[str]) -> list[str]:
    """The leaves of the price lists, and of the statement if it is closed."""
    named = select(PriceListRow.link, PriceListRow.hash).where(PriceListRow.id.in_(list_ids))
    leaves = [price_list_leaf(Link(*row)) for row in connection.execute(named)]
    if evidence.body is not None:
        month, sha256 = evidence.claim["month"], sha256_of(evidence.body)
        leaves.append(statement_leaf(evidence.tenant_id, month, sha256))
    return leaves


def facts_of(connection: Connection, evidence: Evidence, last: int) -> Iterator[Stored]:
    """The piece of the chain, up to link `last`; raises `NoEvidence` where it is too long."""
    if last - evidence.first >= FACTS_MAX:
        count = last - evidence.first + 1
        raise NoEvidence(f"it takes {count} facts, and at most {FACTS_MAX} are told at once")
    with ExitStack() as opened:
        span = (evidence.first, last)
        yield from stored_facts(connection, evidence.tenant_id, opened, span)


def hash_before(connection: Connection, tenant_id: str, number: int) -> bytes:
    """The hash of the chain before a link."""
    if number == 1:
        return GENESIS.hash
    with ExitStack() as opened:
        span = (number - 1, number - 1)
        (before,) = stored_facts(connection, tenant_id, opened, span)
    return before.hash


def price_list_of(stored: Stored) -> str:
    """Which price list a slice names."""
    names = names_of(UsageSlice)
    return str(json.loads(stored.said)[1 + names.index("price_list_id")])


def prices_of(connection: Connection, list_ids: Collection[str]) -> Iterator[bytes]:
    """A line each: its link in the park's chain, the hash before it, its own, what it says.

    What stands between them names other tenants, and is not told.
    """
    before = GENESIS.hash
    with ExitStack() as opened:
        for stored in stored_facts(connection, PARK, opened):
            said = json.loads(stored.said)
            if said[0] == "price_list/1" and said[1] in list_ids:
                line = f"{stored.number} {before.hex()} {stored.hash.hex()} "
                yield line.encode() + stored.said + b"\n"
            before = stored.hash
