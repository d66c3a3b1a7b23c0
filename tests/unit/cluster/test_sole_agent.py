"""The lock by which one agent alone serves a centre."""

import threading
from pathlib import Path

import pytest

from cluster.sole_agent import alone
from tests.nursery import PATIENCE_S, eventually

MOMENT_S = 0.1


def test_a_second_agent_waits_until_the_first_has_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serves = threading.Event()

    def serve() -> None:
        with alone(tmp_path / "centre"):
            serves.set()

    second = threading.Thread(target=serve)
    with alone(tmp_path / "centre"):
        second.start()
        eventually(lambda: "another agent serves" in caplog.text)
        served_beside = serves.wait(MOMENT_S)
    second.join(PATIENCE_S)

    assert (served_beside, serves.is_set()) == (False, True)
