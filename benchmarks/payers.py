"""Who pays for short waits: sizes and tenants whose waits are worse than under `easy`, at p95.

Worse is by more than a tenth and by more than a minute: a job that waits for half a minute where
it waited for none has lost nothing that anybody would notice.
"""

from collections.abc import Mapping, Sequence

from benchmarks.score import RunRow, nearest_rank, waits_by_class, waits_by_tenant
from benchmarks.traces import MS_PER_S

PERCENT = 95
WORSE_PERCENT = 110
NOTICED_MS = 60_000


def payers(rows: Sequence[RunRow], easy: Sequence[RunRow]) -> dict[str, object]:
    """Of how many sizes and tenants which are worse, how many jobs are theirs, and the worst."""
    sizes = _worse(waits_by_class(rows), waits_by_class(easy))
    tenants = _worse(waits_by_tenant(rows), waits_by_tenant(easy))
    return {"sizes worse than easy": sizes, "tenants worse than easy": tenants}


def _worse(mine: Mapping[str, list[int]], easy: Mapping[str, list[int]]) -> str:
    """In one line: `1 of 11, 189 jobs; ee9e8c: 323,531 s, 56,708 under easy`."""
    before = {key: nearest_rank(waits, PERCENT) for key, waits in easy.items()}
    after = {key: nearest_rank(waits, PERCENT) for key, waits in mine.items()}
    both = sorted(before.keys() & after.keys())
    worse = [key for key in both if _is_worse(after[key], before[key])]
    told = f"{len(worse)} of {len(before)}"
    if not worse:
        return told
    worst = max(worse, key=lambda key: after[key] - before[key])
    jobs = sum(len(easy[key]) for key in worse)
    waited, would = after[worst] // MS_PER_S, before[worst] // MS_PER_S
    return f"{told}, {jobs:,} jobs; {worst}: {waited:,} s, {would:,} under easy"


def _is_worse(wait_ms: int, easy_ms: int) -> bool:
    return wait_ms * 100 > easy_ms * WORSE_PERCENT and wait_ms - easy_ms > NOTICED_MS
