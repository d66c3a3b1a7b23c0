"""What a park file says, as wishes to the leader: once for each change of the file."""

import hashlib
import json
from collections.abc import Iterator

from pydantic import JsonValue
from sqlalchemy import Connection, select

from accounting.storage.hours import metered_units
from api.files.park_file import ParkFile, ParkFileInvalid
from cluster.inventory import SHARE_HALF_LIFE_MS, Park
from scheduler.facts.events import (
    CohortDeclared,
    Credited,
    ParkDeclared,
    PriceListPublished,
    ProjectDeclared,
    TenantDeclared,
    Wish,
)
from scheduler.facts.log import FILE_PREFIX, Request
from scheduler.storage.codec import encode
from scheduler.storage.queries import declared_views
from scheduler.storage.store import put_requests
from scheduler.storage.tables import InboxRow


def declare(connection: Connection, park_file: ParkFile, now_ms: int) -> int:
    """Ask for what the file says, in the caller's transaction; how many wishes were new.

    The file that was declared last is not declared again, so that what operators have changed
    since then stays; but where a part of it was refused, as it did not fit what ran, all of it is.
    Brokers that start together ask under the same ids, which is once. An opening balance is paid
    in once for ever, whatever the file says later. Raises `ParkFileInvalid` for a kind that was
    metered in the other unit.
    """
    requests: list[Request] = []
    declared = list(_declared(park_file, now_ms))
    digest = _digest(*declared)
    last_id, last_seq = _last_declaration(connection)
    is_known = last_id.startswith(f"{FILE_PREFIX}{digest}:")
    if not is_known or _is_refused(connection, last_id):
        _check_units(connection, park_file.park)
        requests += [
            Request(id=f"{FILE_PREFIX}{digest}:{last_seq}:{number}", wish=wish)
            for number, wish in enumerate(declared)
        ]
    requests += _price_lists(connection, park_file, now_ms)
    requests += _opening_balances(park_file, now_ms)
    return put_requests(connection, requests, now_ms)


def _check_units(connection: Connection, park: Park) -> None:
    """A kind that left the park does not come back in the other unit: bills would have both.

    One that earlier releases have let change stays what it is now.
    """
    metered = metered_units(connection)
    for kind_id, unit in sorted(metered):
        kind = park.device_kind_by_id.get(kind_id)
        if kind is not None and (kind_id, kind.unit.value) not in metered:
            raise ParkFileInvalid(
                f"park file: device kind {kind_id} is counted in {kind.unit}s, and was metered in "
                f"{unit}s: give what is new another id"
            )


def _declared(park_file: ParkFile, now_ms: int) -> Iterator[Wish]:
    yield ParkDeclared(at_ms=now_ms, park=park_file.park)
    for cohort in park_file.cohorts:
        yield CohortDeclared(at_ms=now_ms, cohort=cohort)
    for tenant in park_file.tenants:
        yield TenantDeclared(at_ms=now_ms, tenant=tenant)
    for project in park_file.projects:
        yield ProjectDeclared(at_ms=now_ms, project=project)


def _price_lists(connection: Connection, park_file: ParkFile, now_ms: int) -> Iterator[Request]:
    known = {name for name, _ in declared_views(connection) if name.startswith("price_list:")}
    for prices in park_file.price_lists:
        if f"price_list:{prices.id}" not in known:
            # Before anything was sold, lists may begin in the past.
            at_ms = now_ms if known else min(now_ms, prices.from_ms)
            wish = PriceListPublished(at_ms=at_ms, price_list=prices)
            yield Request(id=f"price-list:{prices.id}:{_digest(wish)}", wish=wish)


def _opening_balances(park_file: ParkFile, now_ms: int) -> Iterator[Request]:
    for tenant_id, amount_micros in sorted(park_file.opening_balances.items()):
        if amount_micros > 0:
            reference = f"opening:{tenant_id}"
            wish = Credited(
                at_ms=now_ms, tenant_id=tenant_id, amount_micros=amount_micros, reference=reference
            )
            yield Request(id=reference, wish=wish)


def _digest(*wishes: Wish) -> str:
    """Of what is wished, whenever; what says nothing does not count, so that it may be added."""
    said = [_said({**encode(wish), "at_ms": 0}) for wish in wishes]
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


_DEFAULTS = (
    ("unit", "card"),
    ("guarantees_racks", False),
    ("share_half_life_ms", SHARE_HALF_LIFE_MS),
)
"""What files could not say before, and what they meant."""


def _said(value: JsonValue) -> JsonValue:
    """The same without empty lists, what is null, and what is as it was before it could be said."""
    if isinstance(value, dict):
        said = {key: _said(one) for key, one in value.items() if one not in ([], None)}
        return {key: one for key, one in said.items() if (key, one) not in _DEFAULTS}
    return [_said(one) for one in value] if isinstance(value, list) else value


def _last_declaration(connection: Connection) -> tuple[str, int]:
    statement = (
        select(InboxRow.id, InboxRow.seq)
        .where(InboxRow.id.startswith(FILE_PREFIX))
        .order_by(InboxRow.seq.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return (row.id, row.seq) if row else ("", 0)


def _is_refused(connection: Connection, request_id: str) -> bool:
    """Whether any of the wishes that were declared together with this one was refused."""
    together, _, _ = request_id.rpartition(":")
    statement = select(InboxRow.id).where(
        InboxRow.id.startswith(f"{together}:"), InboxRow.refused.is_not(None)
    )
    return connection.scalar(statement.limit(1)) is not None
