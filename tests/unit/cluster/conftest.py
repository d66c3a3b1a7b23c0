"""What tests of shims and of those who ask for them share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import supervisor
from tests.nursery import PATIENCE_S, Nursery


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    made = Nursery(tmp_path)
    yield made
    made.end()


@pytest.fixture(autouse=True)
def time_to_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a nursery may take longer than the ten seconds that a node waits for it."""
    monkeypatch.setattr(supervisor, "BEGIN_S", PATIENCE_S)
