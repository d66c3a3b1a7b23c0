"""Who asks what would be: each question is a plan, and nobody may keep the leader at them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from api.errors import Refused

QUESTIONS_MAX = 4


class Questions:
    """Those under way, by whose they are: one of each at a time, and a few in all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scopes: set[str] = set()

    @contextmanager
    def admitted(self, scope: str) -> Iterator[None]:
        """Inside, a question of `scope` is under way; raises `Refused` (429) where too many are."""
        with self._lock:
            if scope in self._scopes:
                raise _too_many("a question of yours is under way")
            if len(self._scopes) >= QUESTIONS_MAX:
                raise _too_many("too many ask what would be")
            self._scopes.add(scope)
        try:
            yield
        finally:
            with self._lock:
                self._scopes.discard(scope)


def _too_many(text: str) -> Refused:
    return Refused(429, f"{text}: ask again in a second", headers={"Retry-After": "1"})
