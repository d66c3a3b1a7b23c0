"""The only clock, and the ids that are made from it."""

import threading
import time
from collections.abc import Callable
from random import Random

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, in which no character looks like another; it sorts as ASCII does."""

TIME_BITS = 48
RANDOM_BITS = 80
ID_LENGTH = 26


SLEW = 100
"""A clock that was set while we run is followed by one part in so many."""


class SteadyClock:
    """Milliseconds since 1970 that never jump and never go back.

    A machine whose clock is set by half an hour must not end, expire or charge anything: durations
    come from the monotonic clock, and what the wall clock differs from it is made up slowly.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._lock = threading.Lock()
        self._wall, self._monotonic = wall_ns, monotonic_ns
        self._now_ns, self._monotonic_ns = wall_ns(), monotonic_ns()

    def __call__(self) -> int:
        with self._lock:
            monotonic_ns = self._monotonic()
            passed_ns = monotonic_ns - self._monotonic_ns
            self._monotonic_ns = monotonic_ns
            behind_ns = self._wall() - self._now_ns - passed_ns
            most_ns = passed_ns // SLEW
            self._now_ns += passed_ns + min(max(behind_ns, -most_ns), most_ns)
            return self._now_ns // 1_000_000


now_ms = SteadyClock()


def new_job_id(at_ms: int, random: Random) -> str:
    """`j` and a ULID in lower case: later jobs sort after earlier ones."""
    assert 0 <= at_ms < 1 << TIME_BITS, f"{at_ms} is no time"
    return "j" + _base32(at_ms << RANDOM_BITS | random.getrandbits(RANDOM_BITS))


def new_array_id(at_ms: int, random: Random) -> str:
    """`a` and a ULID: no job has such an id, so that one word can name a job or an array."""
    return "a" + new_job_id(at_ms, random)[1:]


def new_job_ids(at_ms: int, count: int, random: Random) -> list[str]:
    """Ids of jobs that were submitted together, in their order."""
    return sorted(new_job_id(at_ms, random) for _ in range(count))


def _base32(number: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(ID_LENGTH)))
