"""A link of a hash chain."""

from typing import NamedTuple


class Link(NamedTuple):
    """The `number`th fact of a chain, from 1 on, and the hash of the chain up to it: 32 bytes."""

    number: int
    hash: bytes


GENESIS = Link(0, bytes(32))
"""Before the first fact."""
