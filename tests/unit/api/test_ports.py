"""Ports for servers that start in a while."""

import socket

import pytest

from api.running.ports import HOST, PORTS, free_port

pytestmark = pytest.mark.enable_socket


def test_a_port_is_the_one_that_is_wanted_unless_somebody_has_it() -> None:
    with socket.create_server((HOST, 0)) as listener:
        wanted = listener.getsockname()[1]
        other = free_port(wanted)

    assert other in PORTS
    assert free_port(other) == other


def test_nobody_gets_a_port_meanwhile_who_asks_for_any() -> None:
    assert max(PORTS) < 32_768, "from here on Linux gives them, where nobody has told it otherwise"
