"""Until when a node's members are wanted, and by whom."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from cluster.member import Leasing
from cluster.supervisor import HEARD_LATELY_S, runs_folder
from tests.unit.cluster.test_supervisor import SILENCE_MS_MAX, a_supervisor

pytestmark = pytest.mark.enable_socket


@pytest.mark.parametrize(
    ("leasing", "silent_s", "is_head_there", "is_wanted"),
    [
        (Leasing.RENEW, 0, False, True),
        (Leasing.RENEW, HEARD_LATELY_S + 1, True, True),
        (Leasing.RENEW, HEARD_LATELY_S + 1, False, False),
        (Leasing.RENEW, SILENCE_MS_MAX // 1_000 + 1, True, False),
        (Leasing.LET_END, 0, True, False),
    ],
    ids=["heard", "head answers", "cut off", "silent for too long", "let end"],
)
def test_members_are_wanted_as_long_as_somebody_counts_on_them(
    tmp_path: Path, leasing: Leasing, silent_s: float, is_head_there: bool, is_wanted: bool
) -> None:
    async def ask(head: socket.socket) -> bool:
        node = a_supervisor(tmp_path, head=head.getsockname())
        await node.watch("", 0, leasing, 0)
        node._heard_at_s -= silent_s
        if not is_head_there:
            head.close()
        return await node._are_members_wanted()

    with socket.create_server(("127.0.0.1", 0)) as head:
        assert asyncio.run(ask(head)) is is_wanted


def test_a_later_life_counts_the_silence_of_the_earlier(tmp_path: Path) -> None:
    """So that a supervisor that is started over and over does not keep members for ever."""
    heard = runs_folder(tmp_path, "n1") / "heard"
    heard.parent.mkdir(parents=True)
    heard.touch()
    long_ago_s = heard.stat().st_mtime - SILENCE_MS_MAX / 1_000
    os.utime(heard, (long_ago_s, long_ago_s))

    assert not asyncio.run(a_supervisor(tmp_path)._are_members_wanted())
