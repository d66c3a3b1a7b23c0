"""Being told to end, once and twice: what was begun is given back."""

import subprocess
import sys
from pathlib import Path
from typing import Never

import pytest

from api.postgres import EmbeddedPostgres
from api.running import up
from api.running.up import LocalPark
from cluster.local_ray import LocalRay
from tests.ray_centre import CENTRE
from tests.ray_centre import PARK as RAY_PARK

PARK = Path(__file__).parents[2] / "data" / "small-park.yaml"

TWICE = """
import os, signal
from api.running.serving import end_on_signals
signal.signal(signal.SIGHUP, signal.{hangup})
end_on_signals()
for _ in range(2):
    try:
        os.kill(os.getpid(), signal.{first})
        print("not heard")
        os.kill(os.getpid(), signal.SIGINT)
        print("goes on")
    except KeyboardInterrupt:
        print("ends")
"""


@pytest.mark.parametrize("first", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_second_signal_does_not_interrupt_what_the_first_set_off(first: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWICE.format(first=first, hangup="SIG_DFL")],
        capture_output=True,
        check=True,
    )

    assert done.stdout.decode().split("\n") == ["ends", "not heard", "goes on", ""]


def test_who_is_not_to_hear_a_hang_up_does_not() -> None:
    script = TWICE.format(first="SIGHUP", hangup="SIG_IGN")

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert done.stdout.decode().split("\n")[:2] == ["not heard", "ends"]


class Nothing:
    """A Ray cluster that notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def give_up(self) -> None:
        self.asked.append("give up")

    def stop(self) -> None:
        self.asked.append("stop")


def test_what_a_thread_has_begun_ends_though_the_guard_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never_ends(_: LocalPark) -> Never:
        raise subprocess.TimeoutExpired("guard", 60)

    monkeypatch.setattr(up.LocalPark, "_end_processes", never_ends)
    park = LocalPark(tmp_path, PARK, 1, lambda *_: None)
    cluster = Nothing()

    with pytest.raises(subprocess.TimeoutExpired), park._threads([cluster]):  # type: ignore[list-item]
        raise KeyboardInterrupt

    assert cluster.asked == ["give up", "stop"]


def test_a_lock_goes_with_its_file_whoever_still_knows_of_it(tmp_path: Path) -> None:
    """A context of our own could be left half-way by a signal, and keep it as long as we live."""
    server, cluster = EmbeddedPostgres(tmp_path), LocalRay(CENTRE, RAY_PARK, tmp_path, index=91)
    for lock in (server._alone, lambda: cluster._alone(tmp_path / "ray.lock")):
        with lock() as first:
            assert not first.closed
        with lock():
            assert first.closed


def test_parts_are_told_how_to_work_and_not_of_other_brokers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BRAIN_PREEMPTION", "BRAIN_API_KEY", "BRAIN_DATABASE_URL", "RAY_ADDRESS", "OTHER"):
        monkeypatch.setenv(name, "set")
    park = LocalPark(tmp_path, PARK, 1, lambda *_: None)

    told = park._environment()

    assert (told["BRAIN_PREEMPTION"], told["OTHER"]) == ("set", "set")
    assert not {"BRAIN_API_KEY", "BRAIN_DATABASE_URL", "RAY_ADDRESS"} & told.keys()
    assert told["BRAIN_DATA"] == str(tmp_path)
