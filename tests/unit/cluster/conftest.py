"""What tests of shims share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nursery import Nursery


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    made = Nursery(tmp_path)
    yield made
    made.end()
