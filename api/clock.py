"""The only wall clock, and the ids that are made from it."""

import time
from random import Random

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, in which no character looks like another; it sorts as ASCII does."""

TIME_BITS = 48
RANDOM_BITS = 80
ID_LENGTH = 26


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def new_job_id(at_ms: int, random: Random) -> str:
    """`j` and a ULID in lower case: later jobs sort after earlier ones."""
    assert 0 <= at_ms < 1 << TIME_BITS, f"{at_ms} is no time"
    return "j" + _base32(at_ms << RANDOM_BITS | random.getrandbits(RANDOM_BITS))


def new_job_ids(at_ms: int, count: int, random: Random) -> list[str]:
    """Ids of jobs that were submitted together, in their order."""
    return sorted(new_job_id(at_ms, random) for _ in range(count))


def _base32(number: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(ID_LENGTH)))
