"""A database that was killed, and cannot be started again at once."""

from pathlib import Path

import pytest
from typing_extensions import override

from api.postgres import EmbeddedPostgres, PostgresFailed
from api.running.kept_database import FAILURES_MAX, KeptDatabase


class Killed(EmbeddedPostgres):
    """It cannot be started so often, and then it runs."""

    failures = 0

    @override
    def start_again(self) -> bool:
        if self.failures == 0:
            return False
        self.failures -= 1
        raise PostgresFailed("no room")


def looked(kept: KeptDatabase, times: int) -> list[str]:
    said: list[str] = []
    for _ in range(times):
        kept.look(lambda english, _: said.append(english))
    return said


def test_what_runs_is_left_alone_while_it_is_tried_again(tmp_path: Path) -> None:
    server = Killed(tmp_path)
    kept = KeptDatabase(server)

    for _ in range(2):
        server.failures = FAILURES_MAX
        told = looked(kept, FAILURES_MAX + 1)
        assert told == ["the database was killed, and is tried again: no room"] * FAILURES_MAX


def test_where_it_fails_again_and_again_it_is_given_up(tmp_path: Path) -> None:
    server = Killed(tmp_path)
    server.failures = FAILURES_MAX + 1
    kept = KeptDatabase(server)
    looked(kept, FAILURES_MAX)

    with pytest.raises(PostgresFailed, match="no room"):
        looked(kept, 1)
