"""Keys made by who has the database: all of a park on this machine, or an operator's first."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from api.auth import Role, create_key, find_caller
from api.client.profile import Profile
from api.clock import now_ms
from api.database import engine
from api.files.park_file import ParkFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A key that a local park needs; `name` is what keys.json calls it."""

    name: str
    role: Role
    tenant_id: str | None = None
    centre_id: str | None = None


def agent_key_name(centre_id: str) -> str:
    return f"agent-{centre_id}"


def prepare_keys(database_url: str, url: str, park_file: ParkFile, kept: Profile | None) -> Profile:
    """All keys that are wanted: those that were kept and still open something, and new ones."""
    keys: dict[str, str] = {}
    database = engine(database_url)
    try:
        with database.begin() as connection:
            for wanted in _wanted(park_file):
                old = kept.keys.get(wanted.name) if kept else None
                if old is None or not _fits(connection, old, wanted):
                    old = _create(connection, wanted)
                keys[wanted.name] = old
    finally:
        database.dispose()
    return Profile(url=url, tenant=park_file.tenants[0].id, keys=keys)


def new_operator_key(database_url: str) -> str:
    """A key for whoever has the database itself: none is needed to make it."""
    database = engine(database_url)
    try:
        with database.begin() as connection:
            return create_key(
                connection, Role.OPERATOR, now_ms=now_ms(), label="brain migrate"
            ).secret
    finally:
        database.dispose()


def _wanted(park_file: ParkFile) -> Iterator[Wanted]:
    yield Wanted(name="operator", role=Role.OPERATOR)
    yield Wanted(name="finance", role=Role.FINANCE)
    for tenant in park_file.tenants:
        yield Wanted(name=tenant.id, role=Role.TENANT, tenant_id=tenant.id)
    for centre in park_file.park.centres:
        yield Wanted(name=agent_key_name(centre.id), role=Role.AGENT, centre_id=centre.id)


def _fits(connection: Connection, key: str, wanted: Wanted) -> bool:
    """Whether a kept key is one of this database, not revoked, and of the role wanted."""
    caller = find_caller(connection, key)
    return (
        caller is not None
        and caller.role is wanted.role
        and caller.tenant_id == wanted.tenant_id
        and caller.centre_id == wanted.centre_id
    )


def _create(connection: Connection, wanted: Wanted) -> str:
    made = create_key(
        connection,
        wanted.role,
        now_ms=now_ms(),
        label="brain up",
        tenant_id=wanted.tenant_id,
        centre_id=wanted.centre_id,
    )
    return made.secret
