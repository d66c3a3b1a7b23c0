"""What costs so much that nobody may have two at a time: a plan for a question, a Parquet file."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from api.errors import Refused

QUESTIONS_MAX = 4
PARQUETS_MAX = 8
"""While one is made it takes some 300 MB of memory and a processor; a slow reader holds a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneEach:
    """Those under way, by whose they are: one of each at a time, and `most` in all.

    Whoever is refused is told so, and to try again after `retry_s`.
    """

    most: int
    retry_s: int
    is_own: str
    are_many: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _scopes: set[str] = field(default_factory=set)

    @contextmanager
    def admitted(self, scope: str) -> Iterator[None]:
        """Inside, one of `scope` is under way; raises `Refused` (429) where too many are."""
        with self._lock:
            if scope in self._scopes:
                raise self._refusal(self.is_own)
            if len(self._scopes) >= self.most:
                raise self._refusal(self.are_many)
            self._scopes.add(scope)
        try:
            yield
        finally:
            with self._lock:
                self._scopes.discard(scope)

    def _refusal(self, text: str) -> Refused:
        wait = "a second" if self.retry_s == 1 else f"{self.retry_s} seconds"
        headers = {"Retry-After": str(self.retry_s)}
        return Refused(429, f"{text}: ask again in {wait}", headers=headers)


def questions() -> OneEach:
    """What would be: each is a plan, and nobody may keep the leader at them."""
    return OneEach(
        most=QUESTIONS_MAX,
        retry_s=1,
        is_own="a question of yours is under way",
        are_many="too many ask what would be",
    )


def parquets() -> OneEach:
    """Parquet files that are being made and fetched."""
    return OneEach(
        most=PARQUETS_MAX,
        retry_s=5,
        is_own="a Parquet export of yours is under way",
        are_many="too many Parquet exports are under way",
    )


def reconciliations() -> OneEach:
    """Centres are asked for their diaries by one at a time, whoever it is."""
    busy = "the centres are being asked already"
    return OneEach(most=1, retry_s=10, is_own=busy, are_many=busy)
