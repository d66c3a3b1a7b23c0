"""Processes that keep a whole park look for lost objects seldom, and find them all the same."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.garbage import NEW_MAX, look_seldom
from api.park_file import ParkFileInvalid
from api.settings import Settings
from api.wiring import serve


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
