"""Work that goes on whatever happens."""

import logging
import threading
from pathlib import Path

import pytest

from cluster import steady
from cluster.steady import failure, go_on, in_background


def test_a_step_that_fails_is_said_and_taken_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(steady, "PAUSE_S", 0)
    is_over = threading.Event()
    taken: list[str] = []

    def step() -> None:
        taken.append("step")
        if len(taken) == 1:
            raise OSError("no room")
        is_over.set()

    with caplog.at_level(logging.ERROR):
        go_on(step, is_over)

    assert len(taken) == 2
    assert "no room" in caplog.text


def test_what_went_wrong_is_told() -> None:
    assert failure(lambda: None) is None
    assert isinstance(failure(Path("/nowhere").unlink), FileNotFoundError)


def test_a_thread_goes_on_until_it_is_over() -> None:
    is_over = threading.Event()
    taken = threading.Semaphore(0)
    thread = in_background(taken.release, is_over)

    thread.start()
    goes_on = [taken.acquire(timeout=10) for _ in range(3)]
    is_over.set()
    thread.join(10)

    assert goes_on == [True] * 3
    assert not thread.is_alive()
