"""Settlement with centres, and the platform's own statement, in the books.

Both are made of the tenants' statements when a month is closed, stored with their checksums, and
then stay the same bytes; before that they are drafts.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, text

from accounting.bills.platform_month import (
    PLATFORM,
    PLATFORM_FORMAT,
    Ledger,
    packages_of,
    platform_json,
)
from accounting.bills.settlement import (
    CENTRE_FORMAT,
    CentreMonth,
    Period,
    Source,
    centre_json,
    centre_month,
    centres_of,
)
from accounting.bills.statement import Json, StatementState, json_bytes, sha256_of
from accounting.bills.terms import CentreTerms, SettledMonth, TermsMissing, faults
from accounting.calendar import month_bounds
from accounting.ledger import TransferKind
from accounting.months.closing import (
    CannotClose,
    Scope,
    StatementAltered,
    last_closed,
    scope_of,
    statements_of,
)
from accounting.storage.bill_tables import SettlementRow
from accounting.storage.fact_store import alone, facts, keep, row_of
from accounting.storage.tables import ClosingRow, TransferRow

_CENTRE = "centre:"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSettlement:
    """The bytes of a centre's statement, or of the platform's."""

    party: str
    month: str
    state: StatementState
    body: bytes
    sha256: str


class TermsRefused(Exception):
    """Terms that cannot be published; the message says why."""


def terms(connection: Connection) -> tuple[CentreTerms, ...]:
    """All terms of all centres, by centre and month."""
    found = facts(connection, CentreTerms)
    return tuple(sorted(found, key=lambda one: (one.centre_id, one.month)))


def publish_terms(connection: Connection, wanted: CentreTerms) -> CentreTerms:
    """Keep a centre's terms; the same again changes nothing. Raises `TermsRefused`."""
    for fault in faults(wanted):
        raise TermsRefused(f"terms of centre {wanted.centre_id}: {fault}")
    # A month that is being closed is settled by the terms that it has read: wait for its end.
    connection.execute(text("LOCK TABLE closings IN SHARE MODE"))
    alone(connection, CentreTerms)
    table = row_of(CentreTerms)
    key = (table.centre_id == wanted.centre_id, table.month == wanted.month)
    for known in facts(connection, CentreTerms, *key):
        if (known.kind, known.prices, known.tiers, known.vat_permille) == (
            wanted.kind,
            wanted.prices,
            wanted.tiers,
            wanted.vat_permille,
        ):
            return known
        raise TermsRefused(
            f"centre {wanted.centre_id} has other terms from {wanted.month} on: "
            "choose a later month"
        )
    closed = last_closed(connection)
    if closed is not None and wanted.month <= closed:
        raise TermsRefused(f"{wanted.month} is closed: terms begin with an open month")
    keep(connection, wanted)
    return wanted


def centre_party(centre_id: str) -> str:
    """Under what name a centre's statements are kept."""
    return f"{_CENTRE}{centre_id}"


def settlement(connection: Connection, party: str, month: str) -> StoredSettlement:
    """A centre's statement, or the platform's: as it was closed, or a draft of what is known.

    Raises `TermsMissing`, and `StatementAltered` where a checksum does not fit.
    """
    mine = (SettlementRow.party == party, SettlementRow.month == month)
    row = connection.execute(select(SettlementRow.__table__).where(*mine)).one_or_none()
    if row is not None:
        if sha256_of(row.body) != row.sha256:
            raise StatementAltered(f"the statement {month} of {party} was altered")
        return _stored(party, month, StatementState.CLOSED, row.body)
    settled = facts(connection, SettledMonth, row_of(SettledMonth).month == month)
    period = Period(month=month, closed_at_ms=settled[0].at_ms if settled else None)
    state = StatementState.CLOSED if settled else StatementState.DRAFT
    made = _made(connection, period, [party])
    return _stored(party, month, state, made[party])


def _stored(party: str, month: str, state: StatementState, body: bytes) -> StoredSettlement:
    return StoredSettlement(
        party=party, month=month, state=state, body=body, sha256=sha256_of(body)
    )


def settle_month(connection: Connection, month: str, now_ms: int) -> None:
    """Make and keep all statements of a month that was closed in this very transaction.

    Raises `CannotClose` where a centre's terms have no price for what it ran.
    """
    try:
        made = _made(connection, Period(month=month, closed_at_ms=now_ms))
    except TermsMissing as error:
        raise CannotClose(str(error)) from None
    sums = tuple(sorted((party, sha256_of(body)) for party, body in made.items()))
    keep(connection, SettledMonth(month=month, at_ms=now_ms, statements=sums))
    rows = [
        {"party": party, "month": month, "body": made[party], "sha256": sha256, "at_ms": now_ms}
        for party, sha256 in sums
    ]
    connection.execute(insert(SettlementRow), rows)


def _made(
    connection: Connection, period: Period, parties: Iterable[str] = ()
) -> Mapping[str, bytes]:
    """The statements of a month by party; of centres without usage only those asked for."""
    sources = _sources(connection, period.month)
    known = terms(connection)
    asked = {one.removeprefix(_CENTRE) for one in parties if one != PLATFORM}
    months: dict[str, CentreMonth] = {
        centre_id: centre_month(centre_id, period, sources, known)
        for centre_id in sorted({*centres_of(sources), *asked})
    }
    made = {
        centre_party(centre_id): json_bytes(centre_json(one)) for centre_id, one in months.items()
    }
    centres = [(one, sha256_of(made[centre_party(centre_id)])) for centre_id, one in months.items()]
    ledger = _ledger(connection, period.month, scope_of(connection, period.month))
    sold_micros = _sold(connection, packages_of(sources))
    made[PLATFORM] = json_bytes(platform_json(period, sources, centres, ledger, sold_micros))
    return made


def _sources(connection: Connection, month: str) -> list[Source]:
    found = (
        Source(one.tenant_id, one.sha256, json.loads(one.body))
        for one in statements_of(connection, month)
    )
    return sorted(found, key=lambda source: source.tenant_id)


# A post is named after its slice: reference@from_ms; it is written along with it.
_POSTED = text(r"""
    SELECT centre_id, sum(amount_micros), count(*) FROM (
        SELECT substr(credit_account, 8) AS centre_id, amount_micros, seq,
            CAST(substring(reference FROM '@(\d+)$') AS bigint) AS from_ms
        FROM transfers WHERE kind = 'post' AND credit_account LIKE 'income:%' AND seq > :begun_seq
            AND (CAST(:through_seq AS bigint) IS NULL OR seq <= :through_seq)
    ) AS posts
    WHERE from_ms >= :from_ms AND from_ms < :to_ms
        OR from_ms < :from_ms AND seq > CAST(:after_seq AS bigint)
    GROUP BY centre_id
""")
_GIVEN_BACK = text(r"""
    SELECT usage.centre_id, sum(transfers.amount_micros)
    FROM usage_credits AS given JOIN usage ON usage.reference = given.reference
    JOIN transfers ON transfers.kind = 'post'
        AND transfers.reference = usage.reference || '@' || usage.from_ms
    WHERE (CAST(:through_seq AS bigint) IS NULL
            OR greatest(given.seq, usage.seq) <= :through_seq)
        AND (usage.month = :month
            OR usage.month < :month
            AND greatest(given.seq, usage.seq) > CAST(:after_seq AS bigint))
    GROUP BY usage.centre_id
""")


def _sold(connection: Connection, package_ids: Sequence[str]) -> int:
    """What tenants paid for these packages, by the ledger."""
    bought = (TransferRow.kind == TransferKind.PURCHASE, TransferRow.reference.in_(package_ids))
    return int(connection.scalar(select(func.sum(TransferRow.amount_micros)).where(*bought)) or 0)


def _ledger(connection: Connection, month: str, scope: Scope) -> Mapping[str, Ledger]:
    """What was posted as each centre's income for the facts that the month's statements take in."""
    from_ms, to_ms = month_bounds(month)
    limits = {"after_seq": scope.after_seq, "through_seq": scope.through_seq}
    # What was written before the month had begun is not about it.
    before = select(func.max(ClosingRow.through_seq)).where(ClosingRow.closed_at_ms <= from_ms)
    window = {"from_ms": from_ms, "to_ms": to_ms, "begun_seq": connection.scalar(before) or 0}
    rows = connection.execute(_POSTED, {**limits, **window})
    posted = {centre_id: (int(micros), count) for centre_id, micros, count in rows}
    back: defaultdict[str, int] = defaultdict(int)
    for centre_id, micros in connection.execute(_GIVEN_BACK, {**limits, "month": month}):
        back[centre_id] += int(micros)
    made = {}
    for centre_id in sorted(posted.keys() | back.keys()):
        micros, count = posted.get(centre_id, (0, 0))
        made[centre_id] = Ledger(
            posted_micros=micros, given_back_micros=back.get(centre_id, 0), post_count=count
        )
    return made


def unfit(connection: Connection) -> Iterator[tuple[str, str]]:
    """Each stored statement that is not what it was closed as, and how: its row, what is wrong."""
    settled = {one.month: one for one in facts(connection, SettledMonth)}
    noted = {month: dict(one.statements) for month, one in settled.items()}
    rows = select(SettlementRow.__table__).order_by(SettlementRow.month, SettlementRow.party)
    stored: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    for row in connection.execute(rows):
        stored[row.month][row.party] = row.body
        if sha256_of(row.body) != row.sha256:
            yield f"{row.party} {row.month}", "its checksum does not fit"
        elif noted.get(row.month, {}).get(row.party) != row.sha256:
            yield f"{row.party} {row.month}", "the close of its month has noted another checksum"
        elif settled[row.month].at_ms != row.at_ms:
            yield f"{row.party} {row.month}", "it says another moment than the close of its month"
    for month, sums in sorted(noted.items()):
        for party in sorted(sums.keys() - stored[month].keys()):
            yield f"{party} {month}", "it is gone"
        yield from _made_otherwise(connection, month, stored[month])


def _made_otherwise(
    connection: Connection, month: str, stored: Mapping[str, bytes]
) -> Iterator[tuple[str, str]]:
    """What the tenants' statements come to now; earlier forms are not made again."""
    (settled,) = facts(connection, SettledMonth, row_of(SettledMonth).month == month)
    try:
        again = _made(connection, Period(month=month, closed_at_ms=settled.at_ms))
    except (StatementAltered, TermsMissing) as error:
        yield f"{month}", str(error)
        return
    for party, body in sorted(stored.items()):
        is_current = _format_of(body) in {CENTRE_FORMAT, PLATFORM_FORMAT}
        if is_current and again.get(party) != body:
            yield (
                f"{party} {month}",
                "the tenants' statements and the ledger come to something else",
            )


def _format_of(body: bytes) -> object:
    try:
        said: Json = json.loads(body)
    except ValueError:
        return None
    return said.get("format")
