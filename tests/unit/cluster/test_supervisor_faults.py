"""A node's supervisor when things go wrong: full disks, killed helpers, what a reboot left."""

import asyncio
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cluster import meeting_ports
from cluster import supervisor as module
from cluster.member import MemberEnd, MemberPhase, MemberState
from cluster.run_files import Stop, read_json, write_json
from cluster.supervisor import Supervisor
from tests.nursery import eventually
from tests.unit.cluster.test_supervisor import START, a_supervisor, done, ended, until

pytestmark = pytest.mark.enable_socket

PORTS = 1_000
GIVEN_FROM = 32_768
"""The first port that Linux gives to who asks for any, where nobody has told it another."""

RUN = "runs/n1/j.1/0"


def test_no_port_is_told_to_two_gangs_nor_to_who_asks_the_system_for_any(tmp_path: Path) -> None:
    """A member listens only after it has loaded its libraries, while others ask for ports."""

    async def ask() -> list[int]:
        node = a_supervisor(tmp_path)
        return [await node.free_port() for _ in range(PORTS)]

    told = asyncio.run(ask())

    assert len(set(told)) == PORTS
    assert max(told) < GIVEN_FROM


def test_a_port_on_which_somebody_listens_is_told_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setattr(meeting_ports, "PORTS", range(port, port + 1))

        with pytest.raises(OSError, match="none is free"):
            asyncio.run(a_supervisor(tmp_path).free_port())


def test_an_end_that_the_disk_did_not_take_is_written_as_soon_as_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE_TOUCH_S", 0.01)

    async def work(node: Supervisor) -> MemberState:
        async with node._preparing.setdefault("j.1", asyncio.Lock()):
            await node.start(START)
            (tmp_path / RUN / "ended.new").symlink_to("/dev/full")
            await node.stop("j.1", 0, Stop(grace_ms=0))
        end = await until(node, MemberPhase.ENDED)
        assert not (tmp_path / RUN / "ended").exists()
        (tmp_path / RUN / "ended.new").unlink()
        await asyncio.to_thread(eventually, (tmp_path / RUN / "ended").exists)
        return end

    assert done(tmp_path, work).end is MemberEnd.STOPPED


def test_where_shim_and_nursery_were_killed_nothing_of_the_member_is_left(tmp_path: Path) -> None:
    start = replace(START, command="setsid sleep 1000 & echo $!; exec sleep 1000")

    async def work(node: Supervisor) -> MemberState:
        await node.start(start)
        await until(node, MemberPhase.RUNNING)
        await asyncio.to_thread(eventually, lambda: (tmp_path / RUN / "out").read_text() != "")
        shim = psutil.Process(number_in(tmp_path / RUN / "started"))
        nursery = shim.parent()
        assert nursery is not None
        nursery.kill()
        shim.kill()
        return await until(node, MemberPhase.ENDED)

    end = done(tmp_path, work)
    left = int((tmp_path / RUN / "out").read_text())

    assert end.end is MemberEnd.LOST
    eventually(lambda: not psutil.pid_exists(left))


def test_a_stop_reaches_nobody_who_has_the_number_of_an_earlier_shim(tmp_path: Path) -> None:
    """After a restart of the node another process may have it, before the run is known as lost."""
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        done(tmp_path, ended)
        (tmp_path / RUN / "ended").unlink()
        write_json(tmp_path / RUN / "started", {"shim": stranger.pid, "started_at_ms": 1})

        async def work(node: Supervisor) -> MemberState:
            await node.stop("j.1", 0, Stop(grace_ms=0))
            return await until(node, MemberPhase.ENDED)

        end = done(tmp_path, work)
        code = stranger.poll()
        stranger.kill()

    assert end.end is MemberEnd.LOST
    assert code is None


def test_a_job_that_removes_its_own_run_is_no_fault_of_its_node(tmp_path: Path) -> None:
    start = replace(START, command=f"rm -r {tmp_path}/runs/n1/j.1")

    end = done(tmp_path, lambda node: ended(node, start))

    assert end.end is MemberEnd.LOST
    assert end.cards == (0,)


def number_in(started: Path) -> int:
    number = read_json(started)["shim"]
    assert isinstance(number, int)
    return number
