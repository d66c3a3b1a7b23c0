"""Answers that go on for long: how many may be open at once, and how each is closed."""

import threading
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from anyio import CancelScope
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from api.errors import Refused

STREAMS_MAX = 500
STREAMS_PER_SCOPE_MAX = 50
"""Of one tenant, or of one key that is no tenant's: one alone cannot take them all."""


class OpenStreams:
    """How many streams are open, and whose."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count_by_scope: Counter[str] = Counter()

    @property
    def count(self) -> int:
        with self._lock:
            return self._count_by_scope.total()

    def admit(self, scope: str) -> AbstractContextManager[None]:
        """Counts a stream of `scope` while it is entered; raises `Refused` (429) where too many."""
        with self._lock:
            own, total = self._count_by_scope[scope], self._count_by_scope.total()
        if own >= STREAMS_PER_SCOPE_MAX:
            raise _too_many(f"{STREAMS_PER_SCOPE_MAX} streams of yours are open: close one of them")
        if total >= STREAMS_MAX:
            raise _too_many(f"{STREAMS_MAX} streams are open already: try again later")
        return self._counted(scope)

    @contextmanager
    def _counted(self, scope: str) -> Iterator[None]:
        with self._lock:
            self._count_by_scope[scope] += 1
        try:
            yield
        finally:
            with self._lock:
                self._count_by_scope[scope] -= 1
                self._count_by_scope += Counter()  # forgets who has none any more


class Stream(StreamingResponse):
    """Counts as open, and closes what it is made from, whichever side ends it."""

    def __init__(
        self,
        content: AsyncGenerator[str | bytes],
        opened: AbstractContextManager[None],
        **options: Any,
    ) -> None:
        super().__init__(content, **options)
        self._content = content
        self._opened = opened
        # A proxy that waits for more of it would hold back what is new.
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._opened:
            try:
                await super().__call__(scope, receive, send)
            finally:
                # Who is gone has cancelled this task: closing must be done all the same.
                with CancelScope(shield=True):
                    await self._content.aclose()


def _too_many(detail: str) -> Refused:
    return Refused(429, detail, headers={"Retry-After": "5"})
