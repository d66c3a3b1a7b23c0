"""Bodies of requests: whose they are comes first, then how large they are, and how many at once."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from fastapi import HTTPException, Request
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.auth import CALLER, Caller, Keys, Role
from api.errors import Refused
from api.services import Services

MIB = 1 << 20
BODY_BYTES_MAX = MIB
ARCHIVE_BYTES_MAX = 64 * MIB
REPORT_BYTES_MAX = 16 * MIB
SPOOLED_BYTES = 4 * MIB
"""What of an archive is in memory while it comes."""

HELD_BYTES_MAX = 256 * MIB
HELD_BYTES_PER_SCOPE_MAX = 64 * MIB
"""Of one tenant, or of one key that is no tenant's."""


class Bodies:
    """Reads no body before the key of whoever sends it, and none that is larger than may be.

    Larger ones, and many at once, are refused, whether they say how large they are or not.
    """

    def __init__(self, app: ASGIApp, services: Services, keys: Keys) -> None:
        self._app = app
        self._services = services
        self._keys = keys
        self._held = Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        try:
            limit, held = await self._admit(scope)
        except (Refused, SQLAlchemyError) as error:
            answer = errors.answer_to(Request(scope), error)
            # What is not read would else be taken for the next request.
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        with held:
            await self._app(scope, _counting(receive, limit), send)

    async def _admit(self, scope: Scope) -> tuple[int, AbstractContextManager[None]]:
        """How large the body may be, and its place in memory; raises `Refused`."""
        caller = await self._caller(scope)
        limit = _limit(scope["path"], caller)
        size = _declared_bytes(scope)
        if size > limit:
            raise Refused(413, _too_large(limit))
        owner = caller.scope if caller else ""
        return limit, self._held.hold(owner, _memory_bytes(scope["path"], size or limit))

    async def _caller(self, scope: Scope) -> Caller | None:
        """Who sends it, noted for the route; `None` outside of what needs a key."""
        if not scope["path"].startswith("/v1/"):
            return None
        said = Headers(scope=scope).get("authorization")
        kind, key = get_authorization_scheme_param(said)
        own = key if kind.lower() == "bearer" else None
        caller = await self._keys.caller_of(self._services, own)
        scope.setdefault("state", {})[CALLER] = caller
        return caller


class Held:
    """How many bytes of bodies are in memory, and whose."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes_by_scope: Counter[str] = Counter()

    def hold(self, scope: str, size: int) -> AbstractContextManager[None]:
        """Counts them until its exit; raises `Refused` (429 or 503) where that is too much."""
        with self._lock:
            if self._bytes_by_scope[scope] + size > HELD_BYTES_PER_SCOPE_MAX:
                raise _wait(429, f"{HELD_BYTES_PER_SCOPE_MAX // MIB} MiB of yours are on the way")
            if self._bytes_by_scope.total() + size > HELD_BYTES_MAX:
                raise _wait(503, f"{HELD_BYTES_MAX // MIB} MiB of bodies are on the way")
            self._bytes_by_scope[scope] += size
        return self._until_exit(scope, size)

    @contextmanager
    def _until_exit(self, scope: str, size: int) -> Iterator[None]:
        try:
            yield
        finally:
            with self._lock:
                self._bytes_by_scope[scope] -= size
                self._bytes_by_scope += Counter()  # forgets who has none any more


def _wait(status: int, detail: str) -> Refused:
    return Refused(status, f"{detail}: try again soon", headers={"Retry-After": "1"})


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _limit(path: str, caller: Caller | None) -> int:
    """What an address takes from those for whom it is."""
    role = caller.role if caller else None
    if path.startswith("/v1/archives/") and role in {Role.TENANT, Role.OPERATOR}:
        return ARCHIVE_BYTES_MAX
    if path.startswith("/v1/agents/") and role is Role.AGENT:
        return REPORT_BYTES_MAX
    return BODY_BYTES_MAX


def _memory_bytes(path: str, size: int) -> int:
    """An archive is written to a file as it comes; anything else is in memory until it is read."""
    return min(size, SPOOLED_BYTES) if path.startswith("/v1/archives/") else size


def _declared_bytes(scope: Scope) -> int:
    """What the request says of itself; a chunked one says nothing, and is counted."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isdigit() and len(said) < 20 else 0


def _counting(receive: Receive, limit: int) -> Receive:
    count = 0

    async def counted() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > limit:
            # Of the framework's own kind: it lets no other pass while it reads a body.
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


def _too_large(limit: int) -> str:
    return f"the body may have {limit // MIB} MiB at most: send less at once"
