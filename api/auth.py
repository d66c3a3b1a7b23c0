"""API keys: who calls, in which role, and for which tenant."""

import hashlib
import hmac
import logging
import secrets
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from api.errors import Refused, missing
from api.services import Services
from api.tables import KeyRow

SECRET_BYTES = 32
ID_BYTES = 6
PREFIX = "brk"
TOUCH_EVERY_MS = 60_000
TOUCHES_KEPT = 100_000
KEY_LENGTH_MAX = 128
CALLER = "caller"
"""Under what name a request's state has its caller, where that had to be known before its body."""

CHECK_EVERY_MS = 15_000
"""How long a key that was revoked may still follow something."""

KNOWN_MS = 1_000
"""How long a key may open what it did when it was looked up, where another broker revoked it."""
KNOWN_MAX = 10_000

_log = logging.getLogger(__name__)


class Role(StrEnum):
    """What a key may do: each role its own part, none all of it."""

    TENANT = "tenant"
    OPERATOR = "operator"
    FINANCE = "finance"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls. `tenant_id` is set for tenants alone, `centre_id` for agents alone."""

    key_id: str
    role: Role
    label: str
    tenant_id: str | None = None
    centre_id: str | None = None

    @property
    def is_tenant(self) -> bool:
        return self.role is Role.TENANT

    @property
    def scope(self) -> str:
        """Who shares: keys of one tenant do, anybody else is alone."""
        return f"tenant:{self.tenant_id}" if self.tenant_id else f"key:{self.key_id}"

    @property
    def signature(self) -> str:
        """Who it is, where the books say who did something: people's word for it, and ours."""
        return f"{self.label} ({self.key_id})"

    def may_see(self, tenant_id: str) -> bool:
        return not self.is_tenant or self.tenant_id == tenant_id

    def narrowed(self, tenant_id: str | None) -> str | None:
        """The tenant that an answer is about, `None` for all: a tenant's own, whatever it asks."""
        if not self.is_tenant:
            return tenant_id
        if tenant_id not in {None, self.tenant_id}:
            raise missing("tenant", str(tenant_id))
        return self.tenant_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key at the only moment when its secret is known."""

    id: str
    secret: str


def create_key(
    connection: Connection,
    role: Role,
    *,
    now_ms: int,
    label: str = "key",
    tenant_id: str | None = None,
    centre_id: str | None = None,
) -> NewKey:
    """Make a key in the caller's transaction; its `secret` is what a caller sends."""
    assert (role is Role.TENANT) == (tenant_id is not None), f"{role} for tenant {tenant_id}"
    assert (role is Role.AGENT) == (centre_id is not None), f"{role} for centre {centre_id}"
    key_id = secrets.token_hex(ID_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = {
        "id": key_id,
        "digest": _digest(secret),
        "role": role,
        "tenant_id": tenant_id,
        "centre_id": centre_id,
        "label": label,
        "created_at_ms": now_ms,
    }
    connection.execute(insert(KeyRow), row)
    return NewKey(id=key_id, secret=f"{PREFIX}_{key_id}_{secret}")


def revoke_key(connection: Connection, key_id: str, *, now_ms: int) -> None:
    """The key opens nothing from the commit on; revoking it again changes nothing."""
    statement = update(KeyRow).where(KeyRow.id == key_id, KeyRow.revoked_at_ms.is_(None))
    connection.execute(statement.values(revoked_at_ms=now_ms))


def find_caller(connection: Connection, key: str) -> Caller | None:
    """Whose key this is; `None` where it is nobody's (any more)."""
    parts = key.split("_", 2)
    if len(key) > KEY_LENGTH_MAX or len(parts) != 3 or parts[0] != PREFIX or not key.isascii():
        return None
    _, key_id, secret = parts
    statement = select(KeyRow.__table__).where(
        KeyRow.id == key_id.replace("\0", ""), KeyRow.revoked_at_ms.is_(None)
    )
    row = connection.execute(statement).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, _digest(secret)):
        return None
    return Caller(
        key_id=row.id,
        role=Role(row.role),
        label=row.label,
        tenant_id=row.tenant_id,
        centre_id=row.centre_id,
    )


class Watch:
    """A long answer's second looks at its caller's key: due by the clock, however busy it is."""

    def __init__(self, services: Services, caller: Caller) -> None:
        self._services = services
        self._caller = caller
        self._due_ms = services.clock() + CHECK_EVERY_MS

    @property
    def due_in_s(self) -> float:
        return max(0, self._due_ms - self._services.clock()) / 1_000

    @property
    def is_due(self) -> bool:
        return self._services.clock() >= self._due_ms

    async def is_valid(self) -> bool:
        """Whether the key still opens anything; looks, and is due again later."""
        self._due_ms = self._services.clock() + CHECK_EVERY_MS
        return await run_in_threadpool(_is_valid, self._services, self._caller)


def _is_valid(services: Services, caller: Caller) -> bool:
    statement = select(KeyRow.id).where(KeyRow.id == caller.key_id, KeyRow.revoked_at_ms.is_(None))
    with services.database.connect() as connection:
        return connection.scalar(statement) is not None


class Touches:
    """When each key was last used, written at most once a minute: not a write for each request."""

    def __init__(self) -> None:
        self._at_ms: dict[str, int] = {}
        self._lock = threading.Lock()

    def touch(self, connection: Connection, key_id: str, now_ms: int) -> None:
        with self._lock:
            if now_ms - self._at_ms.get(key_id, 0) < TOUCH_EVERY_MS:
                return
            if len(self._at_ms) >= TOUCHES_KEPT:
                self._at_ms.clear()
            self._at_ms[key_id] = now_ms
        statement = update(KeyRow).where(KeyRow.id == key_id).values(last_used_at_ms=now_ms)
        try:
            connection.execute(statement)
            connection.commit()
        except DBAPIError as error:  # a database that is full or read-only can still be read
            connection.rollback()
            _log.warning("when key %s was used cannot be noted: %s", key_id, error.orig)


class Keys:
    """Whose the keys are that were sent of late, so that not each request looks its own up.

    One that is revoked here is forgotten at once; of those that others revoke the database tells
    within `KNOWN_MS`. Secrets are not kept, only what they hash to.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, Caller]] = {}
        self._forgotten = 0
        self._touches = Touches()
        self._lock = threading.Lock()

    async def caller_of(self, services: Services, key: str | None) -> Caller:
        """Whose key it is; raises `Refused` (401) where it is nobody's, or none."""
        if not key:
            raise _unauthorised("send the header Authorization: Bearer brk_...")
        looked_ms, caller = self._known.get(_digest(key), (0, None))
        if caller is not None and services.clock() - looked_ms < KNOWN_MS:
            return caller
        return await run_in_threadpool(self._looked_up, services, key)

    def forget(self, key_id: str) -> None:
        """What was revoked is looked up again, also by who is looking it up at this moment."""
        with self._lock:
            self._forgotten += 1
            known = self._known.items()
            self._known = {one: kept for one, kept in known if kept[1].key_id != key_id}

    def _looked_up(self, services: Services, key: str) -> Caller:
        forgotten, now_ms = self._forgotten, services.clock()
        with services.database.connect() as connection:
            caller = find_caller(connection, key)
            if caller is None:
                raise _unauthorised("this key is unknown or was revoked")
            self._touches.touch(connection, caller.key_id, now_ms)
        with self._lock:
            if forgotten == self._forgotten:
                if len(self._known) >= KNOWN_MAX:
                    self._known.clear()
                self._known[_digest(key)] = now_ms, caller
        return caller


_BEARER = HTTPBearer(
    auto_error=False, scheme_name="key", description="An API key: `brk_<id>_<secret>`"
)


async def authenticate(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Caller:
    """The caller of this request; 401 where its key is missing or opens nothing."""
    known: Caller | None = getattr(request.state, CALLER, None)
    if known is not None:
        return known
    keys: Keys = request.app.state.keys
    services: Services = request.app.state.services
    return await keys.caller_of(services, None if bearer is None else bearer.credentials)


CallerDep = Annotated[Caller, Depends(authenticate)]


class Only:
    """A dependency that lets these roles pass, and answers 403 to others."""

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    async def __call__(self, caller: CallerDep) -> Caller:
        if caller.role not in self.roles:
            allowed = " or ".join(self.roles)
            raise Refused(403, f"a key of role {allowed} is needed; this one is of {caller.role}")
        return caller


AgentDep = Annotated[Caller, Depends(Only(Role.AGENT))]
FinanceDep = Annotated[Caller, Depends(Only(Role.FINANCE))]
TenantDep = Annotated[Caller, Depends(Only(Role.TENANT))]
"""Who speaks for a tenant: nobody else may."""
OperatorDep = Annotated[Caller, Depends(Only(Role.OPERATOR))]
WorkerDep = Annotated[Caller, Depends(Only(Role.TENANT, Role.OPERATOR))]
"""Who may deal with jobs."""
PayerDep = Annotated[Caller, Depends(Only(Role.TENANT, Role.FINANCE))]
"""Who may see money."""
OverseerDep = Annotated[Caller, Depends(Only(Role.OPERATOR, Role.FINANCE))]
"""Who may see the park as a whole."""
PersonDep = Annotated[Caller, Depends(Only(Role.TENANT, Role.OPERATOR, Role.FINANCE))]
"""Anybody but an agent."""


def _digest(secret: str) -> bytes:
    """Plain sha256: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def _unauthorised(detail: str) -> Refused:
    return Refused(401, detail, headers={"WWW-Authenticate": "Bearer"})
