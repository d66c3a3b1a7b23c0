"""Ports on which gangs meet: until a member listens, nobody else is told the port, nor given it."""

import secrets
import socket
from contextlib import suppress
from itertools import chain

PORTS = range(20_000, 30_000)
"""Above those of Ray's workers, and below those that Linux gives to whoever asks for any."""

KEPT_S = 600
"""For so long at most a member is on its way to its port: its folder may have to be unpacked."""


class MeetingPorts:
    """Those of one node."""

    def __init__(self) -> None:
        self._told_at_s: dict[int, float] = {}

    def free(self, now_s: float) -> int:
        """One that nobody uses now, and that nobody else is told for a while.

        Raises OSError where there is none. `now_s` is of a clock that is never set.
        """
        self._told_at_s = {
            port: at_s for port, at_s in self._told_at_s.items() if now_s - at_s < KEPT_S
        }
        first = secrets.randbelow(len(PORTS))
        for port in chain(PORTS[first:], PORTS[:first]):
            if port not in self._told_at_s and _is_free(port):
                self._told_at_s[port] = now_s
                return port
        raise OSError(f"of the ports {PORTS} none is free")


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.socket() as probe:
        probe.bind(("", port))
        return True
    return False
