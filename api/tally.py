"""What Prometheus is told of a whole month and of all jobs, added up as it is written.

A scrape costs what is new since the one before, however much was used before that.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from accounting.storage.store import sums_after
from accounting.usage.slices import UsageSum
from scheduler.storage.queries import ended_counts, last_seq


class Tally:
    """One process's sums; every connection it is given must see one moment (REPEATABLE READ)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._month = ""
        self._usage_seq = 0
        self._lines: dict[UsageSum, UsageSum] = {}
        self._event_seq: int | None = None
        self._ended: Counter[tuple[str, str]] = Counter()

    def usage(self, connection: Connection, month: str) -> tuple[UsageSum, ...]:
        """The month's usage, and what was given back of it, in the lines that bills have."""
        with self._lock:
            if month != self._month:
                self._month, self._usage_seq, self._lines = month, 0, {}
            self._usage_seq, lines = sums_after(connection, month, self._usage_seq)
            self._add(lines)
            return tuple(self._lines.values())

    def _add(self, lines: Iterable[UsageSum]) -> None:
        for line in lines:
            key = replace(line, device_ms=0, tflops_ms=0)
            known = self._lines.get(key, key)
            self._lines[key] = replace(
                key,
                device_ms=known.device_ms + line.device_ms,
                tflops_ms=known.tflops_ms + line.tflops_ms,
            )

    def ended(self, connection: Connection) -> Mapping[tuple[str, str], int]:
        """How many jobs are over, by state and cause."""
        with self._lock:
            self._ended.update(ended_counts(connection, self._event_seq))
            self._event_seq = max(last_seq(connection), self._event_seq or 0)
            return dict(self._ended)
