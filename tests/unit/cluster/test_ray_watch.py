"""What looking at the address of a centre's Ray tells: that it is there, and that it has gone."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import ray_watch
from cluster.activity import MeterKind
from cluster.ray_watch import CentreRay, Head
from cluster.supervisor import FENCED_AFTER_S
from tests.builders import a_park, a_pool

SILENCE_S = 900.0

pytestmark = pytest.mark.enable_socket


class Clock:
    """Time as the head is told it."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ray_watch, "time", clock)
    return clock


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def head_of(listener: socket.socket) -> Head:
    host, port = listener.getsockname()
    return Head(f"{host}:{port}", int(SILENCE_S * 1_000))


def test_a_head_that_does_not_answer_is_gone_after_a_while(
    clock: Clock, listener: socket.socket
) -> None:
    head = head_of(listener)
    clock.now_s = 100.0
    head.look()
    assert (head.misses, head.is_gone) == (0, False)
    listener.close()

    clock.now_s += FENCED_AFTER_S
    head.look()
    assert (head.misses, head.is_gone) == (1, False)
    clock.now_s += 0.1

    assert head.is_gone


def test_where_a_stranger_answers_the_leases_end_with_our_silence(
    clock: Clock, listener: socket.socket
) -> None:
    """It has the address of a Ray that has gone, and does not let us in."""
    head = head_of(listener)
    clock.now_s = SILENCE_S + FENCED_AFTER_S
    head.look()
    assert not head.is_gone

    clock.now_s += 0.1

    assert head.is_gone


def test_what_cores_compute_is_counted_by_the_processor_and_cards_by_their_meter() -> None:
    park = a_park(a_pool("east-npu", 1, 8), a_pool("east-core", 1, 64))
    ray = CentreRay(
        centre=park.centres[0],
        device_kind_by_id=park.device_kind_by_id,
        address="127.0.0.1:1",
        token_path=Path("token"),
        data_dir=Path("data"),
        silence_ms_max=1,
    )

    found = {one.node_id: one for one in ray.node_settings().values()}

    cards, cores = found["east-npu-n001"], found["east-core-n001"]
    assert (cards.meter, cards.visible_devices_variable) == (
        MeterKind.CARDS,
        "ASCEND_RT_VISIBLE_DEVICES",
    )
    assert (cores.meter, cores.visible_devices_variable) == (MeterKind.PROCESSOR, "BRAIN_CORES")
    assert ray.ray_resource("core") == "CORE", "none of Ray's own"
