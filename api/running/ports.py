"""A port for a server that starts in a while, and is to find it free then."""

import random
import socket
from contextlib import suppress

HOST = "127.0.0.1"
PORTS = range(10_000, 20_000)
"""Under those of a local Ray, which are under those that Linux gives to whoever asks for any."""


def free_port(*first: int) -> int:
    """The first of these that nobody has, else one that nobody gets who asks for any either.

    It is not seeded as tests are, or both workers of pytest would choose the same.
    """
    for port in (*first, *random.SystemRandom().sample(PORTS, len(PORTS))):
        # Connections of a server that has just ended do not matter.
        with suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise OSError(f"no port of {HOST} is free in {PORTS}")
