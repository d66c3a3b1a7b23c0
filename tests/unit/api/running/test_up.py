"""What `brain up` does with a process of its own that dies."""

from pathlib import Path

from api.running.up import RESTARTS_MAX, RESTARTS_WITHIN_MS, Child


def a_child() -> Child:
    return Child(name="broker", command=[], environment={}, log=Path("broker.log"))


def test_who_dies_again_and_again_is_given_up() -> None:
    child = a_child()

    may = [child.may_start_again(at_ms) for at_ms in range(RESTARTS_MAX + 2)]

    assert may == [True] * RESTARTS_MAX + [False, False]


def test_who_dies_now_and_then_is_started_again_however_often() -> None:
    child, gap_ms = a_child(), RESTARTS_WITHIN_MS // RESTARTS_MAX

    assert all(child.may_start_again(number * gap_ms) for number in range(3 * RESTARTS_MAX))
