"""A database that is started again where it was killed, and told of."""

from collections.abc import Callable
from dataclasses import dataclass

from api.postgres import EmbeddedPostgres, PostgresFailed

FAILURES_MAX = 5


@dataclass(slots=True)
class KeptDatabase:
    """`failures` counts the starts in a row that failed."""

    server: EmbeddedPostgres
    failures: int = 0

    def look(self, say: Callable[[str, str], None]) -> None:
        """Start it again if it was killed; raises `PostgresFailed` where that fails too often.

        What runs goes on meanwhile, as where the disk is full.
        """
        try:
            was_killed = self.server.start_again()
        except PostgresFailed as error:
            self.failures += 1
            if self.failures > FAILURES_MAX:
                raise
            say(
                f"the database was killed, and is tried again: {error}",
                f"数据库被终止，正在重试：{error}",
            )
            return
        self.failures = 0
        if was_killed:
            say("the database was killed, and is started again", "数据库被终止，已重新启动")
