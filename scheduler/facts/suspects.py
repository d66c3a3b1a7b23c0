"""Nodes on which nothing would start lately: kept out for a while, so that no job is lost to them.

A node that fails each launch at once is always free, and would draw one job after the other to
itself, as a black hole does. One job that fails may be at fault itself; two in a row are the node.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from scheduler.model.job import Job

FAILED_MAX = 2
"""So many jobs in a row that could not be started there, and none that could."""
POOL_SHARE = 4
"""Of a pool one node in so many is kept out at a time at most, but always one may be."""
FIRST_MS, LONGEST_MS = 300_000, 86_400_000
"""How long a node is kept out first, and at most; each time twice as long."""


@dataclass(slots=True, kw_only=True)
class Suspect:
    """What could not be started there since something was, and how often it was kept out for it.

    `job_ids` name what was tried: all of one archive, or of one array, is one (`tried_of`).
    `until_ms` is when it is tried again; None where it is not kept out.
    """

    job_ids: list[str] = field(default_factory=list)
    count: int = 0
    until_ms: int | None = None


class Suspects:
    """Nodes against which something is held; `out_ids` are those that are kept out."""

    def __init__(self, by_node: Mapping[str, Suspect] | None = None) -> None:
        self.by_node = dict(by_node or {})
        self.out_ids = {n for n, one in self.by_node.items() if one.until_ms is not None}

    def clear(self, node_ids: Iterable[str]) -> None:
        """Nothing is held against them any more."""
        for node_id in node_ids:
            self.by_node.pop(node_id, None)
            self.out_ids.discard(node_id)

    def note_start(self, node_ids: Iterable[str], at_ms: int) -> None:
        """Something has started there. What is kept out is due at once, and let in by an event."""
        for node_id in node_ids:
            suspect = self.by_node.get(node_id)
            if suspect is None or suspect.until_ms is None:
                self.clear((node_id,))
            else:
                suspect.until_ms, suspect.count = min(suspect.until_ms, at_ms), 0

    def note_failure(self, node_id: str, tried: str) -> None:
        """This could not be started there."""
        suspect = self.by_node.setdefault(node_id, Suspect())
        if tried not in suspect.job_ids and suspect.until_ms is None:
            suspect.job_ids.append(tried)

    def keep_out(self, node_id: str, until_ms: int | None) -> None:
        """Until then; None: it is tried again, and how often it was kept out is not forgotten."""
        suspect = self.by_node.setdefault(node_id, Suspect())
        suspect.until_ms = until_ms
        if until_ms is None:
            self.out_ids.discard(node_id)
            return
        suspect.count += 1
        suspect.job_ids.clear()
        self.out_ids.add(node_id)

    def bad(self, now_ms: int) -> Iterator[tuple[str, int]]:
        """Those that are to be kept out now, and until when."""
        for node_id, suspect in sorted(self.by_node.items()):
            if suspect.until_ms is None and len(suspect.job_ids) >= FAILED_MAX:
                yield node_id, now_ms + min(LONGEST_MS, FIRST_MS << min(suspect.count, 16))

    def due(self, now_ms: int) -> list[str]:
        """Those that are to be tried again."""
        return sorted(n for n in self.out_ids if (self.by_node[n].until_ms or 0) <= now_ms)


def tried_of(job: Job) -> str:
    """What may itself be at fault where a job cannot be started: many may be broken alike."""
    return job.archive or (job.array.id if job.array else job.id)


def out_max(node_count: int) -> int:
    """How many nodes of a pool of so many may be kept out at a time."""
    return max(1, node_count // POOL_SHARE)
