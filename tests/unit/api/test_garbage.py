"""Processes that keep a whole park look for lost objects seldom, and find them all the same."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.files.park_file import ParkFileInvalid
from api.garbage import NEW_MAX, look_seldom
from api.running.wiring import serve
from api.settings import Settings
from scheduler.model.plan import Answers
from scheduler.planning.planner import plan
from tests.builders import a_job, a_lease, a_park, a_placement, a_pool, a_state, happen, submit


class Lost:
    """One that holds itself."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture
def threshold() -> Iterator[None]:
    """It is that of the whole process."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("threshold")
def test_what_is_lost_is_found_before_long() -> None:
    look_seldom()
    lost = weakref.ref(Lost())

    kept: list[list[int]] = []
    while lost() is not None and len(kept) <= 2 * NEW_MAX:
        kept.append([])

    assert 1_000 < len(kept) <= NEW_MAX, "seldom, and no later"


@pytest.mark.usefixtures("threshold")
def test_a_broker_looks_seldom(tmp_path: Path) -> None:
    with pytest.raises(ParkFileInvalid):
        serve(Settings(park=tmp_path / "no such"))

    assert gc.get_threshold()[0] == NEW_MAX


@pytest.mark.parametrize("answers", Answers)
def test_of_a_plan_nothing_is_lost(answers: Answers) -> None:
    """Else each plan stays until somebody looks, and looking costs a tenth of a replay."""
    state = a_state(park=a_park(a_pool("east-npu", 2, 8)))
    submit(state, *(a_job(f"j{number}") for number in range(1, 5)))
    happen(state, a_lease("j1", a_placement("east-npu", 1)))
    plan(state, 0, answers=answers)
    gc.collect()

    plan(state, 0, answers=answers)

    assert gc.collect() == 0
